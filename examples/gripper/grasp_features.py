# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a grasp felt like: numbers in physical units, from the 24 channels of the arm.

One message of 24 numbers says little of an object: what it weighs is in the load of the shoulder
while it is lifted, how stiff it is in how the gripper comes to rest on it and springs back from
it. So the arm sums up each grasp, as a robot's driver would, and this summary is its sense.
"""

import numpy as np
from grasp_recordings import JOINTS

RATE_HZ = 200
# A gripper that closes faster than this is on its way, percent of its opening a second.
_CLOSING = 10.0
# Seconds from there in which it has come to rest on whatever there is.
_SQUEEZE_S = 1.6
# The arm follows the same path each time. Seconds after the gripper began to close.
_LIFT_S = tuple((2.4 + 0.8 * n, 3.2 + 0.8 * n) for n in range(5))
_LIFTERS = ('shoulder_lift', 'elbow_flex')
# From here on it holds, and then lets go.
_RELEASE_FROM_S = 7.6
# Percent of the opening wider than where the gripper came to rest.
_DEPTHS = (0.5, 1.0, 2.0, 3.0, 6.0)
_CURRENTS_MA = (120.0, 200.0, 300.0, 400.0, 500.0)
_SPRINGS = (0.5, 1.0, 2.0, 3.0, 5.0)

_POSITION, _LOAD, _CURRENT, _VELOCITY = (6 * n for n in range(4))
_GRIPPER = JOINTS.index('gripper')


def _names() -> list[tuple[str, str, float, float]]:
    """Return name, unit, least and greatest value of each number."""
    rows = [
        (f'{joint}_load_{n}', '%', -110.0, 110.0)
        for n in range(len(_LIFT_S))
        for joint in _LIFTERS
    ]
    rows += [(f'squeeze_current_{depth}', 'mA', -100.0, 3000.0) for depth in _DEPTHS]
    rows += [(f'squeeze_speed_{depth}', '%/s', -50.0, 300.0) for depth in _DEPTHS]
    rows += [(f'depth_at_{current:.0f}_ma', '%', -5.0, 110.0) for current in _CURRENTS_MA]
    rows += [
        ('squeeze_jerks', '%/s', 0.0, 2000.0),
        ('creep', '%', -10.0, 110.0),
        ('relaxation', '%', -110.0, 110.0),
    ]
    rows += [(f'release_load_{spring}', '%', -110.0, 110.0) for spring in _SPRINGS]
    return [(name.replace('.', '_'), *rest) for name, *rest in rows]


FEATURES = tuple(_names())
NAMES = tuple(name for name, *_ in FEATURES)


def summarise(stamps_s: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Return what a grasp felt like so far, `float32[len(NAMES)]`.

    What has not come yet is NaN. In this order:

    - `<joint>_load_<n>`: mean load of a lifting joint in each of 5 stretches of 0.8 s of the lift.
    - `squeeze_current_<d>`, `squeeze_speed_<d>`: current and speed of the gripper when it is d
      percent of its opening wider than where it comes to rest: the curve of force over depth.
    - `depth_at_<i>_ma`: how much wider it is than at rest when its current first exceeds i mA.
    - `squeeze_jerks`: how often and how much it speeds up again after contact: walls that buckle.
    - `creep`: how much it closes between 0.9 and 1.6 s; `relaxation`: and while it holds.
    - `release_load_<d>`: load when it has opened again by d percent: how far the object springs
      back.

    Args:
        stamps_s: `float64[N]`, from the start of the grasp.
        channels: `float32[N, 24]`, as `grasp_recordings.Grasp.signals`.
    """
    end_s = stamps_s[-1] if len(stamps_s) else 0.0
    times_s = np.arange(0.0, end_s, 1.0 / RATE_HZ)
    nothing = np.full(len(NAMES), np.nan, np.float32)
    if len(times_s) < 9:
        return nothing

    def signal(first: int, joint: int = _GRIPPER) -> np.ndarray:
        return np.interp(times_s, stamps_s, channels[:, first + joint])

    speed = -_smooth(signal(_VELOCITY), 5)
    closing = np.flatnonzero((speed > _CLOSING) & (times_s > 1.0))
    if not len(closing):
        return nothing
    start_s = times_s[closing[0]]
    parts = []
    for since_s, until_s in _LIFT_S:
        rows = (times_s >= start_s + since_s) & (times_s < start_s + until_s)
        whole = end_s >= start_s + until_s
        parts += [
            signal(_LOAD, JOINTS.index(joint))[rows].mean() if whole else np.nan
            for joint in _LIFTERS
        ]
    squeeze = (times_s >= start_s) & (times_s < start_s + _SQUEEZE_S)
    if end_s >= start_s + _SQUEEZE_S:
        opening, current = signal(_POSITION), _smooth(signal(_CURRENT), 9)
        rest, parts_of_squeeze = _squeeze(opening[squeeze], current[squeeze], speed[squeeze])
        parts += parts_of_squeeze
        later = times_s >= start_s + _RELEASE_FROM_S
        parts += _release(opening[later], signal(_LOAD)[later], rest)
    values = np.full(len(NAMES), np.nan)
    values[: len(parts)] = parts
    low, high = np.array([row[2:] for row in FEATURES]).T
    return np.clip(values, low, high).astype(np.float32)


def _squeeze(
    opening: np.ndarray, current: np.ndarray, speed: np.ndarray
) -> tuple[float, list[float]]:
    """Return where the gripper came to rest, and the numbers of how it did."""
    rest = opening[-1]
    reached = [int(np.argmax(opening <= rest + depth)) for depth in _DEPTHS]
    contact = int(np.argmax(current > 150.0))
    quicker = np.diff(speed[contact:])
    depths = [opening[int(np.argmax(current > each))] - rest for each in _CURRENTS_MA]
    return rest, [
        *current[reached],
        *speed[reached],
        *depths,
        quicker[quicker > 0.0].sum(),
        opening[int(0.9 * RATE_HZ)] - rest,
    ]


def _release(opening: np.ndarray, load: np.ndarray, rest: float) -> list[float]:
    """Return the numbers of how the gripper let go, NaN before it has."""
    if len(opening) < RATE_HZ:
        return [np.nan] * (1 + len(_SPRINGS))
    hold = opening[:RATE_HZ].mean()
    opened = opening - hold
    if opened.max() < max(_SPRINGS):
        return [hold - rest, *[np.nan] * len(_SPRINGS)]
    return [hold - rest, *(load[int(np.argmax(opened >= each))] for each in _SPRINGS)]


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode='edge')
    return np.convolve(padded, np.full(width, 1.0 / width), 'valid')
