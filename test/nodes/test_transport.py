# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The Fast DDS profile."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from crossmodal_kd_ros.nodes import transport


@pytest.mark.parametrize(('rclpy', 'name'), [
    ('3.3.11', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('7.1.6', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
    ('9.1.2', 'FASTDDS_DEFAULT_PROFILES_FILE'), ('10.0.0', 'FASTDDS_DEFAULT_PROFILES_FILE')])
def test_the_profile_is_set_under_the_name_that_this_fast_dds_reads(monkeypatch, rclpy, name):
    monkeypatch.setattr(transport, 'version', lambda package: rclpy)

    environment = transport.profile_environment({})

    assert list(environment) == [name]
    assert Path(environment[name]).name == 'fastdds.xml'


@pytest.mark.parametrize('name', ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'])
def test_a_profile_that_the_user_has_set_stands(name):
    assert transport.profile_environment({name: '/my/profile.xml'}) == {}


def test_the_shared_memory_of_the_profile_holds_several_large_pictures():
    path = next(iter(transport.profile_environment({}).values()))
    namespace = {'dds': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
    segment = ElementTree.parse(path).find('.//dds:segment_size', namespace)

    assert int(segment.text) >= 2 * 1920 * 1080 * 3
