# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A training set from recordings: samples, splits that share no group, and a datasheet."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import yaml

from crossmodal_kd_ros.bags.labels import Label, assign_labels, find_label
from crossmodal_kd_ros.bags.reader import Bag, BagError
from crossmodal_kd_ros.bags.search import some
from crossmodal_kd_ros.bags.synchronize import Synchronized, quality_bits, synchronize
from crossmodal_kd_ros.bags.topics import TopicRequests, choose_topics
from crossmodal_kd_ros.datasets import DATASHEET, NO_LABEL, PROFILE, SPLITS, save_array, save_rows
from crossmodal_kd_ros.files import UNFINISHED, check_inputs, whole_folder, write_json, write_text
from crossmodal_kd_ros.health.reasons import join
from crossmodal_kd_ros.profile import Profile, measure_quantities

# Part of the labelled blocks; those without any label are all for training.
_HELD_OUT = 0.15
# Two pictures of one place must not lie in two splits: the robot needs so long to pass a place of
# the seam.
_SEAM_S = 0.25
_MIN_BLOCKS = 3
_COPY_ROWS = 1024

# A named group, or the number of the bag and of the stretch of time.
_Block = tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True)
class DataSetPlan:
    """What to make a data set of.

    Attributes:
        bags: the recordings.
        out: the folder to make; it must not exist, be empty, or be a data set.
        profile: of the robot that recorded them.
        labels: what is right when.
        requests: which topic is which, as far as the user says.
        block_s: length of the blocks of time that are never divided, where the labels name no
            group.
        seed: of the assignment of blocks to splits.
        command: how the user started it, for the datasheet.
    """

    bags: Sequence[Path]
    out: Path
    profile: Profile
    labels: Sequence[Label] = ()
    requests: TopicRequests = field(default_factory=dict)
    block_s: float = 10.0
    seed: int = 0
    command: str = ''


@dataclass(frozen=True)
class _Row:
    """A sample without its view: what splits are made from."""

    bag: int
    sample: Synchronized
    action: int
    block: _Block
    seen: Mapping[str, float]


@dataclass
class _Build:
    """A data set on its way.

    Attributes:
        plan: what to make. rows: the samples so far.
        labels: those of each bag. used: those in whose stretches there is a sample.
        dropped: pictures and messages that are no sample, by reason.
        sentences: on the topics and the problems of each bag.
    """

    plan: DataSetPlan
    labels: Sequence[Sequence[Label]]
    used: set[Label] = field(default_factory=set)
    rows: list[_Row] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)


