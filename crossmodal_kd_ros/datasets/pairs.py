# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Paired readings as arrays, in memory and in a folder.

A data set on disk is a folder with `<split>/<array>.npy` for each array of `Pairs`, a
`profile.yaml` that says what the readings are, and a datasheet.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.profile import Profile, load_profile

SPLITS = ('train', 'validation', 'test')
DATASHEET = 'datasheet.json'
PROFILE = 'profile.yaml'
NO_LABEL = -1

_READING = 'reading_'
_OTHER_ARRAYS = ('quantities', 'action', 'night', 'group')


class DataSetError(CrossmodalError):
    """A data set cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """N readings of all senses, with the action of the expert.

    Attributes:
        image: `uint8[N, S, S, 3]`, RGB, the square view.
        readings: `float32[N, size]` of each sense, as measured.
        quantities: `float32[N, Q]`, without the noise of the sensors where that is known; NaN
            where nobody knows one that only the picture shows.
        action: `int64[N]`, index into the actions of the profile; `NO_LABEL` where there is none.
        night: `bool[N]`, whether the robot's own lamp lit the view.
        group: `int64[N]`, the place or stretch of time of each pair; splits never share one.
    """

    image: np.ndarray
    readings: Mapping[str, np.ndarray]
    quantities: np.ndarray
    action: np.ndarray
    night: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.action)

    def __getitem__(self, rows: slice | np.ndarray) -> 'Pairs':
        """Return the chosen rows."""
        return self.from_arrays({name: array[rows] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array by the name that it has on disk, such as `reading_<sense>`."""
        readings = {f'{_READING}{sense}': values for sense, values in self.readings.items()}
        others = {name: getattr(self, name) for name in _OTHER_ARRAYS}
        return {'image': self.image, **readings, **others}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> 'Pairs':
        """Return the pairs whose `arrays()` these are."""
        readings = {
            name.removeprefix(_READING): values
            for name, values in arrays.items()
            if name.startswith(_READING)
        }
        others = {name: arrays[name] for name in ('image', *_OTHER_ARRAYS)}
        return cls(readings=readings, **others)

    def with_labels(self, count: int, profile: Profile) -> 'Pairs':
        """Return the same pairs, of `profile`, of which only the first `count` keep their label.

        A label is the action, and what only the picture shows: a person says both.

        Raises:
            ValueError: there are fewer pairs.
        """
        if count > len(self):
            raise ValueError(f'expected at most {len(self)} labels for as many pairs, got {count}')
        action = self.action.copy()
        action[count:] = NO_LABEL
        quantities = self.quantities.copy()
        quantities[count:, _is_seen(profile)] = np.nan
        return replace(self, action=action, quantities=quantities)

    @classmethod
    def join(cls, parts: list['Pairs']) -> 'Pairs':
        """Return the parts one after another."""
        columns = [part.arrays() for part in parts]
        return cls.from_arrays(
            {name: np.concatenate([arrays[name] for arrays in columns]) for name in columns[0]}
        )


def array_names(profile: Profile) -> tuple[str, ...]:
    """Return the names of the arrays on disk of pairs of `profile`."""
    return tuple(_forms(profile))


def save_arrays(pairs: Pairs, folder: Path) -> None:
    """Write each array of `pairs` to `<folder>/<name>.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in pairs.arrays().items():
        save_array(folder / f'{name}.npy', array)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array to a `.npy` file; raise `OSError` if it does not fit on the disk."""
    save_rows(path, [array], shape=array.shape, dtype=array.dtype)


def save_rows(
    path: Path, parts: Iterable[np.ndarray], *, shape: tuple[int, ...], dtype: np.dtype
) -> None:
    """Write an array that comes in parts, rows after rows, to a `.npy` file.

    On a full disk NumPy's own ways lose the last 4 kB without a word (`save`, through C's stdio)
    or end the process (`open_memmap`).

    Args:
        path: the file.
        parts: of the form `dtype[n, *shape[1:]]`; together they have `shape[0]` rows.
        shape: of the whole array.
        dtype: of the whole array.

    Raises:
        OSError: it does not fit on the disk.
    """
    header = {
        'descr': np.lib.format.dtype_to_descr(np.dtype(dtype)),
        'fortran_order': False,
        'shape': shape,
    }
    with path.open('wb') as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).data)


def load_arrays(folder: Path, profile: Profile) -> Pairs:
    """Return pairs that `save_arrays` wrote; images stay on disk until they are used.

    Raises:
        DataSetError: an array cannot be read, or has another form than the profile says.
    """
    return Pairs.from_arrays(
        {name: _load(folder / f'{name}.npy', *form) for name, form in _forms(profile).items()}
    )


