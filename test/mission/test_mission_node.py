# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The mission node in a process of its own, over DDS, beside a robot and a node that decides."""

import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('py_trees')

from builtin_interfaces.msg import Time  # noqa: E402
from geometry_msgs.msg import Point, Pose, PoseArray  # noqa: E402
from rclpy.clock_type import ClockType  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.time import Time as TimePoint  # noqa: E402
from robot import node_within  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import Empty, Header, String  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.nodes import conversions, qos  # noqa: E402
from crossmodal_kd_ros.nodes.mission_node import MissionNode  # noqa: E402
from crossmodal_kd_ros.profile import load_profile  # noqa: E402
from crossmodal_kd_ros.runtime import topics  # noqa: E402

ACTIONS = load_profile().actions
SEAL = 'seal_crack'


class Surroundings:
    """What the node hears: answers at 20 Hz, and a robot that does what it is told.

    Attributes:
        sees, mode: what is decided, and who decides. `busy`: the robot ends nothing that it does.
        commands: what it was told. texts: the last text of each latched topic.
    """

    def __init__(self) -> None:
        self._context = Context()
        self._context.init()
        self.node = Node('surroundings', context=self._context)
        self.sees, self.mode, self.busy, self.cured = 'continue_inspection', 'TEACHER', False, True
        self.commands: list[tuple[float, dict]] = []
        self.texts: dict[str, str] = {}
        told = (
            topics.ACTION_SCORES,
            topics.ACTION,
            topics.MODE,
            *topics.REPAIR,
            topics.ROBOT_STATUS,
            topics.GO_ON,
        )
        self._out = {
            topic: self.node.create_publisher(
                conversions.message_class(topic.type), topic.name, qos.qos_profile(topic.qos)
            )
            for topic in told
        }
        qos.subscription(self.node, topics.MISSION_COMMAND, self._on_command)
        for topic in (topics.REQUEST_HUMAN, topics.MISSION_TREE):
            self._keep(topic)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.node.create_timer(0.05, self._decide)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.shutdown()

    def told(self) -> list[str]:
        return [command['do'] for _, command in self.commands]

    def send(self, topic: topics.Topic, message) -> None:
        self._out[topic].publish(message)

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.05)

    def _keep(self, topic: topics.Topic) -> None:
        qos.subscription(
            self.node, topic, lambda message: self.texts.update({topic.name: message.data})
        )

    def _decide(self) -> None:
        header = Header(stamp=self.node.get_clock().now().to_msg(), frame_id='camera')
        scores = [0.9 if action == self.sees else 0.02 for action in ACTIONS]
        holds = self.mode == 'HOLD'
        self.send(topics.MODE, String(data=self.mode))
        self.send(
            topics.ACTION_SCORES, JointState(header=header, name=list(ACTIONS), position=scores)
        )
        self.send(topics.ACTION, String(data='hold' if holds else self.sees))
        if self.sees == SEAL and not holds:
            values = {
                'action': float(ACTIONS.index(SEAL)),
                'contact_pressure_kpa': 12.5,
                'approach_pitch_deg': 3.0,
                'approach_yaw_deg': -2.0,
                'request_human': 0.0,
            }
            pose = Pose(position=Point(x=0.01, y=-0.02, z=0.0))
            self.send(topics.REPAIR_PATH, PoseArray(header=header, poses=[pose]))
            self.send(
                topics.REPAIR_COMMAND,
                JointState(header=header, name=list(values), position=list(values.values())),
            )

    def _on_command(self, message: String) -> None:
        command = json.loads(message.data)
        self.commands.append((time.monotonic(), command))
        if command['do'] == 'stop' or (command['do'] == 'act' and self.busy):
            return
        if command['do'] == 'act' and self.cured:
            self.sees = 'continue_inspection'
        status = {'goal': command['goal'], 'state': 'done'}
        self.send(topics.ROBOT_STATUS, String(data=json.dumps(status)))


@pytest.fixture
def surroundings():
    """Return answers and a robot without trouble."""
    surroundings = Surroundings()
    yield surroundings
    surroundings.close()


@pytest.fixture
def node(start):
    """Return the node, that confirms by three of five."""
    return start('mission_node', confirm_frames=3, confirm_window=5, hold_timeout_s=3.0)


def test_a_crack_is_sealed_with_the_numbers_of_its_picture_and_the_robot_moves_on(
    surroundings, node
):
    surroundings.sees = SEAL
    wait_for(lambda: surroundings.told()[:3] == ['next', 'act', 'next'], printed=node.printed)

    assert surroundings.commands[1][1] == {
        'goal': 2,
        'do': 'act',
        'action': SEAL,
        'contact_pressure_kpa': 12.5,
        'approach_pitch_deg': 3.0,
        'approach_yaw_deg': -2.0,
        'path_m': [[0.01, -0.02, 0.0]],
    }
    assert 'place 1' not in surroundings.texts.get('mission/request_human', '')


