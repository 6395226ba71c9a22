# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tree alone, in a time of its own, beside a robot that does as it is told or does not."""

import pytest

pytest.importorskip('py_trees')

from crossmodal_kd_ros.mission import Repair, Rules  # noqa: E402
from crossmodal_kd_ros.mission.tree import Mission, dot_text  # noqa: E402

PASS, PERSON, SEAL, WATER = 'continue_inspection', 'request_human', 'seal_crack', 'hydrate'
RULES = Rules(repairs=(SEAL,), confirm_frames=3, confirm_window=5)
STEP_S = 0.1


class Site:
    """A mission, and the robot under it.

    Attributes:
        sees: what is decided from now on; `None`: no answers.
        does: what becomes of an action: `done`, `failed`, or nothing at all.
        cures: what is seen after an action is done.
        finds: (visit, what is seen) of the next places.
    """

    def __init__(self, rules: Rules = RULES, sees: str | None = PASS) -> None:
        self.commands, self.requests = [], ()
        self.mission = Mission(rules, send=self.commands.append, ask=self._ask)
        self.memory = self.mission.memory
        self.sees, self.mode, self.action = sees, 'TEACHER', ''
        self.possible = None
        self.goes, self.does, self.cures, self.finds = 'done', 'done', {}, []
        self.repair = {'request_human': False, 'reason': ''}
        self.now_s, self.ticks = 100.0, 0

    def _ask(self, requests) -> None:
        self.requests = tuple(requests)

    def run(self, seconds: float) -> None:
        """Let time go by, an answer every tick."""
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            self.ticks += 1
            self.memory.hear_mode(self.mode)
            sees = self.sees(self.ticks) if callable(self.sees) else self.sees
            if sees is not None:
                self.memory.hear_answer(self.ticks, sees, self.now_s, possible=self.possible)
                self.memory.hear_action(self.action or sees)
                self.memory.hear_repair(
                    sees,
                    Repair(
                        stamp_ns=self.ticks,
                        values={'contact_pressure_kpa': 20.0},
                        path_m=((0.0, 0.0, 0.0), (0.01, 0.0, 0.0)),
                        **self.repair,
                    ),
                )
            told = len(self.commands)
            self.mission.tick(self.now_s)
            for command in self.commands[told:]:
                self._answer(command)

    def _answer(self, command) -> None:
        state = {'next': self.goes, 'act': self.does, 'stop': ''}[command['do']]
        visit = ''
        if command['do'] == 'next' and self.finds:
            visit, self.sees = self.finds.pop(0)
        if state:
            self.memory.hear_status(command['goal'], state, 'why', visit)
        if state == 'done' and command['do'] == 'act' and command['action'] in self.cures:
            self.sees = self.cures[command['action']]

    def told(self) -> list[str]:
        return [command['do'] for command in self.commands]


def test_where_nothing_is_wrong_it_goes_from_place_to_place():
    site = Site()
    site.run(5.0)

    assert set(site.told()) == {'next'} and len(site.told()) > 3
    assert site.requests == ()


def test_an_action_is_done_once_enough_pictures_agree_and_not_before():
    site = Site(Rules(repairs=(SEAL,), confirm_frames=5, confirm_window=8), sees=SEAL)
    site.does = ''
    site.run(0.5)
    assert site.told() == ['next']
    site.run(0.3)

    assert site.told() == ['next', 'act']
    act = site.commands[-1]
    assert act['action'] == SEAL and act['contact_pressure_kpa'] == 20.0
    assert act['path_m'] == ((0.0, 0.0, 0.0), (0.01, 0.0, 0.0))


def test_pictures_that_disagree_confirm_nothing():
    # of five in turn three are alike at most
    site = Site(Rules(repairs=(SEAL,), confirm_frames=4, confirm_window=5))
    site.sees = lambda tick: (SEAL, WATER)[tick % 2]
    site.run(4.0)

    assert site.told() == ['next'] and site.requests == ()
    site.run(3.0)
    assert site.requests == ('place 1: no decision within 5 s, seen: hydrate, seal_crack',)
    assert site.told() == ['next', 'next']


