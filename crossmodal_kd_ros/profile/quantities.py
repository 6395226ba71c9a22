# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Quantities that follow from readings, by the formulas of the profile."""

from collections.abc import Mapping, Sequence

import numpy as np

from crossmodal_kd_ros.profile.schema import Profile, Quantity


def measure_quantity(
    profile: Profile, quantity: Quantity, readings: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return one quantity, `[...]`, from readings `[..., size]` of the senses that measure it."""
    if quantity.ratio is not None:
        numerator = _elements(profile, quantity.ratio.of, readings).sum(-1)
        denominator = _elements(profile, quantity.ratio.to, readings).sum(-1)
        least = max(quantity.ratio.min_denominator, np.finfo(np.float32).tiny)
        return np.where(denominator > least, numerator / np.maximum(denominator, least), 0.0)
    if quantity.max is not None:
        return _elements(profile, quantity.max, readings).max(-1)
    return _elements(profile, quantity.mean, readings).mean(-1)


def measure_quantities(profile: Profile, readings: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return every quantity, `float32[..., Q]`, from readings `[..., size]` of every sense."""
    values = [
        measure_quantity(profile, quantity, readings) for quantity in profile.quantities.values()
    ]
    if not values:
        lead = np.shape(next(iter(readings.values())))[:-1]
        return np.zeros((*lead, 0), np.float32)
    return np.stack(values, axis=-1).astype(np.float32)


def quantity_minimum(profile: Profile) -> np.ndarray:
    """Return the least value that each quantity can have, `float32[Q]`.

    It is minus infinity where none is known. A mean or a maximum is not below the least `min` of its channels.
    """

    def least(quantity: Quantity) -> float:
        if quantity.ratio is not None:
            return -np.inf
        mins = []
        for name in quantity.channels:
            sense, _, channel = name.partition('.')
            mins += [c.min for c in profile.senses[sense].channels if c.name == channel]
        return min(mins)

    return np.array([least(quantity) for quantity in profile.quantities.values()], np.float32)


def _elements(
    profile: Profile, channels: Sequence[str], readings: Mapping[str, np.ndarray]
) -> np.ndarray:
    parts = []
    for name in channels:
        sense, _, channel = name.partition('.')
        parts.append(readings[sense][..., profile.senses[sense].elements_of(channel)])
    return parts[0] if len(parts) == 1 else np.concatenate(parts, -1)
