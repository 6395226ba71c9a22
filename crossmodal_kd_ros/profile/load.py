# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Profiles on disk: `config/profiles/NAME.yaml`, or a file of one's own."""

import json
from functools import lru_cache
from pathlib import Path

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml, share_dir, shipped_file
from crossmodal_kd_ros.profile.schema import Profile

DEFAULT_PROFILE = 'living_wall'
SCHEMA_FILE = 'profile.schema.json'


class ProfileError(ConfigurationError):
    """A profile cannot be used: one line for each thing that is wrong."""


@lru_cache(maxsize=16)
def load_profile(name: str = DEFAULT_PROFILE) -> Profile:
    """Return a profile.

    Args:
        name: that of a file in `config/profiles`, or the path of a `.yaml` file.

    Raises:
        ProfileError: there is none, or something in it is wrong.
    """
    return read_yaml(shipped_file('profiles', name, ProfileError), Profile, ProfileError)


def schema_text() -> str:
    """Return the JSON schema of profiles: what `profile.schema.json` holds for editors."""
    return json.dumps(Profile.model_json_schema(), indent=2) + '\n'


def schema_path() -> Path:
    """Return where the schema lies."""
    return share_dir() / 'config' / 'profiles' / SCHEMA_FILE
