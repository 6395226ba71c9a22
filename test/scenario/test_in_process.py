# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Small scenarios, played in process with an engine that knows the truth, or errs on purpose."""

import json
from dataclasses import replace

import numpy as np
import pytest
from oracle import networks

from crossmodal_kd_ros.repair import RepairPlanner
from crossmodal_kd_ros.scenario.in_process import play
from crossmodal_kd_ros.scenario.report import PICTURES, write_results
from crossmodal_kd_ros.scenario.robot import Robot
from crossmodal_kd_ros.scenario.score import score, visits
from crossmodal_kd_ros.scenario.setting import SCENARIOS, SET_HOURS, UNMANNED, Setting
from crossmodal_kd_ros.simulation.panel import PROFILE


def small(name, *, panels, control='robot', seed=0, **changes):
    """Return a setting of the first few panels of a scenario."""
    scenario = SCENARIOS[name]
    draw = scenario.panels
    scenario = replace(scenario, panels=lambda seed: draw(seed)[panels], **changes)
    return Setting(scenario=scenario, seed=seed, control=control)


def kinds(events, kind):
    return [event for event in events if event['kind'] == kind]


@pytest.fixture(scope='module')
def inspected():
    return play(small('inspection', panels=slice(4), control='teacher'), networks())


def test_who_knows_the_truth_leaves_nothing_wrong(inspected):
    assert {visit.verdict for visit in visits(inspected)} <= {'found', 'sound'}
    assert score(inspected)['health_end'] > score(inspected)['health_begin']


def test_every_place_is_visited_once_and_the_last_event_is_the_end(inspected):
    assert [event['panel'] for event in kinds(inspected, 'arrive')] == [0, 1, 2, 3]
    assert inspected[0]['kind'] == 'begin' and inspected[-1]['kind'] == 'end'
    assert kinds(inspected, 'facade')[-1]['hours'] == pytest.approx(48.0)


def test_the_same_seed_gives_the_same_history_and_another_seed_another(inspected):
    again = play(small('inspection', panels=slice(4), control='teacher'), networks())
    other = play(small('inspection', panels=slice(4), control='teacher', seed=1), networks())

    assert json.dumps(again) == json.dumps(inspected)
    assert json.dumps(other) != json.dumps(inspected)


def test_without_touch_and_gas_the_student_decides():
    events = play(small('inspection', panels=slice(2)), networks())

    assert set(score(events)['modes']) == {'STUDENT'}


def test_who_sees_nothing_misses_every_crack():
    setting = small('inspection', panels=slice(8), control='teacher')
    events = play(setting, networks(lambda state: ('continue_inspection', '')))
    result = score(events)

    assert result['cracks_over_limit'] > 0 and result['cracks_found'] == 0
    assert result['verdicts']['missed'] > 0 and result['interventions'] == 0


def test_who_scrubs_everything_is_told_so():
    setting = small('inspection', panels=slice(2), control='teacher')
    events = play(setting, networks(lambda state: ('remove_growth', '')))
    result = score(events)

    needless = [act for act in kinds(events, 'act') if 'remove_growth' not in act['needs']]
    assert result['false_repairs'] == len(needless) > 0
    assert result['verdicts']['wrongly treated'] > 0


def test_a_repair_that_came_off_is_seen_at_the_second_look_and_then_a_person_is_asked(monkeypatch):
    # 0.1 kPa bonds nothing: it looks mended, and comes off within ten hours
    def too_gently(planner, answer, plan=RepairPlanner.plan):
        command = plan(planner, answer)
        if command is None:
            return None
        return replace(command, contact_pressure_kpa=0.1, request_human=False)

    monkeypatch.setattr(RepairPlanner, 'plan', too_gently)
    events = play(small('repair', panels=slice(2, 4), control='teacher'), networks())

    looks = kinds(events, 'look_again')
    assert looks and {event['visit'] for event in looks} <= {1, 2}
    for visit in visits(events):
        if visit.acts:
            assert [act['outcome'] for act in visit.acts] == ['failed']
            assert visit.requests == ('apply_bio_adhesive did not help',)
    for look in looks:
        last = max(act['hours'] for act in kinds(events, 'act') if act['hours'] < look['hours'])
        assert look['hours'] - last > SET_HOURS > 10.0
    assert score(events)['places'] == 2