def test_what_helped_is_verified_and_the_robot_moves_on():
    site = Site(sees=SEAL)
    site.cures = {SEAL: PASS}
    site.run(1.5)

    assert site.told()[:3] == ['next', 'act', 'next'] and site.requests == ()
    assert site.memory.place >= 2


def test_another_trouble_behind_the_first_is_seen_to_at_the_same_place():
    site = Site(sees=SEAL)
    site.cures = {SEAL: WATER, WATER: PASS}
    site.run(2.5)

    done = [command.get('action') for command in site.commands]
    assert done[:4] == [None, SEAL, WATER, None] and site.requests == ()


def test_what_did_not_help_is_tried_once_more_and_then_a_person_is_asked():
    site = Site(sees=WATER)
    site.run(3.0)

    assert site.told()[:4] == ['next', 'act', 'act', 'next']
    assert site.requests[0] == 'place 1: hydrate did not help 2 times'


def test_a_repair_that_was_done_and_did_not_help_is_a_persons_at_once():
    site = Site(sees=SEAL)
    site.run(3.0)

    assert site.told()[:3] == ['next', 'act', 'next']
    assert site.requests[0] == 'place 1: seal_crack did not help'


def test_an_action_that_the_robot_cannot_do_is_tried_once_more():
    site = Site(sees=SEAL)
    site.does = 'failed'
    site.run(2.5)

    assert site.told()[:4] == ['next', 'act', 'act', 'next']
    assert len(site.requests) >= 1


def test_a_robot_that_never_ends_an_action_is_stopped():
    site = Site(Rules(repairs=(SEAL,), confirm_frames=3, act_timeout_s=2.0), sees=SEAL)
    site.does = ''
    site.run(2.7)

    assert site.told() == ['next', 'act', 'stop']


def test_after_an_action_that_was_not_done_in_time_there_is_as_long_to_look_as_ever():
    site = Site(Rules(repairs=(SEAL,), confirm_frames=3, act_timeout_s=20.0), sees=SEAL)
    site.does = ''
    site.run(20.7)
    assert site.told() == ['next', 'act', 'stop']
    site.sees = lambda tick: (SEAL, WATER, PERSON, PASS)[tick % 4]
    site.run(5.5)

    assert site.requests[0].startswith('place 1: no decision within 5 s')


def test_a_hold_in_the_middle_of_an_action_stops_it_at_once():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    assert site.told() == ['next', 'act']
    site.mode = 'HOLD'
    site.run(STEP_S)
    assert site.told() == ['next', 'act', 'stop']
    site.run(5.0)

    assert site.told() == ['next', 'act', 'stop'] and site.requests == ()


def test_a_decision_that_goes_in_and_out_of_a_hold_is_left_to_a_person_in_time():
    site = Site(sees=SEAL)
    site.run(0.2)
    for _ in range(13):
        site.mode = 'HOLD'
        site.run(0.2)
        site.mode = 'STUDENT'
        site.run(0.2)
        assert set(site.told()) == {'next'}

    assert site.requests == ('place 1: no decision within 5 s, seen: seal_crack',)


def test_a_robot_that_cannot_leave_because_of_holds_that_come_and_go_asks_for_a_person():
    site = Site()
    site.goes = ''
    site.run(0.2)
    for _ in range(60):
        site.mode = 'HOLD'
        site.run(0.5)
        site.mode = 'STUDENT'
        site.run(0.2)
        if site.requests:
            break
        assert set(site.told()) <= {'next', 'stop'}

    assert site.requests == (
        'place 0: the robot holds again and again for more than 15 s, seen: continue_inspection',
    )


def test_after_a_long_hold_there_is_time_to_look_again():
    site = Site()
    site.run(0.2)
    site.mode = 'HOLD'
    site.run(30.0)
    asked = site.requests
    site.mode = 'STUDENT'
    site.run(5.0)

    assert len(asked) == 1 and site.requests == asked and len(site.told()) > 3


