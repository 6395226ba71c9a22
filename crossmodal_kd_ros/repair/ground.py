# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of the materials of a wall is under the pins: Bayes' rule over what each would give.

A pin of radius a under a force F sinks into an elastic half-space by d = F (1 - nu^2) / (2 a E)
(flat punch, Sneddon 1965, doi 10.1016/0020-7225(65)90019-4). A layer of thickness t that has come
off is a plate of radius R, clamped at its rim: it bends by F' R^2 / (16 pi D) under the force F'
of all pins in its middle, at most to the ground behind it, and by p R^4 / (64 D) under a pressure
p, D = E t^3 / (12 (1 - nu^2)) (Timoshenko and Woinowsky-Krieger 1959, articles 17 and 19).
"""

from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.repair.config import Material, RepairConfig

_KPA_PER_MPA = 1e3
# A Young's modulus is summed over so many standard deviations of its logarithm to either side.
_SPAN_STD, _MODULI, _PARTS = 2.5, 21, 61


@dataclass(frozen=True, kw_only=True)
class Felt:
    """What pins felt of the ground, or are thought to feel.

    Attributes:
        low_mm: how far they sink where they sink least: their least tenth. Below 0: the ground
            seems harder than a rigid one.
        high_mm: the same of their upper quarter, at least `low_mm`.
        std_mm: standard deviation of what both are off by alike.
        between_std_mm: of their difference on a ground that is alike everywhere.
    """

    low_mm: float
    high_mm: float
    std_mm: float
    between_std_mm: float


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What the ground may be, M materials in the order of the file.

    Attributes:
        names: of the materials.
        probability: `float64[M]`.
        crush_kpa: `float64[M]`, what crushes each, at the mean of its Young's modulus by what was
            felt.
        closing_kpa: `float64[M]`, what presses its layer back onto the ground behind it; 0 where
            it is rather sound than loose.
        deviation: how far what was felt is from the likeliest ground, standard deviations.
    """

    names: tuple[str, ...]
    probability: np.ndarray
    crush_kpa: np.ndarray
    closing_kpa: np.ndarray
    deviation: float


class GroundModel:
    """The materials of a wall as an array of pins feels them."""

    def __init__(self, config: RepairConfig, pins: int) -> None:
        """Take the materials of `config`, and how many pins press."""
        self._config = config
        self._names = tuple(config.materials)
        materials = list(config.materials.values())
        nodes = np.linspace(-_SPAN_STD, _SPAN_STD, _MODULI)
        # `[M, K]`: nodes of a log-normal Young's modulus, and their shares.
        self._modulus_mpa = np.array(
            [
                one.young_modulus_mpa.value * np.exp(one.modulus_log_std.value * nodes)
                for one in materials
            ]
        )
        share = np.exp(-np.square(nodes) / 2.0)
        self._share = share / share.sum()
        self._punch_mm = np.stack(
            [self.punch_mm(*pair) for pair in zip(materials, self._modulus_mpa, strict=True)]
        )
        self._loose_mm = np.stack(
            [self.loose_mm(*pair, pins) for pair in zip(materials, self._modulus_mpa, strict=True)]
        )

    def punch_mm(self, material: Material, modulus_mpa: np.ndarray) -> np.ndarray:
        """Return how far a pin sinks into a material of some Young's modulus, mm."""
        force_n, radius_mm = self._config.pin_force_n.value, self._config.tip_radius_mm.value
        return force_n * (1.0 - material.poisson_ratio.value**2) / (2.0 * radius_mm * modulus_mpa)

    def loose_mm(self, material: Material, modulus_mpa: np.ndarray, pins: int) -> np.ndarray:
        """Return how far a layer that has come off gives way under all pins, mm."""
        config = self._config
        force_n = pins * config.pin_force_n.value
        bent_mm = force_n * config.blister_radius_mm.value**2 / (16.0 * np.pi)
        bent_mm = bent_mm / _stiffness_n_mm(material, modulus_mpa)
        return np.minimum(bent_mm, config.blister_gap_mm.value)

    def closing_kpa(self, material: Material, modulus_mpa: np.ndarray | float) -> np.ndarray:
        """Return the pressure that bends a soft layer back over the gap behind it, kPa."""
        config = self._config
        bends_mpa = 64.0 * config.blister_gap_mm.value / config.blister_radius_mm.value**4
        return _KPA_PER_MPA * bends_mpa * _stiffness_n_mm(material, modulus_mpa)

    def believe(self, felt: Felt) -> Belief:
        """Return what the ground may be, by what was felt.

        For each Young's modulus of each material the ground is sound, or its layer has come off by
        a part x under the upper quarter of the pins: at the edge of such a zone the least tenth
        of them still meets a sound one, and x is anything from 0 to 1; in its middle x is from
        `loose_from` to 1, and what the least tenth meets is anything up to it.

            p(low, high | sound) = N(low; d, s) N(high - low; 0, s')
            p(low, high | edge, x) = N(low; d, s) N(high - low; x g, s')
            p(low, high | middle, x) = N(high; d + x g, s) / high

        d is how far the pins sink into it, g what a layer gives that has come off wholly, s and s'
        are the standard deviations of `felt`. Edge and middle are as likely.
        """
        loose_share = self._config.loose_share.value
        low, high, std, between_std = felt.low_mm, felt.high_mm, felt.std_mm, felt.between_std_mm
        edge = np.linspace(0.0, 1.0, _PARTS)
        middle = np.linspace(self._config.loose_from.value, 1.0, _PARTS)
        # Squared deviations: `[M, K]` of the sound, `[M, K, P]` of the loose.
        punch_mm, loose_mm = self._punch_mm[..., None], self._loose_mm[..., None]
        at_low = np.square((low - punch_mm) / std)
        squares = {
            'sound': at_low + np.square((high - low) / between_std),
            'edge': at_low + np.square((high - low - edge * loose_mm) / between_std),
            'middle': np.square((high - punch_mm - middle * loose_mm) / std),
        }
        factors = {
            'sound': (1.0 - loose_share) / between_std,
            'edge': loose_share / 2.0 / between_std,
            'middle': loose_share / 2.0 * np.sqrt(2.0 * np.pi) / max(high, std),
        }
        least = min(float(each.min()) for each in squares.values())
        # Densities but for a common factor, by which the likeliest ground does not underflow.
        sound, at_edge, in_middle = (
            self._share * factors[case] * np.exp((least - squares[case]) / 2.0).mean(-1)
            for case in squares
        )
        weight = sound + at_edge + in_middle
        by_material = weight.sum(1)
        modulus_mpa = (weight * self._modulus_mpa).sum(1) / np.maximum(
            by_material, np.finfo(float).tiny
        )
        is_loose = (at_edge + in_middle).sum(1) > sound.sum(1)
        materials = self._config.materials.values()
        strain = np.array([one.collapse_strain.value for one in materials])
        closing = [self.closing_kpa(*pair) for pair in zip(materials, modulus_mpa, strict=True)]
        return Belief(
            names=self._names,
            probability=by_material / by_material.sum(),
            crush_kpa=_KPA_PER_MPA * strain * modulus_mpa,
            closing_kpa=np.where(is_loose, closing, 0.0),
            deviation=float(np.sqrt(least)),
        )


def _stiffness_n_mm(material: Material, modulus_mpa: np.ndarray | float) -> np.ndarray:
    """Return what a plate of the material's layer resists bending with, N mm."""
    thickness_mm, poisson_ratio = material.layer_mm.value, material.poisson_ratio.value
    return modulus_mpa * thickness_mm**3 / (12.0 * (1.0 - poisson_ratio**2))
