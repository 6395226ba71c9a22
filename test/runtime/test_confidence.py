# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether the robot may act on an answer."""

import pytest

from crossmodal_kd_ros.health.reasons import say
from crossmodal_kd_ros.runtime.confidence import ConfidenceGate


def check(gate: ConfidenceGate, confidence: float, *, epoch: int = 0, ood_score: float = 1.0):
    return say(*gate.check(epoch, confidence=confidence, limit=0.5, ood_score=ood_score))


def test_the_limit_itself_passes_and_after_an_answer_that_did_not_it_is_higher():
    gate = ConfidenceGate()
    passed = [check(gate, confidence) == '' for confidence in (0.5, 0.49, 0.54, 0.55, 0.5)]

    assert passed == [True, False, False, True, True]


def test_a_confidence_that_is_no_number_does_not_pass():
    assert check(ConfidenceGate(), float('nan'))


@pytest.mark.parametrize(
    ('ood_score', 'words'),
    [
        (1.0, 'confidence 0.40 is under the limit 0.50'),
        (
            2.0,
            'confidence 0.40 is under the limit 0.50; the picture is 2.0 times as far from the '
            'familiar as it may be',
        ),
    ],
)
def test_the_reason_has_both_figures_and_says_if_the_picture_is_unfamiliar(ood_score, words):
    assert check(ConfidenceGate(), 0.4, ood_score=ood_score) == words


def test_in_another_epoch_the_last_answer_is_forgotten():
    gate = ConfidenceGate()
    assert check(gate, 0.4)
    assert check(gate, 0.52)

    assert check(gate, 0.52, epoch=1) == ''
