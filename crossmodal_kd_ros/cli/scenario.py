# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd scenario`."""

import shlex
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossmodal_kd_ros.cli.options import EXISTING_FOLDER, FOLDER
from crossmodal_kd_ros.nodes.signals import end_event

if TYPE_CHECKING:
    from crossmodal_kd_ros.scenario.setting import Setting

ALL = 'all'


@click.command()
@click.argument('name', type=click.Choice(['inspection', 'repair', 'month', ALL]))
@click.option(
    '--out',
    type=FOLDER,
    help='Folder for summary.json, report.html and the recording; default: out/scenario/NAME. '
    'With --seeds: where each run is kept that has ended; default: out/scenario/runs.',
)
@click.option(
    '--seed',
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help='Of the facade, its weather and its troubles; with --seeds the first of them.',
)
@click.option(
    '--in-process',
    is_flag=True,
    help='Without ROS and faster than life: the same seed gives the same figures.',
)
@click.option(
    '--control',
    metavar='NAME',
    help='Look after the facade otherwise, to compare: teacher (every sense healthy), alone (see '
    '--alone-models), calendar (month: everything everywhere every week), nobody. The last two '
    'are played in process.',
)
@click.option(
    '--models', type=FOLDER, help='Folder with the networks; default: those of this package.'
)
@click.option(
    '--alone-models',
    type=EXISTING_FOLDER,
    help='Folder with a student that was trained without distillation, for the control alone.',
)
@click.option(
    '--seeds',
    type=click.IntRange(1, 1000),
    help='Play this many seeds in process, by the robot and by every control, and write means '
    'with intervals. Ended early, the same command goes on where it was.',
)
@click.option(
    '--docs',
    type=FOLDER,
    help='With --seeds: folder for scenarios.md and scenarios.json; default: out/scenario.',
)
@click.option('--no-view', is_flag=True, help='Print lines in place of the live view.')
def command(
    name: str,
    out: Path | None,
    seed: int,
    in_process: bool,
    control: str | None,
    models: Path | None,
    alone_models: Path | None,
    seeds: int | None,
    docs: Path | None,
    no_view: bool,
) -> None:
    """Play one of the article's stories in closed loop, and report on it.

    inspection: bio-concrete by camera alone. repair: mycelium, touch dies of moisture half way.
    month: a mixed facade for thirty days, senses fail and recover. The nodes are processes of
    their own on a private ROS domain; under five minutes each.
    """
    if name == ALL and seeds is None:
        raise click.UsageError('expected --seeds with all, got none: add --seeds 20')
    if seeds is not None and (control is not None or in_process or no_view):
        raise click.UsageError(
            'expected no --control, --in-process or --no-view with --seeds, which plays the robot '
            'and every control in process: leave it out'
        )
    if seeds is None and docs is not None:
        raise click.UsageError(
            'expected --docs with --seeds, got it without: add --seeds 20, or give --out'
        )
    if seeds is None and alone_models is not None and control != 'alone':
        raise click.UsageError(
            'expected --alone-models with --control alone or --seeds, got it without: add one'
        )
    from crossmodal_kd_ros.files import share_dir
    from crossmodal_kd_ros.scenario.setting import ROBOT, SCENARIOS, UNMANNED, Setting

    models = models or share_dir() / 'models'
    words = shlex.join(['crossmodal-kd', *sys.argv[1:]])
    if seeds is not None:
        names = list(SCENARIOS) if name == ALL else [name]
        kept = out or Path('out/scenario/runs')
        _many(
            names,
            range(seed, seed + seeds),
            models,
            alone_models,
            kept,
            docs or Path('out/scenario'),
            words,
        )
        return
    scenario, control = SCENARIOS[name], control or ROBOT
    if control not in (ROBOT, *scenario.controls):
        raise click.UsageError(
            f'expected a control of {name} out of {", ".join(scenario.controls)}, got {control}'
        )
    if control == 'alone':
        if alone_models is None:
            raise click.UsageError(
                'expected --alone-models for the control alone, got none: give the folder of a '
                'student that was trained without distillation'
            )
        models = alone_models
    setting = Setting(scenario=scenario, seed=seed, control=control)
    out = out or Path('out/scenario') / name
    if in_process or control in UNMANNED:
        summary = _in_process(setting, models, out, words)
    else:
        summary = _over_dds(setting, models, out, words, no_view)
    for line in closing_lines(summary, out):
        click.echo(line)
    if summary.get('interrupted'):
        raise click.exceptions.Exit(130)


