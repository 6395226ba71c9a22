# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bridge's file: it speaks of topics that the world has and that the nodes have."""

from pathlib import Path

import pytest
import yaml

from crossmodal_kd_ros.gazebo.world import sdf_text

BRIDGE = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / 'config' / 'ros_gz_bridge.yaml').read_text()
)


def test_every_topic_of_gazebo_is_one_that_the_world_has():
    world = sdf_text('jetty', 0)
    # Gazebo's own: the time, and the poses that PosePublisher names after its model.
    own = {'/clock', '/model/crossmodal_arm/pose'}

    for entry in BRIDGE:
        assert (
            entry['gz_topic_name'] in own or f'<topic>{entry["gz_topic_name"]}</topic>' in world
        ), entry


def test_what_the_nodes_listen_to_is_carried_by_relative_names_but_for_the_clock():
    carried = {entry['ros_topic_name'] for entry in BRIDGE if entry['direction'] == 'GZ_TO_ROS'}

    assert carried == {'/clock', 'camera/image_raw', 'gazebo/link_pose', 'gazebo/pad_contacts'}


@pytest.mark.parametrize('entry', BRIDGE, ids=lambda entry: entry['ros_topic_name'])
def test_every_entry_has_what_the_bridge_asks_for_and_types_that_exist(entry):
    package, _, name = entry['ros_type_name'].split('/')

    assert set(entry) == {
        'ros_topic_name',
        'gz_topic_name',
        'ros_type_name',
        'gz_type_name',
        'direction',
    }
    assert entry['direction'] in ('GZ_TO_ROS', 'ROS_TO_GZ')
    assert hasattr(
        pytest.importorskip(f'{package}.msg', reason=f'{package} is not installed'), name
    )
    assert entry['gz_type_name'].startswith('gz.msgs.')
