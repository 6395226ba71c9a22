# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The Fast DDS profile without which pictures get lost; for launch files and commands, before any node starts."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from crossmodal_kd_ros.share import share_dir

_NEW_NAME, _OLD_NAME = 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'
# Kilted's rclpy. Its Fast DDS warns at every start if it finds the old name; Jazzy's (2.14) knows no other.
_FIRST_RCLPY_OF_NEW_NAME = 9


def profile_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that makes Fast DDS use `config/fastdds.xml`; nothing where the user has set a profile."""
    if _NEW_NAME in environ or _OLD_NAME in environ:
        return {}
    return {_variable(): str(share_dir() / 'config' / 'fastdds.xml')}


def _variable() -> str:
    try:
        major = int(version('rclpy').partition('.')[0])
    except PackageNotFoundError:
        return _NEW_NAME
    return _NEW_NAME if major >= _FIRST_RCLPY_OF_NEW_NAME else _OLD_NAME
