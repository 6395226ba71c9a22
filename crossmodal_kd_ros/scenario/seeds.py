# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scenarios over many seeds, beside their controls: means with intervals, and a page of them.

What a run came to is kept as soon as it has ended, by what it follows from: the networks, the code
and the tables that decide and simulate, the scenario, who looked after the facade, the seed.
"""

import hashlib
import json
import math
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from crossmodal_kd_ros.files import share_dir, write_json
from crossmodal_kd_ros.scenario.in_process import Networks, play
from crossmodal_kd_ros.scenario.score import score
from crossmodal_kd_ros.scenario.setting import CONTROLS, ROBOT, SCENARIOS, UNMANNED, Setting

# What the events of a run follow from, beside the networks and their calibration.
_ROOMS = ('profile', 'simulation', 'calibration', 'health', 'runtime', 'repair', 'mission')
_PLAYED_BY = ('setting', 'needs', 'robot', 'in_process')
_NETWORKS = ('*.safetensors', 'calibration.json')
_RESAMPLES = 10_000
_LEVEL = (2.5, 97.5)
# Of these the sum over seeds counts, for a seed may have none: (part, whole).
SHARES = {
    'cracks_found_share': ('cracks_found', 'cracks_over_limit'),
    'false_repairs_share': ('false_repairs', 'repairs'),
}
# Rows of the page: figure, in words, its form, and the factor that it is shown with.
ROWS = {
    'inspection': (
        ('cracks_found_share', 'cracks over the width limit found, %', '{:.1f}', 100.0),
        ('false_repairs_share', 'repairs that were not needed, %', '{:.1f}', 100.0),
        ('cracks_left_to_a_person', 'of these cracks left to a person, a run', '{:.1f}', 1.0),
        ('requests_in_vain', 'persons asked in vain, a run', '{:.1f}', 1.0),
    ),
    'repair': (
        ('pressure_error_median', 'median pressure error, %', '{:.1f}', 100.0),
        (
            'pressure_error_median_without_every_sense',
            'median pressure error once a sense is lost, %',
            '{:.1f}',
            100.0,
        ),
        ('angle_error_median_deg', 'median angle error, degrees', '{:.1f}', 1.0),
        (
            'angle_error_median_deg_without_every_sense',
            'median angle error once a sense is lost, degrees',
            '{:.1f}',
            1.0,
        ),
        ('crushed', 'tissue crushed, times a run', '{:.2f}', 1.0),
        ('failed_bonds', 'bonds that failed, a run', '{:.2f}', 1.0),
        ('false_repairs_share', 'repairs that were not needed, %', '{:.1f}', 100.0),
        ('requests', 'persons asked, a run', '{:.1f}', 1.0),
    ),
    'month': (
        ('health_end', 'health in the end, %', '{:.1f}', 100.0),
        ('health_mean', 'health over the month, %', '{:.1f}', 100.0),
        ('interventions', 'acts and persons', '{:.1f}', 1.0),
        ('panels_serviced', 'visits at which something was done', '{:.1f}', 1.0),
        ('false_repairs_share', 'repairs that were not needed, %', '{:.1f}', 100.0),
        ('crushed', 'tissue crushed, times', '{:.2f}', 1.0),
    ),
}


def run_seeds(
    names: Sequence[str],
    seeds: Sequence[int],
    *,
    models_dir: Path,
    alone_models: Path | None,
    kept: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Play scenarios with many seeds by the robot and by every control.

    Args:
        names: of the scenarios.
        seeds: which.
        models_dir: the robot's networks.
        alone_models: those of the control `alone`; `None`: it is left out.
        kept: folder where the events of every run that has ended are kept. What is there already
            is not played again.
        say: is told what is going on.

    Returns:
        By scenario and by who looked after it: `runs`, the score of each seed, and `figures`.
    """
    folders = {control: alone_models if control == 'alone' else models_dir for control in CONTROLS}
    jobs = [
        (name, control, seed, str(folders.get(control, models_dir)))
        for name in names
        for control in (ROBOT, *SCENARIOS[name].controls)
        if control != 'alone' or alone_models is not None
        for seed in seeds
    ]
    keys = {folder: _key(Path(folder)) for folder in {folder for *_, folder in jobs}}
    files = [
        kept / keys[folder] / f'{name}_{control}_{seed}.json'
        for name, control, seed, folder in jobs
    ]
    if alone_models is None:
        say(f'without --alone-models there is no control "alone": {CONTROLS["alone"]}')
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in names}
    # Each a process of its own: networks run on one thread.
    workers = min(os.cpu_count() or 1, len(jobs))
    pool = ProcessPoolExecutor(workers, get_context('spawn'), initializer=_follow_parent)
    try:
        for (name, control, seed, _), result in zip(jobs, pool.map(_run, jobs, files)):
            runs[name].setdefault(control, []).append(result)
            if seed == seeds[-1]:
                say(f'{name}, {control}: {len(seeds)} seeds')
    except BaseException:
        # What is under way is played again next time.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():
            worker.terminate()
        raise
    pool.shutdown()
    return {
        name: {
            control: {'figures': figures(scores), 'runs': scores}
            for control, scores in by_control.items()
        }
        for name, by_control in runs.items()
    }


