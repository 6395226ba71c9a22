# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a calibration is fitted to: sets of sensors of any profile, and pairs enough."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

torch = pytest.importorskip('torch')

from crossmodal_kd_ros.benchmark.coverage import coverage  # noqa: E402
from crossmodal_kd_ros.calibration.consistency import ResidualMonitor  # noqa: E402
from crossmodal_kd_ros.calibration.fit import ask, calibrate, sensor_sets  # noqa: E402
from crossmodal_kd_ros.calibration.model import (  # noqa: E402
    CalibrationError,
    load_calibration,
    save_calibration,
)
from crossmodal_kd_ros.calibration.report import tables  # noqa: E402
from crossmodal_kd_ros.datasets import Pairs  # noqa: E402
from crossmodal_kd_ros.networks import Student, Teacher, save_weights  # noqa: E402
from crossmodal_kd_ros.profile import Mode, Profile, load_profile  # noqa: E402

sys.path.append(str(Path(__file__).parents[1] / 'training'))
from made_up_pairs import make_pairs  # noqa: E402
from three_senses import three_senses  # noqa: E402

PROFILE = load_profile('living_wall')


def test_somebody_can_decide_with_every_set_with_the_camera_and_with_all_senses_alone():
    assert list(sensor_sets(PROFILE)) == [
        'camera+touch+gas',
        'camera+touch',
        'camera+gas',
        'camera',
        'touch+gas',
    ]
    third = PROFILE.senses['gas'].model_copy(update={'name': 'nose'})
    three = PROFILE.model_copy(update={'senses': {**PROFILE.senses, 'nose': third}})
    sets = sensor_sets(three)
    assert len(sets) == 2**3 + 1
    assert sets['camera+touch+nose'] == ('camera', 'touch', 'nose')
    assert list(sets)[0] == 'camera+touch+gas+nose' and list(sets)[-1] == 'touch+gas+nose'


def test_the_teacher_is_asked_with_each_set_and_with_the_students_estimate_of_what_is_lost(models):
    answers = ask(models, make_pairs(8), PROFILE)

    assert set(answers.teacher) == set(sensor_sets(PROFILE))
    assert set(answers.filled) == {'camera+touch', 'camera+gas', 'camera'}
    for probabilities in (answers.student, *answers.teacher.values(), *answers.filled.values()):
        assert probabilities.shape == (8, 6)
        np.testing.assert_allclose(probabilities.sum(1), 1.0, atol=1e-5)
    assert not np.allclose(answers.teacher['camera'], answers.filled['camera'])
    assert not np.allclose(answers.teacher['touch+gas'], answers.teacher['camera+touch+gas'])
    shapes = {sense: values.shape for sense, values in answers.readings.items()}
    assert shapes == {'touch': (8, 256), 'gas': (8, 8)}
    assert (answers.quantities_std > 0).all()


def test_the_whole_is_the_teachers_and_too_few_pairs_are_refused(models):
    pairs = make_pairs(80)
    answers = ask(models, pairs, PROFILE)
    predictors = calibrate(models, pairs, answers, origin={}).predictors

    assert set(predictors['camera+touch+gas']) == {Mode.TEACHER, Mode.STUDENT}
    assert set(predictors['touch+gas']) == {Mode.PARTIAL}
    with pytest.raises(
        CalibrationError, match='expected at least 30 labelled pairs in either half'
    ):
        calibrate(models, pairs[:40], answers, origin={})


