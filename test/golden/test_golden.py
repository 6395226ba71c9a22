# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What must survive any change of the code: it makes what it made when goldens were written."""

import pytest
from goldens import COMMAND, GOLDENS, Golden

GAUGE = Golden(
    name='gauge', make=lambda: None, version='SIMULATION_VERSION', special={'fine': 0.0}
)
KEPT = {'rough': [1.0, 2.0], 'fine': [1.0], 'word': 'TEACHER', 'count': 3}


@pytest.mark.parametrize('golden', GOLDENS, ids=lambda golden: golden.name)
def test_the_output_is_what_it_was(golden):
    kept = golden.read()
    output = golden.make()

    different = golden.differences(kept['output'], output)
    if kept.get('version') != golden.number():
        pytest.fail(f'{golden.version} was raised: write the goldens again ({COMMAND})')
    if different:
        pytest.fail(golden.complaint(different))


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({}, []),
        ({'rough': [1.0005, 2.0]}, []),
        ({'rough': [1.01, 2.0]}, ['rough > 0: expected 1, got 1.01']),
        ({'rough': [1.0]}, ['rough: expected 2 entries, got 1']),
        ({'fine': [1.01]}, ['fine > 0: expected 1, got 1.01']),
        ({'word': 'HOLD'}, ["word: expected 'TEACHER', got 'HOLD'"]),
        ({'count': 4}, ['count: expected 3, got 4']),
        ({'count': None}, ['count: expected 3, got None']),
        ({'more': 1}, ["gauge: 'more' is new"]),
    ],
    ids=str,
)
def test_a_difference_is_told_with_its_place(change, said):
    assert GAUGE.differences(KEPT, KEPT | change) == said


def test_who_changed_an_output_is_told_which_version_to_raise():
    assert GAUGE.complaint(['here']).startswith(
        'the output changed: raise SIMULATION_VERSION and write the goldens again'
    )
