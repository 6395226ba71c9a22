# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the student predicts from the picture against what a sense measures.

A sensor that lies within its physical range (a wet pad, a poisoned channel, slow drift)
contradicts the picture at more places, or by more, than the student's own errors do. At one place
the student errs alike for as long as one looks: all pictures of it are one piece of evidence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.profile import Channel, Sense

# What a feature of a channel is called in a reason.
_NAMES = {
    'level': '{} level',
    'spread': '{} spread',
    'low': 'least {}',
    'median': 'median {}',
    'peak': '{} peak',
    'detail': '{} detail',
}
# More of these than the picture shows is noise, which a teacher bears and the sense's own readings
# tell; less is a sign of something that covers the grid, such as a film of water.
_LESS_ALONE = ('spread', 'detail')
# Of the range, where a channel has no noise floor.
_DEFAULT_FLOOR = 0.01
# A step is seen over the first, slow drift over the last: a crawler passes four panels in that
# time.
WINDOWS_S = (0.5, 5.0, 20.0)
# A verdict is withdrawn when the residual has come back to this part of its limit.
_RELEASE = 0.7
# A picture stands for the time since the one before, if that is not longer than this or so many
# periods of the camera.
_MAX_STEP_S, _MAX_STEP_PERIODS = 2.0, 2.5
# Weight in the shortest mean with which a sense can be shown to agree: half a second.
_MIN_PROOF = 0.6
# A place, such as a panel of the simulated wall, is passed in 5 s. However long it is looked at,
# it counts for no more.
DWELL_S = 5.0
# The places of half an hour would make no difference: the longest mean remembers some seconds.
_MAX_PLACES = 32
# Of one place in the mean over each window; what has less in the longest is forgotten.
_WINDOWS = np.array(WINDOWS_S)
_MAX_WEIGHTS = -np.expm1(-DWELL_S / _WINDOWS)
_MIN_WEIGHT = 1e-3


def feature_names(sense: Sense) -> tuple[str, ...]:
    """Return what is compared of a sense: its channels, or the features of a grid's channels."""
    if sense.layout == 'channels':
        return sense.channel_names
    return tuple(_NAMES[feature].format(channel.name) for channel, feature in _features(sense))


def less_alone(sense: Sense) -> np.ndarray:
    """Return of which features only less than the picture shows is a contradiction, `bool[F]`."""
    if sense.layout == 'channels':
        return np.zeros(sense.size, bool)
    return np.array([feature in _LESS_ALONE for _, feature in _features(sense)])


def compared(sense: Sense) -> dict[str, dict[str, Any]]:
    """Return what residuals, and their limits, follow from in a profile, by channel.

    What its fingerprint holds is left out: networks do not depend on these.
    """
    keys = ('ambient',) if sense.layout == 'channels' else ('features', 'noise_floor', 'ambient')
    return {
        channel.name: channel.model_dump(mode='json', include=set(keys))
        for channel in sense.channels
    }


def grid_features(sense: Sense, readings: np.ndarray) -> np.ndarray:
    """Return the features of a grid's channels, `float[..., F]`, of readings `[..., size]`.

    With f = the channel's `noise_floor`, v = its elements, w = v less its `min`, at least 0:
    `level` = log(mean(w) + 0.05 f); `spread` = std(w) / (mean(w) + 0.05 f); `low` = 10th
    percentile of v; `median`; `peak` = log(max(98th percentile - median, 0) + 0.1 f); `detail` =
    log(mean step of v along a row, or down the one column, + 0.03 f).
    """
    parts = []
    for channel in sense.channels:
        values = readings[..., sense.elements_of(channel.name)]
        computed = _channel_features(channel, values, sense.shape[1:])
        parts += [computed[feature] for feature in channel.features]
    return np.stack(parts, -1)


