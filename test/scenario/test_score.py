# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Scores of runs that were made up by hand."""

import pytest

from crossmodal_kd_ros.scenario.needs import needs_of
from crossmodal_kd_ros.scenario.score import contact_errors, mode_shares, score, visits
from crossmodal_kd_ros.scenario.seeds import figures
from crossmodal_kd_ros.simulation.expert import TrueState

SOUND = {
    'material': 'bio_concrete',
    'exposure': 'XC4',
    'crack_width_mm': 0.0,
    'vitality': 0.9,
    'debonded': 0.0,
    'growth_cover': 0.0,
    'growth_alive': False,
    'moisture': 0.6,
}


class Story:
    """Events put together by hand."""

    def __init__(self) -> None:
        self.events = []
        self._visit = 0
        self._t_s = 0.0
        self.facade(1.0)

    def tell(self, kind, **what):
        self._t_s += 1.0
        self.events.append(
            {
                'kind': kind,
                't_s': self._t_s,
                'hours': self._t_s,
                'visit': self._visit,
                'panel': max(self._visit - 1, 0),
                **what,
            }
        )

    def facade(self, *health):
        self.tell('facade', health=list(health), uptake=[0.0] * len(health))

    def arrive(self, **state):
        self._visit += 1
        state = TrueState(**{**SOUND, **state})
        self.tell(
            'arrive',
            needs=needs_of(state),
            crack_width_mm=state.crack_width_mm,
            crack_limit_mm=0.3,
        )
        self.needs = needs_of(state)

    def act(self, action, kpa=None, outcome='sealed', right_kpa=10.0, yaw_deg=0.0):
        contact = right = None
        if kpa is not None:
            contact = {'pressure_kpa': kpa, 'pitch_deg': 0.0, 'yaw_deg': yaw_deg}
            right = {'pressure_kpa': right_kpa, 'pitch_deg': 0.0, 'yaw_deg': 0.0}
        self.tell(
            'act', action=action, contact=contact, right=right, needs=self.needs, outcome=outcome
        )

    def ask(self, text):
        self.tell('ask', text=text)

    @property
    def verdicts(self):
        return [visit.verdict for visit in visits(self.events)]


@pytest.mark.parametrize(
    ('state', 'needs'),
    [
        ({}, set()),
        ({'crack_width_mm': 0.5}, {'seal_crack'}),
        ({'crack_width_mm': 0.5, 'vitality': 0.05}, {'seal_crack', 'request_human'}),
        ({'crack_width_mm': 2.5, 'moisture': 0.1}, {'request_human', 'hydrate'}),
        ({'crack_width_mm': 0.2, 'moisture': 0.4}, {'hydrate'}),
        ({'growth_cover': 0.5}, set()),
        ({'growth_cover': 0.5, 'growth_alive': True}, {'remove_growth'}),
        (
            {'material': 'mycelium_composite', 'crack_width_mm': 0.5, 'debonded': 0.9},
            {'apply_bio_adhesive'},
        ),
    ],
)
def test_a_place_needs_everything_that_is_wrong_with_it_and_not_the_most_urgent_alone(
    state, needs
):
    assert set(needs_of(TrueState(**{**SOUND, **state}))) == needs


def test_a_crack_is_found_if_it_is_sealed_or_a_person_is_told_of_it():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 10.0)
    story.arrive(crack_width_mm=2.5)
    story.ask('request_human')
    story.arrive(crack_width_mm=0.5)
    story.ask('seal_crack: a person has to look: nobody knows')
    story.arrive(crack_width_mm=0.5)
    story.arrive(crack_width_mm=0.5)
    story.act('hydrate')
    story.ask('hydrate did not help 2 times')
    story.arrive(crack_width_mm=0.5)
    story.ask('no answer for more than 10 s')

    result = score(story.events)

    assert story.verdicts == [
        *('found', 'found', 'found', 'missed', 'left to a person', 'left to a person')
    ]
    assert (result['cracks_found'], result['cracks_over_limit']) == (3, 6)
    assert result['cracks_found_share'] == 0.5
    assert result['cracks_left_to_a_person'] == 2
    # a person comes, but not because of the crack
    assert result['cracks_left_undecided'] == 2


def test_a_crack_that_the_robot_treated_is_not_left_to_the_person_who_is_asked_of_something_else():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 10.0)
    story.ask('remove_growth did not help 2 times')
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 1.0, outcome='failed')
    story.ask('seal_crack did not help 2 times')
    # Nothing is said of a crack: a person comes, and finds it.
    story.arrive(crack_width_mm=0.8)
    story.ask('request_human')

    result = score(story.events)

    assert (result['cracks_found'], result['cracks_left_to_a_person']) == (2, 1)
    assert result['cracks_left_undecided'] == 1


def test_a_crack_that_a_person_is_told_of_as_possible_is_found():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.ask('apply_bio_adhesive, or seal_crack: nobody can tell from here')
    story.arrive(crack_width_mm=0.8)
    story.ask('apply_bio_adhesive, or remove_growth: nobody can tell from here')
    story.arrive(crack_width_mm=0.8)
    story.ask('no decision within 5 s, seen: seal_crack, hydrate')
    story.arrive(crack_width_mm=0.8)
    story.ask('the robot holds for more than 10 s, seen: nothing')

    assert story.verdicts == ['found', 'left to a person', 'found', 'left to a person']


