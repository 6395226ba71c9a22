# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Claims that need more than panels: from the figures that lie in docs/ already."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claim_parts import trainings
from claim_parts.measures import FAILS, IN_PART, Claim, Table, graded, untestable
from crossmodal_kd_ros.scenario.seeds import aims
from crossmodal_kd_ros.scenario.setting import ROBOT, SCENARIOS

Record = Mapping[str, Any]


def run(docs: Path) -> list[Claim]:
    """Return the claims; one whose figures are not there cannot be tested here."""
    results, gripper, scenarios = (
        _read(docs / f'{name}.json') for name in ('results', 'gripper', 'scenarios')
    )
    return [
        *trainings.run(results, gripper),
        _scenario(
            scenarios,
            'inspection',
            name='Inspection by camera alone',
            section='Real-World Applications, scenario 1',
            claim='A robot with one camera inspects walls of bio-concrete for cracks and growth.',
        ),
        _scenario(
            scenarios,
            'repair',
            name='Pressure and angle with touch dead',
            section='Real-World Applications, scenario 2',
            claim='With touch dead of moisture, the student still estimates the right pressure '
            'and angle for a repair of mycelium.',
            but='The robot is told that the wall is mycelium: the pressure is that of this '
            'material, and what the student sees of touch says only whether the ground is like '
            'it, as a student without a teacher says too (control alone). So it is in part at '
            'most.',
        ),
        _scenario(
            scenarios,
            'month',
            name='Upkeep that lasts',
            section='Conclusion',
            claim='Gentle robots and materials that heal themselves keep a building well.',
        ),
        _energy(docs / 'performance.md'),
        untestable(
            'Cross-attention instead of concatenation',
            'The teacher model',
            'Attention from picture to touch is what makes the teacher, not concatenation.',
            'No teacher that concatenates was trained beside it.',
        ),
        untestable(
            'A soft robot on a real building',
            'Introduction; Conclusion',
            'Soft robots with the distilled student look after living buildings gently and for '
            'long; one in Singapore is planned.',
            'There is no such robot, and no wall, here. Arm, wall and weather are simulated, from '
            'sources and assumptions ([wall.md](wall.md)).',
        ),
    ]


def _scenario(
    scenarios: Record | None, scenario: str, *, name: str, section: str, claim: str, but: str = ''
) -> Claim:
    """Judge a scenario by whether it reaches its aims; `but`: why it is in part at most."""
    if scenarios is None or scenario not in scenarios['scenarios']:
        return untestable(
            name,
            section,
            claim,
            f'The scenario was not measured over seeds yet: `crossmodal-kd scenario {scenario} '
            '--seeds 20 --docs docs`.',
        )
    by_control = scenarios['scenarios'][scenario]
    reached = list(aims(scenario, by_control))
    return Claim(
        name=name,
        section=section,
        claim=claim,
        data=f'simulated, {len(scenarios["seeds"])} seeds ([scenarios.md](scenarios.md))',
        test=SCENARIOS[scenario].story,
        control='The same runs otherwise looked after: '
        f'{", ".join(control for control in by_control if control != ROBOT)}.',
        rule='Holds if every aim is reached, in part if some are.',
        outcome=graded([is_reached for _, _, is_reached in reached] + [False] * bool(but)),
        figure='; '.join(f'{words}: {value}' for words, value, _ in reached[:2]),
        found=' '.join(
            f'{words[0].upper()}{words[1:]}: {value}, {"reached" if is_reached else "missed"}.'
            for words, value, is_reached in reached
        )
        + (f' {but}' if but else ''),
    )


def _energy(page: Path) -> Claim:
    """Judge how little it needs by what was measured of it: time and memory, no energy."""
    name, section = 'Efficient, not energy-hungry', 'Conclusion'
    claim = 'Efficient systems, not massive and energy-hungry models, are the way.'
    rows = performance_rows(page.read_text(encoding='utf-8') if page.is_file() else '')
    if not rows:
        return untestable(name, section, claim, 'Not measured yet: `make bench`.')
    return Claim(
        name=name,
        section=section,
        claim=claim,
        data='measured ([performance.md](performance.md))',
        test='Time, processor time and memory of the node on two cores, without a GPU.',
        control='A callback that does nothing but answer, and the one file that the article leads '
        'to.',
        rule='Nobody measured energy: there is no meter. It cannot be more than in part, and that '
        'if the node answers within a frame of the camera, 33 ms.',
        outcome=IN_PART if rows['maintenance node (onnx)'][0] < 33.3 else FAILS,
        figure='p50 {:g} ms, {:g} % of a core, {:g} MiB'.format(*rows['maintenance node (onnx)']),
        found='At 640x480 and 30 Hz. Joules were not measured, and training costs hours of two '
        'cores.',
        tables=[
            Table(
                head=('process', 'p50, ms', 'of a core, %', 'memory, MiB'),
                rows=[[who, *(f'{each:g}' for each in row)] for who, row in rows.items()],
            )
        ],
    )


def performance_rows(page: str) -> dict[str, tuple[float, float, float]]:
    """Return p50 (ms), part of a core (%) and memory (MiB) of three processes.

    It is empty where the page, docs/performance.md, has not the table.
    """
    part = page.partition('### 640x480 at 30 Hz')[2].partition('###')[0]
    lines = [[cell.strip() for cell in line.split('|')[1:-1]] for line in part.splitlines()]
    lines = [cells for cells in lines if len(cells) > 1]
    if not lines:
        return {}
    head, found = lines[0], {}
    for cells in lines[2:]:
        row = dict(zip(head, cells, strict=True))
        values = [
            re.match(r'[\d.]+', row[key]) for key in ('p50, ms', 'of a core, %', 'memory, MiB')
        ]
        if all(values):
            found[cells[0]] = tuple(float(value[0]) for value in values)
    wanted = ('empty callback', 'maintenance node (onnx)', 'plain node')
    return {who: found[who] for who in wanted if who in found}


def _read(path: Path) -> Record | None:
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None