@pytest.mark.parametrize(
    'channel, is_ambient', [('relative_humidity_pct', True), ('h2s_ppb', False)]
)
def test_what_one_place_reads_of_the_air_may_be_read_at_all_of_them(models, channel, is_ambient):
    """A damp day is damp everywhere; a cell whose zero has drifted is off everywhere."""
    pairs, gas = make_pairs(80), PROFILE.senses['gas']
    answers = ask(models, pairs, PROFILE)
    by_group = np.random.default_rng(0).standard_normal((pairs.group.max() + 1, gas.size))
    measured = answers.readings['gas'] + by_group[pairs.group]
    pairs = replace(pairs, readings=pairs.readings | {'gas': measured.astype(np.float32)})
    model = calibrate(models, pairs, answers, origin={}).residuals['gas']
    odd = np.zeros(gas.size)
    odd[gas.elements_of(channel)] = np.abs(by_group[:, gas.elements_of(channel)]).max()

    monitor, predicted = ResidualMonitor(gas, model, 0.5), answers.readings['gas'][0]
    for beat in range(2 * 60):  # a minute, 5 s at each place
        reading = predicted + model.bias + odd
        monitor.take(beat * 500_000_000, reading, predicted, place=beat // 10)
    assert (monitor.verdict is None) == is_ambient


def networks_and_pairs(folder: Path, profile: Profile, count: int = 80) -> Pairs:
    """Write untrained networks to `folder`; return pairs of `profile`."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    for network in (Student, Teacher):
        save_weights(network(profile), folder / f'{network.kind}.safetensors', card={})
    return Pairs(
        image=rng.integers(0, 256, (count, 64, 64, 3), np.uint8),
        readings={n: rng.random((count, s.size), np.float32) for n, s in profile.senses.items()},
        quantities=rng.random((count, len(profile.quantities)), np.float32),
        action=np.arange(count) % 3,
        night=np.arange(count) % 2 == 0,
        group=np.arange(count),
    )


@pytest.mark.parametrize('known', [0, 29, 30], ids='{} known'.format)
def test_what_only_the_picture_shows_has_bounds_by_the_labels_that_know_it(tmp_path, known):
    profile = three_senses()
    pairs = networks_and_pairs(tmp_path, profile)
    pairs.quantities[known:, 1] = np.nan
    answers = ask(tmp_path, pairs, profile)
    measured = calibrate(tmp_path, pairs, answers, origin={'simulated': False})
    rows = {(row['quantity'], row['source']): row for row in coverage(measured, pairs, answers)}
    save_calibration(measured, tmp_path)
    # Strictly JSON: no NaN, which other readers refuse.
    json.loads((tmp_path / 'calibration.json').read_text(), parse_constant=pytest.fail)
    loaded = load_calibration(tmp_path, profile).intervals

    assert {key for key in rows if key[0] != 'action'} == {
        ('pressure', 'camera'),
        ('pressure', 'pad'),
        ('gap', 'camera'),
    }
    assert np.isfinite(loaded.estimated[:, 0]).all() and np.isfinite(loaded.measured[:, 0]).all()
    assert np.isnan(loaded.measured[:, 1]).all()
    row = rows['gap', 'camera']
    if known < 30:
        assert np.isnan(loaded.estimated[:, 1]).all()
        assert row['covered'] is row['day'] is row['night'] is row['mean_width'] is None
    else:
        errors = (pairs.quantities - answers.quantities)[:known, 1]
        z = np.sort(errors / answers.quantities_std[:known, 1])
        # Of 30 errors of both signs the greatest lies above 95 % of further ones; where all have
        # one sign, the other side ends at the estimate, and 90 % are left: the 28th.
        upper = 0.0 if z[-1] < 0.0 else z[27] if z[0] > 0.0 else z[-1]
        assert loaded.estimated[1, 1] == pytest.approx(upper, rel=1e-3)
        assert row['covered'] >= 0.9 and row['mean_width'] > 0.0
    shown = Console(width=200, record=True, file=io.StringIO())
    measured.origin.update(coverage_on_test=list(rows.values()), out_of_distribution_on_test=[])
    for table in tables(measured):
        shown.print(table)
    assert ('too few labels' in shown.export_text()) == (known < 30)


def test_no_bounds_of_what_a_sense_measures_are_refused(tmp_path):
    profile = three_senses()
    pairs = networks_and_pairs(tmp_path, profile)
    measured = calibrate(tmp_path, pairs, ask(tmp_path, pairs, profile), origin={})
    measured.intervals.measured[:, 0] = np.nan
    save_calibration(measured, tmp_path)

    with pytest.raises(CalibrationError, match='finite numbers .* of intervals.measured'):
        load_calibration(tmp_path, profile)


def test_a_profile_without_quantities_is_calibrated_too(tmp_path):
    profile = three_senses(quantities={})
    pairs = networks_and_pairs(tmp_path, profile)
    answers = ask(tmp_path, pairs, profile)
    calibration = calibrate(tmp_path, pairs, answers, origin={})
    rows = coverage(calibration, pairs, answers)
    save_calibration(calibration, tmp_path)

    assert {row['quantity'] for row in rows} == {'action'}
    assert load_calibration(tmp_path, profile).intervals.measured.shape == (2, 0)
