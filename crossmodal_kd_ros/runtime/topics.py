# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The package's own topics: names, message types and quality of service, once for everybody.

Inputs are in the profile (`camera.topic`, `sense.topics`). Names are relative, so that a namespace
moves them all.
"""

from dataclasses import dataclass
from typing import Literal

from crossmodal_kd_ros.profile import Profile, Sense

STRING = 'std_msgs/msg/String'
JOINT_STATE = 'sensor_msgs/msg/JointState'
POSE_ARRAY = 'geometry_msgs/msg/PoseArray'
IMAGE = 'sensor_msgs/msg/Image'
EMPTY = 'std_msgs/msg/Empty'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'

QosKind = Literal['sensor', 'answer', 'state', 'truth', 'picture']


@dataclass(frozen=True, kw_only=True)
class QosPolicies:
    """What a publisher offers.

    Attributes:
        depth: messages that are kept for a slow subscriber.
        reliable: lost messages are sent again.
        transient_local: a late subscriber still gets the newest message.
    """

    depth: int
    reliable: bool = True
    transient_local: bool = False


QOS: dict[QosKind, QosPolicies] = {
    # The newest readings, none repeated; as a request it agrees with every publisher.
    'sensor': QosPolicies(depth=5, reliable=False),
    'answer': QosPolicies(depth=10),
    'state': QosPolicies(depth=1, transient_local=True),
    'truth': QosPolicies(depth=50),
    # Reliable, for RViz asks for it; one picture, for nobody wants an old one.
    'picture': QosPolicies(depth=1),
}


@dataclass(frozen=True)
class Topic:
    """A topic that this package publishes.

    Attributes:
        name: relative to the node's namespace, or absolute.
        type: as `pkg/msg/Name`.
        qos: what its publisher offers.
    """

    name: str
    type: str
    qos: QosKind


ACTION = Topic('maintenance/action', STRING, 'answer')
ACTION_SCORES = Topic('maintenance/action_scores', JOINT_STATE, 'answer')
SURFACE_STATE = Topic('maintenance/surface_state', JOINT_STATE, 'answer')
# With a repair action alone, never while it holds: see `repair`.
REPAIR_COMMAND = Topic('maintenance/repair_command', JOINT_STATE, 'answer')
REPAIR_PATH = Topic('maintenance/repair_path', POSE_ARRAY, 'answer')
REPAIR_REASON = Topic('maintenance/repair_reason', STRING, 'answer')
REPAIR = (REPAIR_PATH, REPAIR_REASON, REPAIR_COMMAND)
MODE = Topic('maintenance/mode', STRING, 'state')
MODE_REASON = Topic('maintenance/mode_reason', STRING, 'state')
OVERLAY = Topic('maintenance/overlay', IMAGE, 'picture')
DIAGNOSTICS = Topic('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', 'answer')

# Of the mission: docs/mission.md says what a robot has to offer. Commands and status are JSON, so
# that a goal comes whole or not at all.
MISSION_COMMAND = Topic('mission/command', STRING, 'answer')
ROBOT_STATUS = Topic('robot/status', STRING, 'answer')
# A request for a person, one line for each so far; and that a person has looked.
REQUEST_HUMAN = Topic('mission/request_human', STRING, 'state')
GO_ON = Topic('mission/go_on', EMPTY, 'answer')
MISSION_TREE = Topic('mission/tree', STRING, 'state')

# What the simulator knows of each picture: numbers by name, and what the expert says, as JSON.
TRUTH = Topic('simulation/truth', JOINT_STATE, 'truth')
EXPERT = Topic('simulation/expert', STRING, 'truth')

# What the nodes that decide publish has one of these in its full name; and what the package does:
# nothing that was sensed.
ANSWER_MARKS = ('/maintenance/', '/mission/')
_OUTPUT_MARKS = (*ANSWER_MARKS, '/simulation/')


def sense_topics(profile: Profile) -> list[tuple[str, Topic]]:
    """Return each topic that a sense is read from, with the name of the sense."""
    return [
        (sense.name, Topic(name, message_type, 'sensor'))
        for sense in profile.senses.values()
        for name, message_type in sense.topics.items()
    ]


def estimates(profile: Profile) -> dict[str, Topic]:
    """Return where the student's estimate of each sense is published."""
    return {
        name: Topic(sense.output_topic, _sense_type(sense), 'answer')
        for name, sense in profile.senses.items()
    }


def outputs(profile: Profile) -> tuple[Topic, ...]:
    """Return every topic that a maintenance node publishes on, in order for one picture."""
    return (
        ACTION_SCORES,
        ACTION,
        *estimates(profile).values(),
        SURFACE_STATE,
        *REPAIR,
        MODE,
        MODE_REASON,
        DIAGNOSTICS,
    )


def grid_truths(profile: Profile) -> dict[str, Topic]:
    """Return where the simulator publishes the true reading of each grid.

    The name follows from that of the estimate: `maintenance/tactile_estimate` gives
    `simulation/tactile_truth`.
    """
    return {
        name: Topic(f'simulation/{_stem(sense)}_truth', _sense_type(sense), 'truth')
        for name, sense in profile.senses.items()
        if sense.layout == 'grid'
    }


def simulation_topics(profile: Profile) -> tuple[Topic, ...]:
    """Return every topic of the simulator beside the sensors."""
    return (TRUTH, *grid_truths(profile).values(), EXPERT)


def truth_fields(profile: Profile) -> tuple[str, ...]:
    """Return the names in `TRUTH`, in order.

    `frame` (the picture's number), `action` (index into the profile's actions), each quantity,
    then `<sense>/<channel>` for each channel of the senses that are no grid.
    """
    return (
        'frame',
        'action',
        *profile.quantities,
        *(
            f'{sense.name}/{channel}'
            for sense in profile.senses.values()
            if sense.layout == 'channels'
            for channel in sense.channel_names
        ),
    )


def has_name(full_name: str, name: str) -> bool:
    """Return whether a full name is `name`, in any namespace if that is relative."""
    return full_name == name or full_name.endswith(f'/{name}')


def is_output(profile: Profile, full_name: str) -> bool:
    """Return whether a topic is one that this package publishes, and so holds no reading."""
    return any(mark in full_name for mark in _OUTPUT_MARKS) or any(
        has_name(full_name, topic.name) for topic in outputs(profile)
    )


def _sense_type(sense: Sense) -> str:
    return IMAGE if sense.layout == 'grid' else JOINT_STATE


def _stem(sense: Sense) -> str:
    return sense.output_topic.rpartition('/')[2].removesuffix('_estimate')
