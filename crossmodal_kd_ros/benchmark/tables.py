# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The summary of an evaluation as a page of tables, `results.md.j2`."""

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, Undefined

from crossmodal_kd_ros.benchmark.cells import ALIGNMENTS, CONTROLS, RECIPE
from crossmodal_kd_ros.benchmark.figures import NAMES
from crossmodal_kd_ros.benchmark.measures import scalars, seen_scalars
from crossmodal_kd_ros.benchmark.photos import TITLES
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.reports.style import words


def markdown(summary: dict[str, Any], profile: Profile) -> str:
    """Return the summary, of the robot of `profile`, as a page."""
    # What was not measured is undefined, and stays empty.
    environment = Environment(
        loader=PackageLoader('crossmodal_kd_ros', 'benchmark'),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent, number=_number, figure=_figure, gained=_gained, words=words
    )
    counts, changes = _counts(summary), list(_changes(summary))
    alignments = [
        (alignment, title, count, m)
        for alignment, (system, title) in ALIGNMENTS.items()
        for count, name, m in changes
        if name == system
    ]

    def rows(systems: Iterable[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (label count, name, what it comes to) of those of `systems` that were measured."""
        for count in counts:
            for system in systems:
                if count in summary[system]:
                    yield count, NAMES[system], summary[system][count]

    def way_to_ceiling(count: str, control: str, gain: dict[str, Any]) -> int:
        """Return how many percent of what a control lacks are gained."""
        without = summary[control][count]['accuracy']['mean']
        return round(100 * gain['accuracy']['mean'] / (summary['ceilings'][CAMERA] - without))

    page = environment.get_template('results.md.j2').render(
        summary=summary,
        profile=profile,
        names=NAMES,
        controls=list(CONTROLS),
        counts=counts,
        rows=rows,
        way_to_ceiling=way_to_ceiling,
        conditions=next((m['conditions'] for *_, m in rows(NAMES) if 'conditions' in m), {}),
        maps=[f'{sense.name} map' for sense in profile.senses.values() if sense.layout == 'grid'],
        scalars=scalars(profile),
        seen=seen_scalars(profile),
        changes=changes,
        photo_scores=[(title, name) for name, title in TITLES.items()],
        alignments=alignments,
        # What the fidelity gains on cosine at least, beyond chance.
        fidelities=[
            m['against_recipe']['accuracy']['interval'][0]
            for alignment, _, _, m in alignments
            if alignment == 'product' and 'against_recipe' in m
        ],
    )
    return page.rstrip() + '\n'


def _counts(summary: dict[str, Any]) -> list[str]:
    return sorted({count for system in NAMES for count in summary[system]}, key=int)


def _changes(summary: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (label count, name, what it comes to) of the recipe, then of each change to it."""
    for count in _counts(summary):
        changed = {
            name: by_count[count]
            for name, by_count in summary['ablations'].items()
            if count in by_count
        }
        if changed and count in summary['student_kd']:
            recipe = {RECIPE: summary['student_kd'][count]}
            yield from ((count, name, m) for name, m in (recipe | changed).items())


def _percent(value: float | None | Undefined) -> str:
    return '' if value is None or isinstance(value, Undefined) else f'{100 * value:.1f} %'


def _number(value: float | None | Undefined) -> str:
    return '' if value is None or isinstance(value, Undefined) else f'{value:.2f}'


def _figure(figure: dict[str, Any], unit: str = '%') -> str:
    low, high = figure['interval']
    return f'{100 * figure["mean"]:.1f} {unit} [{100 * low:.1f}, {100 * high:.1f}]'


def _gained(m: dict[str, Any]) -> str:
    return _figure(m['against_recipe']['accuracy'], 'points') if 'against_recipe' in m else ''
