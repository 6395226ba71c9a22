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
from crossmodal_kd_ros.calibration.model import CalibrationError, Stack, save_calibration
from crossmodal_kd_ros.cli.faults import closing_lines
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.profile import Mode, load_profile
from crossmodal_kd_ros.simulation import FaultSchedule

pytest.importorskip('torch')
from crossmodal_kd_ros.benchmark.fault_run import run_matrix  # noqa: E402
from crossmodal_kd_ros.benchmark.fault_stream import MemoEngine, Player, fault_stream  # noqa: E402
from crossmodal_kd_ros.calibration.fit import ask, calibrate  # noqa: E402

PROFILE = load_profile('living_wall')
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
    found = cells(PROFILE)

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

    kind, weights, profile = 'fake', 'fake', PROFILE

    def __init__(self) -> None:
        self.asked = 0

    def perceive(self, views):
        self.asked += 1
        return self.asked

    def decide(self, views, readings, present):
        return self.perceive(views)


def test_a_question_about_a_picture_of_the_stream_or_a_blank_one_is_asked_once():
    memo = MemoEngine(Engine())
    kept, other = (np.full((1, 128, 128, 3), grey, np.uint8) for grey in (1, 2))
    memo.keep(kept[0])
    blank, two = np.zeros_like(kept), np.concatenate([kept, kept])

    answers = [memo.perceive(views) for views in (kept, kept.copy(), other, other, blank, blank)]
    assert answers == [1, 1, 2, 3, 4, 4]
    assert [memo.perceive(two), memo.perceive(two)] == [5, 6]  # not one view at a time

    touch, gas = np.zeros((1, 256), np.float32), np.zeros((1, 8), np.float32)
    here, gone = np.array([True]), np.array([False])
    answers = [
        memo.decide(views, {'touch': touch + more, 'gas': gas}, {'touch': is_there, 'gas': here})
        for views, more, is_there in (
            (kept, 0.0, here),
            (kept.copy(), 0.0, here),
            (kept, 1.0, here),
            (kept, 0.0, gone),
            (kept, 1.0, gone),  # the value of an absent reading decides nothing
            (blank, 0.0, here),
            (blank, 0.0, here),
            (other, 0.0, here),
            (other, 0.0, here),
        )
    ]
    assert answers == [7, 7, 8, 9, 9, 10, 10, 11, 12]


def test_the_stream_is_in_order_of_time_and_every_picture_of_a_beat_has_an_expert():
    stream = list(fault_stream(501, 1.0, PROFILE, pictures=5))

    assert [reading.stamp_ns for reading in stream] == sorted(
        reading.stamp_ns for reading in stream
    )
    assert {(reading.sensor, reading.expert >= 0) for reading in stream} == {
        ('camera', True),
        ('camera', False),
        ('touch', False),
        ('gas', False),
    }
    assert sum(reading.expert >= 0 for reading in stream) == 6


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
        run_matrix(models, PROFILE, tmp_path, healthy_minutes=0.0, command='crossmodal-kd faults')
    rng = np.random.default_rng(0)
    pairs = Pairs(
        image=rng.integers(0, 256, (360, 128, 128, 3), np.uint8),
        readings={
            'touch': rng.random((360, 256), np.float32),
            'gas': rng.random((360, 8), np.float32),
        },
        quantities=rng.random((360, 4), np.float32),
        action=rng.integers(0, 6, 360),
        night=rng.random(360) < 0.5,
        group=np.arange(360) // 3,
    )
    calibration = calibrate(models, pairs, ask(models, pairs, PROFILE), origin={})
    # So few panels make no stack of their own.
    joined = Stack(weights=np.tile(0.5 * np.eye(6), (2, 1)), bias=np.zeros(6))
    for name in ('camera+touch', 'camera+gas'):
        by_mode = calibration.predictors[name]
        by_mode[Mode.PARTIAL] = dataclasses.replace(by_mode[Mode.PARTIAL], stack=joined)
    save_calibration(calibration, models)
    chosen = [('touch', 'silent', 1.0), ('gas', 'nan', 0.5), ('camera', 'covered', 1.0)]

    summary = run_matrix(
        models,
        PROFILE,
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
