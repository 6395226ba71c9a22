# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The Fast DDS profile."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from crossmodal_kd_ros.nodes import transport


@pytest.mark.parametrize(
    ('rclpy', 'name'),
    [
        ('3.3.11', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('7.1.6', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('9.1.2', 'FASTDDS_DEFAULT_PROFILES_FILE'),
        ('10.0.0', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_the_profile_is_set_under_the_name_that_this_fast_dds_reads(monkeypatch, rclpy, name):
    monkeypatch.setattr(transport, 'version', lambda package: rclpy)

    environment = transport.profile_environment({})

    assert list(environment) == [name]
    assert Path(environment[name]).name == 'fastdds.xml'


@pytest.mark.parametrize(
    'name', ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE']
)
def test_a_profile_that_the_user_has_set_stands(name):
    assert transport.profile_environment({name: '/my/profile.xml'}) == {}


@pytest.mark.parametrize('rmw', ['rmw_cyclonedds_cpp', 'rmw_zenoh_cpp', 'rmw_connextdds'])
def test_no_profile_of_fast_dds_is_set_for_another_middleware(rmw):
    assert transport.profile_environment({'RMW_IMPLEMENTATION': rmw}) == {}


@pytest.mark.parametrize('rmw', ['', 'rmw_fastrtps_cpp'])
def test_the_profile_is_set_where_fast_dds_is_named_or_nothing_is(rmw):
    assert len(transport.profile_environment({'RMW_IMPLEMENTATION': rmw})) == 1


@pytest.mark.parametrize(
    ('environ', 'rclpy', 'name'),
    [
        ({}, '7.1.6', 'jazzy'),
        ({}, '9.1.2', 'kilted'),
        ({}, '11.0.2', ''),
        ({'ROS_DISTRO': 'rolling'}, '11.0.2', 'rolling'),
    ],
)
def test_a_distribution_has_the_name_that_was_sourced_or_that_of_its_wheels(
    monkeypatch, environ, rclpy, name
):
    monkeypatch.setattr(transport, 'version', lambda package: rclpy)

    assert transport.distro(environ) == name


@pytest.fixture
def said():
    """Return a function: from the name of an element of the profile to its text."""
    path = next(iter(transport.profile_environment({}).values()))
    namespace = {'dds': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
    tree = ElementTree.parse(path)
    return lambda name: tree.find(f'.//dds:{name}', namespace).text


def test_the_shared_memory_of_the_profile_holds_several_large_pictures(said):
    assert int(said('segment_size')) >= 2 * 1920 * 1080 * 3


def test_who_starts_is_found_by_those_that_run_within_a_second(said):
    assert int(said('leaseAnnouncement/dds:sec')) == 0
    assert int(said('leaseAnnouncement/dds:nanosec')) <= 5e8
