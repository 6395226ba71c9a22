# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What `crossmodal-kd evaluate` does: cells one after the other, photographs, and the report over all there is."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import click
import torch
from filelock import FileLock
from tqdm import tqdm

from crossmodal_kd_ros.benchmark.benchmark import Bench, Plan, cells
from crossmodal_kd_ros.benchmark.card import commit
from crossmodal_kd_ros.benchmark.photos import (
    Photos,
    PhotosError,
    crack_scores,
    measure_photos,
    worst_mistakes,
)
from crossmodal_kd_ros.benchmark.record import RECORD, read_record, write_json, write_record
from crossmodal_kd_ros.benchmark.report import thumbnails, write_report
from crossmodal_kd_ros.benchmark.results import gather, measured_cells, write
from crossmodal_kd_ros.benchmark.saliency import draw_gaze
from crossmodal_kd_ros.benchmark.shipped_weights import measure_once
from crossmodal_kd_ros.cli.training import REFRESH_S, Progress
from crossmodal_kd_ros.datasets import load_simulated
from crossmodal_kd_ros.networks import load_student, load_teacher
from crossmodal_kd_ros.training.cache import Workshop
from crossmodal_kd_ros.training.device import Place
from crossmodal_kd_ros.training.loop import Run
from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe

_GAZE_VIEWS = 60  # a few views of each action are among them


def evaluate_benchmark(
    plan: Plan,
    *,
    out: Path,
    models: Path,
    cache: Path,
    results: Path | None,
    place: Place,
    command: str,
) -> None:
    """Measure ceilings and every cell of the plan that `out` does not hold yet; write the report after each.

    Start it twice with one thread each, and two cores share the work.
    """
    todo = cells(plan)[: plan.most_cells]
    out.mkdir(parents=True, exist_ok=True)
    write_json(
        out / 'origin.json',
        {
            'command': command,
            'commit': commit(),
            'torch': str(torch.__version__),
            'threads': torch.get_num_threads(),
            'recipe': plan.recipe.model_dump(),
            'condition_views': plan.condition_views,
            'planned_cells': len(cells(plan)),
        },
    )
    measure_once(
        plan, out=out, models=models, cache=cache, say=lambda words: click.echo(words, err=True)
    )
    with ExitStack() as bars:
        bench = Bench(
            plan=plan,
            out=out,
            cache=cache,
            workshop=Workshop(
                cache / 'networks',
                run=lambda name: Run(report=bars.enter_context(Progress(name, None)), place=place),
            ),
            progress=lambda tasks, total: tqdm(tasks, 'simulating', total, mininterval=REFRESH_S),
        )
        if outdated := bench.set_aside_outdated():
            click.echo(
                f'{outdated} cells of another version or recipe are set aside: {out / "cells"}/*.outdated',
                err=True,
            )
        if results is not None and (taken := bench.take(read_record(results))):
            click.echo(
                f'{taken} cells were measured before, by these versions and this recipe: {results / RECORD}',
                err=True,
            )
        shown = set(measured_cells(out))
        for number, (cell, measured) in enumerate(bench.measure_all(todo), 1):
            click.echo(
                f'{number} of {len(todo)}: {cell.name}: {measured["accuracy"]:.3f}', err=True
            )
            if cell not in shown or number == len(todo):
                with FileLock(out / 'publish.lock'):
                    publish(out, models=models, cache=cache, results=results)


def make_plan(quick: bool, *, most_cells: int | None = None, conditions: bool = True) -> Plan:
    """Return the whole benchmark, or a small one by the recipe `quick`."""
    recipe = load_recipe(find_recipe('quick' if quick else 'default'))
    if not quick:
        return Plan(
            recipe=recipe,
            more_labels=(2000,),
            most_cells=most_cells,
            **({} if conditions else {'condition_views': 0}),
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
        most_cells=most_cells,
    )


def evaluate_photos(
    folder: Path, *, out: Path, models: Path, cache: Path, results: Path | None
) -> None:
    """Measure the student of `models` on the photographs in `folder`; keep figures and worst mistakes in `out`.

    Raises:
        PhotosError: the photographs cannot be used, or `out` has not the cells that `results`
            shows, which would be lost there.
    """
    if results is not None and (lost := len(read_record(results)) - len(measured_cells(out))) > 0:
        raise PhotosError(
            f'expected the benchmark that {results} shows in {out}, found {lost} cells less: run "crossmodal-kd '
            f'evaluate --results {results}" first, or leave --results out'
        )
    student, photos = load_student(models / 'student.safetensors'), Photos.load(folder)
    sureness = crack_scores(student, photos.image)[0]
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / 'photos.json', {'folder': folder.name, **measure_photos(student, photos)})
    worst = [thumbnails(photos, sureness, rows) for rows in worst_mistakes(photos, sureness)]
    write_json(out / 'mistakes.json', worst[0] + worst[1])
    publish(out, models=models, cache=cache, results=results)


def publish(out: Path, *, models: Path, cache: Path, results: Path | None) -> None:
    """Write summary, table and report over all that `out` holds."""
    found = measured_cells(out)
    summary = gather(out, found)
    write(out, summary, found)
    mistakes = out / 'mistakes.json'
    write_report(
        out / 'report.html',
        summary,
        gaze=_gaze(models, cache),
        mistakes=json.loads(mistakes.read_text()) if mistakes.is_file() else [],
    )
    if results is not None:
        results.mkdir(parents=True, exist_ok=True)
        shutil.copy(out / 'results.md', results / 'results.md')
        shutil.copy(out / 'summary.json', results / 'results.json')
        if found:
            write_record(list(found.values()), results)


def _gaze(models: Path, cache: Path) -> str:
    if not all((models / f'{kind}.safetensors').is_file() for kind in ('teacher', 'student')):
        return ''
    pairs = load_simulated('test', _GAZE_VIEWS, seed=0, cache_dir=cache)
    return draw_gaze(
        load_teacher(models / 'teacher.safetensors'),
        load_student(models / 'student.safetensors'),
        pairs,
    )
