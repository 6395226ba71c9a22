# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The student as a virtual sensor: what it predicts from the picture against what touch and gas measure.

A sensor that lies within its physical range (a wet pad, a poisoned channel, slow drift) contradicts the picture for
longer, or by more, than the student's own errors do.
"""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import GAS_NAMES, INDENTATION, TEXTURE

TOUCH_FEATURES = ('texture level', 'texture spread', 'indentation level', 'indentation peak')
FEATURES = {'touch': TOUCH_FEATURES, 'gas': GAS_NAMES}
# A step is seen by the first, a drift by the second: four panels at a crawler's 5 s each.
FAST_S, SLOW_S = 0.5, 20.0
# Time over which the slow mean is gathered before it counts, seconds.
_SLOW_START_S = 20.0
# A verdict is withdrawn when the residual has come back to this part of its limit.
_RELEASE = 0.7
# Longer than any gap between pictures on which residuals are one course.
_LONGEST_STEP_S = 2.0


def touch_features(touch: np.ndarray) -> np.ndarray:
    """Return `float[..., 4]` of touch `[..., 256]`: logarithm of the mean texture, spread of the texture relative to it,
    median indentation (mm), and logarithm of the peak above it."""
    texture, indentation = np.maximum(touch[..., TEXTURE], 0.0), touch[..., INDENTATION]
    mean, median = texture.mean(-1), np.median(indentation, -1)
    peak = np.maximum(np.quantile(indentation, 0.98, -1) - median, 0.0)
    return np.stack([np.log(mean + 1.0), texture.std(-1) / (mean + 1.0), median, np.log(peak + 0.1)], -1)


def residual(sensor: str, measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return measured minus predicted, in the features of `sensor`: `float[..., 4]` of touch, `float[..., 8]` of gas."""
    if sensor == 'touch':
        return touch_features(measured) - touch_features(predicted)
    return measured - predicted


@dataclass(frozen=True, kw_only=True)
class ResidualModel:
    """How residuals of a healthy sensor are distributed; each `float[F]`, in the order of `FEATURES`.

    Attributes:
        bias, scale: mean and standard deviation.
        fast, slow: limits of the mean over `FAST_S` and over `SLOW_S`, in standard deviations.
    """

    bias: np.ndarray
    scale: np.ndarray
    fast: np.ndarray
    slow: np.ndarray


class ResidualMonitor:
    """Follows the residual of one sensor from picture to picture."""

    def __init__(self, sensor: str, model: ResidualModel) -> None:
        """Know nothing yet."""
        self._sensor, self._model = sensor, model
        self.reset()

    def reset(self) -> None:
        """Forget every residual."""
        size = self._model.bias.size
        self._fast, self._slow = np.zeros(size), np.zeros(size)
        self._gathered_s = 0.0
        self._stamp_ns: int | None = None
        self._verdict = ''

    def take(self, stamp_ns: int, measured: np.ndarray, predicted: np.ndarray) -> str:
        """Compare a reading with its prediction from the picture of `stamp_ns`; return the verdict, empty if healthy."""
        z = (residual(self._sensor, measured, predicted) - self._model.bias) / self._model.scale
        step_s = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) / 1e9
        if not 0.0 <= step_s < _LONGEST_STEP_S:
            self.reset()
            step_s = 0.0
        self._stamp_ns = stamp_ns
        self._gathered_s += step_s
        # Means over what there is, until there is more than the window: a first residual is not averaged with zeros.
        self._fast += (z - self._fast) * _share(step_s, min(FAST_S, self._gathered_s))
        self._slow += (z - self._slow) * _share(step_s, min(SLOW_S, self._gathered_s))
        excess = np.maximum(
            np.abs(self._fast) / self._model.fast if self._gathered_s >= FAST_S else 0.0,
            np.abs(self._slow) / self._model.slow if self._gathered_s >= _SLOW_START_S else 0.0)
        worst = int(np.argmax(excess))
        if excess[worst] >= 1.0 or (self._verdict and excess[worst] > _RELEASE):
            self._verdict = self._words(worst)
        else:
            self._verdict = ''
        return self._verdict

    def _words(self, worst: int) -> str:
        by_fast = np.abs(self._fast[worst]) / self._model.fast[worst] >= np.abs(self._slow[worst]) / self._model.slow[worst]
        value, limit, window_s = (self._fast, self._model.fast, FAST_S) if by_fast else (self._slow, self._model.slow, SLOW_S)
        return (f'{self._sensor} contradicts the picture: {FEATURES[self._sensor][worst]} is {value[worst]:+.1f} deviations '
                f'from what the student sees, over {window_s:g} s (limit {limit[worst]:.1f})')


def _share(step_s: float, window_s: float) -> float:
    """Return the weight of the newest value in a mean over `window_s`."""
    return 1.0 if window_s <= 0.0 else float(-np.expm1(-step_s / window_s))
