# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Reasons in words: one sentence for each code."""

import dataclasses
import string

import pytest

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, join, say


@pytest.mark.parametrize('code', ReasonCode, ids=lambda code: code.name)
def test_a_template_uses_fields_of_a_reason_alone(code):
    fields = {field.name for field in dataclasses.fields(Reason)} - {'code'}
    used = {name for _, name, _, _ in string.Formatter().parse(code.value) if name}

    assert used <= fields
    assert say(Reason(code, sensor='pad', text='x', sensors=('a', 'b'))).strip()


@pytest.mark.parametrize(
    ('reason', 'sentence'),
    [
        (Reason(ReasonCode.NO_READING, sensor='pad'), 'no pad reading yet'),
        (
            Reason(ReasonCode.STUCK, value=0.6, limit=0.5),
            'stuck: the same reading for 0.60 s (limit 0.50 s)',
        ),
        (
            Reason(ReasonCode.STUCK, sensor='pad', value=0.6, limit=0.5),
            'pad stuck: the same reading for 0.60 s (limit 0.50 s)',
        ),
        (
            Reason(ReasonCode.OUTVOTED, sensor='camera', sensors=('touch', 'gas')),
            'camera is contradicted by both touch and gas',
        ),
        (
            Reason(ReasonCode.OUTVOTED, sensor='camera', sensors=('pad', 'nose', 'arm')),
            'camera is contradicted by pad, nose and arm',
        ),
        (
            Reason(
                ReasonCode.CONTRADICTION,
                sensor='gas',
                part='nh3_ppm',
                value=7.25,
                limit=6.0,
                window_s=0.5,
            ),
            'gas contradicts the picture: nh3_ppm is +7.2 deviations from what the student sees, '
            'over 0.5 s (limit 6.0)',
        ),
        (
            Reason(
                ReasonCode.NEEDS_PICTURE,
                sensor='gas',
                causes=(
                    Reason(
                        ReasonCode.FROM_PICTURE,
                        causes=(
                            Reason(ReasonCode.IMPOSSIBLE, part='o2_pct', value=40.0, high=30.0),
                        ),
                    ),
                ),
            ),
            'gas o2_pct reads 40, which it cannot (a working one 0 to 30): read from the picture, '
            'which is not trusted either',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.code.name,
)
def test_a_reason_is_said_with_its_figures(reason, sentence):
    assert say(reason) == sentence


def test_several_reasons_are_joined_by_semicolons():
    lost = Reason(ReasonCode.NO_READING, sensor='pad')
    rejected = Reason(
        ReasonCode.REJECTIONS,
        count=2,
        causes=(Reason(ReasonCode.MALFORMED, text='expected 8 values, got 7'),),
    )

    assert say(lost, rejected) == (
        'no pad reading yet; 2 rejected, the last: expected 8 values, got 7'
    )


@pytest.mark.parametrize(
    ('names', 'text'), [((), ''), (('a',), 'a'), (('a', 'b'), 'a and b'), ('abc', 'a, b and c')]
)
def test_names_are_listed_as_a_sentence_does(names, text):
    assert join(names) == text
