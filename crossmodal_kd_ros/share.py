# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where `config`, `launch` and `models` lie: beside the code in a checkout, under `share` once installed."""

from pathlib import Path

_NAME = 'crossmodal_kd_ros'


def share_dir() -> Path:
    """Return the folder that holds `config`, `launch` and `models`.

    The code's own place decides, not the ament index, so that it is found under colcon, pip and
    neither of them, and so that two installations on one machine never mix.

    Raises:
        FileNotFoundError: the code was copied without them.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / 'package.xml').is_file():
        return package.parent
    for prefix in package.parents:
        if (prefix / 'share' / _NAME / 'package.xml').is_file():
            return prefix / 'share' / _NAME
    raise FileNotFoundError(
        f'expected share/{_NAME} above {package}, found none: install the package with pip or colcon'
    )
