# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters for several nodes in one file, and those that were meant for a node and missed it."""

import re
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from rclpy.context import Context  # noqa: E402
from rclpy.node import Node  # noqa: E402
from waiting import wait_for  # noqa: E402

from crossmodal_kd_ros.cli.run import ros_arguments  # noqa: E402
from crossmodal_kd_ros.doctor import topics  # noqa: E402
from crossmodal_kd_ros.doctor.finding import Level  # noqa: E402
from crossmodal_kd_ros.doctor.node import examine  # noqa: E402
from crossmodal_kd_ros.nodes.given import entries, lost, value  # noqa: E402

pytestmark = pytest.mark.timeout(240)
KEYS = (
    *('/**', '"**"', '/*', '"*"', '/**/*', '/*/*', '/*/**'),
    *('maintenance_node', '/maintenance_node', '/**/maintenance_node', '/*/maintenance_node'),
    *('left/maintenance_node', '/left/maintenance_node', '/left/**', '/left/*', '/**/left/*'),
    *('camera_node', '/**/node', 'left'),
)
SHARED = """
/**:
  ros__parameters:
    frame_rate: 30
    camera_timeout: 1.0
    min_confidence: 0.0
    qos_overrides:
      /scan:
        subscription:
          reliability: best_effort
          deadline: 5
/**/camera_driver:
  ros__parameters:
    exposure: 3
"""


@pytest.fixture
def params(tmp_path):
    """Return a function that writes a parameter file and returns the arguments that name it."""

    def write(text: str) -> tuple[str, str]:
        path = tmp_path / 'params.yaml'
        path.write_text(text)
        return '--params-file', str(path)

    return write


def given_to_rclpy(args: list[str]) -> dict[str, object]:
    """Return what rclpy itself hands to a node with a command line."""
    context = Context()
    context.init(args)
    node = Node(
        'maintenance_node', context=context, start_parameter_services=False, enable_rosout=False
    )
    try:
        return {name: each.value for name, each in node._parameter_overrides.items()}
    finally:
        node.destroy_node()
        context.shutdown()


def warnings(node) -> list[str]:
    """Return the warnings that a node has printed."""
    return re.findall(r'\[WARN\].*?: (.*)', node.printed())


def notices(args: list[str], full_name: str) -> list[str]:
    """Return what a node of this name would say of a command line."""
    return [str(notice) for notice in lost(entries(args), full_name, 'maintenance_node')]


def test_a_file_that_several_nodes_share_ends_no_node_and_a_name_that_is_nearly_ours_is_told(
    params, start, models
):
    node = start('maintenance_node', *params(SHARED), models_dir=models)
    wait_for(lambda: ': active' in node.printed(), printed=node.printed)

    misspelt, foreign = warnings(node)[:2]
    assert misspelt.startswith('expected the name of a parameter of maintenance_node, got ')
    assert "'camera_timeout'; there is: camera_timeout_s" in misspelt
    assert 'frame_rate and qos_overrides./scan.subscription.deadline' in foreign
    assert any('qos_overrides./scan.subscription.reliability' in said for said in warnings(node))
    assert node.end() == 0


@pytest.mark.parametrize('key', ['maintenance_node', '/**/maintenance_node', '/'])
def test_what_is_written_for_the_node_itself_is_refused_if_it_is_misspelt(params, start, key):
    given = ('-p', 'min_confidense:=0.5')
    if key != '/':
        given = params(f'{key}:\n  ros__parameters:\n    min_confidense: 0.5\n')
    node = start('maintenance_node', *given)

    assert node.exit_code() == 1
    assert "got 'min_confidense'; there is: min_confidence" in node.printed()


def test_a_file_for_the_node_without_its_namespace_is_told_by_the_node(params, start):
    option, path = params('maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n')
    node = start('maintenance_node', option, path, '-r', '__ns:=/left', autostart=False)
    wait_for(lambda: 'waiting to be configured' in node.printed(), printed=node.printed)

    assert warnings(node) == [
        f'what {path} gives to /maintenance_node does not reach this node, '
        f'/left/maintenance_node; write /**/maintenance_node: instead of /maintenance_node: '
        f'in {path}'
    ]


def test_the_doctor_has_the_line_that_lets_the_file_reach_its_node(params, monkeypatch):
    monkeypatch.setattr(topics, 'MIN_LISTEN_S', 0.1)
    # nothing is to be heard; the longest timeout says how long it listens
    short = [
        part
        for sensor in ('camera', 'touch', 'gas')
        for part in ('-p', f'{sensor}_timeout_s:=0.01')
    ]
    text = 'maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n'
    option, path = params(text)
    arguments = (option, path, '-r', '__ns:=/left', *short)
    findings, values = examine(arguments)
    finding = next(finding for finding in findings if finding.subject == 'parameters')
    assert finding.level is Level.PROBLEM and values['min_confidence'] != 0.5
    write, instead = re.match(r'write (\S+) instead of (\S+) in', finding.remedy).groups()

    params(text.replace(instead.lstrip('/'), write))
    findings, values = examine(arguments)
    assert values['min_confidence'] == 0.5
    assert not any(finding.subject == 'parameters' for finding in findings)


def test_rclpy_and_the_node_agree_on_which_entry_of_a_file_reaches_whom(tmp_path):
    path = tmp_path / 'params.yaml'
    for key, namespace in product(KEYS, ('/', '/left', '/a/left')):
        path.write_text(f'{key}:\n  ros__parameters:\n    some:\n      name: 1\n')
        args = ['x', '--ros-args', '--params-file', str(path), '-r', f'__ns:={namespace}']
        (entry,) = entries(args)
        reached = entry.reaches(f'{namespace.rstrip("/")}/maintenance_node')

        assert entry.names == ('some.name',)
        assert reached == ('some.name' in given_to_rclpy(args)), (key, namespace)