def test_a_repair_that_has_come_off_at_the_second_look_is_a_persons():
    site = Site(sees=SEAL)
    site.cures = {SEAL: PASS}
    site.finds = [('1', SEAL), ('2', SEAL), ('1', SEAL), ('2', PASS)]
    site.run(5.0)

    assert site.told()[:6] == ['next', 'act', 'next', 'act', 'next', 'next']
    assert site.requests == ('place 3: seal_crack did not help',)


def test_after_a_hold_it_looks_again_at_the_same_place():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    site.mode = 'HOLD'
    site.run(1.0)
    site.mode, site.sees = 'STUDENT', PASS
    site.run(0.25)
    assert site.told() == ['next', 'act', 'stop']
    site.run(1.0)

    assert site.told()[:4] == ['next', 'act', 'stop', 'next']


def test_an_action_that_was_interrupted_twice_is_a_persons():
    site = Site(sees=SEAL)
    site.does = ''
    for _ in range(3):
        site.mode = 'TEACHER'
        site.run(1.0)
        site.mode = 'HOLD'
        site.run(1.0)

    assert site.told()[:5] == ['next', 'act', 'stop', 'act', 'stop']
    assert site.requests[0].startswith('place 1: seal_crack did not help')


@pytest.mark.parametrize('how', ['mode', 'action', 'silence'])
def test_nothing_is_begun_in_a_hold(how):
    site = Site(sees=SEAL)
    if how == 'mode':
        site.mode = 'HOLD'
    elif how == 'action':
        site.action = 'hold'
    else:
        site.sees = None
    site.run(9.0)
    assert site.told() == [] and site.requests == ()
    site.run(2.0)

    (request,) = site.requests
    assert request.startswith('place 0: ') and 'for more than 10 s, seen: ' in request


def test_nothing_is_begun_before_a_mode_is_known():
    site = Site()
    site.mode = ''
    site.run(1.0)

    assert site.told() == []


def test_a_person_sends_the_robot_on_out_of_a_hold_and_not_further():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    site.mode = 'HOLD'
    site.run(1.0)
    site.memory.hear_person()
    site.run(2.0)

    assert site.told() == ['next', 'act', 'stop', 'next']
    assert site.memory.place == 2


def test_a_person_takes_over_what_is_under_way():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    site.memory.hear_person()
    site.run(STEP_S)

    # No stop behind the new goal: it would end that.
    assert site.told() == ['next', 'act', 'next']


def test_a_person_is_asked_when_that_is_decided():
    site = Site(sees=PERSON)
    site.run(0.7)

    assert site.requests == ('place 1: request_human',)
    site.run(3.0)
    assert set(site.told()) == {'next'} and len(site.requests) > 1


def test_a_repair_that_the_planner_gives_to_a_person_is_not_done():
    site = Site(sees=SEAL)
    site.repair = {'request_human': True, 'reason': 'too soft to press on'}
    site.run(0.7)

    assert site.requests == ('place 1: too soft to press on',)
    assert set(site.told()) == {'next'}


def test_a_repair_whose_numbers_never_come_is_not_done():
    site = Site(sees=SEAL)
    site.memory.hear_repair = lambda action, repair: None
    site.run(6.0)

    assert set(site.told()) == {'next'}
    assert site.requests == ('place 1: no decision within 5 s, seen: seal_crack',)


def test_an_action_without_contact_needs_no_numbers():
    site = Site(sees=WATER)
    site.memory.hear_repair = lambda action, repair: None
    site.cures = {WATER: PASS}
    site.run(1.0)

    assert site.commands[1] == {'goal': 2, 'do': 'act', 'action': WATER}


def test_a_robot_that_does_not_come_to_the_next_place_is_told_of_once():
    site = Site(Rules(move_timeout_s=1.0))
    site.goes = ''
    site.run(5.0)

    assert site.requests == (
        'place 0: the robot does not come to the next place: not done within 1 s',
    )
    assert site.told()[:4] == ['next', 'stop', 'next', 'stop']


