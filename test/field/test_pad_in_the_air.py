# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A pad that hangs in the air, off the wall, and reads nothing but its own noise."""

import numpy as np
import pytest

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.gazebo.layout import Place
from crossmodal_kd_ros.gazebo.senses import GazeboSenses
from crossmodal_kd_ros.health.grid import GridHealth
from crossmodal_kd_ros.health.sensor import SensorHealth
from crossmodal_kd_ros.health.trust import Trust, TrustState
from crossmodal_kd_ros.profile import ProfileError, load_profile
from crossmodal_kd_ros.simulation.panel import PANEL_MM
from crossmodal_kd_ros.simulation.touch import PAD_MM

SECOND = 1_000_000_000
TOUCH = load_profile().senses['touch']
MIDDLE_MM = (PANEL_MM[0] / 2, PANEL_MM[1] / 2)


class Pad:
    """A healthy pad at 20 Hz, on or off the wall, and whether it is trusted."""

    def __init__(self) -> None:
        self.senses, self.trust, self.step = GazeboSenses(seed=5), Trust('touch'), 0
        self.sensor = SensorHealth(
            'touch', GridHealth(TOUCH), period_s=0.05, timeout_s=TOUCH.timeout_s
        )

    def read(self, seconds: float, gap_mm: float) -> str:
        """Return why the pad does not count after so long at this distance from the wall."""
        place = Place(panel=0, centre_mm=MIDDLE_MM, gap_mm=gap_mm)
        for _ in range(round(20 * seconds)):
            self.step += 1
            now_ns = self.step * SECOND // 20
            reading = self.senses.touch(place, in_contact=gap_mm <= 0.0)
            self.sensor.accept(now_ns, reading, now_ns)
            reasons = self.trust.update(self.sensor.health(now_ns), now_ns, 0.5)
        return ' '.join(f'{reason.sensor}: {reason.code.name}' for reason in reasons)


def test_a_pad_62_mm_from_the_wall_measures_nothing_and_says_so():
    pad = Pad()

    assert pad.read(2.0, gap_mm=0.0) == ''
    assert pad.read(2.0, gap_mm=62.0) == 'touch: NO_CONTACT'
    assert pad.trust.state is TrustState.IDLE and not pad.trust.counts


def test_a_pad_that_is_lifted_and_pressed_again_and_again_counts_at_once_each_time():
    pad = Pad()
    for _ in range(6):  # a sensor that failed so often would owe 8 s of proof
        assert pad.read(1.0, gap_mm=0.0) == ''
        assert pad.read(1.0, gap_mm=20.0) == 'touch: NO_CONTACT'
    assert pad.read(0.1, gap_mm=0.0) == ''


@pytest.mark.parametrize('seed', range(4))
def test_wherever_it_rests_on_a_panel_a_pad_is_in_contact(seed):
    senses, rng, health = GazeboSenses(seed=seed), np.random.default_rng(seed), GridHealth(TOUCH)
    for step in range(40):
        centre_mm = tuple(
            rng.uniform(size / 2, whole - size / 2) for size, whole in zip(PAD_MM, PANEL_MM)
        )
        place = Place(panel=step % 4, centre_mm=centre_mm, gap_mm=0.0)
        health.take(step * SECOND, senses.touch(place, in_contact=True))
        assert health.verdict.fault is None


@pytest.mark.parametrize(
    ('contact', 'words'),
    [
        ('{channel: depth, min: 0.05}', 'channel of contact out of texture, indentation'),
        ('{channel: indentation, min: 500}', 'above 0 and up to 16, and no constant, got 500'),
        ('{channel: indentation, min: 0}', 'above 0 and up to 16, and no constant, got 0'),
    ],
)
def test_a_contact_that_no_reading_could_tell_is_refused(tmp_path, contact, words):
    text = (share_dir() / 'config/profiles/living_wall.yaml').read_text(encoding='utf-8')
    path = tmp_path / 'wall.yaml'
    path.write_text(text.replace('{channel: indentation, min: 0.05}', contact))

    with pytest.raises(ProfileError, match=words):
        load_profile(str(path))
