# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which ROS 2 this is, its domains, and the Fast DDS profile without which pictures get lost.

It needs no rclpy, for it is called before nodes start.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from crossmodal_kd_ros.files import share_dir

# The middleware of every distribution unless another is set.
DEFAULT_RMW = 'rmw_fastrtps_cpp'
# Fast DDS has no UDP ports for more domains.
LAST_DOMAIN_ID = 232

_NEW_NAME, _OLD_NAME = 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'
# Kilted's rclpy. Its Fast DDS warns at every start if it finds the old name; Jazzy's (2.14) knows
# no other.
_FIRST_RCLPY_OF_NEW_NAME = 9
_DISTROS = {3: 'humble', 7: 'jazzy', 9: 'kilted', 10: 'lyrical'}


def profile_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that makes Fast DDS use `config/fastdds.xml`.

    Nothing where the user has set a profile, or uses a middleware that cannot read it.
    """
    if profile_in_force(environ) or rmw(environ) != DEFAULT_RMW:
        return {}
    return {profile_variable(): str(share_dir() / 'config' / 'fastdds.xml')}


def profile_variable() -> str:
    """Return the name of the variable that the Fast DDS in use reads."""
    major = _rclpy_major()
    return _OLD_NAME if major is not None and major < _FIRST_RCLPY_OF_NEW_NAME else _NEW_NAME


def profile_in_force(environ: Mapping[str, str]) -> str:
    """Return the file of the Fast DDS profile that is set; empty: none is."""
    return environ.get(_NEW_NAME) or environ.get(_OLD_NAME) or ''


def profile_is_read(environ: Mapping[str, str]) -> bool:
    """Return whether the Fast DDS in use reads the variable that is set; a new one reads both."""
    return profile_variable() == _NEW_NAME or bool(environ.get(_OLD_NAME))


def is_domain_id(text: str) -> bool:
    """Return whether ROS_DOMAIN_ID may say so."""
    return text.isascii() and text.isdecimal() and int(text) <= LAST_DOMAIN_ID


def rmw(environ: Mapping[str, str]) -> str:
    """Return the name of the middleware that nodes will load."""
    return environ.get('RMW_IMPLEMENTATION') or DEFAULT_RMW


def distro(environ: Mapping[str, str]) -> str:
    """Return which ROS 2 is in use; empty: unknown.

    It is the one that was sourced, or the one whose wheels are installed.
    """
    return environ.get('ROS_DISTRO') or _DISTROS.get(_rclpy_major(), '')


def _rclpy_major() -> int | None:
    try:
        return int(version('rclpy').partition('.')[0])
    except PackageNotFoundError:
        return None
