# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A training set from recordings: samples, splits that share no stretch of wall, and a datasheet that hides nothing."""

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags.labels import UNLABELLED, Label, find_label
from crossmodal_kd_ros.bags.reader import Bag, BagError
from crossmodal_kd_ros.bags.synchronize import QUALITY, Aligned, aligned
from crossmodal_kd_ros.bags.topics import Wish, choose_topics
from crossmodal_kd_ros.contract import (
    ACTIONS,
    GAS_NAMES,
    INDENTATION,
    SURFACE_STATE,
    TEXTURE,
    VIEW_PX,
    surface_state,
)
from crossmodal_kd_ros.datasets.from_bags import DATASHEET, SPLITS

# Of the blocks of wall that somebody labelled; those that nobody did are all for training.
_HELD_OUT = 0.15
# Two pictures of one place must not lie in two splits: the robot needs so long to pass a place of
# the seam.
_SEAM_S = 0.25
_LEAST_BLOCKS = 3
_COPY_ROWS = 1024


@dataclass(frozen=True, kw_only=True)
class DataSetPlan:
    """What to make a data set of.

    Attributes:
        bags: the recordings.
        out: the folder to make; it must not exist, or be a data set.
        labels: what is right when.
        wishes: which topic is which.
        block_s: length of the blocks of time that are never divided, where the labels name no
            panel.
        seed: of the assignment of blocks to splits.
        command: how the user started it, for the datasheet.
    """

    bags: Sequence[Path]
    out: Path
    labels: Sequence[Label] = ()
    wishes: Mapping[str, Wish]
    block_s: float = 10.0
    seed: int = 0
    command: str = ''


@dataclass(frozen=True)
class _Row:
    """A sample without its picture: what splits are made from."""

    bag: int
    t_s: float
    stamp_ns: int
    touch: np.ndarray
    gas: np.ndarray
    apart_s: tuple[float, float]
    quality: int
    action: int
    block: tuple[int | str, ...]


