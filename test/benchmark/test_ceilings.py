# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What could be read off a picture at best, against what the stray of the looks leaves."""

import numpy as np
import pytest

from crossmodal_kd_ros.benchmark.ceilings import reading_ceilings
from crossmodal_kd_ros.simulation import PanelScene, draw_panels

_PANELS = 600


@pytest.fixture(scope='module')
def best():
    return reading_ceilings(seed=5, panels=_PANELS)


def test_a_width_is_read_as_well_as_the_looks_of_cracks_tell_it(best):
    # An eye that reads every crack as wide as it looks, in the middle of the same panels.
    middle_mm = (80.0, 48.0)
    errors = [
        abs(looks - width)
        for panel in draw_panels(_PANELS, seed=(5, 0))
        for width, looks in [
            tuple(
                PanelScene(each).true_state(middle_mm).crack_width_mm
                for each in (panel, panel.as_it_looks())
            )
        ]
        if width > 0.0
    ]
    assert 0.5 < best['crack_width']['median_error'] / np.median(errors) < 2.5
    assert best['crack_width']['r2'] > 0.8


def test_what_the_picture_shows_in_part_is_read_in_part(best):
    # Water, growth and debonding change what the pins feel, and the picture shows each in part.
    assert 0.3 < best['surface_roughness']['r2'] < 0.95
