# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What grows with the picture, the rate, the number of senses and the length of a recording."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from child import ROOT
from measure import Bench, Column, Part, Table, figures
from recordings import make_bag

from crossmodal_kd_ros.demo.processes import free_domain_id
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.runtime import Pipeline, make_engine
from crossmodal_kd_ros.runtime.exported_engine import EXPORT_FILE
from parts.node import Setting, node_command, over_dds
from parts.replay import replay

_SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_RATES_HZ = (30.0, 60.0, 90.0)
_CAMERAS = (2, 3)
# Senses of another robot that the living wall is given.
_MORE_SENSES = ((), ('skin',), ('skin', 'pad', 'air'))
_BAG_COLUMNS = (
    Column(key='took_ms', title='replay, a picture', unit='ms'),
    Column(key='peak_mib', title='memory, peak', unit='MiB'),
)
_SENSES_COLUMNS = (
    Column(key='answer_ms', title='an answer', unit='ms'),
    Column(key='put_ms', title='a reading of every sense', unit='ms'),
)
_NODE_COLUMNS = (
    Column(key='p50_ms', title='p50', unit='ms'),
    Column(key='p99_ms', title='p99', unit='ms'),
    Column(key='lost_pct', title='frames lost', unit='%'),
    Column(key='cpu_pct', title='of a core', unit='%'),
)
_CAMERA_COLUMNS = (*_NODE_COLUMNS, Column(key='rss_mib', title='memory', unit='MiB'))


def run(bench: Bench) -> Part:
    """Measure each in two rounds."""
    rounds = 1 if bench.quick else 2
    few = slice(2 if bench.quick else None)
    sizes = [
        Setting(width=width, height=height, hz=30.0, seconds=1.5) for width, height in _SIZES[few]
    ]
    rates = [Setting(width=640, height=480, hz=hz, seconds=1.5) for hz in _RATES_HZ[few]]
    settings = list(dict.fromkeys([*sizes, *rates]))
    usual = rates[0]
    nodes: dict[Setting, list[dict[str, Any]]] = {setting: [] for setting in settings}
    cameras: dict[int, list[dict[str, Any]]] = {count: [] for count in _CAMERAS[few]}
    command = node_command(bench.models)
    for number in range(rounds):
        for setting in settings:
            bench.say(f'{setting.name}, round {number + 1} of {rounds}')
            measured = over_dds(bench, setting, command, answers='scores', log='growth')
            nodes[setting].append(measured)
        for count in cameras:
            bench.say(f'{count} cameras, round {number + 1} of {rounds}')
            cameras[count].append(_several(bench, usual, command, count))
    return Part(
        title='What grows',
        text=(
            'The node over DDS as in its own part, in two rounds. Cameras: as many nodes at once, '
            'each with sensors of its own, which share the processors; their mean, and the time '
            'and memory that they take together. Senses: the pipeline alone, in one process, with '
            'the shipped networks, then with untrained ones of the living wall and senses of '
            'another robot besides; a picture and a reading of every sense come, then it answers. '
            'Recordings: `crossmodal-kd replay`, as in its own part.',
        ),
        results=(),
        tables=(
            _over_dds(
                'Size of the picture',
                'setting',
                'picture, megapixels',
                _NODE_COLUMNS,
                [(one.name, nodes[one], one.width * one.height / 1e6) for one in sizes],
            ),
            _over_dds(
                'Rate of the camera',
                'setting',
                'pictures a second',
                _NODE_COLUMNS,
                [(one.name, nodes[one], one.hz) for one in rates],
            ),
            _over_dds(
                'Number of cameras, a node each',
                'cameras',
                'cameras',
                _CAMERA_COLUMNS,
                [
                    (str(count), measured, count)
                    for count, measured in ({1: nodes[usual]} | cameras).items()
                ],
            ),
            _senses(bench),
            _bags(bench),
        ),
    )


def _over_dds(
    title: str,
    first: str,
    x: str,
    columns: Sequence[Column],
    measured: Sequence[tuple[str, list[dict[str, Any]], float]],
) -> Table:
    """Return a table and plot of nodes over DDS: of each row its name, its rounds and its x."""
    return Table(
        title=title,
        first=first,
        columns=columns,
        rows=[(name, _row(columns, rounds, x=at)) for name, rounds, at in measured],
        plot=('p50_ms', 'p99_ms'),
        x=x,
    )


def _several(
    bench: Bench, setting: Setting, command: Sequence[str], count: int
) -> dict[str, float | None]:
    """Measure as many nodes at once; return their mean, and processor time and memory of all."""
    domains: set[int] = set()
    while len(domains) < count:
        domains.add(free_domain_id(os.environ))

    def one(domain_id: int) -> dict[str, Any]:
        log = f'growth-{domain_id}'
        return over_dds(bench, setting, command, answers='scores', log=log, domain_id=domain_id)

    with ThreadPoolExecutor(count) as threads:
        measured = list(threads.map(one, sorted(domains)))
    row: dict[str, float | None] = {
        key: sum(each[key] for each in measured) for key in ('cpu_pct', 'rss_mib')
    }
    for key in ('p50_ms', 'p99_ms', 'lost_pct'):
        known = [each[key] for each in measured if each[key] is not None]
        row[key] = float(np.mean(known)) if known else None
    return row