def make_dataset(
    plan: DataSetPlan, *, progress: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Write the data set and return its datasheet.

    Raises:
        BagError: a bag cannot be read or lacks a sense, nothing can be written, or there is too
            little to split.
    """
    _make_room(plan.out)
    dropped: Counter[str] = Counter()
    told: list[str] = []
    spool = plan.out / 'views.tmp'
    try:
        with spool.open('wb') as views:
            rows = [
                row
                for index, path in enumerate(plan.bags)
                for row in _rows_of(plan, index, path, views, dropped, told, progress)
            ]
        splits = _split(plan, rows, dropped)
        everything = np.memmap(spool, np.uint8, 'r', shape=(len(rows), VIEW_PX, VIEW_PX, 3))
        for name, chosen in splits.items():
            progress(f'writing {name}')
            _write(plan.out / name, rows, chosen, everything)
        del everything
    finally:
        spool.unlink(missing_ok=True)
    sheet = _datasheet(plan, rows, splits, dropped, told)
    (plan.out / DATASHEET).write_text(json.dumps(sheet, indent=2) + '\n', encoding='utf-8')
    return sheet


def _make_room(out: Path) -> None:
    try:
        if out.exists():
            if not (out / DATASHEET).is_file():
                raise BagError(
                    f'expected a data set or nothing at {out}, found something else: name another folder'
                )
            shutil.rmtree(out)
        out.mkdir(parents=True)
    except OSError as error:
        raise BagError(f'expected a folder to write to at {out}: {error}') from error


def _rows_of(
    plan: DataSetPlan,
    index: int,
    path: Path,
    views: Any,
    dropped: Counter[str],
    told: list[str],
    progress: Callable[[str], None],
) -> list[_Row]:
    with Bag(path) as bag:
        topics = choose_topics(bag, plan.wishes)
        lacking = [sense for sense in ('camera', 'touch', 'gas') if sense not in topics.taken]
        if lacking:
            raise BagError(
                f'expected camera, touch and gas in {path}, found no {", ".join(lacking)} '
                f'({"; ".join(topics.told)}): say --map {lacking[0]}=TOPIC'
            )
        progress(f'reading {path}')
        told += [f'{path}: {sentence}' for sentence in topics.told]
        rows = []
        for sample in aligned(bag, topics, dropped):
            views.write(sample.view.tobytes())
            rows.append(_row(plan, index, path, sample))
        told += [f'{path}: {problem}' for problem in bag.problems]
        for topic, count in bag.undecodable.items():
            dropped[f'undecodable {topic}'] += count
    if not rows:
        raise BagError(
            f'expected pictures with touch and gas near by in {path}, found none: {dict(dropped)}'
        )
    return rows


def _row(plan: DataSetPlan, index: int, path: Path, sample: Aligned) -> _Row:
    label = find_label(plan.labels, path, sample.t_s)
    action = (
        label.action
        if label is not None
        else ACTIONS.index(sample.label)
        if sample.label
        else UNLABELLED
    )
    panel = label.panel if label is not None else ''
    block = ('panel', panel) if panel else (index, int(sample.t_s // plan.block_s))
    return _Row(
        index,
        sample.t_s,
        sample.stamp_ns,
        sample.touch,
        sample.gas,
        sample.apart_s,
        sample.quality,
        action,
        block,
    )


def _split(plan: DataSetPlan, rows: list[_Row], dropped: Counter[str]) -> dict[str, list[int]]:
    """Return the rows of each split: whole blocks, the labelled ones spread over the splits by their main action."""
    actions: dict[tuple, Counter[int]] = defaultdict(Counter)
    for row in rows:
        actions[row.block][row.action] += 1
    split_of = dict.fromkeys(actions, 'train')
    labelled = [block for block, counts in actions.items() if set(counts) != {UNLABELLED}]
    if len(labelled) < _LEAST_BLOCKS:
        raise BagError(
            f'expected at least {_LEAST_BLOCKS} labelled panels or blocks of time to split, got {len(labelled)}: '
            f'label more, or shorten the blocks (--block, now {plan.block_s:g} s)'
        )
    order = np.random.default_rng(plan.seed).permutation(len(labelled))
    main = {
        block: max(
            (count, action) for action, count in actions[block].items() if action != UNLABELLED
        )[1]
        for block in labelled
    }
    size = {block: counts.total() - counts[UNLABELLED] for block, counts in actions.items()}
    # A block that was hardly seen judges nothing: it is for training.
    worth = [
        labelled[i]
        for i in order
        if size[labelled[i]] >= 0.5 * np.median([size[block] for block in labelled])
    ]
    queue = sorted(worth, key=lambda block: main[block])
    held_out = max(1, round(_HELD_OUT * len(queue)))
    # Evenly over the queue, so that each action that has blocks enough is in each split.
    places = np.linspace(0, len(queue) - 1, 2 * held_out + 2).round().astype(int)[1:-1]
    for rank, place in enumerate(dict.fromkeys(places.tolist())):
        split_of[queue[place]] = ('validation', 'test')[rank % 2]
    splits: dict[str, list[int]] = {name: [] for name in SPLITS}
    for number, row in enumerate(rows):
        name = split_of[row.block]
        if name != 'train' and row.action == UNLABELLED:
            dropped[f'unlabelled, in a block held out for {name}'] += 1
        elif any(
            split_of.get(_block_at(plan, row, row.t_s + shift), name) != name
            for shift in (-_SEAM_S, _SEAM_S)
        ):
            dropped[f'within {_SEAM_S} s of another split'] += 1
        else:
            splits[name].append(number)
    empty = [name for name, chosen in splits.items() if not chosen]
    if empty:
        raise BagError(
            f'expected samples in every split, got none for {", ".join(empty)}: label more, or shorten the '
            f'blocks (--block, now {plan.block_s:g} s)'
        )
    return splits


def _block_at(plan: DataSetPlan, row: _Row, t_s: float) -> tuple:
    label = find_label(plan.labels, plan.bags[row.bag], t_s)
    return (
        ('panel', label.panel)
        if label is not None and label.panel
        else (row.bag, int(t_s // plan.block_s))
    )


def _write(folder: Path, rows: list[_Row], chosen: list[int], views: np.ndarray) -> None:
    folder.mkdir()
    mine = [rows[number] for number in chosen]
    blocks = {
        block: number for number, block in enumerate(dict.fromkeys(row.block for row in rows))
    }
    touch, gas = (
        np.array([row.touch for row in mine], np.float32),
        np.array([row.gas for row in mine], np.float32),
    )
    arrays = {
        'touch': touch,
        'gas': gas,
        'surface': surface_state(touch=touch, gas=gas),
        'action': np.array([row.action for row in mine], np.int64),
        # Nobody says whose light it was; figures by day and by night cannot be told apart.
        'night': np.zeros(len(mine), bool),
        'panel': np.array([blocks[row.block] for row in mine], np.int64),
        'stamp_ns': np.array([row.stamp_ns for row in mine], np.int64),
        'apart_s': np.array([row.apart_s for row in mine], np.float32),
        'quality': np.array([row.quality for row in mine], np.uint8),
    }
    for name, values in arrays.items():
        np.save(folder / f'{name}.npy', values)
    image = np.lib.format.open_memmap(
        folder / 'image.npy', 'w+', np.uint8, (len(mine), *views.shape[1:])
    )
    for first in range(0, len(mine), _COPY_ROWS):
        image[first : first + _COPY_ROWS] = views[chosen[first : first + _COPY_ROWS]]
    image.flush()


def _datasheet(
    plan: DataSetPlan,
    rows: list[_Row],
    splits: dict[str, list[int]],
    dropped: Counter[str],
    told: list[str],
) -> dict[str, Any]:
    def counts(chosen: list[int]) -> dict[str, Any]:
        mine = [rows[number] for number in chosen]
        named = Counter(
            'unlabelled' if row.action == UNLABELLED else ACTIONS[row.action] for row in mine
        )
        return {
            'samples': len(mine),
            'blocks': len({row.block for row in mine}),
            'actions': dict(sorted(named.items())),
            'quality': {
                name: sum(bool(row.quality & bit) for row in mine) for name, bit in QUALITY.items()
            },
        }

    train = [rows[number] for number in splits['train']]
    touch, gas = np.array([row.touch for row in train]), np.array([row.gas for row in train])
    columns = {
        'texture_um': touch[:, TEXTURE].ravel(),
        'indentation_mm': touch[:, INDENTATION].ravel(),
        **{name: gas[:, column] for column, name in enumerate(GAS_NAMES)},
        **{
            name: surface_state(touch=touch, gas=gas)[:, column]
            for column, name in enumerate(SURFACE_STATE)
        },
    }
    return {
        'command': plan.command,
        'bags': [str(path) for path in plan.bags],
        'topics': told,
        'block_s': plan.block_s,
        'seed': plan.seed,
        'view_px': VIEW_PX,
        'splits': {name: counts(chosen) for name, chosen in splits.items()},
        'dropped': dict(sorted(dropped.items())),
        'quality_bits': QUALITY,
        # Of the training split alone: what networks are standardised with must not know the
        # others.
        'normalisation': {
            name: {
                'mean': float(values.mean()),
                'sd': float(values.std()),
                'least': float(values.min()),
                'most': float(values.max()),
            }
            for name, values in columns.items()
        },
        'surface': 'computed from the measured touch and gas, noise and all',
        'night': 'unknown: every sample counts as day',
    }
