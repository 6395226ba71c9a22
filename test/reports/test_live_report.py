# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page that a live run leaves behind."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import made_up_run as made
import numpy as np
import pytest

from crossmodal_kd_ros.bags import BagRecorder
from crossmodal_kd_ros.demo.recording import Series
from crossmodal_kd_ros.demo.report import cards, write_live_report
from crossmodal_kd_ros.demo.summary import summarise
from crossmodal_kd_ros.simulation import FaultSchedule

REST = {
    'title': 'A run <b>made up</b>',
    'statement': 'Made up for a test.',
    'command': 'crossmodal-kd demo --seed 3',
    'bag': {'messages': 12, 'bytes': 3_000_000, 'dropped': {'/a': 2}, 'error': '', 'raw': False},
    'versions': {'numpy': '2.4.6'},
}


class References(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.urls += [value for name, value in attributes if name in ('src', 'href', 'xlink:href')]


@pytest.fixture(scope='module')
def empty_bag(tmp_path_factory):
    path = tmp_path_factory.mktemp('run') / 'bag'
    BagRecorder(path).close()
    return path


def page(tmp_path, empty_bag, run, scenario) -> str:
    path = tmp_path / 'report.html'
    write_live_report(
        path,
        bag=empty_bag,
        recording=run,
        scenario=scenario,
        summary=REST | {'simulated': scenario is not made.PHOTOS} | summarise(run, scenario),
    )
    return path.read_text(encoding='utf-8')


def test_the_page_fetches_nothing(tmp_path, empty_bag):
    references = References()
    references.feed(page(tmp_path, empty_bag, made.recording(), made.SCENARIO))
    outside = [value for value in references.urls if not value.startswith(('#', 'data:image/'))]
    assert outside == []
    assert references.urls


def test_the_page_shows_the_figures_of_the_summary(tmp_path, empty_bag):
    text = page(tmp_path, empty_bag, made.recording(), made.SCENARIO)
    assert '1080 of 1080' in text and '>160<' in text and 'touch is silent for 0.15 s' in text
    assert 'crossmodal-kd demo --seed 3' in text and '2 dropped' in text


def test_words_from_outside_cannot_become_markup(tmp_path, empty_bag):
    assert '<b>made up</b>' not in page(tmp_path, empty_bag, made.recording(), made.SCENARIO)


def test_a_simulated_run_says_so_and_a_photograph_run_shows_no_accuracy(tmp_path, empty_bag):
    assert 'SIMULATED WALL' in page(tmp_path, empty_bag, made.recording(), made.SCENARIO)
    photos = page(tmp_path, empty_bag, made.photos(), made.PHOTOS)
    assert 'NO TRUTH KNOWN' in photos
    assert not re.search('expert would|SIMULATED WALL|truth', photos.replace('NO TRUTH KNOWN', ''))


def test_a_simulated_run_that_ended_before_its_first_truth_still_says_so(tmp_path, empty_bag):
    run = replace(made.photos(), modes=())
    text = page(tmp_path, empty_bag, run, made.SCENARIO)
    assert 'SIMULATED WALL' in text and 'Real pictures' not in text


def test_the_bounds_of_the_quantities_are_drawn_where_they_are_known(tmp_path, empty_bag):
    run = made.recording()
    assert '90 % bounds' in page(tmp_path, empty_bag, run, made.SCENARIO)
    unknown = replace(run.lower, values=np.full_like(run.lower.values, np.nan))
    without = replace(run, lower=unknown, upper=unknown)
    assert '90 % bounds' not in page(tmp_path, empty_bag, without, made.SCENARIO)


def test_the_touch_maps_and_the_timeline_are_drawn(tmp_path, empty_bag):
    text = page(tmp_path, empty_bag, made.recording(), made.SCENARIO)
    assert text.count('<svg') == 4
    for words in ('touch is dead', 'texture, estimated', 'indentation, true', 'co2 absorption,'):
        assert words in text


def test_frames_are_evenly_spaced_and_a_dead_camera_has_a_card_without_a_picture(empty_bag):
    shown = cards(empty_bag, made.recording(), made.SCENARIO)
    assert np.allclose([card.t_s for card in shown], np.arange(2.5, 40.0, 5.0), atol=0.1)
    assert [card.mode for card in shown] == [
        'TEACHER',
        'TEACHER',
        'STUDENT',
        'STUDENT',
        'TEACHER',
        'STUDENT',
        'HOLD',
        'TEACHER',
    ]
    [decided] = shown[0].choices
    assert shown[6].no_picture == 'no picture: the camera is dead'
    assert (decided.action, decided.right) == ('seal_crack', True)
    assert shown[0].notes[0] == 'expert: seal crack (made up)'


def test_a_dead_camera_shows_what_was_published_then_and_nothing_else(empty_bag):
    run = made.recording()
    silent = tuple(one for one in run.actions if not made.at(32.0) < one.received_ns < made.at(36))
    shown = cards(empty_bag, replace(run, actions=silent), made.SCENARIO)[6]
    assert (shown.choices, shown.notes) == ([], ['no answer'])
    other = (*silent, replace(run.actions[0], text='request_human', received_ns=made.at(32.4)))
    ordered = tuple(sorted(other, key=lambda one: one.received_ns))
    shown = cards(empty_bag, replace(run, actions=ordered), made.SCENARIO)[6]
    assert [choice.action for choice in shown.choices] == ['request_human']


def test_a_camera_that_is_lost_for_good_shows_no_frame_twice(empty_bag):
    run = made.photos()
    rows = run.scores.stamp_ns < made.at(8.0)
    series = (run.scores.stamp_ns, run.scores.received_ns, run.scores.values)
    lost = replace(run, scores=Series(*(each[rows] for each in series)))
    shown = [card.no_picture for card in cards(empty_bag, lost, made.PHOTOS)]
    assert shown == ['picture not recorded'] * 2 + ['no picture answered'] * 6


def test_a_run_without_a_single_frame_still_gives_a_page(tmp_path, empty_bag):
    no_quantities = replace(made.NOTHING, values=np.zeros((0, 4), np.float32))
    run = replace(
        made.photos(),
        camera=made.NOTHING,
        scores=made.NOTHING,
        quantities=no_quantities,
        lower=no_quantities,
        upper=no_quantities,
        estimates={'touch': made.NOTHING, 'gas': made.NOTHING},
        actions=(),
        modes=(),
    )
    assert '0 of 0' in page(tmp_path, empty_bag, run, made.PHOTOS)


def test_a_run_stopped_early_shows_only_what_it_lived_to_see(tmp_path, empty_bag):
    text = page(tmp_path, empty_bag, made.recording(duration_s=12.0), made.SCENARIO)
    assert 'touch is dead' in text and 'camera is dead' not in text


def test_what_dies_together_is_one_outage_and_one_row(tmp_path, empty_bag):
    schedule = FaultSchedule.parse('touch:10-18,gas:10-18')
    text = page(tmp_path, empty_bag, made.recording(), replace(made.SCENARIO, schedule=schedule))
    # In the timeline and beside the map of its moment.
    assert text.count('touch and gas are dead') == 2
    assert '<td>touch and gas</td>' in text and 'touch is dead' not in text