def _row(
    columns: Sequence[Column], measured: Sequence[Mapping[str, Any]], *, x: float
) -> dict[str, Any]:
    return {'x': x, **figures(columns, measured)}


def _bags(bench: Bench) -> Table:
    lengths_s = (2.0, 6.0) if bench.quick else (40.0 / 3.0, 40.0)
    rows = []
    for seconds in lengths_s:
        bench.say(f'a recording of {seconds:.3g} s')
        measured = [replay(bench, make_bag(bench.out, seconds)) for _ in range(2)]
        for each in measured:
            each['took_ms'] = 1e3 * each['took_s'] / each['views']
        rows.append((f'{seconds:.3g} s', figures(_BAG_COLUMNS, measured)))
    return Table(
        title='Length of the recording', first='recording', columns=_BAG_COLUMNS, rows=rows
    )


def _senses(bench: Bench) -> Table:
    rows = []
    for more in _MORE_SENSES:
        profile = wider_profile(more) if more else load_profile()
        bench.say(f'{len(profile.senses)} senses')
        models = untrained_models(bench.out, profile) if more else bench.models
        times = [_pipeline_times(bench, profile, models) for _ in range(2)]
        row = _row(_SENSES_COLUMNS, times, x=len(profile.senses))
        rows.append((str(len(profile.senses)), row))
    return Table(
        title='Number of senses',
        first='senses',
        columns=_SENSES_COLUMNS,
        rows=rows,
        plot=('answer_ms', 'put_ms'),
        x='senses',
    )


def wider_profile(senses: tuple[str, ...]) -> Profile:
    """Return the living wall's profile with these senses of `three_senses` besides."""
    sys.path.insert(0, str(ROOT / 'test'))
    try:
        from three_senses import three_senses
    finally:
        sys.path.pop(0)
    wall, other = load_profile(), three_senses()
    data, more = wall.model_dump(), other.model_dump()
    return Profile.model_validate(
        {
            **data,
            'name': f'wall_{len(wall.senses) + len(senses)}_senses',
            'senses': {**data['senses'], **{name: more['senses'][name] for name in senses}},
        }
    )


def untrained_models(folder: Path, profile: Profile) -> Path:
    """Return a folder with networks of a profile, exported where that can be; it is made once."""
    import torch

    from crossmodal_kd_ros.errors import ConfigurationError
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights
    from crossmodal_kd_ros.runtime.export import write_export

    models = folder / f'models-{profile.name}-{profile.fingerprint}'
    if (models / EXPORT_FILE).exists():
        return models
    models.mkdir(exist_ok=True)
    torch.manual_seed(0)
    for network in (Student, Teacher):
        save_weights(network(profile), models / f'{network.kind}.safetensors', card={'seed': '0'})
    side = profile.camera.view_px
    views = np.random.default_rng(0).integers(0, 255, (4, side, side, 3), np.uint8)
    readings = {name: healthy(sense, 4) for name, sense in profile.senses.items()}
    try:
        write_export(models, profile, views, readings, command='test/bench')
    except ConfigurationError:  # torch runs it then
        pass
    return models


def healthy(sense: Any, count: int) -> np.ndarray:
    """Return readings `float32[count, size]` within the range of a sense, none like another."""
    low, high = sense.per_element('min'), sense.per_element('max')
    noise = 1e-3 * np.random.default_rng(0).standard_normal((count, sense.size))
    return (low + (0.3 + noise) * (high - low)).astype(np.float32)


def _pipeline_times(bench: Bench, profile: Profile, models: Path) -> dict[str, float]:
    """Return the median time of an answer, and of taking a reading of every sense, ms."""
    repeats = 30 if bench.quick else 150
    pipeline = Pipeline(make_engine('auto', models, profile))
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (8, 480, 640, 3), np.uint8)
    readings = {name: healthy(sense, repeats) for name, sense in profile.senses.items()}
    answer_ms, put_ms = [], []
    for index in range(repeats):
        stamp_ns = 10**18 + round(index * 1e9 / 30.0)
        start_s = time.perf_counter()
        for name, rows in readings.items():
            pipeline.put(name, stamp_ns, rows[index], now_ns=stamp_ns)
        put_s = time.perf_counter()
        picture = pictures[index % len(pictures)]
        pipeline.put_image(stamp_ns, partial(np.asarray, picture), now_ns=stamp_ns)
        pipeline.step(stamp_ns)
        answer_ms.append(1e3 * (time.perf_counter() - put_s))
        put_ms.append(1e3 * (put_s - start_s))
    return {'answer_ms': float(np.median(answer_ms)), 'put_ms': float(np.median(put_ms))}