def test_a_namespace_may_be_written_as_a_level_of_the_file(params):
    given = params('left:\n  maintenance_node:\n    ros__parameters:\n      min_confidence: 0.5\n')
    args = ['x', '--ros-args', *given, '-r', '__ns:=/left']

    assert given_to_rclpy(args) == {'min_confidence': 0.5}
    assert notices(args, '/left/maintenance_node') == []
    assert len(notices(args, '/right/maintenance_node')) == 1


@pytest.mark.parametrize(
    'texts',
    [
        [
            '/**: {ros__parameters: {port: 1}}',
            '/left/maintenance_node: {ros__parameters: {port: 2}}',
        ],
        ['left: {maintenance_node: {ros__parameters: {port: 2}}}'],
        ['/**: {ros__parameters: {some: {port: 1}}}'],
        [
            '/**/maintenance_node: {ros__parameters: {port: 1}}',
            '/**: {ros__parameters: {port: 2}}',
        ],
        ['/right/maintenance_node: {ros__parameters: {port: 1}}'],
    ],
)
def test_rclpy_and_we_agree_on_the_value_that_a_file_gives(params, texts):
    args = ['x', '--ros-args', *params('\n'.join(texts)), '-r', '__ns:=/left']
    given = given_to_rclpy(args).get('port')

    assert value(entries(args), '/left/maintenance_node', 'port') == (given and str(given))


@pytest.mark.parametrize('text', ['', '# nothing yet', '- 1'])
def test_a_file_without_parameters_gives_no_value(params, text):
    assert value(entries(('--ros-args', *params(text))), '/maintenance_node', 'port') is None


def test_a_file_for_a_node_of_another_name_is_told(params):
    option, path = params('/**/decider:\n  ros__parameters:\n    min_confidence: 0.5\n')
    args = ['x', '--ros-args', option, path]

    assert 'min_confidence' not in given_to_rclpy(args)
    (said,) = notices(args, '/maintenance_node')
    assert said.startswith(f'what {path} gives to /**/decider does not reach this node')
    assert notices([*args, '-r', '__node:=decider'], '/decider') == []


@pytest.mark.parametrize('key', ['maintenance_nodes', '/**/maintenence_node'])
def test_a_slip_of_the_pen_in_our_name_is_told_beside_what_is_for_every_node(params, key):
    shared = '/**:\n  ros__parameters:\n    min_confidence: 0.25\n'
    option, path = params(f'{shared}{key}:\n  ros__parameters:\n    min_confidence: 0.5\n')
    args = ['x', '--ros-args', option, path]

    assert given_to_rclpy(args) == {'min_confidence': 0.25}
    (said,) = notices(args, '/maintenance_node')
    full = f'/{key.lstrip("/")}'
    assert said.startswith(f'what {path} gives to {full} does not reach this node')
    assert said.endswith(f'write /**/maintenance_node: instead of {full}: in {path}')
    # Other nodes of the robot have names of their own.
    params(f'{shared}camera_node:\n  ros__parameters:\n    min_confidence: 0.5\n')
    assert notices(args, '/maintenance_node') == []


@pytest.mark.parametrize('value', ['"true"', '1'])
def test_simulated_time_that_is_neither_true_nor_false_is_refused_in_one_sentence(
    params, start, value
):
    given = params(f'/**:\n  ros__parameters:\n    use_sim_time: {value}\n')
    node = start('maintenance_node', *given)

    assert node.exit_code() == 1
    said = node.printed()
    assert 'Traceback' not in said and said.count('[FATAL]') == 1
    expected = 'expected the parameter use_sim_time to be true or false, without quotes'
    assert expected in said
    (finding,), values = examine(given)
    assert (finding.subject, finding.level, values) == ('parameters', Level.PROBLEM, {})
    assert expected in finding.result


def test_a_file_for_the_two_arms_of_a_robot_is_no_reason_to_complain(params):
    entry = '/{}/maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n'
    given = params(entry.format('left') + entry.format('right'))
    args = ['x', '--ros-args', *given]

    assert notices(args, '/left/maintenance_node') == []
    assert len(notices(args, '/middle/maintenance_node')) == 1


def test_an_argument_that_a_file_beats_is_told(params):
    option, path = params(
        '/**:\n  ros__parameters:\n    use_sim_time: false\n'
        '/**/maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n'
    )
    args = ['x', '--ros-args', option, path, '-p', 'min_confidence:=0.75']

    assert given_to_rclpy(args)['min_confidence'] == 0.5
    (said,) = notices(args, '/maintenance_node')
    assert said.startswith(
        f'min_confidence is what {path} says under /**/maintenance_node, not what -p says later'
    )
    params('/**/maintenance_node:\n  ros__parameters:\n    min_confidence: 0.5\n')
    assert given_to_rclpy(args)['min_confidence'] == 0.75
    assert notices(args, '/maintenance_node') == []


def test_the_profile_of_a_command_reaches_a_node_in_a_namespace_too():
    args = ['x', '--ros-args', *ros_arguments('air', None, 'left', ())]

    assert given_to_rclpy(args) == {'profile': 'air'}


@pytest.mark.parametrize('name', ['robot', 'sim', 'gazebo'])
def test_the_shipped_files_reach_their_nodes_in_any_namespace(name):
    path = Path(__file__).parents[2] / 'config' / f'{name}.yaml'
    args = ['x', '--ros-args', '--params-file', str(path)]

    assert notices(args, '/any/space/maintenance_node') == []