def test_where_no_place_is_left_it_rests():
    site = Site()
    site.goes = 'end'
    site.run(5.0)

    assert site.told() == ['next'] and 'rest' in site.mission.text()


def test_what_is_said_of_an_older_goal_counts_no_more():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    site.memory.hear_status(site.memory.goal - 1, 'done', '')
    site.run(1.0)

    assert site.told() == ['next', 'act']


def test_a_clock_that_is_set_back_begins_the_window_anew():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(0.3)
    assert site.told() == ['next']
    site.ticks = -1000
    site.run(0.2)
    assert site.told() == ['next']
    site.run(0.2)

    assert site.told() == ['next', 'act']


def test_a_hold_is_told_once_whatever_is_seen_meanwhile():
    site = Site(sees=lambda tick: SEAL if tick % 80 < 40 else 'hydrate')
    site.action = 'hold'
    site.run(60.0)

    assert len(site.requests) == 1 and ', seen: ' in site.requests[0]


def test_where_another_action_is_possible_too_the_wall_is_not_touched():
    site = Site(sees=SEAL)
    site.possible = [SEAL, 'hydrate', 'request_human']
    site.run(2.0)

    assert set(site.told()) == {'next'}
    assert 'seal_crack, or hydrate or request_human' in site.requests[0]


def test_watering_and_a_repair_that_is_the_only_possible_action_are_begun():
    watered, sealed = Site(sees='hydrate'), Site(sees=SEAL)
    watered.possible, sealed.possible = ['hydrate', SEAL], [SEAL]
    watered.run(1.0)
    sealed.run(1.0)

    assert watered.told()[:2] == sealed.told()[:2] == ['next', 'act']


def test_a_doubt_in_a_few_pictures_is_none():
    site = Site(sees=SEAL)
    site.run(0.2)
    for tick in range(1, 6):
        site.memory.hear_answer(
            site.ticks + tick, SEAL, site.now_s, possible=[SEAL, 'hydrate'] if tick < 3 else [SEAL]
        )

    assert site.memory.others(SEAL) == []


def test_one_picture_counts_once():
    site = Site(sees=SEAL)
    site.run(0.2)
    for _ in range(9):
        site.memory.hear_answer(site.ticks, SEAL, site.now_s)

    assert len(site.memory.answers) == 1 and site.memory.agreed() == ''


def test_an_end_stops_what_is_under_way():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)
    site.mission.stop()

    assert site.told() == ['next', 'act', 'stop']
    assert [command['goal'] for command in site.commands] == [1, 2, 3]


def test_the_tree_can_be_read_and_drawn():
    site = Site(sees=SEAL)
    site.does = ''
    site.run(1.0)

    assert 'act' in site.mission.text() and 'under way' in site.mission.text()
    assert dot_text().startswith('digraph') and '"keep still"' in dot_text()


def test_the_graph_is_written_by_a_command_that_starts_nothing(tmp_path):
    from click.testing import CliRunner

    from crossmodal_kd_ros.cli.main import main

    done = CliRunner().invoke(main, ['mission', '--dot', str(tmp_path / 'tree.dot')])

    assert done.exit_code == 0, done.output
    assert (tmp_path / 'tree.dot').read_text() == dot_text()


def test_a_tree_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    from click.testing import CliRunner

    from crossmodal_kd_ros.cli.main import main

    (tmp_path / 'file').touch()
    tree = tmp_path / 'file' / 'tree.dot'
    done = CliRunner().invoke(main, ['mission', '--dot', str(tree)])

    assert done.exit_code == 1 and f'cannot write {tree}' in done.output


def test_without_py_trees_a_mission_is_refused_in_a_sentence(monkeypatch):
    import sys

    from crossmodal_kd_ros import mission
    from crossmodal_kd_ros.errors import ConfigurationError

    monkeypatch.delitem(sys.modules, 'crossmodal_kd_ros.mission.tree')
    monkeypatch.delattr(mission, 'tree')
    for name in [name for name in sys.modules if name.partition('.')[0] == 'py_trees']:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ConfigurationError, match='expected py_trees for a mission, got none'):
        mission.load_tree()