def test_a_person_who_is_asked_because_of_something_real_mends_the_rest_too():
    story = Story()
    story.arrive(crack_width_mm=0.8, moisture=0.1)
    story.ask('hydrate did not help 2 times')

    assert story.verdicts == ['found']
    assert score(story.events)['cracks_found'] == 0


def test_what_was_seen_and_not_decided_is_left_to_a_person_or_asked_in_vain():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.ask('no decision within 10 s, seen: remove_growth')
    story.arrive()
    story.ask('the robot holds for more than 10 s')

    assert story.verdicts == ['left to a person', 'asked in vain']
    assert score(story.events)['requests_in_vain'] == 1


def test_a_repair_that_fails_will_not_hold_unless_a_person_hears_of_it():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 1.0, outcome='failed')
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 1.0, outcome='failed')
    story.tell('look_again')
    story.act('seal_crack', 1.0, outcome='failed')
    story.ask('seal_crack did not help 2 times')

    assert story.verdicts == ['will not hold', 'found']
    assert score(story.events)['cracks_over_limit'] == 2


def test_a_crack_within_the_limit_counts_as_none():
    story = Story()
    story.arrive(crack_width_mm=0.29, moisture=0.95)

    assert story.verdicts == ['sound']
    assert score(story.events)['cracks_over_limit'] == 0


def test_a_repair_that_nothing_asked_for_is_false():
    story = Story()
    story.arrive()
    story.act('remove_growth', 10.0, outcome='pointless')
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 10.0)

    result = score(story.events)

    assert story.verdicts == ['wrongly treated', 'found']
    assert (result['false_repairs'], result['repairs']) == (1, 2)


def test_watering_in_vain_is_no_false_repair():
    story = Story()
    story.arrive()
    story.act('hydrate', outcome='pointless')

    assert score(story.events)['false_repairs_share'] is None
    assert story.verdicts == ['sound']


def test_errors_of_contacts_are_those_beside_the_right_ones():
    story = Story()
    story.tell('mode', mode='TEACHER', reason='')
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 12.0)
    story.tell('mode', mode='STUDENT', reason='')
    story.act('seal_crack', 5.0, yaw_deg=10.0)
    story.act('seal_crack', 30.0, outcome='crushed', yaw_deg=20.0)

    errors = contact_errors(story.events)

    # 20 %, 50 % and 200 % off; 0, 10 and 20 degrees
    assert errors['pressure_error_median'] == 0.5
    assert errors['pressure_error_median_without_every_sense'] == pytest.approx(1.25)
    assert errors['angle_error_median_deg'] == pytest.approx(10.0)
    assert errors['angle_error_median_deg_without_every_sense'] == pytest.approx(15.0)
    assert errors['crushed'] == 1 and story.verdicts == ['crushed']


def test_interventions_are_acts_and_calls_for_a_person():
    story = Story()
    story.arrive(crack_width_mm=0.8)
    story.act('seal_crack', 10.0)
    story.act('hydrate')
    story.arrive(vitality=0.05)
    story.ask('request_human')

    assert score(story.events)['interventions'] == 3


def test_the_health_over_a_run_is_weighed_by_how_long_it_was():
    story = Story()  # health 1 at hour 1
    story.events[0]['hours'] = 0.0
    story.facade(1.0)
    story.events[1]['hours'] = 9.0
    story.facade(0.0)
    story.events[2]['hours'] = 10.0

    result = score(story.events)

    assert (result['health_begin'], result['health_end']) == (1.0, 0.0)
    assert result['health_mean'] == 0.95


def test_shares_of_modes_are_shares_of_time():
    story = Story()
    story.tell('mode', mode='TEACHER', reason='')  # at 2 s
    story.facade(1.0)
    story.facade(1.0)
    story.tell('mode', mode='HOLD', reason='')  # at 5 s
    story.facade(1.0)

    assert mode_shares(story.events) == {'TEACHER': 0.75, 'HOLD': 0.25}


def test_a_share_over_seeds_is_that_of_all_runs_together():
    one = {'cracks_found': 1, 'cracks_over_limit': 1, 'cracks_found_share': 1.0, 'modes': {}}
    other = {'cracks_found': 1, 'cracks_over_limit': 9, 'cracks_found_share': 1 / 9, 'modes': {}}

    result = figures([one, other])

    assert result['cracks_found_share']['mean'] == 0.2
    low, high = result['cracks_found_share']['interval']
    assert low == pytest.approx(1 / 9) and high == 1.0
    assert 'modes' not in result


def test_a_figure_that_some_seeds_lack_is_that_of_the_others():
    runs = [{'pressure_error_median': None}, {'pressure_error_median': 0.1}]

    assert figures(runs)['pressure_error_median']['mean'] == pytest.approx(0.1)
    assert figures(runs[:1]) == {}
