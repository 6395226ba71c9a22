# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An evaluation: cells one after the other, photographs, and the report over all there is."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch
from filelock import FileLock

from crossmodal_kd_ros.benchmark.benchmark import Bench
from crossmodal_kd_ros.benchmark.card import commit
from crossmodal_kd_ros.benchmark.cells import Plan, cells
from crossmodal_kd_ros.benchmark.photos import (
    Photos,
    PhotosError,
    crack_scores,
    measure_photos,
    worst_mistakes,
)
from crossmodal_kd_ros.benchmark.progress import TrainingProgress, bar
from crossmodal_kd_ros.benchmark.record import RECORD, read_record
from crossmodal_kd_ros.benchmark.report import measured_cells, publish, thumbnails
from crossmodal_kd_ros.benchmark.shipped_weights import measure_without_training
from crossmodal_kd_ros.files import check_writable, write_json
from crossmodal_kd_ros.networks import load_student
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training.cache import TrainingCache
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe
from crossmodal_kd_ros.versions import SIMULATION_VERSION


def evaluate_benchmark(
    plan: Plan,
    *,
    out: Path,
    models: Path,
    cache: Path,
    results: Path | None,
    device: Device,
    command: str,
    say: Callable[[str], None],
) -> None:
    """Measure what `out` does not hold yet of a plan; write the report after every cell.

    Start it twice with one thread each, and two cores share the work.

    Args:
        plan: what to measure.
        out: keeps what is measured, and the report.
        models: shipped weights, which are measured too if there are any.
        cache: of simulated views and trained networks.
        results: see `publish`; cells in it that this plan would measure alike are taken from it.
        device: where to train.
        command: how the user started it, for the report.
        say: called with a line now and then.

    Raises:
        WeightsError, CalibrationError: the shipped weights cannot be used.
        OutputError: `out` cannot be written.
    """
    todo = cells(plan)[: plan.max_cells]
    check_writable(out)
    measure_without_training(plan, out=out, models=models, cache=cache, say=say)
    write_json(
        out / 'origin.json',
        {
            'command': command,
            'commit': commit(),
            'simulation_version': SIMULATION_VERSION,
            'torch': str(torch.__version__),
            'threads': torch.get_num_threads(),
            'bf16': device.bf16,
            'recipe': plan.recipe.model_dump(),
            'condition_views': plan.condition_views,
            'planned_cells': len(cells(plan)),
        },
    )
    with ExitStack() as bars:

        def run(name: str) -> Run:
            report = bars.enter_context(TrainingProgress(name, None))
            return Run(report=report, device=device)

        bench = Bench(
            plan=plan,
            out=out,
            cache=cache,
            networks=TrainingCache(cache / 'networks', plan.profile, run=run),
            progress=bar('simulating'),
        )
        if outdated := bench.set_aside_outdated():
            say(
                f'{outdated} cells of another version or recipe are set aside: '
                f'{out / "cells"}/*.outdated'
            )
        if results is not None and (taken := bench.take(read_record(results))):
            say(
                f'{taken} cells were measured before, by these versions and this recipe: '
                f'{results / RECORD}'
            )
        shown = set(measured_cells(out))
        for number, (cell, measured) in enumerate(bench.measure_all(todo), 1):
            say(f'{number} of {len(todo)}: {cell.name}: {measured["accuracy"]:.3f}')
            if cell not in shown or number == len(todo):
                with FileLock(out / 'publish.lock'):
                    publish(out, plan.profile, models=models, cache=cache, results=results)


def make_plan(quick: bool, *, max_cells: int | None = None, conditions: bool = True) -> Plan:
    """Return the whole benchmark, or a small one by the recipe `quick`."""
    recipe = load_recipe(find_recipe('quick' if quick else 'default'))
    if not quick:
        return Plan(
            recipe=recipe, max_cells=max_cells, **({} if conditions else {'condition_views': 0})
        )
    return Plan(
        recipe=recipe,
        labels=(recipe.data.labelled_views,),
        seeds=(0,),
        ablation_seeds=(),
        recoveries=(),
        condition_views=150 * conditions,
        ceiling_panels=2000,
        shipped_views=300,
        max_cells=max_cells,
    )


def evaluate_photos(
    folder: Path, *, parity: str, out: Path, models: Path, cache: Path, results: Path | None
) -> None:
    """Measure the student of `models` on photographs; keep figures and worst mistakes in `out`.

    `parity` chooses among them, see `Photos.load`.

    Raises:
        PhotosError: the photographs cannot be used, or `out` has not the cells that `results`
            shows, which would be lost there.
        WeightsError: the student cannot be read, or is not of the living wall.
    """
    if results is not None and (lost := len(read_record(results)) - len(measured_cells(out))) > 0:
        raise PhotosError(
            f'expected the benchmark that {results} shows in {out}, found {lost} cells less: '
            'run "crossmodal-kd '
            f'evaluate --results {results}" first, or leave --results out'
        )
    profile = load_profile()
    student = load_student(models / 'student.safetensors', profile)
    photos = Photos.load(folder, size_px=profile.camera.view_px, parity=parity)
    sureness = crack_scores(student, photos.image)[0]
    about = {'folder': folder.name, 'parity': parity, **measure_photos(student, photos)}
    write_json(out / 'photos.json', about)
    worst = [thumbnails(photos, sureness, rows) for rows in worst_mistakes(photos, sureness)]
    write_json(out / 'mistakes.json', worst[0] + worst[1])
    publish(out, profile, models=models, cache=cache, results=results)
