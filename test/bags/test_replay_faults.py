# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A replay with faults put in, with malformed messages, with pictures that cannot be read."""

from dataclasses import replace

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import PROFILE
from replays import CONFIG, answers, replayed, steps

from crossmodal_kd_ros.bags import Bag, BagError
from crossmodal_kd_ros.bags.injection import parse_faults
from crossmodal_kd_ros.bags.replay import Model, Replay
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.profile import CAMERA, Mode
from crossmodal_kd_ros.runtime.sources import CameraReader


def test_an_injected_fault_is_what_the_robot_would_have_lived_through(bag, tmp_path):
    modes = [
        (estimate.stamp_ns - made.START_NS, estimate.mode)
        for estimate in answers(bag, made.Oracle(), faults=['touch@0.5-1'])
    ]
    assert {mode for ns, mode in modes if 0.74e9 < ns < 1.4e9} == {Mode.STUDENT}
    summary = replayed(bag, tmp_path, faults=['gas@1'])
    assert summary['faults'][0]['sensor'] == 'gas'
    assert [change['mode'] for change in summary['replays'][0]['modes']][-1] == 'STUDENT'


def test_an_injected_fault_of_a_kind_breaks_what_the_camera_sees(bag):
    estimates = answers(bag, made.Oracle(), faults=['camera:covered:1@2-4'])
    holding = [
        estimate.mode
        for estimate in estimates
        if estimate.stamp_ns > made.START_NS + 2_300_000_000
    ]
    assert holding and set(holding) == {Mode.HOLD}


@pytest.mark.parametrize(
    ('fault', 'sentence'),
    [
        ('touch', 'expected a fault such as'),
        ('nose@3', 'expected a sensor out of'),
        ('touch@8-3', 'to start before it ends'),
        ('touch:rusty@3', 'rusty'),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_sentence(fault, sentence):
    with pytest.raises(BagError, match=sentence):
        parse_faults([fault], PROFILE)


def test_malformed_messages_are_counted_and_nothing_stops(tmp_path):
    no_picture = made.TYPES.types[made.JPEG](
        made.header(0.51), 'jpeg', np.frombuffer(b'0123456789', np.uint8)
    )
    path = made.robot(
        tmp_path / 'bag',
        camera=made.raw,
        duration_s=1.0,
        more={'/cam': (made.JPEG, [(0.5, no_picture), (0.6, undecodable(0.61))])},
    )
    plan = ReplayPlan(bag=path, out=tmp_path / 'out', profile=PROFILE, requests={'camera': '/cam'})
    summary = replay_bag(plan, [Model(made.Oracle())])
    assert summary['malformed']['camera']['count'] == 2
    assert 'bytes that OpenCV refuses' in summary['malformed']['camera']['last']
    # The other is refused as it comes, and is no picture.
    assert summary['replays'][0]['frames_unanswered'] == 1


def undecodable(t_s: float):
    """Return a PNG that is whole, with a bit in it that changed on the way."""
    data = made.cv2.imencode('.png', made.picture(t_s))[1].reshape(-1)
    data[data.size // 2] ^= 1
    return made.TYPES.types[made.JPEG](made.header(t_s), 'png', data)


def test_a_picture_that_cannot_be_read_changes_nothing_before_its_turn(tmp_path):
    """A stretch is prepared ahead; answers and modes before the picture are announced first."""
    broken = undecodable(1.02)
    path = made.robot(tmp_path / 'bag', duration_s=2.0, touch_gap=(0.5, 9.0))
    times_ns = [
        event if isinstance(event, int) else event.now_ns
        for _, events in steps(path, Model(made.Oracle()))
        for event in events
    ]
    assert times_ns == sorted(times_ns)
    with Bag(path) as bag:
        readings = list(choose_topics(bag, PROFILE, {}).readings(bag))
    place = next(i for i, one in enumerate(readings) if one.received_ns > made.START_NS + 1.02e9)
    unreadable = replace(
        next(one for one in readings if one.role == CAMERA),
        received_ns=readings[place].received_ns,
        stamp_ns=made.START_NS + 1_020_000_000,
        value=CameraReader(made.JPEG).decoder(broken),
    )
    replay = Replay([Model(made.Oracle())], PROFILE, CONFIG)
    latest_ns = 0
    for step in replay.run([*readings[:place], unreadable, *readings[place:]]):
        for event in replay.lanes[0].take_events():
            now_ns = event if isinstance(event, int) else event.now_ns
            assert latest_ns <= now_ns <= step.now_ns
            latest_ns = now_ns
    assert replay.lanes[0].pipeline.report(replay.now_ns).sensors[0].rejected == 1
