# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters: declarations, files and documentation agree; what may change in a node in use."""

import re

import pytest
import rclpy
import yaml
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter as RclpyParameter
from rclpy.qos import ReliabilityPolicy
from robot import ROOT
from std_msgs.msg import String
from waiting import wait_for

from crossmodal_kd_ros.cli import parameter_files
from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.nodes import qos
from crossmodal_kd_ros.nodes.managed import ManagedNode, log_failure
from crossmodal_kd_ros.nodes.parameters import Parameter
from crossmodal_kd_ros.runtime.topics import STRING, Topic

MINE = (
    Parameter(
        name='limit_s', default=1.0, min=0.5, max=2.0, changes='at once', description='A limit.'
    ),
    Parameter(
        name='colour',
        default='red',
        choices=('red', 'green'),
        changes='at once',
        description='A colour.',
    ),
    Parameter(name='size', default=3, min=1, max=9, description='A size.'),
    Parameter(name='shape', default='round', changes='at start', description='A shape.'),
)
SHOUT, LISTEN = Topic('shout', STRING, 'answer'), Topic('listen', STRING, 'sensor')


class Probe(ManagedNode):
    """A node that keeps the values that it is given."""

    def __init__(self, args):
        super().__init__('probe', args, MINE)
        self.changes = []

    @log_failure
    def on_configure(self, state):
        self.shout = qos.publisher(self, SHOUT)
        self.listen = qos.subscription(self, LISTEN, lambda message: None)
        return super().on_configure(state)

    def on_cleanup(self, state):
        self.destroy_subscription(self.listen)
        self.destroy_lifecycle_publisher(self.shout)
        return super().on_cleanup(state)

    def on_parameters_changed(self, values):
        self.changes.append(values)


@pytest.fixture
def probe():
    """Return a function that makes a probe from ROS arguments."""
    made = []

    def make(*ros_args):
        args = ['probe', '--ros-args', *ros_args]
        rclpy.init(args=args)
        made.append(Probe(args))
        return made[-1]

    yield make
    for node in made:
        node.stop()
        node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize('name', parameter_files.texts())
def test_a_written_file_is_what_the_parameters_say(name):
    assert (ROOT / name).read_text() == parameter_files.texts()[name], (
        'change the parameters of the node, then run: '
        'python -m crossmodal_kd_ros.cli.parameter_files'
    )


@pytest.mark.parametrize('name', parameter_files.CONFIGS)
def test_a_configuration_file_holds_every_parameter_with_its_default_for_a_node_in_any_namespace(
    name,
):
    text = (ROOT / 'config' / name).read_text()
    # Those that differ from profile to profile are comments.
    uncommented = re.sub(r'^    # (\w+_timeout_s: )', r'    \1', text, flags=re.MULTILINE)

    for loaded, with_profile in ((text, False), (uncommented, True)):
        assert yaml.safe_load(loaded) == {
            f'/**/{node}': {
                'ros__parameters': {
                    parameter.name: parameter.default
                    for parameter in parameter_files.NODES[node]
                    if with_profile or not parameter.from_profile
                }
            }
            for node in parameter_files.CONFIGS[name][1]
        }


@pytest.mark.parametrize('profile', ['air', 'gripper'])
def test_the_configuration_file_of_a_robot_fits_another_profile(start, profile):
    file = ROOT / 'config' / 'robot.yaml'
    process = start(
        'maintenance_node', '--params-file', str(file), autostart=False, profile=profile
    )

    wait_for(
        lambda: 'waiting to be configured' in process.printed() or not process.alive(),
        printed=process.printed,
    )
    assert process.alive(), process.printed()


@pytest.mark.parametrize('node', parameter_files.NODES)
def test_every_node_accepts_its_configuration_file(start, node):
    file = next(name for name, (_, nodes) in parameter_files.CONFIGS.items() if node in nodes)
    process = start(node, '--params-file', str(ROOT / 'config' / file), autostart=False)

    wait_for(
        lambda: 'waiting to be configured' in process.printed() or not process.alive(),
        printed=process.printed,
    )
    assert process.alive(), process.printed()


@pytest.mark.parametrize(
    ('node', 'parameter'),
    [(node, each) for node, parameters in parameter_files.NODES.items() for each in parameters],
    ids=lambda part: getattr(part, 'name', part),
)
def test_a_parameter_is_whole(node, parameter):
    assert re.fullmatch(r'[a-z][a-z0-9_]*', parameter.name)
    assert parameter.description[0].isupper() or parameter.choices
    assert parameter.description.endswith('.')
    assert parameter.allows(parameter.default)
    assert (parameter.min is None) == (isinstance(parameter.default, (bool, str)))
    assert not parameter.choices or isinstance(parameter.default, str)