def load_folder(split: str, folder: Path, profile: Profile) -> Pairs:
    """Return one of `SPLITS` of the data set in `folder`; images stay on disk until they are used.

    Raises:
        DataSetError: there is no such data set, it is of another profile, or its arrays do not
            belong together, or hold what cannot be.
    """
    own = read_profile(folder)
    if own.fingerprint != profile.fingerprint:
        raise DataSetError(
            f'expected a data set of the profile {profile.name} ({profile.fingerprint}), got one '
            f'of {own.name} ({own.fingerprint}) in {folder}: give --profile {folder / PROFILE}'
        )
    names = array_names(profile)
    missing = [name for name in names if not (folder / split / f'{name}.npy').is_file()]
    if missing:
        raise DataSetError(
            f'expected the {split} split of a data set in {folder}, there is no '
            f'{", ".join(missing)}: make one with crossmodal-kd dataset from-bags'
        )
    pairs = load_arrays(folder / split, profile)
    lengths = {name: len(array) for name, array in pairs.arrays().items()}
    if len(set(lengths.values())) != 1 or not len(pairs):
        raise DataSetError(
            f'expected as many rows of each array in {folder / split}, and more than none, '
            f'got {lengths}'
        )
    _check_values(folder / split, pairs, profile)
    return pairs


def read_profile(folder: Path) -> Profile:
    """Return the profile of the data set in `folder`.

    Raises:
        DataSetError: there is no `profile.yaml`.
        ProfileError: it is wrong.
    """
    path = folder / PROFILE
    if not path.is_file():
        raise DataSetError(
            f'expected a data set with its {PROFILE} in {folder}, there is none: '
            'make one with crossmodal-kd dataset from-bags'
        )
    return load_profile(str(path))


def read_datasheet(folder: Path) -> dict[str, Any]:
    """Return what is known of the data set in `folder`.

    Raises:
        DataSetError: there is no datasheet, or it does not say whence the samples are, and how
            many.
    """
    try:
        sheet = json.loads((folder / DATASHEET).read_text(encoding='utf-8'))
        if not all(isinstance(bag, str) for bag in sheet['bags']):
            raise TypeError('bags are paths')
        for split in SPLITS:
            for key in ('samples', 'blocks'):
                int(sheet['splits'][split][key])
            dict(sheet['splits'][split]['actions'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f'no {error}' if isinstance(error, KeyError) else error
        raise DataSetError(
            f'expected a data set with its {DATASHEET}, whole, in {folder} ({why}): '
            'make it again with crossmodal-kd dataset from-bags'
        ) from error
    return sheet


def _forms(profile: Profile) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Return type and form of a row of each array on disk of pairs of `profile`."""
    return {
        'image': (np.uint8, (profile.camera.view_px, profile.camera.view_px, 3)),
        **{f'{_READING}{name}': (np.float32, (s.size,)) for name, s in profile.senses.items()},
        'quantities': (np.float32, (len(profile.quantities),)),
        'action': (np.int64, ()),
        'night': (np.bool_, ()),
        'group': (np.int64, ()),
    }


def _load(path: Path, dtype: type, row: tuple[int, ...]) -> np.ndarray:
    """Return an array of rows of a form; a picture stays on disk until it is used."""
    try:
        array = np.load(path, mmap_mode='r' if path.stem == 'image' else None)
    except (OSError, ValueError, EOFError, MemoryError, OverflowError) as error:
        why = ' '.join(str(error).split())
        raise DataSetError(f'expected an array in {path}, got none ({why})') from error
    form = f'{np.dtype(dtype)}{["N", *row]}'.replace("'", '')
    if not isinstance(array, np.ndarray):
        raise DataSetError(f'expected {form} in {path}, got an archive of arrays')
    if array.dtype != dtype or array.ndim != 1 + len(row) or array.shape[1:] != row:
        raise DataSetError(
            f'expected {form} in {path}, got {array.dtype}{list(array.shape)}: '
            'it is damaged, or of another profile'
        )
    return array


def _is_seen(profile: Profile) -> np.ndarray:
    """Return which quantities no sense measures, `bool[Q]`."""
    return np.array([name in profile.seen_quantities for name in profile.quantities], bool)


def _check_values(folder: Path, pairs: Pairs, profile: Profile) -> None:
    known = np.where(_is_seen(profile) & np.isnan(pairs.quantities), 0.0, pairs.quantities)
    for name, values in {**pairs.readings, 'quantities': known}.items():
        bad = np.flatnonzero(~np.isfinite(values).all(1))
        if bad.size:
            raise DataSetError(
                f'expected finite {name} in {folder}, got NaN or infinity in {bad.size} of '
                f'{len(values)} rows, the first {bad[0]}'
            )
    bad = pairs.action[(pairs.action < NO_LABEL) | (pairs.action >= len(profile.actions))]
    if bad.size:
        raise DataSetError(
            f'expected actions from {NO_LABEL} (none) to {len(profile.actions) - 1} in {folder}, '
            f'got {bad[0]}'
        )
