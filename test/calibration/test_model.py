# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was measured of the weights on disk: read as it was saved, refused beside others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from calibrated import PROFILE, calibration, predictor
from safetensors.numpy import save_file

from crossmodal_kd_ros.calibration.model import (
    CalibrationError,
    Stack,
    load_calibration,
    save_calibration,
)
from crossmodal_kd_ros.profile import Mode, Profile


@pytest.fixture
def folder(tmp_path):
    """Return a folder with two weight files and their calibration."""
    for kind, digest in (('student', 'aa'), ('teacher', 'bb')):
        save_file(
            {'x': np.zeros(1)}, tmp_path / f'{kind}.safetensors', metadata={'sha256': digest}
        )
    save_calibration(calibration(), tmp_path)
    return tmp_path


def test_a_calibration_comes_back_as_it_was_saved(folder):
    saved, loaded = calibration(), load_calibration(folder, PROFILE)

    assert loaded.predictors == saved.predictors
    assert loaded.origin == saved.origin
    np.testing.assert_allclose(loaded.residuals['touch'].limits, saved.residuals['touch'].limits)
    np.testing.assert_allclose(loaded.intervals.estimated, saved.intervals.estimated)
    assert loaded.out_of_distribution.limit == 2.0


def test_a_stack_comes_back_as_it_was_saved(folder):
    measured = calibration()
    stack = Stack(weights=np.arange(72.0).reshape(12, 6) / 8, bias=np.arange(6.0))
    measured.predictors['camera+gas'][Mode.PARTIAL] = replace(predictor(0.9), stack=stack)
    save_calibration(measured, folder)

    loaded = load_calibration(folder, PROFILE).predictors['camera+gas']
    np.testing.assert_array_equal(loaded[Mode.PARTIAL].stack.weights, stack.weights)
    np.testing.assert_array_equal(loaded[Mode.PARTIAL].stack.bias, stack.bias)
    assert loaded[Mode.STUDENT].stack is None


def test_weights_without_a_calibration_have_none(tmp_path):
    assert load_calibration(tmp_path, PROFILE) is None


def test_a_calibration_of_other_weights_is_refused_in_a_sentence(folder):
    save_file({'x': np.zeros(1)}, folder / 'student.safetensors', metadata={'sha256': 'cc'})

    with pytest.raises(
        CalibrationError,
        match='belongs to other weights than student.safetensors beside it: make it again',
    ):
        load_calibration(folder, PROFILE)


@pytest.mark.parametrize(
    'change',
    [
        lambda document: document.pop('intervals'),
        lambda document: document.pop('compared'),
        lambda document: (
            document['residuals'].pop('gas') and None or document.update(residuals={'gas': 3})
        ),
        lambda document: document.update(profile='0'),
    ],
)
def test_a_damaged_calibration_is_refused_in_a_sentence(folder, change):
    document = json.loads((folder / 'calibration.json').read_text())
    change(document)
    (folder / 'calibration.json').write_text(json.dumps(document))

    with pytest.raises(CalibrationError, match='make it again with "crossmodal-kd calibrate"'):
        load_calibration(folder, PROFILE)


@pytest.mark.parametrize(
    ('sense', 'channel', 'key', 'value', 'message'),
    [
        ('touch', 'texture', 'features', ['median', 'peak'], r'features \["median", "peak"\] of'),
        ('touch', 'indentation', 'noise_floor', 0.3, r'noise_floor 0.3 of touch.indentation'),
        ('gas', 'co2_surface_ppm', 'ambient', False, r'ambient false of .* says, got true: make'),
    ],
)
def test_a_calibration_of_other_features_floors_or_surroundings_is_refused(
    folder, sense, channel, key, value, message
):
    profile = PROFILE.model_dump(mode='json', exclude_unset=True)
    for one in profile['senses'][sense]['channels']:
        if one['name'] == channel:
            one[key] = value
    other = Profile.model_validate(profile)

    assert other.fingerprint == PROFILE.fingerprint
    with pytest.raises(CalibrationError, match=message):
        load_calibration(folder, other)


def test_limits_on_noise_may_change_under_a_calibration(folder):
    profile = PROFILE.model_dump(mode='json', exclude_unset=True)
    profile['senses']['gas']['channels'][0]['noise_floor'] = 5.0
    profile['senses']['touch']['period_s'] = 0.02

    assert load_calibration(folder, Profile.model_validate(profile)) is not None


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (('predictors',), {}, 'expected the sets in predictors .* got none'),
        (('predictors', 'camera+sonar'), {}, 'expected the sets in predictors .* camera.sonar'),
        (('predictors', 'camera'), {}, 'expected somebody who decides with camera'),
        (('predictors', 'camera', 'STUDENT', 'accuracy'), 'high', 'calibration'),
        (
            ('predictors', 'camera', 'STUDENT', 'stack'),
            {'weights': [[1.0] * 6] * 6, 'bias': [0.0] * 6},
            r'numbers \[12, 6\] of camera.STUDENT.stack.weights .* got \[6, 6\]',
        ),
        (('intervals', 'measured'), [[0.0] * 2] * 2, r'\[2, 4\] of intervals.measured'),
        (('residuals', 'gas', 'bias'), [0.0] * 7, r'\[8\] of residuals.gas.bias'),
        (('residuals',), {}, 'expected the senses in residuals'),
        (('out_of_distribution', 'limit'), [1.0], 'of out_of_distribution.limit'),
    ],
)
def test_a_calibration_that_does_not_fit_the_profile_is_refused(folder, path, value, message):
    document = json.loads((folder / 'calibration.json').read_text())
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    (folder / 'calibration.json').write_text(json.dumps(document))

    with pytest.raises(CalibrationError, match=message) as caught:
        load_calibration(folder, PROFILE)
    assert '\n' not in str(caught.value) and 'make it again' in str(caught.value)
