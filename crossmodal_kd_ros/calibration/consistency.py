# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The student as a virtual sensor: what it predicts from the picture against what touch and gas measure.

A sensor that lies within its physical range (a wet pad, a poisoned channel, slow drift)
contradicts the picture for longer, or by more, than the student's own errors do.
"""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract import BANK_SHAPE, GAS_NAMES, INDENTATION, TEXTURE

TOUCH_FEATURES = (
    'texture level',
    'texture spread',
    'least indentation',
    'indentation level',
    'indentation peak',
    'indentation detail',
)
FEATURES = {'touch': TOUCH_FEATURES, 'gas': GAS_NAMES}
# More of these than the picture shows is noise, which a teacher bears and the pad's own readings
# tell; less is a film of water.
_LESS_ALONE = {
    'touch': np.isin(TOUCH_FEATURES, ('texture spread', 'indentation detail')),
    'gas': np.zeros(len(GAS_NAMES), bool),
}
# A step is seen over the first, slow drift over the last: a crawler passes four panels in that
# time.
WINDOWS_S = (0.5, 5.0, 20.0)
# A verdict is withdrawn when the residual has come back to this part of its limit.
_RELEASE = 0.7
# Longer than any gap between pictures on which residuals are one course.
_LONGEST_STEP_S = 2.0


def touch_features(touch: np.ndarray) -> np.ndarray:
    """Return `float[..., 6]` of touch `[..., 256]`, in the order of `TOUCH_FEATURES`.

    Logarithm of the mean texture; its spread relative to the mean; 10th percentile and median of
    the indentation (mm); logarithms of the peak above the median, and of the mean step from taxel
    to taxel.
    """
    texture, indentation = np.maximum(touch[..., TEXTURE], 0.0), touch[..., INDENTATION]
    mean = texture.mean(-1)
    ordered = np.sort(indentation, -1)
    least, median, peak = (ordered[..., round(part * 127)] for part in (0.1, 0.5, 0.98))
    steps = np.abs(
        np.diff(indentation.reshape(*indentation.shape[:-1], *BANK_SHAPE), axis=-1)
    ).mean((-1, -2))
    return np.stack(
        [
            np.log(mean + 1.0),
            texture.std(-1) / (mean + 1.0),
            least,
            median,
            np.log(np.maximum(peak - median, 0.0) + 0.1),
            np.log(steps + 0.03),
        ],
        -1,
    )


def residual(sensor: str, measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return measured minus predicted, in the features of `sensor`: `float[..., 6]` of touch, `float[..., 8]` of gas."""
    if sensor == 'touch':
        return touch_features(measured) - touch_features(predicted)
    return measured - predicted


@dataclass(frozen=True, kw_only=True)
class ResidualModel:
    """How residuals of a healthy sensor are distributed, in the order of `FEATURES`.

    Attributes:
        bias, scale: `float[F]`, mean and standard deviation.
        whitening: `float[F, F]`, makes standardised residuals uncorrelated.
        limits: `float[W, F + 1]`, of the means over `WINDOWS_S`, in standard deviations: of each
            feature, then of the root mean square of the whitened ones together.
    """

    bias: np.ndarray
    scale: np.ndarray
    whitening: np.ndarray
    limits: np.ndarray

    def standardise(self, sensor: str, values: np.ndarray) -> np.ndarray:
        """Return residuals `[..., F]` of `sensor` in standard deviations; 0 where there is more of what only less of counts."""
        z = (values - self.bias) / self.scale
        return np.where(_LESS_ALONE[sensor], np.minimum(z, 0.0), z)

    def sizes(self, z: np.ndarray) -> np.ndarray:
        """Return what the limits are for, `float[..., F + 1]`, of mean standardised residuals `[..., F]`."""
        together = np.sqrt(np.square(z @ self.whitening.T).mean(-1, keepdims=True))
        return np.concatenate([np.abs(z), together], -1)


class ResidualMonitor:
    """Follows the residual of one sensor from picture to picture."""

    def __init__(self, sensor: str, model: ResidualModel) -> None:
        """Know nothing yet."""
        self._sensor, self._model = sensor, model
        self.reset()

    def reset(self) -> None:
        """Forget every residual."""
        self._means = np.zeros((len(WINDOWS_S), self._model.bias.size))
        self._gathered_s = 0.0
        self._stamp_ns: int | None = None
        self._verdict = ''
        self._accused_ns = 0  # when a limit was last reached

    def take(self, stamp_ns: int, measured: np.ndarray, predicted: np.ndarray) -> str:
        """Compare a reading with its prediction from the picture of `stamp_ns`; return the verdict, empty if healthy."""
        z = self._model.standardise(self._sensor, residual(self._sensor, measured, predicted))
        step_s = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) / 1e9
        if not 0.0 <= step_s < _LONGEST_STEP_S:
            self.reset()
            step_s = 0.0
        self._stamp_ns = stamp_ns
        self._gathered_s += step_s
        # Means over what there is, until there is more than the window: a first residual is not
        # averaged with zeros.
        shares = [_share(step_s, min(window_s, self._gathered_s)) for window_s in WINDOWS_S]
        self._means += (z - self._means) * np.array(shares)[:, None]
        # A mean over less than its window is no mean: it counts from then on.
        full = self._gathered_s >= np.array(WINDOWS_S)[:, None]
        excess = full * self._model.sizes(self._means) / self._model.limits
        worst = excess.max()
        if worst >= 1.0:
            self._verdict, self._accused_ns = self._words(excess), stamp_ns
        # A pad is not forgiven before it has agreed for as long as the longest mean remembers:
        # what lies under it next may hide what is wrong with it.
        elif worst <= _RELEASE and (
            self._sensor == 'gas' or stamp_ns - self._accused_ns >= WINDOWS_S[-1] * 1e9
        ):
            self._verdict = ''
        return self._verdict

    def _words(self, excess: np.ndarray) -> str:
        window, feature = np.unravel_index(int(np.argmax(excess)), excess.shape)
        over = f'over {WINDOWS_S[window]:g} s'
        names = FEATURES[self._sensor]
        if feature < len(names):
            return (
                f'{self._sensor} contradicts the picture: {names[feature]} is {self._means[window, feature]:+.1f} '
                f'deviations from what the student sees, {over} (limit {self._model.limits[window, feature]:.1f})'
            )
        first = int(np.argmax(np.abs(self._means[window])))
        return (
            f'{self._sensor} contradicts the picture: all its features together are '
            f'{self._model.sizes(self._means)[window, feature]:.1f} deviations from what the student sees, {over} (limit '
            f'{self._model.limits[window, feature]:.1f}), {names[first]} the most ({self._means[window, first]:+.1f})'
        )


def _share(step_s: float, window_s: float) -> float:
    """Return the weight of the newest value in a mean over `window_s`."""
    return 1.0 if window_s <= 0.0 else float(-np.expm1(-step_s / window_s))