def closing_lines(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the main figures of a run, in a few lines."""
    lines = []
    if summary['cracks_over_limit']:
        lines.append(
            f'{summary["cracks_found"]} of {summary["cracks_over_limit"]} cracks over the width '
            f'limit found, {summary["cracks_left_to_a_person"]} of them left to a person'
        )
    if summary['repairs']:
        lines.append(f'{summary["false_repairs"]} of {summary["repairs"]} repairs not needed')
    if summary['pressure_error_median'] is not None:
        lines.append(
            f'median error of pressure {summary["pressure_error_median"]:.0%}, of angle '
            f'{summary["angle_error_median_deg"]:.1f} degrees; tissue crushed '
            f'{summary["crushed"]} times'
        )
    if 'bag' in summary and summary['bag']['error']:
        lines.append(f'the recording is not whole: {summary["bag"]["error"]}')
    return [
        *lines,
        f'health of the facade {summary["health_begin"]:.0%} -> {summary["health_end"]:.0%} after '
        f'{summary["interventions"]} acts and calls for a person',
        f'report: {out / "report.html"}',
        f'figures: {out / "summary.json"}',
    ]


def _in_process(setting: 'Setting', models: Path, out: Path, words: str) -> dict[str, Any]:
    from crossmodal_kd_ros.files import whole_folder
    from crossmodal_kd_ros.scenario.in_process import Networks, play
    from crossmodal_kd_ros.scenario.report import PICTURES, write_results
    from crossmodal_kd_ros.scenario.setting import UNMANNED

    networks = None if setting.control in UNMANNED else Networks.load(models)
    started_s = time.monotonic()
    with whole_folder(out) as folder:
        events = play(setting, networks, pictures=folder / PICTURES)
        how = {
            'driver': 'in process',
            'interrupted': False,
            'wall_clock_s': round(time.monotonic() - started_s, 1),
        }
        return write_results(folder, events, setting, how=how, command=words)


def _over_dds(
    setting: 'Setting', models: Path, out: Path, words: str, no_view: bool
) -> dict[str, Any]:
    stop = end_event()
    # Imported here: ROS takes a second.
    from rich.console import Console

    from crossmodal_kd_ros.demo.screens import TerminalScreen
    from crossmodal_kd_ros.scenario import view
    from crossmodal_kd_ros.scenario.session import Plan, run_session

    console = Console()
    with_view = console.is_terminal and not no_view
    screen = (
        TerminalScreen(console, partial(view.screen, setting=setting))
        if with_view
        else view.LineScreen(console)
    )
    plan = Plan(setting=setting, out=out, command=words, models_dir=models)
    summary = run_session(plan, screen, stop)
    if summary is None:
        raise click.exceptions.Exit(130)
    return summary


def _many(
    names: list[str],
    seeds: range,
    models: Path,
    alone_models: Path | None,
    kept: Path,
    docs: Path,
    words: str,
) -> None:
    from crossmodal_kd_ros.files import check_writable, write_json, write_text
    from crossmodal_kd_ros.scenario.seeds import page, run_seeds

    for folder in (kept, docs):
        check_writable(folder)
    result = run_seeds(
        names, seeds, models_dir=models, alone_models=alone_models, kept=kept, say=click.echo
    )
    write_json(
        docs / 'scenarios.json', {'seeds': list(seeds), 'command': words, 'scenarios': result}
    )
    write_text(docs / 'scenarios.md', page(result, seeds=seeds, command=words))
    click.echo(f'page: {docs / "scenarios.md"}')
