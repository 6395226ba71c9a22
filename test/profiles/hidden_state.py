# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A world of one hidden number for any robot: senses read it, the picture shows a part.

What no sense measures follows it too; of every third pair nobody knows it. The world is made up,
and no claim rests on it: it is there so that networks for other robots than the living wall's have
something to learn.
"""

import json
from pathlib import Path

import numpy as np
import yaml

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.datasets.pairs import save_arrays
from crossmodal_kd_ros.profile import Profile, Sense, measure_quantities, square_view

# How far what the picture shows strays from the state, where a reading strays by its noise alone.
SHOWN_STD = 0.12
# What only the picture shows, of a state of 1.
SEEN_PER_STATE = 5.0
PICTURE_PX = (96, 128)
# A tiny training: enough to tell three actions apart.
RECIPE = {
    'data': {'labelled_views': 10, 'unlabelled_views': 0},
    'teacher': {'steps': 120, 'batch': 32, 'view_px': 32, 'validate_every': 40},
    'student': {'steps': 120, 'batch': 32, 'view_px': 32, 'validate_every': 40},
}


class HiddenState:
    """Draws states from 0 to 1, and what a robot of a profile perceives of them."""

    def __init__(self, profile: Profile, seed: int = 0) -> None:
        """Draw everything from `seed`."""
        self._profile, self._rng = profile, np.random.default_rng(seed)
        self._background = self._rng.uniform(40.0, 90.0, (*PICTURE_PX, 3))

    def draw(self, action: int) -> float:
        """Return a state for which `action` is right, away from the borders to other actions."""
        count = len(self._profile.actions)
        return (action + self._rng.uniform(0.2, 0.8)) / count

    def picture(self, state: float, *, shown_std: float = SHOWN_STD) -> np.ndarray:
        """Return a picture `uint8[H, W, 3]`: height and colour of a bar show the state in part."""
        shown = float(np.clip(state + shown_std * self._rng.standard_normal(), 0.0, 1.0))
        picture = self._background + self._rng.normal(0.0, 4.0, self._background.shape)
        height = round((0.1 + 0.8 * shown) * PICTURE_PX[0])
        picture[PICTURE_PX[0] - height :, 40:88] = (60 + 150 * shown, 120, 210 - 150 * shown)
        picture += self._rng.normal(0.0, 3.0, picture.shape)
        return np.clip(picture, 0, 255).astype(np.uint8)

    def reading(self, sense: Sense, state: float) -> np.ndarray:
        """Return a reading `float32[size]`: each channel follows the state, plus its noise."""
        low, high = sense.per_element('min'), sense.per_element('max')
        each = sense.size // len(sense.channels)
        slopes = np.repeat([(-1.0) ** index for index in range(len(sense.channels))], each)
        value = low + (0.3 + 0.1 * slopes * (state - 0.5)) * (high - low)
        value = value + 0.002 * (high - low) * self._rng.standard_normal(sense.size)
        constants = [
            (i, c.constant) for i, c in enumerate(sense.channels) if c.constant is not None
        ]
        for index, constant in constants:
            value[index * each : (index + 1) * each] = constant
        return value.astype(np.float32)

    def pairs(self, count: int) -> Pairs:
        """Return `count` pairs, each of a group of its own."""
        actions = np.arange(count) % len(self._profile.actions)
        states = [self.draw(action) for action in actions]
        view_px, known = self._profile.camera.view_px, np.arange(count) % 3 > 0
        readings = {
            name: np.stack([self.reading(sense, state) for state in states])
            for name, sense in self._profile.senses.items()
        }
        quantities = measure_quantities(self._profile, readings)
        for column, name in enumerate(self._profile.quantities):
            if name in self._profile.seen_quantities:
                quantities[:, column] = np.where(known, SEEN_PER_STATE * np.array(states), np.nan)
        return Pairs(
            image=np.stack([square_view(self.picture(s), size_px=view_px) for s in states]),
            readings=readings,
            quantities=quantities,
            action=actions.astype(np.int64),
            night=np.arange(count) % 2 == 1,
            group=np.arange(count),
        )


def write_data_set(profile: Profile, profile_file: Path, folder: Path) -> None:
    """Write a data set of the hidden state, with splits and datasheet."""
    splits = {'train': 240, 'validation': 240, 'test': 120}
    for seed, (split, count) in enumerate(splits.items()):
        save_arrays(HiddenState(profile, seed).pairs(count), folder / split)
    (folder / 'profile.yaml').write_text(
        profile_file.read_text(encoding='utf-8'), encoding='utf-8'
    )
    sheet = {
        'bags': ['made up from a hidden state'],
        'splits': {
            name: {'samples': count, 'blocks': count, 'actions': {}}
            for name, count in splits.items()
        },
    }
    (folder / 'datasheet.json').write_text(json.dumps(sheet))


def write_recipe(path: Path) -> None:
    """Write the tiny recipe."""
    path.write_text(yaml.safe_dump(RECIPE))
