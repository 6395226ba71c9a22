# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Paired readings as arrays."""

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """N readings of all senses, with what the expert does.

    Attributes:
        image: `uint8[N, S, S, 3]`, RGB, the square view.
        touch: `float32[N, 256]`, as measured (um, mm).
        gas: `float32[N, 8]`, as measured, in the units of `GAS_CHANNELS`.
        surface: `float32[N, 3]`, `SURFACE_STATE` without the sensors' noise (um, mm, fraction).
        action: `int64[N]`, index into `ACTIONS`; -1 where nobody has labelled it.
        night: `bool[N]`, whether the robot's own lamp lit the view.
        panel: `int64[N]`, which wall panel: what splits are made by.
    """

    image: np.ndarray
    touch: np.ndarray
    gas: np.ndarray
    surface: np.ndarray
    action: np.ndarray
    night: np.ndarray
    panel: np.ndarray

    def __len__(self) -> int:
        return len(self.action)

    def __getitem__(self, rows: slice | np.ndarray) -> 'Pairs':
        """Return the chosen rows."""
        return Pairs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def with_labels(self, count: int) -> 'Pairs':
        """Return the same pairs of which only the first `count` keep their label.

        Raises:
            ValueError: there are fewer.
        """
        if count > len(self):
            raise ValueError(f'expected at most {len(self)} labels for as many pairs, got {count}')
        action = self.action.copy()
        action[count:] = -1
        return replace(self, action=action)

    @classmethod
    def join(cls, parts: list['Pairs']) -> 'Pairs':
        """Return the parts one after another."""
        return cls(
            **{
                f.name: np.concatenate([getattr(part, f.name) for part in parts])
                for f in fields(cls)
            }
        )
