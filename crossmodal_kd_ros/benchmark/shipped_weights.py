# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the benchmark measures without training: ceilings, alignments, the shipped weights."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossmodal_kd_ros.benchmark.alignment_costs import alignment_costs
from crossmodal_kd_ros.benchmark.ceilings import ceilings, reading_ceilings
from crossmodal_kd_ros.benchmark.cells import Plan
from crossmodal_kd_ros.benchmark.light import by_light
from crossmodal_kd_ros.benchmark.record import keep, made_of
from crossmodal_kd_ros.benchmark.sensor_failures import sensor_failures
from crossmodal_kd_ros.calibration.model import FILE_NAME as CALIBRATION
from crossmodal_kd_ros.calibration.model import load_calibration
from crossmodal_kd_ros.datasets import Pairs, load_simulated
from crossmodal_kd_ros.networks import StudentConfig, load_student, load_teacher
from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.versions import MEASURE_VERSION, SIMULATION_VERSION, TRAINING_VERSION

_WORLD = {'simulation': SIMULATION_VERSION, 'measure': MEASURE_VERSION}


def measure_without_training(
    plan: Plan, *, out: Path, models: Path, cache: Path, say: Callable[[str], None]
) -> None:
    """Write `ceilings`, `alignment`, `light`, `broken` and `coverage.json` into `out`.

    The last three need weights in `models`. What is there already, of the same versions, plan and
    weights, is left as it is.

    Args:
        plan: how much to measure.
        out: see above.
        models: folder with the shipped weights.
        cache: of simulated views.
        say: called with what takes a while.

    Raises:
        WeightsError: the weights cannot be read.
        CalibrationError: their calibration cannot, or is of other weights.
    """

    def what_can_be_known() -> dict[str, Any]:
        say('what can be known, by a gradient-boosted model')
        best = ceilings(panels=plan.ceiling_panels)
        readings = reading_ceilings(panels=plan.ceiling_panels)
        curve = {
            f'{recovery:g}': ceilings(
                panels=plan.ceiling_panels, vision_recovery=recovery, sets=(CAMERA,)
            )[CAMERA]
            for recovery in plan.recoveries
        }
        return best | {'by_recovery': curve | {'1': best[CAMERA]}, 'readings': readings}

    keep(
        out / 'ceilings.json',
        made_of(['ceilings', 'readings', plan.ceiling_panels, plan.recoveries], **_WORLD),
        what_can_be_known,
    )

    sizes = {
        'batch': plan.recipe.student.batch,
        'features': StudentConfig().features,
        'qubits': plan.recipe.student.qubits,
    }
    keep(
        out / 'alignment.json',
        made_of(['alignment', sizes], training=TRAINING_VERSION, measure=MEASURE_VERSION),
        lambda: alignment_costs(**sizes),
    )

    weights = [models / f'{kind}.safetensors' for kind in ('teacher', 'student')]
    if not all(path.is_file() for path in weights):
        return

    def light() -> dict[str, Any]:
        say('the same places by day and by night')
        return by_light(
            load_teacher(weights[0], plan.profile),
            load_student(weights[1], plan.profile),
            test('day'),
            test('night'),
        )

    def test(condition: str | None) -> Pairs:
        return load_simulated(
            'test',
            plan.shipped_views,
            seed=plan.recipe.data.seed,
            cache_dir=cache,
            condition=condition,
        )

    shipped = [plan.shipped_views, [_digest(path) for path in weights]]
    keep(out / 'light.json', made_of(['light', *shipped], **_WORLD), light)
    if (calibration := load_calibration(models, plan.profile)) is not None:
        key = made_of(['broken', *shipped, _digest(models / CALIBRATION)], **_WORLD)
        keep(out / 'broken.json', key, lambda: sensor_failures(models, calibration, test(None)))
        covered = calibration.origin.get('coverage_on_test', [])
        keep(out / 'coverage.json', made_of(['coverage', covered]), lambda: {'rows': covered})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
