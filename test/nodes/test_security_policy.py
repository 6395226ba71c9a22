# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The SROS 2 policy: what the running nodes publish, subscribe to and offer, and no more."""

from xml.etree import ElementTree

import pytest
from robot import ROOT, Robot
from waiting import wait_for

from crossmodal_kd_ros.cli.parameter_files import NODES

POLICY = ROOT / 'config' / 'sros2' / 'policy.xml'
# Heard or offered only under a parameter (use_sim_time, camera_transport), with another package,
# or by a newer ROS.
SOMETIMES = {'/clock', '/camera/image_raw/compressed', '/gazebo/pad_contacts'}
SINCE_JAZZY = '/get_type_description'


@pytest.fixture(scope='module')
def policy():
    """Return what each node may do: {node: {qualifier: full names}}."""
    allowed = {}
    for enclave in ElementTree.parse(POLICY).iter('enclave'):
        for profile in enclave.iter('profile'):
            rules = allowed.setdefault(profile.get('node'), {})
            for group in profile:
                (qualifier,) = group.keys()
                assert group.get(qualifier) == 'ALLOW'
                rules.setdefault(qualifier, set()).update(
                    full(expression.text, profile.get('node')) for expression in group
                )
    return allowed


def full(name: str, node: str) -> str:
    """Return the whole name of a topic or service in the root namespace."""
    return (
        name
        if name.startswith('/')
        else f'/{node}{name[1:]}'
        if name.startswith('~')
        else f'/{name}'
    )


def test_each_node_has_an_enclave_of_its_own_and_no_wildcard():
    enclaves = list(ElementTree.parse(POLICY).iter('enclave'))

    assert sorted(enclave.get('path') for enclave in enclaves) == sorted(
        f'/crossmodal_kd_ros/{node}' for node in NODES
    )
    for enclave in enclaves:
        (profile,) = enclave.iter('profile')
        assert enclave.get('path').rpartition('/')[2] == profile.get('node')
        assert profile.get('ns') == '/'
    assert '*' not in POLICY.read_text()


def test_no_node_may_call_a_service_of_another(policy):
    for node, rules in policy.items():
        assert set(rules) == {'publish', 'subscribe', 'reply'}, node
        assert all(name.startswith(f'/{node}/') for name in rules['reply'])


@pytest.mark.parametrize('node', list(NODES))
def test_a_running_node_uses_all_it_may_and_nothing_else(policy, start, request, node):
    weights = (
        {'models_dir': request.getfixturevalue('models')} if node == 'maintenance_node' else {}
    )
    process = start(node, **weights)
    robot = Robot()
    try:
        wait_for(lambda: 'active' in process.printed().split(), printed=process.printed)
        graph = {
            'publish': robot.node.get_publisher_names_and_types_by_node,
            'subscribe': robot.node.get_subscriber_names_and_types_by_node,
            'reply': robot.node.get_service_names_and_types_by_node,
        }

        def uses(qualifier: str) -> set[str]:
            try:
                return {name for name, _ in graph[qualifier](node, '/')}
            # rclpy has an error of its own for a node not discovered yet
            except Exception:  # noqa: BLE001
                return set()

        def settled() -> bool:
            may = {qualifier: names - SOMETIMES for qualifier, names in policy[node].items()}
            return all(
                {name for name in may[qualifier] if not name.endswith(SINCE_JAZZY)}
                <= uses(qualifier)
                for qualifier in may
            )

        wait_for(
            settled, printed=lambda: str({key: policy[node][key] ^ uses(key) for key in graph})
        )
        for qualifier, names in policy[node].items():
            assert uses(qualifier) <= names
    finally:
        robot.close()


def test_the_policy_keeps_the_schema_of_sros2():
    sros2 = pytest.importorskip(
        'sros2.policy', reason='sros2 is not installed: apt-get install ros-$ROS_DISTRO-sros2'
    )

    policy = sros2.load_policy(POLICY)  # raises what the schema does not allow

    assert policy.getroot().get('version') == sros2.POLICY_VERSION