@pytest.mark.timeout(20)
def test_the_facade_lives_until_an_hour_that_is_no_whole_microsecond():
    robot = Robot(small('repair', panels=slice(1)), height_px=PROFILE.camera.view_px)
    for hours in np.random.default_rng(0).uniform(0.0, 1.0, 200).cumsum():
        robot.service(float(hours))
        assert robot.events[-1]['hours'] == pytest.approx(hours, abs=1e-4)
    robot.close()


def test_touch_that_dies_leaves_the_teacher_and_the_repair_says_with_what_it_pressed():
    setting = small('repair', panels=slice(8))
    events = play(setting, networks())

    modes = [event['mode'] for event in kinds(events, 'mode')]
    assert 'TEACHER' in modes and modes[-1] == 'STUDENT'
    repairs = [act for act in kinds(events, 'act') if act['action'] == 'apply_bio_adhesive']
    assert repairs
    for act in repairs:
        assert act['contact']['pressure_kpa'] > 0.0
        # a skin of 0.3 MPa collapses at 0.05 of it; half of that is right
        assert act['right']['pressure_kpa'] == pytest.approx(7.5)


def test_a_month_without_anybody_ends_worse_than_one_with_a_robot_and_a_calendar_does_more():
    few = {'panels': slice(3), 'round_hours': (0.0, 240.0, 480.0)}
    results = {
        control: score(
            play(
                small('month', control=control, seed=3, **few),
                None if control in UNMANNED else networks(),
            )
        )
        for control in ('teacher', 'calendar', 'nobody')
    }

    assert results['nobody']['health_mean'] < results['teacher']['health_mean']
    assert results['nobody']['interventions'] == 0
    # in each of five weeks four acts on a mineral panel, three on a soft one
    materials = [panel.material_name for panel in small('month', seed=3, **few).panels]
    minerals = sum(name in ('bio_concrete', 'bacterial_coating') for name in materials)
    assert results['calendar']['interventions'] == 5 * (3 * len(materials) + minerals)
    assert results['teacher']['interventions'] < results['calendar']['interventions']


def test_a_control_decides_which_senses_there_are_and_what_fails():
    robot, teacher, alone = (
        Setting(scenario=SCENARIOS['month'], seed=0, control=control)
        for control in ('robot', 'teacher', 'alone')
    )

    assert robot.sensors == teacher.sensors == PROFILE.sensors
    assert alone.sensors == ('camera',)
    assert {fault.sensor for fault in robot.schedule.faults} == set(PROFILE.sensors)
    assert teacher.schedule.faults == ()
    assert {fault.sensor for fault in alone.schedule.faults} == {'camera'}


def test_a_robot_that_holds_for_long_is_sent_on_by_the_person_whom_it_asked():
    setting = small('inspection', panels=slice(2))

    def undecided(robot):
        made = networks()(robot)
        made.engine._probabilities = lambda count: np.full((count, 6), 1 / 6, np.float32)
        return made

    events = play(setting, undecided)

    texts = [event['text'] for event in kinds(events, 'ask')]
    assert texts and all('for more than 10 s' in text for text in texts)
    assert events[-1]['kind'] == 'end'


def test_the_page_shows_each_panel_before_and_after(tmp_path):
    setting = small('repair', panels=slice(3), control='teacher')
    events = play(setting, networks(), pictures=tmp_path / PICTURES)
    summary = write_results(tmp_path, events, setting, how={}, command='crossmodal-kd scenario')

    page = (tmp_path / 'report.html').read_text()
    assert page.count('src="data:image/jpeg;base64,') == 6
    assert setting.scenario.title in page and 'What became of each panel' in page
    # The facade begins at 8 o'clock, and the robot acts at once.
    assert 'day 1, 08:' in page and 'apply bio adhesive with' in page
    for event in kinds(events, 'act'):
        if event['contact']:
            assert f'{event["contact"]["pressure_kpa"]:.1f}' in page
    assert json.loads((tmp_path / 'summary.json').read_text()) == summary
    assert json.loads((tmp_path / 'events.json').read_text()) == events
