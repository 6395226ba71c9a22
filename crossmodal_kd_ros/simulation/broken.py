# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a broken sensor reads in place of the truth: pure functions of a healthy reading, a severity and a generator.

Severity is above 0, up to 1. Values are `float32[256]` (um, mm), `float32[8]` or `uint8[H, W, 3]`,
as in the contract.
"""

import cv2
import numpy as np

from crossmodal_kd_ros.contract import BANK_SHAPE, GAS_CHANNELS, INDENTATION, TEXTURE
from crossmodal_kd_ros.simulation.gas import NOISE_STD
from crossmodal_kd_ros.simulation.touch import GAIN_STD, INDENTATION_FLOOR_MM, TEXTURE_FLOOR_UM

# Where a pad's converter ends; twice what the roughest wall gives, and more than the deepest
# crack.
TOUCH_TOP = np.repeat(np.float32([1000.0, 15.0]), 128)
GAS_TOP = np.float32([channel.high for channel in GAS_CHANNELS])
# How far healthy readings differ from wall to wall (standard deviation, rounded), in each
# channel's unit.
_GAS_SPREAD = np.float32([45.0, 45.0, 15.0, 2.5, 90.0, 12.0, 0.2, 10.0])
_CLEAN_AIR = np.float32([0.0, 420.0, 50.0, 20.0, 60.0, 0.0, 20.9, 0.0])
# The channels that break first: the carbon dioxide cell, the metal oxides, the electrochemical
# cells, then the rest.
_GAS_ORDER = np.array([1, 4, 5, 0, 2, 7, 3, 6])
_BLOCK_PX = 8
_CAMERA_GRAIN = 3.0  # 8-bit steps


def elements(sensor: str, size: int, part: float, rng: np.random.Generator) -> np.ndarray:
    """Return which elements are hit, `bool[size]`: `part` of them (at least one), at random; of gas in a fixed order."""
    count = max(1, round(part * size))
    mask = np.zeros(size, bool)
    mask[_GAS_ORDER[:count] if sensor == 'gas' else rng.permutation(size)[:count]] = True
    return mask


def put(sensor: str, value: np.ndarray, other: np.ndarray, part: float, seed: int) -> np.ndarray:
    """Return `value` with `part` of its elements (of a picture: of its blocks of 8 px) taken from `other`."""
    rng = np.random.default_rng(seed)
    if sensor != 'camera':
        return np.where(elements(sensor, value.size, part, rng), other, value).astype(np.float32)
    height, width = value.shape[:2]
    blocks = elements(sensor, -(-height // _BLOCK_PX) * -(-width // _BLOCK_PX), part, rng)
    mask = (
        blocks.reshape(-(-height // _BLOCK_PX), -1)
        .repeat(_BLOCK_PX, 0)
        .repeat(_BLOCK_PX, 1)[:height, :width]
    )
    return np.where(mask[..., None], other, value)


def saturated(sensor: str, value: np.ndarray, severity: float, seed: int) -> np.ndarray:
    """Return the top of the range in severity^2 of the elements; of a picture, 2^(4 severity) times the light."""
    if sensor == 'camera':
        return _to_picture(value * np.float32(2.0 ** (4.0 * severity / 2.2)))
    return put(sensor, value, TOUCH_TOP if sensor == 'touch' else GAS_TOP, severity**2, seed)


def out_of_range(sensor: str, value: np.ndarray, severity: float, seed: int) -> np.ndarray:
    """Return, in severity^2 of the elements, ten times the top of the range."""
    return put(
        sensor, value, 10.0 * (TOUCH_TOP if sensor == 'touch' else GAS_TOP), severity**2, seed
    )


def noisy(sensor: str, value: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return `value` with further noise, 2^(1 + ...) times the healthy: 4, 8, 32 at severity 0.25, 0.5, 1."""
    times = 2.0 ** (1.0 + 4.0 * severity)
    if sensor == 'camera':
        return _to_picture(
            value + _CAMERA_GRAIN * times * rng.standard_normal(value.shape, dtype=np.float32)
        )
    if sensor == 'gas':
        return value + times * NOISE_STD * rng.standard_normal(8, dtype=np.float32)
    floor = np.repeat(np.float32([TEXTURE_FLOOR_UM, INDENTATION_FLOOR_MM]), 128)
    noise = times * (GAIN_STD * value + floor) * rng.standard_normal(256, dtype=np.float32)
    return np.maximum(value + noise, 0.0)


def shifted(sensor: str, value: np.ndarray, severity: float) -> np.ndarray:
    """Return another level.

    Touch: texture up to 3 times, depth up to 2 mm more. Gas: each channel up by as much as 4 times
        its spread from wall
    to wall. Camera: up to 90 8-bit steps brighter.
    """
    if sensor == 'camera':
        return _to_picture(value + np.float32(90.0 * severity))
    if sensor == 'gas':
        return value + np.float32(4.0 * severity) * _GAS_SPREAD
    moved = value.copy()
    moved[TEXTURE] *= 1.0 + 2.0 * severity
    moved[INDENTATION] += 2.0 * severity
    return moved


def wet(value: np.ndarray, severity: float) -> np.ndarray:
    """Return touch through a film of water: vibration damped by up to 75 %, depth smeared, the skin lifted to 0.8 mm."""
    damped = value.copy()
    damped[TEXTURE] *= 1.0 - 0.75 * severity
    bank = value[INDENTATION].reshape(BANK_SHAPE)
    smeared = cv2.GaussianBlur(bank, (0, 0), 2.0 * severity)
    damped[INDENTATION] = (smeared + 0.8 * severity).ravel()
    return damped


def poisoned(value: np.ndarray, severity: float) -> np.ndarray:
    """Return gas whose difference from clean air has shrunk by up to 90 %."""
    return _CLEAN_AIR + (value - _CLEAN_AIR) * np.float32(1.0 - 0.9 * severity)


def blurred(value: np.ndarray, severity: float) -> np.ndarray:
    """Return a picture out of focus: up to 6 % of its height (standard deviation)."""
    return cv2.GaussianBlur(value, (0, 0), 0.06 * severity * value.shape[0])


def covered(value: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return a picture whose lower part (30 % to all of it) is behind something dark."""
    height = value.shape[0]
    rows = min(height, round(height * (0.07 + 0.93 * severity)))
    hidden = value.copy()
    hidden[height - rows :] = _to_picture(
        6.0 + 2.0 * rng.standard_normal((rows, *value.shape[1:]), dtype=np.float32)
    )
    return hidden


def _to_picture(value: np.ndarray) -> np.ndarray:
    return np.clip(value, 0.0, 255.0).astype(np.uint8)
