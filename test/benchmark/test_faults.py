# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fault matrix: what it reckons, and all of it end to end with networks that know nothing."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from crossmodal_kd_ros.benchmark.fault_matrix import Cell, cells, judged
from crossmodal_kd_ros.calibration.fusion import Stack
from crossmodal_kd_ros.cli.faults import closing_lines
from crossmodal_kd_ros.contract import Mode, Sample
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.runtime import CalibrationError, save_calibration
from crossmodal_kd_ros.simulation import FaultSchedule

pytest.importorskip('torch')
from crossmodal_kd_ros.benchmark.fault_run import run_matrix  # noqa: E402
from crossmodal_kd_ros.benchmark.fault_stream import MemoEngine, Player, readings  # noqa: E402
from crossmodal_kd_ros.calibration.fit import ask, calibrate  # noqa: E402

CELL = Cell(
    sensor='touch',
    fault='wet',
    severity=0.5,
    mode='PARTIAL',
    delay_s=1.0,
    reason='wet',
    changes=1,
    unanswerable=0.0,
    held=0.1,
    accuracy_package=0.8,
    accuracy_decided=0.9,
    accuracy_raw=0.5,
    accuracy_zeros=0.6,
    accuracy_healthy=0.9,
    accuracy_fallback=0.85,
)


def test_every_fault_of_every_sensor_is_tried_at_three_severities():
    found = cells()

    assert len(found) == len(set(found)) >= 120
    assert {sensor for sensor, _, _ in found} == {'camera', 'touch', 'gas'}


def test_what_is_undone_is_a_part_of_what_the_harmful_faults_cost():
    harmless = dataclasses.replace(CELL, accuracy_raw=0.9, accuracy_package=0.85)
    found = judged(
        [
            CELL,
            dataclasses.replace(CELL, accuracy_raw=0.7, accuracy_package=0.7, held=0.0),
            harmless,
        ]
    )

    # 0.3 and 0 undone, of 0.4 and 0.2.
    assert (found['harmful'], found['recovered']['as a wrong action']) == (2, 0.5)
    # Told at once: 0.35 and 0.15 undone.
    assert found['recoverable'] == pytest.approx(0.5 / 0.6, abs=1e-4)
    assert found['worst_shortfall']['as a wrong action'] == pytest.approx(0.05)


def test_a_hold_may_be_reckoned_as_half_a_wrong_action_or_as_none():
    found = judged([CELL])

    assert list(found['recovered'].values()) == pytest.approx([0.75, 0.875, 1.0])
    assert list(found['worst_shortfall'].values()) == pytest.approx([-0.2, -0.25, -0.3])


def test_without_harm_there_is_nothing_to_undo():
    assert judged([])['recovered'] == {
        'as a wrong action': None,
        'half a wrong action': None,
        'nothing': None,
    }


class Engine:
    """Counts what it is asked."""

    name = 'fake'

    def __init__(self) -> None:
        self.asked = 0

    def infer(self, sample, mode, filled=False):
        self.asked += 1
        return self.asked


def test_a_question_about_a_picture_of_the_tape_or_a_blank_one_is_asked_once():
    engine = Engine()
    memo = MemoEngine(engine)
    kept, gone = (np.ones((4, 4, 3), np.uint8) for _ in range(2))
    memo.pictures = {id(kept)}
    touch = np.zeros(256, np.float32)

    answers = [
        memo.infer(Sample(stamp_ns=0, image=image, touch=value), *asked)
        for image, value, *asked in (
            (kept, touch, Mode.TEACHER),
            (kept, touch.copy(), Mode.TEACHER),
            (kept, touch + 1.0, Mode.TEACHER),
            (kept, None, Mode.STUDENT),
            (gone, touch, Mode.TEACHER),
            (gone, touch, Mode.TEACHER),
            (np.zeros_like(gone), touch, Mode.PARTIAL),
            (np.zeros_like(gone), touch, Mode.PARTIAL),
            (kept, None, Mode.PARTIAL),
            (kept, None, Mode.PARTIAL, True),
            (kept, None, Mode.PARTIAL, True),
        )
    ]

    assert answers == [1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 8]