def residual(sense: Sense, measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return measured minus predicted, `float[..., F]`, of readings `[..., size]`.

    They are in the order of `feature_names`.
    """
    if sense.layout == 'channels':
        return measured - predicted
    return grid_features(sense, measured) - grid_features(sense, predicted)


@dataclass(frozen=True, kw_only=True)
class ResidualModel:
    """How residuals of a healthy sense are distributed, in the order of `feature_names`.

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

    def standardise(self, sense: Sense, values: np.ndarray) -> np.ndarray:
        """Return residuals `[..., F]` in standard deviations.

        Where there is more of what only less of counts, it is 0.
        """
        z = (values - self.bias) / self.scale
        return np.where(less_alone(sense), np.minimum(z, 0.0), z)

    def sizes(self, z: np.ndarray) -> np.ndarray:
        """Return what is held against the limits, `float[..., F + 1]`, of residuals `[..., F]`."""
        together = np.sqrt(np.square(z @ self.whitening.T).mean(-1, keepdims=True))
        return np.concatenate([np.abs(z), together], -1)

    def weigh(
        self, measured: np.ndarray, predicted: np.ndarray, channel_std: np.ndarray
    ) -> np.ndarray:
        """Return measured and predicted channels joined, each at what it is worth, `float32[N]`.

        Args:
            measured: `float32[N]`, of a sense whose features are its channels.
            predicted: `float32[N]`, the student's estimate.
            channel_std: `float[N]`, standard deviation of what is measured beyond the ordinary;
                infinite where it carries no information.
        """
        share = 1.0 / (1.0 + np.square(channel_std / self.scale))
        return (share * measured + (1.0 - share) * (predicted + self.bias)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """How a sense contradicts the picture.

    Attributes:
        feature: the one of `feature_names` that is off the most.
        deviation: by how many standard deviations.
        together: size of all features together, where that is what is beyond its limit; else
            `None`.
        limit: of `deviation`, or of `together`.
        window_s: over how long.
    """

    feature: str
    deviation: float
    together: float | None
    limit: float
    window_s: float


class Places:
    """Tells places of late apart by what the student sees: a new picture may be of an old one."""

    def __init__(self, radius: float) -> None:
        """Start with no place; pictures up to `radius` from its first are of the same place."""
        self._radius = radius
        self.reset()

    def reset(self) -> None:
        """Forget every place."""
        self._first: dict[int, np.ndarray] = {}  # by place, the latest last
        self._count = 0

    def find(self, features: np.ndarray) -> int:
        """Return the number of the place that a picture of whitened `features[K]` shows."""
        numbers = list(self._first)
        if numbers:
            distances = np.sqrt(
                np.square(np.stack(list(self._first.values())) - features).mean(-1)
            )
            nearest = int(np.argmin(distances))
            if distances[nearest] <= self._radius:
                number = numbers[nearest]
                self._first[number] = self._first.pop(number)
                return number
        self._count += 1
        self._first[self._count] = features
        if len(self._first) > _MAX_PLACES:
            del self._first[numbers[0]]
        return self._count


class ResidualMonitor:
    """Follows the residual of one sense from picture to picture, and keeps the verdict.

    For each of `WINDOWS_S` there is an exponential mean over the pictures of late, in which a
    place has no more weight than `DWELL_S` at it give. It starts at 0, for a sense agrees until it
    is shown not to. That of a sense that is accused is taken over its weights alone: it has to be
    shown to agree. Of a camera with a longer period than `DWELL_S` a picture stands for that, and
    every time is longer by as much.

    Attributes:
        model: how residuals of a healthy sense are distributed.
        verdict: how the sense contradicts the picture; `None` if it does not.
    """

    def __init__(self, sense: Sense, model: ResidualModel, period_s: float) -> None:
        """Start with no residual; pictures come every `period_s`."""
        self._sense, self.model = sense, model
        # Limits were measured on means over places, each with the weight of `DWELL_S`.
        self._stretch = max(1.0, period_s / DWELL_S)
        self._max_step_s = max(_MAX_STEP_S, _MAX_STEP_PERIODS * period_s)
        # What lies under a grid next may hide what is wrong with it: a verdict is not withdrawn
        # before the grid has agreed for as long as the longest mean remembers.
        self._agreement_ns = self._stretch * WINDOWS_S[-1] * 1e9 if sense.layout == 'grid' else 0.0
        self.reset()

    def reset(self) -> None:
        """Forget every residual."""
        # Of P places: number, weight in the mean over each window, mean of their residuals there.
        self._places = np.zeros(0, np.int64)
        self._weights = np.zeros((0, len(WINDOWS_S)))
        self._means = np.zeros((0, len(WINDOWS_S), self.model.bias.size))
        self._stamp_ns: int | None = None
        self._exceeded_ns = 0  # when a limit was last reached, gaps since then left out
        self.verdict: Contradiction | None = None

    def take(
        self, stamp_ns: int, measured: np.ndarray, predicted: np.ndarray, place: int
    ) -> Contradiction | None:
        """Compare a reading with its prediction from the picture of `stamp_ns`, of `place`."""
        z = self.model.standardise(self._sense, residual(self._sense, measured, predicted))
        step_s = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) / 1e9
        if step_s < 0.0:
            self.reset()
            step_s = 0.0
        is_gap = step_s >= self._max_step_s
        if is_gap:  # in it the sense has not agreed
            self._exceeded_ns += stamp_ns - self._stamp_ns
        self._stamp_ns = stamp_ns
        self._add(z, place, step_s / self._stretch, is_gap=is_gap)
        means = (self._weights[:, :, None] * self._means).sum(0)
        weights = self._weights.sum(0)
        if self.verdict is not None:  # of one that is accused, by what there is
            means = means / np.maximum(weights, np.finfo(float).tiny)[:, None]
        excess = self.model.sizes(means) / self.model.limits
        largest = excess.max()
        if largest >= 1.0:
            self.verdict, self._exceeded_ns = self._contradiction(excess, means), stamp_ns
        elif (
            largest <= _RELEASE
            and weights[0] >= _MIN_PROOF
            and stamp_ns - self._exceeded_ns >= self._agreement_ns
        ):
            self.verdict = None
        return self.verdict

    def _add(self, z: np.ndarray, place: int, step_s: float, *, is_gap: bool) -> None:
        """Add a residual `float[F]`, in standard deviations, of the last `step_s`."""
        self._weights *= np.exp(-step_s / _WINDOWS)
        is_kept = (self._places == place) | (self._weights[:, -1] > _MIN_WEIGHT)
        if not is_kept.all():
            self._keep(is_kept)
        if place not in self._places:
            self._places = np.append(self._places, place)
            self._weights = np.append(self._weights, np.zeros((1, len(WINDOWS_S))), 0)
            self._means = np.append(self._means, np.zeros((1, len(WINDOWS_S), z.size)), 0)
        here = int(np.argmax(self._places == place))
        # A picture after a gap stands for itself alone.
        shares = -np.expm1(-(0.0 if is_gap else step_s) / _WINDOWS)
        weight = self._weights[here] + shares
        newest = shares / np.maximum(weight, np.finfo(float).tiny)
        self._means[here] += newest[:, None] * (z - self._means[here])
        self._weights[here] = np.minimum(weight, _MAX_WEIGHTS)

    def _keep(self, is_kept: np.ndarray) -> None:
        """Forget the places that are not in `is_kept`, `bool[P]`."""
        self._places, self._weights, self._means = (
            values[is_kept] for values in (self._places, self._weights, self._means)
        )

    def _contradiction(self, excess: np.ndarray, all_means: np.ndarray) -> Contradiction:
        window, index = np.unravel_index(int(np.argmax(excess)), excess.shape)
        means, names = all_means[window], feature_names(self._sense)
        is_together = index == len(names)
        feature = int(np.argmax(np.abs(means))) if is_together else int(index)
        return Contradiction(
            feature=names[feature],
            deviation=float(means[feature]),
            together=float(self.model.sizes(means)[-1]) if is_together else None,
            limit=float(self.model.limits[window, index]),
            window_s=self._stretch * WINDOWS_S[window],
        )


def _features(sense: Sense) -> list[tuple[Channel, str]]:
    return [(channel, feature) for channel in sense.channels for feature in channel.features]


def _channel_features(
    channel: Channel, values: np.ndarray, shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return the features of one channel, `[...]` each, of its elements `[..., size]`."""
    floor = channel.noise_floor or _DEFAULT_FLOOR * (channel.max - channel.min)
    computed = {}
    if 'level' in channel.features or 'spread' in channel.features:
        above = np.maximum(values - np.float32(channel.min), 0.0)
        mean = above.mean(-1)
        computed['level'] = np.log(mean + 0.05 * floor)
        computed['spread'] = above.std(-1) / (mean + 0.05 * floor)
    if {'low', 'median', 'peak'} & set(channel.features):
        ordered = np.sort(values, -1)
        low, median, high = (
            ordered[..., round(part * (values.shape[-1] - 1))] for part in (0.1, 0.5, 0.98)
        )
        computed['low'], computed['median'] = low, median
        computed['peak'] = np.log(np.maximum(high - median, 0.0) + 0.1 * floor)
    if 'detail' in channel.features:
        grid = values.reshape(*values.shape[:-1], *shape)
        steps = np.abs(np.diff(grid, axis=-1 if shape[1] > 1 else -2))
        computed['detail'] = np.log(steps.mean((-1, -2)) + 0.03 * floor)
    return computed
