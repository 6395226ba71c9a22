# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the maintenance node would find: its parameters, its clock, other nodes, its topics."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rclpy.context import Context
from rclpy.logging import LoggingSeverity
from rclpy.node import Node

from crossmodal_kd_ros.doctor.finding import Finding, Level, problem
from crossmodal_kd_ros.doctor.topics import Listening
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.health.reasons import ReasonCode, join, say
from crossmodal_kd_ros.nodes import context as ros_context
from crossmodal_kd_ros.nodes import maintenance_node, qos
from crossmodal_kd_ros.nodes.cameras import open_source
from crossmodal_kd_ros.nodes.clock import clock_topic
from crossmodal_kd_ros.nodes.given import Notice, entries, lost
from crossmodal_kd_ros.nodes.parameters import (
    AUTOSTART,
    PROFILE,
    check_qos_overrides_used,
    declare,
    qos_override_names,
    read_profile,
)
from crossmodal_kd_ros.profile import CAMERA, Profile, ProfileError
from crossmodal_kd_ros.runtime.topics import ACTION, OVERLAY, outputs

_NAME = 'maintenance_node'


def examine(ros_args: Sequence[str]) -> tuple[list[Finding], dict[str, Any]]:
    """Listen as the maintenance node would with `ros_args`.

    Returns:
        What is found: of the parameters, of the clock, of other nodes, and one finding for each
        topic. And the values of the node's parameters: none where the node would refuse them.
    """
    args, context = ['doctor', '--ros-args', *ros_args], Context()
    try:
        ros_context.init(args, context=context)
    except ConfigurationError as error:
        return [_refused(error)], {}
    # By its name, so that the entries of a parameter file apply; without services, so that nobody
    # takes it for the node.
    try:
        with ros_context.own_parameters_of_ros():
            node = Node(
                _NAME, context=context, start_parameter_services=False, enable_rosout=False
            )
    except ConfigurationError as error:
        context.shutdown()
        return [_refused(error)], {}
    node.get_logger().set_level(LoggingSeverity.FATAL)
    try:
        return _examine(node, context, args)
    except ProfileError as error:
        name = shlex.quote(node.get_parameter(PROFILE.name).value)
        return [problem('parameters', str(error), f'crossmodal-kd profile check {name}')], {}
    except ConfigurationError as error:
        return [_refused(error)], {}
    finally:
        node.destroy_node()
        context.shutdown()


def _examine(
    node: Node, context: Context, args: Sequence[str]
) -> tuple[list[Finding], dict[str, Any]]:
    given = entries(args)
    notices = lost(given, node.get_fully_qualified_name(), _NAME)
    profile = read_profile(node)
    parameters = (*maintenance_node.parameters(profile), AUTOSTART)
    notices += declare(node, parameters, given)
    values = {each.name: node.get_parameter(each.name).value for each in parameters}
    listening = Listening(node, profile, values)
    # The node would publish these too.
    own_topics = [*outputs(profile), OVERLAY]
    if values['camera_source']:
        own_topics.append(maintenance_node.camera_topic(profile, 'raw'))
    published = [
        name
        for topic in own_topics
        for name in qos_override_names(node.resolve_topic_name(topic.name), 'publisher')
    ]
    notices += check_qos_overrides_used(node, given, also=published)
    listening.listen(context)
    others = [_clock(node, listening), _nodes(node), _own_camera(node, profile, values)]
    return [
        *map(_noticed, notices),
        *(finding for finding in others if finding is not None),
        *listening.findings(),
    ], values


def _refused(error: ConfigurationError) -> Finding:
    return problem('parameters', str(error), 'docs/parameters.md lists names and values')


def _noticed(notice: Notice) -> Finding:
    if notice.is_lost:
        return problem('parameters', notice.what, notice.remedy)
    level = Level.WARNING if notice.remedy else Level.OK
    return Finding(subject='parameters', result=notice.what, level=level, remedy=notice.remedy)


def _clock(node: Node, listening: Listening) -> Finding | None:
    if not node.get_clock().ros_time_is_active:
        return None
    name = clock_topic(node)
    if not listening.clock_faults:
        return Finding(
            subject='clock', result=f'{name}: {listening.clock_rate:.2f} times real time'
        )
    remedy = 'let the simulation or the player go on'
    if listening.clock_faults[0].code is ReasonCode.NO_CLOCK:
        remedy = (
            'start the simulation and its bridge, or ros2 bag play --clock 100; on a robot: '
            'use_sim_time: false in the parameter file'
        )
    return problem('clock', f'{say(*listening.clock_faults)}: the robot holds', remedy)


def _nodes(node: Node) -> Finding:
    """Look for nodes that would decide beside this one, or do so beside each other."""
    own = node.get_fully_qualified_name()
    names = Counter(
        f'{namespace.rstrip("/")}/{name}'
        for name, namespace in node.get_node_names_and_namespaces()
    )
    deciders = Counter(qos.publisher_names(node, ACTION))
    # One that is not configured publishes nothing; the doctor itself has the name too.
    deciders[own] = max(deciders[own], names[own] - 1)
    running = sorted(deciders.elements())
    if len(running) > 1:
        topic = node.resolve_topic_name(ACTION.name)
        return problem(
            'nodes',
            f'{len(running)} nodes decide on {topic}: {join(running)}',
            'end all but one, or give each a namespace of its own (one that was killed is listed '
            'for up to 20 s)',
        )
    result = (
        f'{running[0]} runs'
        if running
        else 'no maintenance node runs: crossmodal-kd run, with the same options, starts one'
    )
    return Finding(subject='nodes', result=result)


def _own_camera(node: Node, profile: Profile, values: Mapping[str, Any]) -> Finding | None:
    """Open the camera within the node, as the node would, and close it; `None` without one."""
    source = values['camera_source']
    if not source:
        return None
    topic = maintenance_node.camera_topic(profile, 'raw')
    own = node.get_fully_qualified_name()
    if own in qos.publisher_names(node, topic):  # a device can be open once
        return Finding(subject=CAMERA, result=f'{source}: left to {own}, which runs')
    try:
        open_source(source, profile.camera.period_s).close()
    except ConfigurationError as error:
        return problem(
            CAMERA,
            str(error),
            'camera_source in the parameter file; empty, where a driver publishes '
            f'{node.resolve_topic_name(topic.name)}',
        )
    return Finding(subject=CAMERA, result=f'{source}: within the node, can be opened')