def make_dataset(
    plan: DataSetPlan, *, progress: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Write the data set and return its datasheet.

    What fails leaves nothing, and a data set that was there before stays.

    Raises:
        BagError: a bag cannot be read, lacks a sense or is given twice, a label is of none, there
            is too little to split, or other files lie where the data set is to be.
        OutputError: nothing can be written.
    """
    check_inputs(plan.out, SPLITS, plan.bags)
    _check_room(plan.out)
    for path, count in Counter(map(os.path.abspath, plan.bags)).items():
        if count > 1:
            raise BagError(f'expected each bag once, got {path} {count} times')
    labels = assign_labels(plan.labels, plan.bags)
    with whole_folder(plan.out) as out:
        return _make(_Build(plan, labels), out, progress)


def _make(build: _Build, out: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Write the data set to the empty folder `out`; return its datasheet."""
    plan, spool = build.plan, out / 'views.tmp'
    with spool.open('wb') as views:
        for index in range(len(plan.bags)):
            _read(build, index, views, progress)
    build.sentences += filter(None, [_unused_labels(build)])
    splits = _split(build)
    side = plan.profile.camera.view_px
    all_views = np.memmap(spool, np.uint8, 'r', shape=(len(build.rows), side, side, 3))
    for name, chosen in splits.items():
        progress(f'writing {name}')
        _write_split(build, out / name, chosen, all_views)
    del all_views
    spool.unlink()
    content = plan.profile.model_dump(mode='json', exclude_unset=True)
    write_text(out / PROFILE, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    sheet = _datasheet(build, splits)
    write_json(out / DATASHEET, sheet)
    return sheet


def _check_room(out: Path) -> None:
    """Refuse what is neither nothing, an empty folder nor a data set, whole or unfinished."""
    is_room = not out.exists() or (
        out.is_dir() and all(child.name == UNFINISHED for child in out.iterdir())
    )
    splits = [out / name for name in SPLITS if os.path.lexists(out / name)]
    is_set = (out / DATASHEET).is_file() and all(
        split.is_dir() and all(child.suffix == '.npy' for child in split.iterdir())
        for split in splits
    )
    if not is_room and not is_set:
        raise BagError(
            f'expected a data set or nothing at {out}, found something else: name another folder'
        )


def _read(build: _Build, index: int, views: BinaryIO, progress: Callable[[str], None]) -> None:
    """Add the samples of a bag; write their views to `views`."""
    plan, path = build.plan, build.plan.bags[index]
    sensors, first = plan.profile.sensors, len(build.rows)
    sentences = []
    with Bag(path) as bag:
        topics = choose_topics(bag, plan.profile, plan.requests)
        topics.require(bag, sensors)
        progress(f'reading {path}')
        sentences += topics.sentences
        for sample in synchronize(bag, topics, plan.profile, build.dropped, sentences):
            views.write(sample.view.tobytes())
            build.rows.append(_row(build, index, sample))
        sentences += bag.problems
        for topic, count in bag.undecodable.items():
            build.dropped[f'undecodable {topic}'] += count
    rows = build.rows[first:]
    if not rows:
        reasons = [f'{count}: {reason}' for reason, count in build.dropped.items()]
        raise BagError(
            f'expected pictures with {join(sensors[1:])} near by in {path}, found none '
            f'({"; ".join([*reasons, *sentences])})'
        )
    names = {label.bag for label in build.labels[index]} - {'', path.name, str(path)}
    sentences += [f'its labels call it {name}' for name in sorted(names)]
    if all(row.action == NO_LABEL for row in rows):
        sentences.append('no picture of it has a label')
    build.sentences += [f'{path}: {sentence}' for sentence in sentences]


def _unused_labels(build: _Build) -> str:
    """Return what to say of the labels in whose stretches there is no picture; empty without."""
    lines = [str(label.line) for label in build.plan.labels if label not in build.used]
    if not lines:
        return ''
    return (
        f'no picture is in the stretches of the labels in line {some(lines)}: they count in '
        'seconds from the first message of a bag, whatever its topic'
    )


def _row(build: _Build, index: int, sample: Synchronized) -> _Row:
    plan = build.plan
    label = find_label(build.labels[index], sample.t_s)
    if label is not None:
        build.used.add(label)
        action = label.action
    elif sample.label:
        action = plan.profile.actions.index(sample.label)
    else:
        action = NO_LABEL
    return _Row(
        index,
        replace(sample, view=None),
        action,
        _block_at(build, index, sample.t_s),
        dict(label.seen) if label is not None else {},
    )


def _block_at(build: _Build, bag: int, t_s: float) -> _Block:
    label = find_label(build.labels[bag], t_s)
    if label is not None and label.group:
        return 'group', label.group
    return bag, int(t_s // build.plan.block_s)


def _split(build: _Build) -> dict[str, list[int]]:
    """Return the rows of each split: whole blocks, labelled ones spread by their main action."""
    split_of = _split_blocks(build)
    splits: dict[str, list[int]] = {name: [] for name in SPLITS}
    for number, row in enumerate(build.rows):
        name = split_of[row.block]
        if name != 'train' and row.action == NO_LABEL:
            build.dropped[f'unlabelled, in a block held out for {name}'] += 1
        elif any(
            split_of.get(_block_at(build, row.bag, row.sample.t_s + shift), name) != name
            for shift in (-_SEAM_S, _SEAM_S)
        ):
            build.dropped[f'within {_SEAM_S} s of another split'] += 1
        else:
            splits[name].append(number)
    empty = [name for name, chosen in splits.items() if not chosen]
    if empty:
        raise BagError(
            f'expected samples in every split, got none for {", ".join(empty)}: '
            f'{_split_remedy(build)}'
        )
    return splits


def _split_remedy(build: _Build) -> str:
    unused = _unused_labels(build)
    return (
        f'label more, or shorten the blocks (--block, now {build.plan.block_s:g} s)'
        f'{f"; {unused}" if unused else ""}'
    )


def _split_blocks(build: _Build) -> dict[_Block, str]:
    """Return the split of each block."""
    plan = build.plan
    actions: dict[_Block, Counter[int]] = defaultdict(Counter)
    for row in build.rows:
        actions[row.block][row.action] += 1
    split_of = dict.fromkeys(actions, 'train')
    labelled = [block for block, counts in actions.items() if set(counts) != {NO_LABEL}]
    if len(labelled) < _MIN_BLOCKS:
        raise BagError(
            f'expected at least {_MIN_BLOCKS} labelled panels or blocks of time to split, got '
            f'{len(labelled)}: {_split_remedy(build)}'
        )
    order = np.random.default_rng(plan.seed).permutation(len(labelled))
    main_action = {
        block: max(
            (count, action) for action, count in actions[block].items() if action != NO_LABEL
        )[1]
        for block in labelled
    }
    size = {block: counts.total() - counts[NO_LABEL] for block, counts in actions.items()}
    # A block that was hardly seen judges nothing: it is for training.
    min_size = 0.5 * np.median([size[block] for block in labelled])
    queue = sorted(
        (labelled[i] for i in order if size[labelled[i]] >= min_size),
        key=lambda block: main_action[block],
    )
    held_out = max(1, round(_HELD_OUT * len(queue)))
    # Evenly over the queue, so that each action that has blocks enough is in each split.
    places = np.linspace(0, len(queue) - 1, 2 * held_out + 2).round().astype(int)[1:-1].tolist()
    if len(queue) == 3:  # both are the middle one
        places = [0, 2]
    for rank, place in enumerate(places):
        split_of[queue[place]] = ('validation', 'test')[rank % 2]
    return split_of


def _write_split(build: _Build, folder: Path, chosen: list[int], views: np.ndarray) -> None:
    folder.mkdir()
    blocks = dict.fromkeys(row.block for row in build.rows)
    numbers = {block: number for number, block in enumerate(blocks)}
    mine = [build.rows[number] for number in chosen]
    readings = _readings(build.plan.profile, mine)
    arrays = {
        **{f'reading_{sense}': values for sense, values in readings.items()},
        'quantities': _quantities(build.plan.profile, mine, readings),
        'action': np.array([row.action for row in mine], np.int64),
        # Nobody says whose light it was; figures by day and by night cannot be told apart.
        'night': np.zeros(len(mine), bool),
        'group': np.array([numbers[row.block] for row in mine], np.int64),
        'stamp_ns': np.array([row.sample.stamp_ns for row in mine], np.int64),
        'apart_s': np.array([list(row.sample.apart_s.values()) for row in mine], np.float32),
        'quality': np.array([row.sample.quality for row in mine], np.uint16),
    }
    for name, values in arrays.items():
        save_array(folder / f'{name}.npy', values)
    # Not all at once: an hour of views is larger than memory.
    parts = (
        views[chosen[first : first + _COPY_ROWS]] for first in range(0, len(mine), _COPY_ROWS)
    )
    save_rows(folder / 'image.npy', parts, shape=(len(mine), *views.shape[1:]), dtype=np.uint8)


def _readings(profile: Profile, rows: list[_Row]) -> dict[str, np.ndarray]:
    """Return `float32[N, size]` by sense."""
    return {
        sense: np.array([row.sample.readings[sense] for row in rows], np.float32)
        for sense in profile.senses
    }


def _quantities(
    profile: Profile, rows: list[_Row], readings: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return `float32[N, Q]`: as the senses measure them or labels say; NaN where none does."""
    values = measure_quantities(profile, readings)
    for column, name in enumerate(profile.quantities):
        if name in profile.seen_quantities:
            values[:, column] = [row.seen.get(name, np.nan) for row in rows]
    return values


def _datasheet(build: _Build, splits: dict[str, list[int]]) -> dict[str, Any]:
    plan, rows = build.plan, build.rows
    bits = quality_bits(plan.profile)

    def counts(chosen: list[int]) -> dict[str, Any]:
        mine = [rows[number] for number in chosen]
        actions = Counter(
            'unlabelled' if row.action == NO_LABEL else plan.profile.actions[row.action]
            for row in mine
        )
        return {
            'samples': len(mine),
            'blocks': len({row.block for row in mine}),
            'actions': dict(sorted(actions.items())),
            # Of how many samples a label says what only the picture shows.
            'known': {
                name: sum(name in row.seen for row in mine)
                for name in plan.profile.seen_quantities
            },
            'quality': {
                name: sum(bool(row.sample.quality & bit) for row in mine)
                for name, bit in bits.items()
            },
        }

    return {
        'command': plan.command,
        'bags': [str(path) for path in plan.bags],
        'profile': {'name': plan.profile.name, 'fingerprint': plan.profile.fingerprint},
        'topics': build.sentences,
        'block_s': plan.block_s,
        'seed': plan.seed,
        'view_px': plan.profile.camera.view_px,
        'splits': {name: counts(chosen) for name, chosen in splits.items()},
        'dropped': dict(sorted(build.dropped.items())),
        'quality_bits': bits,
        # Of the training split alone: what networks are standardised with must not know the
        # others.
        'normalisation': _statistics(plan.profile, [rows[number] for number in splits['train']]),
        'quantities': 'computed from the measured readings, noise and all'
        + ''.join(f'; {name} as labels say' for name in plan.profile.seen_quantities),
        'night': 'unknown: every sample counts as day',
    }


def _statistics(profile: Profile, rows: list[_Row]) -> dict[str, dict[str, float | None]]:
    """Return mean, standard deviation and range of each channel (`sense.channel`) and quantity.

    They are of what is known; `None` where nothing is.
    """
    readings = _readings(profile, rows)
    quantities = _quantities(profile, rows, readings)
    columns = {
        f'{sense.name}.{channel}': readings[sense.name][:, sense.elements_of(channel)]
        for sense in profile.senses.values()
        for channel in sense.channel_names
    } | {name: quantities[:, column] for column, name in enumerate(profile.quantities)}
    known = {name: values[~np.isnan(values)] for name, values in columns.items()}
    return {
        name: {
            kind: float(getattr(values, kind)()) if values.size else None
            for kind in ('mean', 'std', 'min', 'max')
        }
        for name, values in known.items()
    }