def figures(scores: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return mean and 95 % interval of each figure, by a bootstrap over seeds.

    A share is that of all runs together. A figure that no run has is left out.
    """
    rng = np.random.default_rng(0)
    picked = rng.integers(len(scores), size=(_RESAMPLES, len(scores)))
    result = {}
    for name, value in scores[0].items():
        if isinstance(value, Mapping):
            continue
        if name in SHARES:
            parts, wholes = (np.array([one[key] for one in scores], float) for key in SHARES[name])
        else:
            known = np.array([math.nan if one[name] is None else one[name] for one in scores])
            parts, wholes = np.nan_to_num(known), np.isfinite(known).astype(float)
        if not wholes.sum():
            continue
        drawn = wholes[picked].sum(1)
        means = parts[picked].sum(1)[drawn > 0] / drawn[drawn > 0]
        result[name] = {
            'mean': float(parts.sum() / wholes.sum()),
            'interval': [float(bound) for bound in np.percentile(means, _LEVEL)],
        }
    return result


def page(result: Mapping[str, Any], *, seeds: Sequence[int], command: str) -> str:
    """Return the figures of `run_seeds` as a page of Markdown."""
    environment = Environment(
        loader=PackageLoader('crossmodal_kd_ros', 'scenario'),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template('scenarios.md.j2').render(
        result=result,
        scenarios=SCENARIOS,
        controls={ROBOT: 'the robot, with its sick senses', **CONTROLS},
        rows=_rows,
        aims={name: list(aims(name, each)) for name, each in result.items()},
        seeds=seeds,
        command=command,
    )
    return text.rstrip() + '\n'


def aims(name: str, by_control: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield what a scenario is to reach, what it reached, and whether that is so."""
    robot = _means(by_control[ROBOT])
    known = {control: _means(one) for control, one in by_control.items()}

    def aim(words: str, value: float | None, is_reached: Callable[[float], bool], form: str):
        if value is None:
            return words, 'nothing to count', False
        return words, form.format(value), is_reached(value)

    if name == 'inspection':
        found, false = robot.get('cracks_found_share'), robot.get('false_repairs_share', 0.0)
        yield aim('at least 95 % of cracks found', found, lambda v: v >= 0.95, '{:.1%}')
        yield aim('at most 5 % false repairs', false, lambda v: v <= 0.05, '{:.1%}')
    elif name == 'repair':
        pressure = robot.get('pressure_error_median_without_every_sense')
        angle = robot.get('angle_error_median_deg_without_every_sense')
        yield aim('median pressure error at most 15 %', pressure, lambda v: v <= 0.15, '{:.1%}')
        yield aim('median angle error at most 8 degrees', angle, lambda v: v <= 8.0, '{:.1f}')
        yield aim('no tissue crushed', robot['crushed'], lambda v: v == 0.0, '{:.2f} a run')
    else:
        health, acts = robot['health_end'], robot['interventions']
        if 'teacher' in known:
            words = 'at least 90 % of the health that all senses end with'
            part = health / max(known['teacher']['health_end'], 1e-9)
            yield aim(words, part, lambda v: v >= 0.9, '{:.0%} of it')
        for other, words in (
            ('alone', 'clearly more health than without a teacher'),
            ('nobody', 'clearly more health than without anybody'),
        ):
            if other in known:
                mean, (low, high) = _more_health(by_control[ROBOT], by_control[other])
                reached = f'{100 * mean:.1f} points ({100 * low:.1f} to {100 * high:.1f})'
                yield words, reached, low > 0.0
        if 'calendar' in known:
            fewer = 1.0 - acts / known['calendar']['interventions']
            yield aim('at least 30 % fewer interventions', fewer, lambda v: v >= 0.3, '{:.0%}')


def _more_health(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[float, tuple[float, float]]:
    """Return how much more health one ends with on the same seeds, and its 95 % interval."""
    pairs = zip(one['runs'], other['runs'], strict=True)
    more = [{'more': mine['health_end'] - theirs['health_end']} for mine, theirs in pairs]
    figure = figures(more)['more']
    return figure['mean'], tuple(figure['interval'])


def _means(one: Mapping[str, Any]) -> dict[str, float]:
    return {name: figure['mean'] for name, figure in one['figures'].items()}


def _rows(name: str, by_control: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each figure of a scenario in words, and its cells by control."""
    for key, words, form, factor in ROWS[name]:
        cells = []
        for one in by_control.values():
            figure = one['figures'].get(key)
            if figure is None:
                cells.append('')
                continue
            low, high = (form.format(factor * bound) for bound in figure['interval'])
            cells.append(f'{form.format(factor * figure["mean"])} ({low} to {high})')
        yield words, cells


def _follow_parent() -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the first one; end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone: a killed one tells its workers nothing."""
    parent_process().join()
    os._exit(1)


@lru_cache(maxsize=2)
def _networks(models_dir: str) -> Networks:
    return Networks.load(Path(models_dir))


def _key(models_dir: Path) -> str:
    """Return what stands for networks, code and tables: another one, other events."""
    here = Path(__file__).parent
    code = [path for room in _ROOMS for path in (here.parent / room).rglob('*') if path.is_file()]
    code += [here / f'{name}.py' for name in _PLAYED_BY]
    tables = [
        share_dir() / 'config' / 'repair.yaml',
        *(share_dir() / 'config').rglob('profiles/*'),
    ]
    networks = [path for pattern in _NETWORKS for path in models_dir.glob(pattern)]
    whole = hashlib.sha256()
    for path in sorted((*code, *tables, *networks)):
        if path.suffix != '.pyc':
            whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _run(job: tuple[str, str, int, str], file: Path) -> dict[str, Any]:
    if file.exists():
        return score(json.loads(file.read_text()))
    name, control, seed, models_dir = job
    setting = Setting(scenario=SCENARIOS[name], seed=seed, control=control)
    events = play(setting, None if control in UNMANNED else _networks(models_dir))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, events, indent=None)
    return score(events)
