# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that runs a mission: what was decided in; what the robot is to do next out."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseArray
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty, String

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.mission import Repair, Rules, load_tree
from crossmodal_kd_ros.nodes.clock import Pace
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure, run
from crossmodal_kd_ros.nodes.parameters import PROFILE, Parameter, read_profile
from crossmodal_kd_ros.profile import HOLD
from crossmodal_kd_ros.repair import load_repairs
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.runtime.messages import BadMessage, stamp_ns

_BEAT_S = 0.1
# By so much no simulation goes on from one beat to the next: its clock was set.
_JUMP_S = 60.0
# Numbers, path and reason of a repair come on topics of their own: so many wait for the others.
_WAITING = 10
_DEFAULTS = Rules()


def _seconds(name: str, description: str) -> Parameter:
    return Parameter(
        name=name, default=getattr(_DEFAULTS, name), min=0.1, max=86_400.0, description=description
    )


PARAMETERS = (
    PROFILE,
    Parameter(
        name='pass_action',
        default=_DEFAULTS.pass_action,
        description='The action of the profile after which nothing is left to do at a place.',
    ),
    Parameter(
        name='person_action',
        default=_DEFAULTS.person_action,
        description='The action of the profile that asks for a person.',
    ),
    Parameter(
        name='confirm_frames',
        default=_DEFAULTS.confirm_frames,
        min=1,
        max=1000,
        description='So many of the last confirm_window pictures must agree on an action.',
    ),
    Parameter(
        name='confirm_window',
        default=_DEFAULTS.confirm_window,
        min=1,
        max=1000,
        description='See confirm_frames.',
    ),
    Parameter(
        name='max_acts',
        default=_DEFAULTS.max_acts,
        min=1,
        max=100,
        description='How often an action is begun at one place before a person is asked; a repair '
        'that was done is not begun again.',
    ),
    _seconds('confirm_timeout_s', 'For an action to be confirmed, short holds included, seconds.'),
    _seconds('move_timeout_s', 'For the robot to come to the next place, seconds.'),
    _seconds('act_timeout_s', 'For the robot to have done an action, seconds.'),
    _seconds('answer_timeout_s', 'Without an answer for so long the mission holds, seconds.'),
    _seconds('hold_timeout_s', 'After a hold of so long a person is asked, seconds.'),
)
# What reading a message raises that is not what its topic promises: an infinite number is too
# large for an int, JSON may be nested too deeply.
_NOT_AS_PROMISED = (
    BadMessage,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
)
_OUTPUTS = (topics.MISSION_COMMAND, topics.REQUEST_HUMAN, topics.MISSION_TREE)


