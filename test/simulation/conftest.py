# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Weather and chance as a test wants them."""

import pytest

from crossmodal_kd_ros.simulation import living
from crossmodal_kd_ros.simulation.weather import Sky, Weather


@pytest.fixture
def calm(monkeypatch):
    """Nothing goes wrong by itself."""
    monkeypatch.setattr(living, 'draw_troubles', lambda seed, panel, year: [])


@pytest.fixture
def under_water(calm, monkeypatch):
    """Let it rain on every panel for ever."""
    rain = Sky(lighting='day', moisture=1.0, is_raining=True, swing_k=10.0, air_seed=0)
    monkeypatch.setattr(Weather, '_sky', lambda self, hour, exposure, light: rain)
