# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a robot reads at one instant (`Sample`), what a network says of it (`Prediction`), what is published (`Estimate`)."""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.contract.vocabulary import (
    ACTIONS,
    GAS_CHANNELS,
    NUM_GAS,
    NUM_TAXELS,
    SURFACE_STATE,
    Mode,
)


class ContractError(ValueError):
    """A reading is not what the contract says: one sentence with what was expected and what came."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The readings that belong to one image; a sense that is lost or unhealthy is `None`.

    Attributes:
        stamp_ns: stamp of the image's header, nanoseconds.
        image: `uint8[H, W, 3]`, RGB.
        touch: `float32[256]`: texture (um), then indentation (mm).
        gas: `float32[8]` in the order and units of `GAS_CHANNELS`.
    """

    stamp_ns: int
    image: np.ndarray
    touch: np.ndarray | None = None
    gas: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What an engine says of one sample.

    Attributes:
        probabilities: `float32[6]`, one for each of `ACTIONS`, summing to 1, of the network that
            decides.
        touch: `float32[256]`, the student's estimate of touch (um, mm).
        gas: `float32[8]`, the student's estimate of gas.
        surface: `float32[3]`, the student's estimate of `SURFACE_STATE` (um, mm, fraction).
        student_probabilities: `float32[6]`, of the student, whoever decides; `None` from an engine
            that does not say.
        surface_std: `float32[3]`, the standard deviation that the student gives to `surface`, in
            its units; `None` where an engine cannot say.
        features: `float32[D]`, mean and deviation of the student's finest maps of the picture;
            `None` likewise.
        detail: `float32[]`, mean step from pixel to pixel of the square view, in 8-bit steps;
            `None` likewise.
    """

    probabilities: np.ndarray
    touch: np.ndarray
    gas: np.ndarray
    surface: np.ndarray
    student_probabilities: np.ndarray | None = None
    surface_std: np.ndarray | None = None
    features: np.ndarray | None = None
    detail: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the package publishes for one image.

    Attributes:
        stamp_ns: stamp of the image it was computed from, nanoseconds.
        mode: who decided.
        reason: why that mode, in words.
        action: one of `ACTIONS`, or `hold`.
        confidence: largest of `probabilities`, 0 to 1; less by as much as the picture is unlike
            those of the training.
        probabilities: `float32[6]`.
        touch: `float32[256]`, the student's touch, whatever the mode.
        gas: `float32[8]`, the student's gas, whatever the mode.
        surface: `float32[3]`, `SURFACE_STATE`: from the measured senses where they are healthy,
            from the student's estimate where they are not.
        lower, upper: `float32[3]`, 90 % bounds of `surface`; `None` without a calibration of the
            weights.
        possible: the actions that the expert's is among in 90 % of all cases; `None` likewise.
    """

    stamp_ns: int
    mode: Mode
    reason: str
    action: str
    confidence: float
    probabilities: np.ndarray
    touch: np.ndarray
    gas: np.ndarray
    surface: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    possible: tuple[str, ...] | None = None

    def named_surface(self) -> dict[str, float]:
        """Return the surface state by name and, with a calibration, its bounds: `crack_depth_lower`, `crack_depth_upper`, ..."""
        values = dict(zip(SURFACE_STATE, self.surface.tolist()))
        for side, bounds in (('lower', self.lower), ('upper', self.upper)):
            if bounds is not None:
                values |= {
                    f'{name}_{side}': bound for name, bound in zip(SURFACE_STATE, bounds.tolist())
                }
        return values

    def efforts(self) -> list[float]:
        """Return 1 for each of `ACTIONS` that is possible and 0 for the others; nothing where nobody knows."""
        return (
            [] if self.possible is None else [float(action in self.possible) for action in ACTIONS]
        )


def check_image(image: np.ndarray) -> np.ndarray:
    """Return `image` if it is a `uint8[H, W, 3]` with pixels in it; raise `ContractError` if not."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ContractError(
            f'expected an RGB image uint8[H, W, 3], got {image.dtype}{list(image.shape)}'
        )
    return image


def check_touch(touch: np.ndarray) -> np.ndarray:
    """Return `touch` as `float32[256]`; raise `ContractError` for another size or a value that is not finite."""
    touch = np.asarray(touch, np.float32).reshape(-1)
    if touch.size != NUM_TAXELS:
        raise ContractError(f'expected {NUM_TAXELS} taxel values, got {touch.size}')
    bad = int(np.count_nonzero(~np.isfinite(touch)))
    if bad:
        raise ContractError(f'expected finite taxel values, got {bad} that are NaN or infinite')
    return touch


def check_gas(gas: np.ndarray) -> np.ndarray:
    """Return `gas` as `float32[8]`; raise `ContractError` for another size or a value that is not finite."""
    gas = np.asarray(gas, np.float32).reshape(-1)
    if gas.size != NUM_GAS:
        raise ContractError(f'expected {NUM_GAS} gas channels, got {gas.size}')
    bad = [channel.name for channel, value in zip(GAS_CHANNELS, gas) if not np.isfinite(value)]
    if bad:
        raise ContractError(f'expected finite gas values, got NaN or infinity in {", ".join(bad)}')
    return gas