def test_the_tape_is_in_order_of_time_and_every_picture_has_an_expert():
    tape = list(readings(501, 1.0, pictures=5))

    assert [reading.stamp_ns for reading in tape] == sorted(reading.stamp_ns for reading in tape)
    assert {(reading.sensor, reading.expert >= 0) for reading in tape} == {
        ('camera', True),
        ('camera', False),
        ('touch', False),
        ('gas', False),
    }
    assert sum(reading.expert >= 0 for reading in tape) == 6


def test_an_unguarded_teacher_is_given_the_message_whose_stamp_is_nearest_however_bad_it_is():
    player = Player(Engine(), None, FaultSchedule())
    player.arrived['gas'] = [(0, 'old'), (500, 'late'), (400, 'overtaken')]

    assert [player.paired(stamp_ns, 'gas') for stamp_ns in (100, 410, 900)] == [
        'old',
        'overtaken',
        'late',
    ]
    assert player.paired(100, 'touch') is None


@pytest.mark.timeout(300)
def test_the_matrix_ends_in_figures_and_a_page_that_say_they_are_simulated(models, tmp_path):
    # A copy: other tests want weights that nobody has calibrated.
    models = Path(shutil.copytree(models, tmp_path / 'models'))
    with pytest.raises(
        CalibrationError, match='found none: make it with "crossmodal-kd calibrate"'
    ):
        run_matrix(models, tmp_path, healthy_minutes=0.0, command='crossmodal-kd faults')
    rng = np.random.default_rng(0)
    pairs = Pairs(
        image=rng.integers(0, 256, (360, 128, 128, 3), np.uint8),
        touch=rng.random((360, 256), np.float32),
        gas=rng.random((360, 8), np.float32),
        surface=rng.random((360, 3), np.float32),
        action=rng.integers(0, 6, 360),
        night=rng.random(360) < 0.5,
        panel=np.arange(360) // 3,
    )
    calibration = calibrate(models, pairs, ask(models, pairs), origin={})
    # So few panels make no stack of their own.
    joined = Stack(weights=np.tile(0.5 * np.eye(6), (2, 1)), bias=np.zeros(6))
    for name in ('camera+touch', 'camera+gas'):
        by_mode = calibration.predictors[name]
        by_mode[Mode.PARTIAL] = dataclasses.replace(by_mode[Mode.PARTIAL], stack=joined)
    save_calibration(calibration, models)
    chosen = [('touch', 'silent', 1.0), ('gas', 'nan', 0.5), ('camera', 'covered', 1.0)]

    summary = run_matrix(
        models,
        tmp_path,
        healthy_minutes=0.1,
        command='crossmodal-kd faults',
        only=chosen,
        onset_s=2.0,
        broken_s=2.0,
    )

    assert json.loads((tmp_path / 'summary.json').read_text()) == json.loads(json.dumps(summary))
    assert [
        (cell['sensor'], cell['fault'], cell['severity']) for cell in summary['cells']
    ] == chosen
    assert {
        'mode',
        'delay_s',
        'accuracy_package',
        'accuracy_raw',
        'accuracy_zeros',
        'accuracy_healthy',
    } <= set(summary['cells'][0])
    assert summary['predictors']['camera+gas']['PARTIAL']['stack'] is True
    silent, _, covered = summary['cells']
    assert silent['delay_s'] < 1.0 and 'newest touch reading is' in silent['reason']
    assert covered['mode'] == 'PARTIAL' and covered['reason'].startswith('camera ')
    assert summary['controls']['hours'] == pytest.approx(0.1 / 60)
    page = (tmp_path / 'report.html').read_text()
    assert 'SIMULATED' in page
    assert closing_lines(summary)[0].startswith('3 cells, ')
