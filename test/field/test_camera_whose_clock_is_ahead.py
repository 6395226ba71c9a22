# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A camera on a clock of its own (PTP's is 37 s ahead): replay and data set agree on it."""

import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from field_inputs import made, replayed

from crossmodal_kd_ros.bags import Bag
from crossmodal_kd_ros.bags.synchronize import synchronize
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.profile import CAMERA

DURATION_S = 5.0


def robot(path: Path, *, ahead_s: float, touch_hz: float = 50.0, camera_hz: float = 20.0) -> Path:
    """Write a bag whose pictures are stamped `ahead_s` too late."""

    def camera(t_s: float):
        message = made.jpeg(t_s)
        message.header = made.header(t_s + ahead_s)
        return message

    def times(hz: float) -> list[float]:
        return made.times(DURATION_S, hz)

    return made.write_bag(
        path,
        {
            '/camera/image_raw/compressed': (
                made.JPEG,
                [(t_s, camera(t_s)) for t_s in times(camera_hz)],
            ),
            '/tactile/image': (made.IMAGE, [(t_s, made.touch(t_s)) for t_s in times(touch_hz)]),
            '/gas/state': (made.JOINTS, [(t_s, made.gas(t_s)) for t_s in times(2.0)]),
        },
    )


def samples(bag: Path):
    """Return the samples of a bag, what was dropped, and what is said."""
    dropped, sentences = Counter(), []
    with Bag(bag) as opened:
        topics = choose_topics(opened, made.PROFILE, {})
        return (
            list(synchronize(opened, topics, made.PROFILE, dropped, sentences)),
            dropped,
            sentences,
        )


@pytest.mark.parametrize('touch_hz', [50.0, 5.0])
def test_its_pictures_are_answered_and_are_samples_alike(tmp_path, touch_hz):
    bag = robot(tmp_path / 'bag', ahead_s=37.0, touch_hz=touch_hz)
    summary = replayed(bag, tmp_path / 'out')
    kept, dropped, sentences = samples(bag)
    # Both must see a third of a second of pictures before they know the clock.
    lost = summary['malformed'][CAMERA]['count']
    assert 5 <= lost <= 10 and summary['replays'][0]['frames_answered'] == 100 - lost
    assert lost == sum(count for reason, count in dropped.items() if 'stamped ahead' in reason)
    far = sum(count for reason, count in dropped.items() if reason.startswith('no touch'))
    assert len(kept) == 100 - lost - far and far < 10
    said = 'camera: its clock is 37.00 s ahead of this one, which is allowed for'
    assert said in sentences and said in summary['problems']


def test_a_sample_holds_what_was_felt_when_its_picture_came(tmp_path):
    kept, _, _ = samples(robot(tmp_path / 'bag', ahead_s=37.0))
    assert len(kept) > 90
    for sample in kept:
        taken_s = (sample.stamp_ns - made.START_NS) / 1e9 - 37.0
        assert sample.t_s == pytest.approx(taken_s, abs=1e-3)
        came_s = taken_s + 1e-3
        near_s = min(made.times(DURATION_S, 50.0), key=lambda t_s: abs(t_s - came_s))
        np.testing.assert_array_equal(sample.readings['touch'], made.touch_values(near_s))
        assert sample.apart_s['touch'] < 0.012


def test_one_whose_clock_is_behind_is_stale_in_a_replay_and_no_sample(tmp_path):
    bag = robot(tmp_path / 'bag', ahead_s=-37.0)
    summary = replayed(bag, tmp_path / 'out')
    kept, dropped, _ = samples(bag)
    assert set(summary['replays'][0]['mode_share']) == {'HOLD'} and not kept
    [problem] = summary['problems']
    assert problem.startswith('camera: its messages are stamped 37.00 s before they came')
    assert dropped['no touch within 0.1 s of the picture'] == 100


def test_senses_do_not_pile_up_beside_a_camera_whose_clock_starts_again_and_again(tmp_path):
    peaks = []
    for duration_s in (30.0, 120.0):
        bag = made.write_bag(
            tmp_path / f'bag_{duration_s:.0f}',
            {
                '/camera/image_raw/compressed': (
                    made.JPEG,
                    [(t_s, made.jpeg(t_s % 5)) for t_s in made.times(duration_s, 2.0)],
                ),
                '/tactile/image': (
                    made.IMAGE,
                    [(t_s, made.touch(t_s)) for t_s in made.times(duration_s, 20.0)],
                ),
                '/gas/state': (
                    made.JOINTS,
                    [(t_s, made.gas(t_s)) for t_s in made.times(duration_s, 2.0)],
                ),
            },
        )
        tracemalloc.start()
        samples(bag)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