@pytest.mark.parametrize(
    ('name', 'unit'), [('camera_timeout_s', 's'), ('camera_hz', 'Hz'), ('width', ''), ('s', '')]
)
def test_the_unit_is_the_last_word_of_the_name(name, unit):
    assert Parameter(name=name, default=1, min=0, max=2, description='').unit == unit


def test_a_parameter_that_changes_at_once_reaches_a_node_in_use_and_others_do_not(probe):
    node = probe()
    assert node.set_parameters([RclpyParameter('size', value=4)])[0].successful
    assert node.changes == []
    assert node.start()

    assert node.set_parameters([RclpyParameter('limit_s', value=1.5)])[0].successful
    assert node.changes == [{'limit_s': 1.5}]
    assert node.parameter_values()['limit_s'] == 1.5
    refused = node.set_parameters([RclpyParameter('size', value=5)])[0]
    assert (refused.successful, refused.reason) == (
        False,
        'size is read when the node is configured: deactivate it and clean it up first',
    )


def test_a_parameter_that_is_read_at_start_never_changes(probe):
    node = probe('-p', 'shape:=square')

    refused = node.set_parameters([RclpyParameter('shape', value='flat')])[0]

    assert not refused.successful and 'shape' in refused.reason
    assert node.parameter_values()['shape'] == 'square'


@pytest.mark.parametrize(
    ('name', 'value'), [('limit_s', 9.0), ('limit_s', 'long'), ('colour', 'blue')]
)
def test_a_dynamic_parameter_is_still_checked(probe, name, value):
    node = probe()
    assert node.start()

    assert not node.set_parameters([RclpyParameter(name, value=value)])[0].successful
    assert node.changes == []


def test_the_quality_of_service_of_a_topic_can_be_overridden_without_changing_that_of_others(
    probe,
):
    node = probe(
        '-r',
        '__ns:=/left',
        '-p',
        'qos_overrides./left/listen.subscription.reliability:=reliable',
        '-p',
        'qos_overrides./left/shout.publisher.depth:=3',
    )
    assert node.start()

    (asked,) = node.get_subscriptions_info_by_topic('/left/listen')
    assert asked.qos_profile.reliability is ReliabilityPolicy.RELIABLE
    assert node.get_parameter('qos_overrides./left/shout.publisher.depth').value == 3
    assert qos.qos_profile('sensor').reliability is ReliabilityPolicy.BEST_EFFORT
    assert qos.qos_profile('answer').depth == 10


@pytest.mark.parametrize(
    ('override', 'sentence'),
    [
        (
            '/listen.subscription.reliability:=maybe',
            "to be one of reliable, best_effort, got 'maybe'",
        ),
        ('/shout.publisher.depth:=0', 'to be a whole number from 1 to 10000, got 0'),
        (
            '/listen.subscription.colour:=red',
            'expected qos_overrides.<topic>.<publisher or subscription>.',
        ),
        ('/listen.client.depth:=1', 'expected qos_overrides.<topic>.<publisher or subscription>.'),
    ],
)
def test_an_override_that_means_nothing_is_refused(probe, override, sentence):
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        probe('-p', f'qos_overrides.{override}')


def test_an_override_for_a_topic_that_the_node_does_not_have_is_refused(probe, capfd):
    node = probe('-p', 'qos_overrides./liste.subscription.depth:=2')

    assert not node.start()
    printed = capfd.readouterr().err
    assert (
        "got 'qos_overrides./liste.subscription.depth'; "
        'there is: qos_overrides./listen.subscription.depth' in printed
    )


def test_a_subscriber_that_asks_for_more_than_a_publisher_offers_is_told_what_to_change(
    probe, capfd
):
    node = probe('-p', 'qos_overrides./listen.subscription.reliability:=reliable')
    assert node.start()
    context = Context()
    context.init()
    other = rclpy.create_node('other', context=context)
    other.create_publisher(String, 'listen', qos.qos_profile('sensor'))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    printed = []

    def warned():
        executor.spin_once(timeout_sec=0.1)
        printed.append(capfd.readouterr().err)
        return 'a publisher of listen does not offer the RELIABILITY' in ''.join(printed)

    try:
        wait_for(warned)
        assert 'qos_overrides./listen.subscription' in ''.join(printed)
    finally:
        executor.shutdown()
        other.destroy_node()
        context.shutdown()