class MissionNode(ManagedNode):
    """Callbacks store what is heard; a beat ticks the tree, and so does a hold, at once."""

    def __init__(self, args: Sequence[str]) -> None:
        """Declare the parameters; the rest waits for `on_configure`."""
        super().__init__('mission_node', args)
        self._profile = read_profile(self)
        self.declare_all(PARAMETERS)
        self._mission = None

    @log_failure
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the rules; create publishers and subscriptions."""
        self._make = load_tree().Mission
        self._rules = self._read_rules()
        self.advertise(_OUTPUTS)
        heard = {
            topics.ACTION_SCORES: self._on_scores,
            topics.ACTION: self._on_action,
            topics.MODE: self._on_mode,
            topics.REPAIR_COMMAND: partial(self._on_repair, 'values'),
            topics.REPAIR_PATH: partial(self._on_repair, 'path'),
            topics.REPAIR_REASON: self._on_reason,
            topics.ROBOT_STATUS: self._on_status,
            topics.GO_ON: self._on_person,
        }
        for topic, store in heard.items():
            self.listen(topic, partial(self._hear, topic, store))
        return super().on_configure(state)

    @log_failure
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start at no place; the first thing is to go to one."""
        super().on_activate(state)
        self._parts: deque[tuple[int, str, Any]] = deque(maxlen=_WAITING)
        self._reason = self._shown = ''
        # The tree needs a time that only goes forward, without leaps: /clock begins and is set.
        self._pace = Pace(self, 0.0, jump_s=_JUMP_S)
        self._mission = self._make(self._rules, send=self._tell, ask=self._ask)
        self.every(_BEAT_S, self._tick)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop what is under way."""
        mission, self._mission = self._mission, None
        mission.stop()
        return super().on_deactivate(state)

    def _read_rules(self) -> Rules:
        values = self.parameter_values()
        known = self._profile.actions
        for name in ('pass_action', 'person_action'):
            if values[name] not in known:
                raise ConfigurationError(
                    f'expected the parameter {name} to be one of {", ".join(known)}, got '
                    f'{values[name]!r}'
                )
        if values['confirm_frames'] > values['confirm_window']:
            raise ConfigurationError(
                f'expected confirm_frames of at most confirm_window, {values["confirm_window"]}, '
                f'got {values["confirm_frames"]}'
            )
        config = load_repairs(self._profile)
        repairs = () if config is None else tuple(config.actions)
        given = {name: values[name] for name in Rules.__dataclass_fields__ if name in values}
        return Rules(repairs=repairs, hold=HOLD, **given)

    def _hear(self, topic: topics.Topic, store: Callable[[Any], None], message: Any) -> None:
        """Store a message; one that is not what its topic promises is warned of and left out."""
        if self._mission is None:
            return
        try:
            store(message)
        except _NOT_AS_PROMISED as error:
            self.get_logger().warning(
                f'a message on {topic.name} was rejected: {type(error).__name__}: {error}: '
                'docs/mission.md and docs/repair.md say what is expected',
                throttle_duration_sec=5.0,
            )

    def _on_scores(self, message: JointState) -> None:
        scores = dict(zip(message.name, message.position, strict=True))
        best = max(scores, key=scores.__getitem__)
        possible = None
        if len(message.effort):
            efforts = zip(message.name, message.effort, strict=True)
            possible = [name for name, effort in efforts if effort]
        self._mission.memory.hear_answer(
            stamp_ns(message, 0), best, self._pace.now_s(), possible=possible
        )

    def _on_action(self, message: String) -> None:
        self._mission.memory.hear_action(message.data)
        self._tick_if_holding()

    def _on_mode(self, message: String) -> None:
        self._mission.memory.hear_mode(message.data)
        self._tick_if_holding()

    def _on_reason(self, message: String) -> None:
        self._reason = message.data

    def _on_repair(self, part: str, message: JointState | PoseArray) -> None:
        """Keep a part of a repair until the other one, of the same picture, is there."""
        stamp = stamp_ns(message, 0)
        others = {own: kept for at, own, kept in self._parts if at == stamp and own != part}
        self._parts.append((stamp, part, message))
        if not others:
            return
        parts = {**others, part: message}
        numbers, points = parts['values'], (pose.position for pose in parts['path'].poses)
        values = dict(zip(numbers.name, numbers.position, strict=True))
        action = self._profile.actions[int(values.pop('action'))]
        self._mission.memory.hear_repair(
            action,
            Repair(
                stamp_ns=stamp,
                request_human=bool(values.pop('request_human')),
                values=values,
                path_m=tuple((point.x, point.y, point.z) for point in points),
                reason=self._reason,
            ),
        )

    def _on_status(self, message: String) -> None:
        status = json.loads(message.data)
        self._mission.memory.hear_status(
            int(status['goal']),
            str(status['state']),
            str(status.get('reason', '')),
            str(status.get('visit', '')),
        )

    def _on_person(self, message: Empty) -> None:
        self._mission.memory.hear_person()

    def _tick_if_holding(self) -> None:
        self._mission.memory.now_s = self._pace.now_s()
        if self._mission.memory.holds:
            self._tick()

    def _tick(self) -> None:
        self._mission.tick(self._pace.now_s())
        text = self._mission.text()
        if text != self._shown:
            self._shown = text
            self._say(topics.MISSION_TREE, text)

    def _tell(self, command: dict[str, Any]) -> None:
        self.get_logger().info(f'{command["do"]} {command.get("action", "")}'.strip())
        self._say(topics.MISSION_COMMAND, json.dumps(command))

    def _ask(self, requests: Sequence[str]) -> None:
        self.get_logger().warning(f'asks for a person: {requests[-1]}')
        self._say(topics.REQUEST_HUMAN, '\n'.join(requests))

    def _say(self, topic: topics.Topic, text: str) -> None:
        self.send(topic, String(data=text))


def main(args: list[str] | None = None) -> int:
    """Run the node; return the exit code of the process."""
    return run(MissionNode, 'mission_node', args)


if __name__ == '__main__':
    raise SystemExit(main())
