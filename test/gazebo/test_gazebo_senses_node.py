# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node of the senses Gazebo has not, as a process, fed with what ros_gz_bridge sends."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import TransformStamped  # noqa: E402
from robot import Robot, node_within  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.gazebo import PANEL_CENTRES_M, four_panels  # noqa: E402
from crossmodal_kd_ros.gazebo.senses_node import GazeboSensesNode  # noqa: E402
from crossmodal_kd_ros.runtime.messages import stamp_ns  # noqa: E402
from crossmodal_kd_ros.runtime.sources import SenseReader  # noqa: E402
from crossmodal_kd_ros.simulation import PROFILE, PanelScene  # noqa: E402

try:
    from ros_gz_interfaces.msg import Contact, Contacts
except ImportError:
    Contacts = None

needs_contacts = pytest.mark.skipif(
    Contacts is None, reason='ros_gz_interfaces is not installed, and on PyPI there is none'
)
LINKS = ('base', 'carriage', 'lift', 'reach', 'segment_1', 'segment_2', 'segment_3', 'tip')
MIDDLE = (80.0, 48.0)


class Gazebo:
    """Sends what the bridge sends: poses of all links at 25 Hz, contacts while the pad touches."""

    def __init__(self, robot: Robot) -> None:
        """Start with the tip on the middle of the first panel, and nothing sent."""
        self._robot = robot
        self._poses = robot.node.create_publisher(TransformStamped, 'gazebo/link_pose', 10)
        if Contacts is not None:
            self._contacts = robot.node.create_publisher(Contacts, 'gazebo/pad_contacts', 10)
        self.tip, self.touches, self.sends = (
            (PANEL_CENTRES_M[0][0], 0.0, PANEL_CENTRES_M[0][1]),
            True,
            False,
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """Send no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.04):
            for link in LINKS if self.sends else ():
                message = TransformStamped(
                    header=self._robot.header('crossmodal_arm'),
                    child_frame_id=f'crossmodal_arm/{link}',
                )
                # Every other link is somewhere else: taking one of them for the tip would show.
                at = message.transform.translation
                at.x, at.y, at.z = self.tip if link == 'tip' else (0.0, -0.4, 0.1)
                message.transform.rotation.w = 1.0
                self._poses.publish(message)
            if Contacts is not None and self.sends and self.touches:
                contact = Contact()
                contact.collision1.name, contact.collision2.name = (
                    'crossmodal_arm::tip::pad',
                    'wall::link::face',
                )
                self._contacts.publish(Contacts(header=self._robot.header(), contacts=[contact]))


@pytest.fixture
def robot():
    """Return a listener whose own sensors are off."""
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture
def gazebo(robot):
    """Return a bridge that sends nothing yet."""
    gazebo = Gazebo(robot)
    yield gazebo
    gazebo.close()


def touches(robot) -> list[np.ndarray]:
    """Return the touch readings that came."""
    return readings_on(robot, 'touch', 'tactile/image')


def gases(robot) -> list[np.ndarray]:
    """Return the gas readings that came."""
    return readings_on(robot, 'gas', 'gas/state')


def readings_on(robot, sense: str, topic: str) -> list[np.ndarray]:
    """Return the readings of a sense that came."""
    reader = SenseReader(PROFILE.senses[sense])
    return [reader.read(topic, message, 0)[1] for _, message in list(robot.got[topic])]


def after(robot, count: int = 10) -> list[np.ndarray]:
    """Return readings of what is true now, once they have come."""
    time.sleep(0.3)  # what was under way, and a contact of 0.1 s ago
    robot.got['tactile/image'].clear()
    wait_for(lambda: len(robot.got['tactile/image']) >= count)
    return touches(robot)


def test_on_a_panel_both_senses_come_at_their_rates_as_the_simulated_wall_has_them(
    robot, gazebo, start
):
    node = start('gazebo_senses_node')
    gazebo.sends = True
    wait_for(lambda: len(robot.got['gas/state']) >= 6, printed=node.printed)

    wall = PanelScene(four_panels(0)[0])
    readings = touches(robot)[20:]
    np.testing.assert_allclose(
        np.mean(readings, 0), wall.read('touch', MIDDLE), rtol=0.05, atol=1.0
    )
    np.testing.assert_allclose(
        np.mean(gases(robot), 0)[:2], wall.read('gas', MIDDLE)[:2], atol=30.0
    )
    stamps = [stamp_ns(message, 0) / 1e9 for _, message in list(robot.got['tactile/image'])]
    # 100 Hz; a machine under load skips beats.
    assert 0.009 < np.median(np.diff(stamps)) < 0.02
    assert robot.got['gas/state'][-1][1].name == list(PROFILE.senses['gas'].channel_names)


def test_a_reading_that_was_due_when_the_node_was_shut_down_is_passed_over():
    with node_within(GazeboSensesNode) as node:
        header = Header(stamp=node.get_clock().now().to_msg())
        node._on_pose(TransformStamped(header=header, child_frame_id='crossmodal_arm/tip'))
        # The executor may have taken these before they are destroyed.
        due = [timer.callback for timer in node.timers]
        assert len(due) >= 3
        node.stop()
        for beat in due:
            beat()


def test_the_tip_is_followed_from_panel_to_panel(robot, gazebo, start):
    node = start('gazebo_senses_node', seed=3)
    gazebo.sends = True
    roughness = []
    for x, z in PANEL_CENTRES_M:
        gazebo.tip = (x, 0.0, z)
        wait_for(lambda: robot.got['tactile/image'], printed=node.printed)
        roughness.append(np.mean(after(robot), 0)[:128].mean())

    expected = [PanelScene(panel).read('touch', MIDDLE)[:128].mean() for panel in four_panels(3)]
    np.testing.assert_allclose(roughness, expected, rtol=0.05)


def test_lifted_from_the_wall_the_pad_feels_nothing(robot, gazebo, start):
    node = start('gazebo_senses_node')
    gazebo.sends = True
    wait_for(lambda: robot.got['tactile/image'], printed=node.printed)
    assert np.mean(after(robot), 0)[:128].mean() > 10.0

    gazebo.tip, gazebo.touches = (PANEL_CENTRES_M[0][0], -0.03, PANEL_CENTRES_M[0][1]), False

    assert np.mean(after(robot), 0).max() < 2.0


def test_without_poses_both_senses_are_silent_and_the_node_says_why(robot, gazebo, start):
    node = start('gazebo_senses_node')
    wait_for(
        lambda: (
            'no pose of the tip yet, touch and gas are silent: does Gazebo run' in node.printed()
        )
    )
    gazebo.sends = True
    wait_for(lambda: robot.got['gas/state'], printed=node.printed)

    gazebo.sends = False
    wait_for(lambda: 'the newest pose of the tip is ' in node.printed())
    robot.forget()
    time.sleep(1.0)

    assert not robot.got['tactile/image']
    assert not robot.got['gas/state']


@pytest.mark.skipif(Contacts is not None, reason='ros_gz_interfaces is installed')
def test_without_ros_gz_interfaces_the_node_says_what_it_goes_by(start):
    node = start('gazebo_senses_node')

    wait_for(lambda: 'the pad counts as touching within 0.5 mm of the wall' in node.printed())


@needs_contacts
def test_gazebos_word_on_contact_counts_and_not_the_gap(robot, gazebo, start):
    gazebo.tip = (PANEL_CENTRES_M[0][0], -0.002, PANEL_CENTRES_M[0][1])
    node = start('gazebo_senses_node')
    gazebo.sends = True
    wait_for(lambda: robot.got['tactile/image'], printed=node.printed)
    assert np.mean(after(robot), 0)[:128].mean() > 10.0

    gazebo.tip, gazebo.touches = (PANEL_CENTRES_M[0][0], 0.0, PANEL_CENTRES_M[0][1]), False

    assert np.mean(after(robot), 0).max() < 2.0


def test_the_maintenance_node_decides_with_the_teacher_on_these_senses(
    robot, gazebo, start, models
):
    start('gazebo_senses_node')
    node = start('maintenance_node', models_dir=models, min_confidence=0.0)
    wait_for(lambda: 'configured with' in node.printed(), printed=node.printed)  # it imports torch
    gazebo.sends = True
    robot.turn_on('camera')

    wait_for(lambda: robot.last('mode') == 'TEACHER', printed=node.printed)

    gazebo.sends = False
    wait_for(lambda: robot.last('mode') == 'STUDENT', printed=node.printed)
