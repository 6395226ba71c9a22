# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A replay beside what the node said live, and two models beside each other."""

import made_up_bag as made
import numpy as np
import pytest
from made_up_bag import ACTIONS
from replays import answers, replayed


def live_answers(path, *, wrong=(), delay_s=0.02):
    """Return topics with a node's live answers: a replay's, but for the frames in `wrong`."""
    scores, actions, modes = [], [], []
    for index, estimate in enumerate(answers(path, made.Oracle())):
        t_s = (estimate.stamp_ns - made.START_NS) / 1e9
        header = made.header(t_s)
        scores.append(
            (
                t_s + delay_s,
                made.TYPES.types[made.JOINTS](
                    header,
                    list(ACTIONS),
                    estimate.probabilities.astype(np.float64),
                    np.zeros(0),
                    np.zeros(0),
                ),
            )
        )
        actions.append(
            (
                t_s + delay_s + 1e-4,
                made.text('request_human' if index in wrong else estimate.action),
            )
        )
        if not modes or modes[-1][1].data != estimate.mode.value:
            modes.append((t_s + delay_s - 1e-4, made.text(estimate.mode.value)))
    return {
        '/maintenance/action_scores': (made.JOINTS, scores),
        '/maintenance/action': (made.STRING, actions),
        '/maintenance/mode': (made.STRING, modes),
    }


def test_agreement_with_what_was_said_live_is_counted_and_each_difference_explained(bag, tmp_path):
    path = made.robot(tmp_path / 'bag', more=live_answers(bag, wrong=(10, 20, 100)))
    summary = replayed(path, tmp_path / 'out')
    comparison = summary['replays'][0]['recording']
    assert summary['agreement_with_recording'] == pytest.approx(117 / 120)
    assert (comparison['frames_compared'], comparison['frames_agreed']) == (120, 117)
    assert [one['t_s'] for one in comparison['differences']] == pytest.approx(
        [10 / 30, 20 / 30, 100 / 30], abs=2e-3
    )
    assert all(
        one['live']['action'] == 'request_human' and one['why']
        for one in comparison['differences']
    )
    assert comparison['live_latency_ms']['p50'] == pytest.approx(21.0, abs=1.0)


def test_a_mode_of_another_moment_is_explained_by_what_the_node_said_of_it(bag, tmp_path):
    live = live_answers(bag)
    late = 'newest camera reading is 0.38 s old (limit 0.20 s)'
    live['/maintenance/mode'][1].append((1.5, made.text('HOLD')))
    live['/maintenance/mode_reason'] = (made.STRING, [(1.501, made.text(f'HOLD: {late}'))])
    comparison = replayed(made.robot(tmp_path / 'bag', more=live), tmp_path / 'out')['replays'][0][
        'recording'
    ]
    first = comparison['differences'][0]
    assert (first['live']['mode'], first['replay']['mode']) == ('HOLD', 'TEACHER')
    assert (
        'live the mode had been HOLD for ' in first['why']
        and f'("{late}")' in first['why']
        and 'here TEACHER for ' in first['why']
        and '("camera, touch and gas are healthy")' in first['why']
    )


def test_answers_before_any_live_mode_are_one_row_that_gives_no_time_for_it(bag, tmp_path):
    live = live_answers(bag)
    live['/maintenance/mode'] = (made.STRING, [(2.0, made.text('TEACHER'))])
    path = made.robot(tmp_path / 'bag', more=live)
    comparison = replayed(path, tmp_path / 'out')['replays'][0]['recording']
    unknown = [one for one in comparison['differences'] if not one['live']['mode']]
    reasons = [one['why'] for one in unknown]
    assert len(set(reasons)) > 1  # each has its own time here
    assert all(why.startswith('live no mode was known yet; here ') for why in reasons)
    page = (tmp_path / 'out' / 'report.html').read_text()
    alike = {(one['live']['action'], *one['replay'].values()) for one in unknown}
    assert page.count('live no mode was known yet') == len(alike) < len(reasons)


def test_a_bag_without_live_answers_claims_no_agreement(bag, tmp_path):
    summary = replayed(bag, tmp_path)
    assert (
        summary['agreement_with_recording'] is None and summary['replays'][0]['recording'] is None
    )


def test_two_models_side_by_side_show_what_changed(bag, tmp_path):
    summary = replayed(bag, tmp_path, made.Oracle(), made.Oracle(teacher='seal_crack'))
    comparison = summary['comparison']
    taught = summary['replays'][0]['teacher_and_student']['frames_compared']
    # Both students say the same, and the teachers never do.
    assert comparison['actions'] == [{'old': 'hydrate', 'new': 'seal_crack', 'frames': taught}]
    assert comparison['frames_with_another_mode'] == 0
    assert (tmp_path / 'bag_old' / 'metadata.yaml').exists() and (
        tmp_path / 'bag_new' / 'metadata.yaml'
    ).exists()


def test_the_report_names_what_it_shows(bag, tmp_path):
    replayed(bag, tmp_path, made.Oracle(), made.Oracle(teacher='seal_crack'), faults=['touch@3-4'])
    page = (tmp_path / 'report.html').read_text()
    for words in (
        'What the new model changes',
        'Where teacher and student disagree',
        'Every change of mode, and why',
        'Faults were put into it',
        'newest touch reading is',
        '<svg',
        'data:image/jpeg;base64,',
    ):
        assert words in page
