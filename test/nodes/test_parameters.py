# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The parameters: what holds declarations, files and documentation together, and what may change while a node is in use."""

import re

import pytest
import rclpy
import yaml
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import ReliabilityPolicy
from robot import ROOT, wait_for
from std_msgs.msg import String

from crossmodal_kd_ros.nodes import parameter_files, qos
from crossmodal_kd_ros.nodes.managed import ManagedNode
from crossmodal_kd_ros.nodes.parameters import Refusal, Setting

MINE = (
    Setting(name='limit_s', default=1.0, low=0.5, high=2.0, dynamic=True, description='A limit.'),
    Setting(
        name='colour',
        default='red',
        choices=('red', 'green'),
        dynamic=True,
        description='A colour.',
    ),
    Setting(name='size', default=3, low=1, high=9, description='A size.'),
)


class Probe(ManagedNode):
    """A node that keeps what it was told."""

    def __init__(self):
        super().__init__('probe', MINE)
        self.told = []

    def configure(self):
        self.shout = qos.publisher(self, String, 'shout', qos.ANSWER)

    def activate(self):
        self.listen = qos.subscription(self, String, 'listen', lambda message: None, qos.SENSOR)

    def deactivate(self):
        self.destroy_subscription(self.listen)

    def cleanup(self):
        self.destroy_lifecycle_publisher(self.shout)

    def adjust(self, values):
        self.told.append(values)


@pytest.fixture
def probe():
    """Return a function that makes a probe from ROS arguments."""
    made = []

    def make(*ros_args):
        rclpy.init(args=['probe', '--ros-args', *ros_args])
        made.append(Probe())
        return made[-1]

    yield make
    for node in made:
        node.stop()
        node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize('name', parameter_files.texts())
def test_a_written_file_is_what_the_settings_say(name):
    assert (ROOT / name).read_text() == parameter_files.texts()[name], (
        'change the settings of the node, then run: python -m crossmodal_kd_ros.nodes.parameter_files'
    )


@pytest.mark.parametrize('name', parameter_files.CONFIGS)
def test_a_configuration_file_holds_every_parameter_with_its_default_for_a_node_in_any_namespace(
    name,
):
    loaded = yaml.safe_load((ROOT / 'config' / name).read_text())

    assert loaded == {
        f'/**/{node}': {
            'ros__parameters': {
                setting.name: setting.default for setting in parameter_files.NODES[node]
            }
        }
        for node in parameter_files.CONFIGS[name][1]
    }


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
    ('node', 'setting'),
    [(node, setting) for node, settings in parameter_files.NODES.items() for setting in settings],
    ids=lambda part: getattr(part, 'name', part),
)
def test_a_setting_is_whole(node, setting):
    assert re.fullmatch(r'[a-z][a-z0-9_]*', setting.name)
    assert setting.description[0].isupper() or setting.choices
    assert setting.description.endswith('.')
    assert setting.allows(setting.default)
    assert (setting.low is None) == (isinstance(setting.default, (bool, str)))
    assert not setting.choices or isinstance(setting.default, str)


@pytest.mark.parametrize(
    ('name', 'unit'), [('camera_timeout_s', 's'), ('camera_hz', 'Hz'), ('width', ''), ('s', '')]
)
def test_the_unit_is_the_last_word_of_the_name(name, unit):
    assert Setting(name=name, default=1, low=0, high=2, description='').unit == unit


def test_a_dynamic_parameter_reaches_a_node_in_use_and_another_does_not(probe):
    node = probe()
    assert node.set_parameters([Parameter('size', value=4)])[0].successful
    assert node.told == []
    assert node.start()

    assert node.set_parameters([Parameter('limit_s', value=1.5)])[0].successful
    assert node.told == [{'limit_s': 1.5}]
    assert node.setting('limit_s') == 1.5
    refused = node.set_parameters([Parameter('size', value=5)])[0]
    assert (refused.successful, refused.reason) == (
        False,
        'size is read when the node is configured: deactivate it and clean it up first',
    )


@pytest.mark.parametrize(
    ('name', 'value'), [('limit_s', 9.0), ('limit_s', 'long'), ('colour', 'blue')]
)
def test_a_dynamic_parameter_is_still_checked(probe, name, value):
    node = probe()
    assert node.start()

    assert not node.set_parameters([Parameter(name, value=value)])[0].successful
    assert node.told == []


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
    assert qos.SENSOR.reliability is ReliabilityPolicy.BEST_EFFORT and qos.ANSWER.depth == 10


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
    with pytest.raises(Refusal, match=re.escape(sentence)):
        probe('-p', f'qos_overrides.{override}')


def test_an_override_for_a_topic_that_the_node_does_not_have_is_refused(probe, capfd):
    node = probe('-p', 'qos_overrides./liste.subscription.depth:=2')

    assert not node.start()
    told = capfd.readouterr().err
    assert (
        "got 'qos_overrides./liste.subscription.depth'; there is: qos_overrides./listen.subscription.depth"
        in told
    )


def test_a_subscriber_that_asks_for_more_than_a_publisher_offers_is_told_what_to_change(
    probe, capfd
):
    node = probe('-p', 'qos_overrides./listen.subscription.reliability:=reliable')
    assert node.start()
    context = Context()
    context.init()
    other = rclpy.create_node('other', context=context)
    other.create_publisher(String, 'listen', qos.SENSOR)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    told = []

    def said():
        executor.spin_once(timeout_sec=0.1)
        told.append(capfd.readouterr().err)
        return 'a publisher of listen does not offer the RELIABILITY' in ''.join(told)

    try:
        wait_for(said)
        assert 'qos_overrides./listen.subscription' in ''.join(told)
    finally:
        executor.shutdown()
        other.destroy_node()
        context.shutdown()
