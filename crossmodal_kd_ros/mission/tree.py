# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The behaviour tree of a mission.

    mission                 a selector without memory: what stands first interrupts what follows
    |- over                 there is no next place: nothing is done
    |- escort               a person has looked: the robot goes to the next place, also in a hold
    |- hold                 nobody may act: whatever is under way is stopped at once
    `- round                a sequence with memory
       |- place             the place is not done yet, or the robot goes to the next
       |- inspect           an action is confirmed by several pictures
       `- settle
          |- nothing to do  the place is done
          |- person         a person is asked, and the place is done
          `- repair
             |- act         the robot does it
             `- verify      an action is confirmed again: another one, or it did not help

The same action is begun at most `max_acts` times at a place, whether it was interrupted, failed or
did not help; then a person is asked. So is one where a repair that the robot has done did not
help, or came undone before a second look: the same once more would do no better. And so is one
where the wall would be touched, and the calibration leaves another action possible.
"""

from collections.abc import Callable, Sequence
from typing import Any

from py_trees.behaviour import Behaviour
from py_trees.common import Status
from py_trees.composites import Selector
from py_trees.composites import Sequence as InOrder
from py_trees.display import dot_tree, unicode_tree

from crossmodal_kd_ros.mission.memory import Memory, Rules

Send = Callable[[dict[str, Any]], None]
Ask = Callable[[Sequence[str]], None]


class Mission:
    """A tree and its memory. Who owns it feeds the memory and ticks, ten times a second or so."""

    def __init__(self, rules: Rules, *, send: Send, ask: Ask) -> None:
        """Start at no place.

        Args:
            rules: how it is run.
            send: gives a command to the robot.
            ask: gives every request for a person so far, when there is a new one.
        """
        self.memory = Memory(rules)
        self._send, self._ask = send, ask
        self.root = _tree(self)

    def tick(self, now_s: float) -> None:
        """Do what is due at `now_s`, seconds of any clock that only goes forward."""
        self.memory.now_s = now_s
        if self.memory.idle_s is None:
            self.memory.progress()
        self.root.tick_once()

    def stop(self) -> None:
        """End: the robot stops what is under way."""
        self.root.stop(Status.INVALID)

    def text(self) -> str:
        """Return the tree as a person reads it, with the status of each behaviour."""
        return unicode_tree(self.root, show_status=True)

    def command(self, what: str, **more: Any) -> None:
        """Tell the robot something."""
        self._send(self.memory.command(what, **more))

    def request(self, reason: str, *, told: str = '') -> None:
        """Ask for a person, once for each place and reason; `told` is what else is heard."""
        if self.memory.ask(reason, told=told):
            self._ask(tuple(self.memory.requests))


class _Step(Behaviour):
    """A behaviour that knows the mission, and for how long it runs."""

    def __init__(self, name: str, mission: Mission) -> None:
        super().__init__(name)
        self.mission, self.memory, self.rules = mission, mission.memory, mission.memory.rules

    def initialise(self) -> None:
        self.begun_s = self.memory.now_s

    def lasts(self, limit_s: float) -> bool:
        return self.memory.now_s - self.begun_s > limit_s

    def ends(self, status: Status, words: str) -> Status:
        self.feedback_message = words
        return status


class _If(_Step):
    """Succeeds while a condition of the memory is true, and fails otherwise."""

    def __init__(self, name: str, mission: Mission, condition: Callable[[Memory], object]) -> None:
        super().__init__(name, mission)
        self._condition = condition

    def update(self) -> Status:
        return Status.SUCCESS if self._condition(self.memory) else Status.FAILURE


class _Hold(_Step):
    """Keeps still; asks for a person if that lasts."""

    def update(self) -> Status:
        # Holds that come and go keep the robot from anything as one does that lasts.
        most_s = self.rules.hold_timeout_s + self.rules.confirm_timeout_s
        is_idle = self.memory.now_s - self.memory.idle_s > most_s
        if is_idle or self.lasts(self.rules.hold_timeout_s):
            limit_s = most_s if is_idle else self.rules.hold_timeout_s
            again = ' again and again' if is_idle else ''
            self.mission.request(
                f'{self.memory.holds}{again} for more than {limit_s:g} s',
                told=self.memory.seen_words,
            )
            self.memory.progress()
        return self.ends(Status.RUNNING, self.memory.holds)


class _Goal(_Step):
    """Tells the robot something and waits until it is done; interrupted, stops it at once."""

    def __init__(self, name: str, mission: Mission, limit_s: float) -> None:
        super().__init__(name, mission)
        self._limit_s = limit_s

    def initialise(self) -> None:
        super().initialise()
        self.tell()
        self._goal = self.memory.goal

    def update(self) -> Status:
        state, reason = self.memory.status
        if state in ('done', 'failed', 'end'):
            self.memory.under_way = False
            if state == 'failed':
                return self.fails(reason or 'failed')
            return self.done(state)
        if self.lasts(self._limit_s):
            return self.fails(f'not done within {self._limit_s:g} s')
        return self.ends(Status.RUNNING, 'under way')

    def terminate(self, new_status: Status) -> None:
        # Otherwise a newer command has taken its place, or it has ended.
        if self.memory.under_way and self.memory.goal == self._goal:
            self.memory.idle_s += self.memory.now_s - self.begun_s
            self.mission.command('stop')

    def tell(self) -> None:
        raise NotImplementedError

    def done(self, state: str) -> Status:
        raise NotImplementedError

    def fails(self, reason: str) -> Status:
        return self.ends(Status.FAILURE, reason)


class _Next(_Goal):
    """The robot goes to the next place."""

    def tell(self) -> None:
        self.mission.command('next')

    def done(self, state: str) -> Status:
        if state == 'end':
            self.memory.is_over = True
            return self.ends(Status.FAILURE, 'there is no next place')
        self.memory.arrive()
        return self.ends(Status.SUCCESS, f'place {self.memory.place}')

    def fails(self, reason: str) -> Status:
        self.memory.is_escorted = False
        self.mission.request(f'the robot does not come to the next place: {reason}')
        return super().fails(reason)


class _Act(_Goal):
    """The robot does what is confirmed."""

    def tell(self) -> None:
        action = self.memory.confirmed
        self.memory.acts[action] += 1
        repair = self.memory.repair(action)
        more = {} if repair is None else {**repair.values, 'path_m': repair.path_m}
        self.mission.command('act', action=action, **more)

    def done(self, state: str) -> Status:
        self.memory.done[self.memory.confirmed] += 1
        return self.ends(Status.SUCCESS, self.memory.confirmed)

    def terminate(self, new_status: Status) -> None:
        super().terminate(new_status)
        if new_status is not Status.INVALID:  # it was not interrupted: it has come to an end
            self.memory.progress()


class _Confirm(_Step):
    """Waits until enough pictures of now agree on an action."""

    def initialise(self) -> None:
        super().initialise()
        self._before = self.memory.confirmed
        self.memory.answers.clear()
        self.memory.confirmed = ''

    def update(self) -> Status:
        action = self.memory.agreed()
        if action:
            self.memory.confirmed = action
            return self.agrees(action)
        if self.memory.now_s - self.memory.idle_s > self.rules.confirm_timeout_s:
            self.mission.request(
                f'no decision within {self.rules.confirm_timeout_s:g} s',
                told=self.memory.seen_words,
            )
            self.memory.is_open = False
            return self.ends(Status.FAILURE, 'undecided')
        return self.ends(Status.RUNNING, 'looking')

    def agrees(self, action: str) -> Status:
        return self.ends(Status.SUCCESS, action)


class _Verify(_Confirm):
    """Succeeds if what was done is not asked for again; the place is done if nothing is."""

    def agrees(self, action: str) -> Status:
        self.memory.progress()
        if action == self._before:
            return self.ends(Status.FAILURE, f'{action} did not help')
        self.memory.is_open = action != self.rules.pass_action
        return self.ends(Status.SUCCESS, action)


class _Close(_Step):
    """Says that nothing is left to do at this place."""

    def update(self) -> Status:
        self.memory.is_open = False
        return self.ends(Status.SUCCESS, f'place {self.memory.place}')


class _AskWhy(_Close):
    """Asks for a person, and leaves the place to that person."""

    def update(self) -> Status:
        self.mission.request(_why_person(self.memory))
        return super().update()


def _why_person(memory: Memory) -> str:
    """Return why a person has to look at what is confirmed; empty: nobody has to."""
    action = memory.confirmed
    repair = memory.repair(action)
    if action == memory.rules.person_action:
        return action
    if repair is not None and repair.request_human:
        return repair.reason or action
    if action in memory.rules.repairs and (others := memory.others(action)):
        return f'{action}, or {" or ".join(others)}: nobody can tell from here'
    if action in memory.rules.repairs and memory.done[action]:
        return f'{action} did not help'
    if memory.acts[action] >= memory.rules.max_acts:
        return f'{action} did not help {memory.acts[action]} times'
    return ''


def _tree(mission: Mission) -> Behaviour:
    rules = mission.memory.rules

    def given(name: str, condition: Callable[[Memory], object], *steps: Behaviour) -> InOrder:
        first = _If(f'{name}?', mission, condition)
        return InOrder(name, memory=False, children=[first, *steps])

    place = Selector(
        'place',
        memory=True,
        children=[
            _If('not done yet?', mission, lambda memory: memory.is_open),
            _Next('go to the next', mission, rules.move_timeout_s),
        ],
    )
    settle = Selector(
        'settle',
        memory=True,
        children=[
            given(
                'nothing to do',
                lambda memory: memory.confirmed == rules.pass_action,
                _Close('done', mission),
            ),
            given('person', _why_person, _AskWhy('ask', mission)),
            InOrder(
                'repair',
                memory=True,
                children=[_Act('act', mission, rules.act_timeout_s), _Verify('verify', mission)],
            ),
        ],
    )
    return Selector(
        'mission',
        memory=False,
        children=[
            given('over', lambda memory: memory.is_over, _Rest('rest', mission)),
            given(
                'escort',
                lambda memory: memory.is_escorted,
                _Next('go on', mission, rules.move_timeout_s),
            ),
            given('hold', lambda memory: memory.holds, _Hold('keep still', mission)),
            InOrder('round', memory=True, children=[place, _Confirm('inspect', mission), settle]),
        ],
    )


class _Rest(_Step):
    """Does nothing, for good."""

    def update(self) -> Status:
        return Status.RUNNING


def dot_text() -> str:
    """Return the tree as a graph for Graphviz."""
    mission = Mission(Rules(), send=lambda command: None, ask=lambda requests: None)
    return dot_tree(mission.root).to_string()
