# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording that several files read."""

import made_up_bag as made
import pytest


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Four seconds; touch is silent from 1.5 to 2.5 s."""
    return made.robot(tmp_path_factory.mktemp('made') / 'bag')
