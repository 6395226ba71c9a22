# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures and pages of any robot: rows, curves and maps follow from its profile."""

from dataclasses import replace

import made_up_run as made
import numpy as np
import pytest

from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.reports import plots, write_page
from crossmodal_kd_ros.reports.run import Histogram, Outage, Span, spans, with_gaps
from crossmodal_kd_ros.reports.style import action_colour, display_unit

GRID = {
    'layout': 'grid',
    'shape': [1, 4, 4],
    'channels': [{'name': 'pressure', 'unit': 'kPa', 'min': -5, 'max': 50}],
    'period_s': 0.01,
    'source': {'topic': 'pad', 'type': 'sensor_msgs/msg/Image'},
}
TWO_GRIDS = Profile.model_validate(
    {
        'name': 'two_grids',
        'camera': {'topic': 'camera/image_raw', 'period_s': 0.05},
        'senses': {'left': GRID, 'right': GRID},
        'actions': ['go', 'stop'],
        'quantities': {'push': {'unit': 'kPa', 'mean': 'left.pressure'}},
    }
)
PROFILES = [load_profile(name) for name in ('living_wall', 'gripper', 'air')] + [TWO_GRIDS]


def page(tmp_path, run) -> str:
    write_page(
        tmp_path / 'report.html', 'reports/run.html.j2', plots=plots, run=run, summary=made.SUMMARY
    )
    return (tmp_path / 'report.html').read_text(encoding='utf-8')


@pytest.mark.parametrize('profile', PROFILES, ids=lambda profile: profile.name)
def test_a_page_names_what_its_profile_has(tmp_path, profile):
    text = page(tmp_path, made.run(profile))
    for name in (*profile.sensors, *profile.actions, *profile.quantities):
        assert name.replace('_', ' ') in text, name
    for sense in profile.senses.values():
        drawn = [f'{name.replace("_", " ")}, estimated' in text for name in sense.channel_names]
        assert all(drawn) if sense.layout == 'grid' else not any(drawn)


def test_channels_of_one_name_are_told_apart_by_their_sense(tmp_path):
    text = page(tmp_path, made.run(TWO_GRIDS))
    assert 'left pressure, true' in text and 'right pressure, estimated' in text


def test_a_page_of_two_models_has_a_row_of_modes_for_each(tmp_path):
    text = page(tmp_path, made.run(PROFILES[0], models=2))
    assert 'mode, old' in text and 'mode, new' in text
    assert 'Estimates over time, new model' in text


def test_what_there_is_no_data_of_is_left_out(tmp_path):
    run = made.run(PROFILES[1])
    model = replace(run.models[0], curves={}, disagreements=None)
    text = page(tmp_path, replace(run, models=[model], latency_ms={'p50': None}))
    assert text.count('<svg') == 1 and 'disagreement' not in text
    assert 'seen by the camera alone' not in text and 'How long it took' not in text


def test_without_known_readings_only_the_estimates_are_drawn(tmp_path):
    text = page(tmp_path, made.run(PROFILES[0], has_known=False))
    assert 'texture, estimated' in text and 'texture, true' not in text


def test_the_same_run_gives_the_same_bytes(tmp_path):
    assert page(tmp_path, made.run(TWO_GRIDS)) == page(tmp_path, made.run(TWO_GRIDS))


def test_labels_of_outages_that_overlap_stand_on_lines_of_their_own():
    outages = [
        Outage(('camera',), 1.0, 2.0, 'camera: silent'),
        Outage(('left',), 1.5, 3.0, 'left: stuck'),
        Outage(('right',), 15.0, 16.0, 'right: stuck'),
    ]
    run = replace(made.run(TWO_GRIDS), outages=outages)
    assert plots._label_levels(run) == [0, 1, 0]


def test_spans_join_equal_neighbours_and_break_at_gaps():
    joined = spans(
        np.array([0.0, 0.1, 0.2, 0.3, 1.0]), ['a', 'a', 'b', 'b', 'b'], length_s=0.1, gap_s=0.2
    )
    assert joined == [Span(0.0, 0.2, 'a'), Span(0.2, 0.4, 'b'), Span(1.0, 1.1, 'b')]
    assert spans(np.zeros(0), [], length_s=0.1, gap_s=0.2) == []


def test_a_line_breaks_where_something_is_missing():
    t_s, values, absent = with_gaps(
        np.array([0.0, 0.1, 0.5, 0.6, 0.7]),
        np.array([1.0, 2.0, 3.0, np.nan, 4.0]),
        None,
        gap_s=0.2,
    )
    assert np.array_equal(t_s, [0.0, 0.1, 0.5, 0.5, 0.7])
    assert np.array_equal(values, [1.0, 2.0, np.nan, 3.0, 4.0], equal_nan=True)
    assert absent is None


@pytest.mark.parametrize('percent', [1, 50, 99])
def test_a_percentile_of_a_histogram_is_that_of_its_times(percent):
    times_ms = np.random.default_rng(0).gamma(4.0, 3.0, 2000)
    expected = np.percentile(times_ms, percent)
    assert Histogram(times_ms).percentile(percent) == pytest.approx(expected, abs=0.5)
    assert Histogram().percentile(percent) is None


def test_every_action_of_a_profile_has_a_colour_of_its_own():
    for profile in PROFILES:
        colours = [action_colour(name, profile.actions) for name in (*profile.actions, 'hold')]
        assert len(set(colours)) == len(colours)
    assert action_colour('seal_crack') == '#2f6fb7'


def test_a_fraction_is_shown_in_percent():
    assert display_unit('fraction') == (100.0, '%')
    assert display_unit('mm') == (1.0, 'mm')
