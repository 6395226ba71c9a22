# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a broken sensor reads: pure functions of a healthy reading, a severity and a generator.

Severity is above 0, up to 1. A reading is `float32[size]` of a sense, or a picture
`uint8[H, W, 3]` where the sense is None: the camera.
"""

from collections.abc import Callable

import cv2
import numpy as np

from crossmodal_kd_ros.profile import Channel, Sense

# How the sensors of the living wall break where the profile does not say it.
# The channels that break first: the carbon dioxide cell, the metal oxides, the electrochemical
# cells, then the rest. All other elements break in random order.
_BREAK_FIRST = (
    'gas.co2_surface_ppm',
    'gas.voc_index',
    'gas.nh3_ppm',
    'gas.co2_uptake_ppm',
    'gas.relative_humidity_pct',
    'gas.h2s_ppb',
    'gas.surface_temperature_c',
    'gas.o2_pct',
)
# What a poisoned channel tends to: clean air. Other channels tend to zero.
_AT_REST = {
    'gas.co2_surface_ppm': 420.0,
    'gas.relative_humidity_pct': 50.0,
    'gas.surface_temperature_c': 20.0,
    'gas.voc_index': 60.0,
    'gas.o2_pct': 20.9,
}
# By how much a level shifts, as (share of the reading, number of its unit). Other channels shift
# by four times their spread.
_SHIFT = {'touch.texture': (2.0, 0.0), 'touch.indentation': (0.0, 2.0)}
# Vibration, which a film of water damps. Other channels of a grid are smeared, and lifted by this
# much or half their spread.
_DAMPED = ('touch.texture',)
_LIFT = {'touch.indentation': 0.8}

_BLOCK_PX = 8
_CAMERA_GRAIN = 3.0  # 8-bit steps


def elements(sense: Sense | None, size: int, part: float, rng: np.random.Generator) -> np.ndarray:
    """Return which elements are hit, `bool[size]`: `part` of them, at least one."""
    order = rng.permutation(size)
    if sense is not None and sense.layout == 'channels':
        names = [f'{sense.name}.{channel}' for channel in sense.channel_names]
        first = [names.index(name) for name in _BREAK_FIRST if name in names]
        order = np.array([*first, *(index for index in order if index not in first)])
    mask = np.zeros(size, bool)
    mask[order[: max(1, round(part * size))]] = True
    return mask


def put(
    sense: Sense | None, value: np.ndarray, other: np.ndarray, part: float, seed: int
) -> np.ndarray:
    """Return `value` with `part` of its elements (of a picture: blocks of 8 px) from `other`."""
    rng = np.random.default_rng(seed)
    if sense is not None:
        return np.where(elements(sense, value.size, part, rng), other, value).astype(np.float32)
    height, width = value.shape[:2]
    rows, columns = -(-height // _BLOCK_PX), -(-width // _BLOCK_PX)
    blocks = elements(None, rows * columns, part, rng)
    mask = blocks.reshape(rows, columns).repeat(_BLOCK_PX, 0).repeat(_BLOCK_PX, 1)
    return np.where(mask[:height, :width, None], other, value)


def saturated(sense: Sense | None, value: np.ndarray, severity: float, seed: int) -> np.ndarray:
    """Return the top of the range in severity^2 of the elements.

    Of a picture 2^(4 severity) times the light.
    """
    if sense is None:
        return _to_picture(value * np.float32(2.0 ** (4.0 * severity / 2.2)))
    return put(sense, value, sense.per_element('max'), severity**2, seed)


def out_of_range(sense: Sense, value: np.ndarray, severity: float, seed: int) -> np.ndarray:
    """Return, in severity^2 of the elements, ten times the top of the range.

    Where that is within the range, nine times the width of the range above its top.
    """
    top, width = sense.per_element('max'), sense.per_element('max') - sense.per_element('min')
    return put(sense, value, np.where(top > 0, 10 * top, top + 9 * width), severity**2, seed)


def noisy(
    sense: Sense | None, value: np.ndarray, severity: float, rng: np.random.Generator
) -> np.ndarray:
    """Return `value` with further noise, 2^(1 + 4 severity) times the sum of the healthy parts.

    That is 4, 8, 32 times at severity 0.25, 0.5, 1. The parts, constant and relative, are
    independent: where they are alike, their sum is 1.4 times the healthy noise. At severity 0.25
    the gas module of the living wall is 4.1 times as noisy as before, its pad 5.5 times in
    texture and 4.4 in depth (median of 60 panels). A grid reads nothing below its range.
    """
    times = 2.0 ** (1.0 + 4.0 * severity)
    normal = rng.standard_normal(value.shape, dtype=np.float32)
    if sense is None:
        return _to_picture(value + _CAMERA_GRAIN * times * normal)
    healthy = sense.per_element('relative_noise') * np.abs(value) + sense.per_element('noise_std')
    value = value + times * healthy * normal
    return np.maximum(value, sense.per_element('min')) if sense.layout == 'grid' else value


def shifted(sense: Sense | None, value: np.ndarray, severity: float) -> np.ndarray:
    """Return another level, up by as much as four times the spread from place to place.

    Of the living wall's pad: texture up to 3 times, depth up to 2 mm more. Of a picture: up to 90
    8-bit steps brighter.
    """
    if sense is None:
        return _to_picture(value + np.float32(90.0 * severity))
    share = _per_element(sense, lambda channel, name: _SHIFT.get(name, (0.0, 0.0))[0])
    level = _per_element(
        sense, lambda channel, name: _SHIFT[name][1] if name in _SHIFT else 4 * channel.spread_std
    )
    severity = np.float32(severity)
    return value * (1 + share * severity) + level * severity


def wet(sense: Sense, value: np.ndarray, severity: float) -> np.ndarray:
    """Return a grid through a film of water.

    Vibration is damped by up to 75 %; other channels are smeared, and lifted by half their spread
    (the depth of the living wall's pad by 0.8 mm).
    """
    result = value.copy()
    for channel in sense.channels:
        name, elements_of = f'{sense.name}.{channel.name}', sense.elements_of(channel.name)
        if name in _DAMPED:
            result[elements_of] *= 1.0 - 0.75 * severity
            continue
        rows = value[elements_of].reshape(sense.shape[1:])
        smeared = cv2.GaussianBlur(rows, (0, 0), 2.0 * severity)
        lift = _LIFT.get(name, 0.5 * channel.spread_std)
        result[elements_of] = (smeared + lift * severity).ravel()
    return result


def poisoned(sense: Sense, value: np.ndarray, severity: float) -> np.ndarray:
    """Return channels whose difference from rest (clean air) has shrunk by up to 90 %."""
    rest = _per_element(
        sense, lambda channel, name: np.clip(_AT_REST.get(name, 0.0), channel.min, channel.max)
    )
    return rest + (value - rest) * np.float32(1.0 - 0.9 * severity)


def blurred(value: np.ndarray, severity: float) -> np.ndarray:
    """Return a picture out of focus: up to 6 % of its height (standard deviation)."""
    return cv2.GaussianBlur(value, (0, 0), 0.06 * severity * value.shape[0])


def covered(value: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return a picture whose lower part (30 % to all of it) is behind something dark."""
    height = value.shape[0]
    rows = min(height, round(height * (0.07 + 0.93 * severity)))
    dark = 6.0 + 2.0 * rng.standard_normal((rows, *value.shape[1:]), dtype=np.float32)
    hidden = value.copy()
    hidden[height - rows :] = _to_picture(dark)
    return hidden


def _per_element(sense: Sense, number: Callable[[Channel, str], float]) -> np.ndarray:
    """Return `number(channel, 'sense.channel')` for each element, `float32[size]`."""
    values = [number(channel, f'{sense.name}.{channel.name}') for channel in sense.channels]
    return np.repeat(np.float32(values), sense.size // len(sense.channels))


def _to_picture(value: np.ndarray) -> np.ndarray:
    return np.clip(value, 0.0, 255.0).astype(np.uint8)