def test_a_hold_stops_the_robot_before_the_next_beat_and_asks_for_a_person_if_it_lasts(
    surroundings, node
):
    surroundings.sees, surroundings.busy = SEAL, True
    wait_for(lambda: surroundings.told() == ['next', 'act'], printed=node.printed)
    surroundings.mode = 'HOLD'
    wait_for(lambda: surroundings.told() == ['next', 'act', 'stop'], printed=node.printed)
    wait_for(
        lambda: 'place 1: the robot holds' in surroundings.texts.get('mission/request_human', ''),
        printed=node.printed,
    )
    wait_for(lambda: 'keep still' in surroundings.texts['mission/tree'])
    assert surroundings.told() == ['next', 'act', 'stop']

    surroundings.send(topics.GO_ON, Empty())
    wait_for(lambda: surroundings.told()[3:] == ['next'], printed=node.printed)


def test_who_listens_late_still_reads_why_a_person_was_asked(surroundings, node):
    surroundings.sees = 'request_human'
    wait_for(
        lambda: 'place 1: ' in surroundings.texts.get('mission/request_human', ''),
        printed=node.printed,
    )
    surroundings.sees = 'continue_inspection'
    late = []
    qos.subscription(surroundings.node, topics.REQUEST_HUMAN, late.append)
    wait_for(lambda: late)

    assert 'place 1: request_human' in late[-1].data.splitlines()


def test_a_node_that_ends_stops_the_robot_first(surroundings, node):
    surroundings.sees, surroundings.busy = SEAL, True
    wait_for(lambda: surroundings.told() == ['next', 'act'], printed=node.printed)

    assert node.end() == 0
    wait_for(lambda: surroundings.told() == ['next', 'act', 'stop'])


def test_what_is_not_what_its_topic_promises_is_warned_of_and_changes_nothing(surroundings, node):
    surroundings.sees, surroundings.busy = SEAL, True
    wait_for(lambda: surroundings.told() == ['next', 'act'], printed=node.printed)
    for text in ('done', '[1]', '{"goal": "x", "state": 1}', '{"state": "done"}'):
        surroundings.send(topics.ROBOT_STATUS, String(data=text))
    wait_for(lambda: 'a message on robot/status was rejected' in node.printed())
    # Without a stamp; with names and no numbers.
    surroundings.send(topics.ACTION_SCORES, JointState(name=['a'], position=[1.0]))
    header = Header(stamp=surroundings.node.get_clock().now().to_msg())
    surroundings.send(topics.ACTION_SCORES, JointState(header=header, name=['a']))
    surroundings.send(topics.REPAIR_PATH, PoseArray(header=header))
    surroundings.send(topics.REPAIR_COMMAND, JointState(header=header, name=['a']))
    surroundings.sees = 'continue_inspection'
    surroundings.send(topics.ROBOT_STATUS, String(data='{"goal": 2, "state": "done"}'))
    wait_for(lambda: surroundings.told()[2:3] == ['next'], printed=node.printed)

    assert node.alive()


def test_a_clock_that_begins_or_is_set_is_no_time_that_went_by():
    def answer(*times_s: float) -> None:
        for now_s in times_s:
            node.get_clock().set_ros_time_override(
                TimePoint(seconds=now_s, clock_type=ClockType.ROS_TIME)
            )
            header = Header(stamp=node.get_clock().now().to_msg())
            hear['/maintenance/action_scores'](
                JointState(header=header, name=[SEAL], position=[1.0])
            )
            hear['/maintenance/mode'](String(data='HOLD'))

    with node_within(MissionNode, use_sim_time=True, hold_timeout_s=3.0) as node:
        hear = {sub.topic_name: sub.callback for sub in node.subscriptions}
        requests = node._mission.memory.requests
        node._tick()  # /clock has not said anything
        answer(*np.arange(900.0, 901.0, 0.1))
        answer(*np.arange(100.0, 102.0, 0.1))
        assert requests == []
        answer(*np.arange(102.0, 103.0, 0.1))
        assert len(requests) == 1


def test_a_number_that_is_infinite_and_json_without_an_end_do_not_end_the_node():
    header = Header(stamp=Time(sec=1))
    with node_within(MissionNode) as node:
        hear = {sub.topic_name: sub.callback for sub in node.subscriptions}
        hear['/maintenance/repair_path'](PoseArray(header=header))
        hear['/maintenance/repair_command'](
            JointState(
                header=header, name=['action', 'request_human'], position=[float('inf'), 0.0]
            )
        )
        for text in ('{"goal": Infinity, "state": "done"}', '{"goal": ' + 100_000 * '['):
            hear['/robot/status'](String(data=text))
        assert node._mission.memory.repairs == {}
        assert node._mission.memory.status == ('', '')


@pytest.mark.parametrize(
    ('parameters', 'expected'),
    [
        ({'pass_action': 'dance'}, 'expected the parameter pass_action to be one of'),
        ({'confirm_frames': 9, 'confirm_window': 5}, 'expected confirm_frames of at most'),
    ],
)
def test_rules_that_cannot_be_kept_are_refused_in_a_sentence(start, parameters, expected):
    process = start('mission_node', **parameters)

    assert process.exit_code() == 1 and expected in process.printed()
