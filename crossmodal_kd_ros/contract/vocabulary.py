# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Names, units and order. Everything that is published, trained or stored speaks these words."""

import hashlib
import json
from dataclasses import dataclass
from enum import Enum

SENSORS = ('camera', 'touch', 'gas')

MATERIALS = ('bio_concrete', 'mycelium_composite', 'algae_panel', 'bacterial_coating')

# The order is the order of the classes of every network; the priority between them is the expert's
# business.
ACTIONS = (
    'continue_inspection',
    'seal_crack',
    'apply_bio_adhesive',
    'remove_growth',
    'hydrate',
    'request_human',
)

# Not a class: what the robot does when the package does not know.
HOLD = 'hold'

# Two banks of taxels, read row by row, bank after bank.
BANK_SHAPE = (8, 16)
NUM_TAXELS = 256
TOUCH_IMAGE_SHAPE = (16, 16)
TEXTURE = slice(0, 128)  # RMS micro-vibration amplitude while stroking, um
INDENTATION = slice(128, 256)  # depth, mm


@dataclass(frozen=True)
class GasChannel:
    """One channel of the gas module: its name (with the unit), and the range a working sensor can report."""

    name: str
    low: float
    high: float


# Ranges: Sensirion SCD30 (0-40000 ppm, 0-100 %RH, -40-70 C) and SGP40 (VOC index 0-500) data
# sheets; electrochemical NH3 (0-100 ppm), O2 (0-30 %) and H2S (0-50 ppm) cells. Uptake is a
# difference of two CO2 readings.
GAS_CHANNELS = (
    GasChannel('co2_uptake_ppm', -40000.0, 40000.0),
    GasChannel('co2_surface_ppm', 0.0, 40000.0),
    GasChannel('relative_humidity_pct', 0.0, 100.0),
    GasChannel('surface_temperature_c', -40.0, 70.0),
    GasChannel('voc_index', 0.0, 500.0),
    GasChannel('nh3_ppm', 0.0, 100.0),
    GasChannel('o2_pct', 0.0, 30.0),
    GasChannel('h2s_ppb', 0.0, 50000.0),
)
GAS_NAMES = tuple(channel.name for channel in GAS_CHANNELS)
NUM_GAS = len(GAS_CHANNELS)

# um, mm, fraction: see `derived` for their formulas.
SURFACE_STATE = ('surface_roughness', 'crack_depth', 'co2_absorption')


class Mode(str, Enum):
    """Which predictor decides.

    `TEACHER`: camera, touch and gas healthy. `STUDENT`: the camera alone decides. `HOLD`: nobody
        knows, the robot
    keeps still. `PARTIAL`: the teacher with the lost sense masked.
    """

    TEACHER = 'TEACHER'
    STUDENT = 'STUDENT'
    HOLD = 'HOLD'
    PARTIAL = 'PARTIAL'

    def __str__(self) -> str:
        return self.value


def fingerprint() -> str:
    """Return a short hash of the vocabulary that weights depend on: 12 hexadecimal digits.

    Weights carry it, so that a network trained for other classes or channels is refused by name
    rather than read with its answers under the wrong labels.
    """
    words = {
        'actions': ACTIONS,
        'gas': GAS_NAMES,
        'taxels': [NUM_TAXELS, *BANK_SHAPE],
        'surface': SURFACE_STATE,
    }
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:12]
