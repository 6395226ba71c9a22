# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A data set of one's own in a folder: `<split>/<field>.npy` for each field of `Pairs`, and a datasheet beside them."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.datasets.pairs import Pairs

SPLITS = ('train', 'validation', 'test')
DATASHEET = 'datasheet.json'


class DataSetError(ValueError):
    """A data set cannot be used: one sentence with what was expected and what came."""


def load_folder(split: str, folder: Path) -> Pairs:
    """Return one of `SPLITS` of the data set in `folder`; its images stay on disk until they are asked for.

    Raises:
        DataSetError: there is no such data set, or its arrays do not belong together.
    """
    names = [f.name for f in fields(Pairs)]
    missing = [name for name in names if not (folder / split / f'{name}.npy').is_file()]
    if missing:
        raise DataSetError(
            f'expected the {split} split of a data set in {folder}, found no {", ".join(missing)}: make one '
            'with crossmodal-kd dataset from-bags'
        )
    pairs = Pairs(
        **{
            name: np.load(
                folder / split / f'{name}.npy', mmap_mode='r' if name == 'image' else None
            )
            for name in names
        }
    )
    lengths = {name: len(getattr(pairs, name)) for name in names}
    if len(set(lengths.values())) != 1 or not len(pairs):
        raise DataSetError(
            f'expected as many rows of each field in {folder / split}, and more than none, got {lengths}'
        )
    return pairs


def read_datasheet(folder: Path) -> dict[str, Any]:
    """Return what is known of the data set in `folder`; raise `DataSetError` if there is none."""
    try:
        return json.loads((folder / DATASHEET).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DataSetError(
            f'expected a data set with its {DATASHEET} in {folder}: {error}'
        ) from error
