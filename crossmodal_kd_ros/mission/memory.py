# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a mission has heard, and how far it is; nothing here decides what is done."""

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a mission is run. Times in seconds.

    Attributes:
        pass_action: the action after which there is nothing to do at a place.
        person_action: the action that asks for a person.
        repairs: the actions that need the numbers of a repair; others are sent by name alone.
        hold: the word that an action is withheld.
        confirm_frames, confirm_window: so many of the last so many stamped actions must agree.
        max_acts: how often the same action is begun at one place before a person is asked; a
            repair that came to its end is not begun again.
        confirm_timeout_s: for an action to be confirmed, short holds included.
        move_timeout_s, act_timeout_s: for the robot to have done what it was told.
        answer_timeout_s: without an answer for so long the mission holds.
        hold_timeout_s: after a hold of so long a person is asked.
    """

    pass_action: str = 'continue_inspection'
    person_action: str = 'request_human'
    repairs: Collection[str] = ()
    hold: str = 'hold'
    confirm_frames: int = 5
    confirm_window: int = 8
    max_acts: int = 2
    confirm_timeout_s: float = 5.0
    move_timeout_s: float = 60.0
    act_timeout_s: float = 120.0
    answer_timeout_s: float = 1.0
    hold_timeout_s: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Repair:
    """How a repair is done, as it was published for one picture.

    Attributes:
        stamp_ns: of the picture.
        values: contact pressure, angles and so on by name.
        path_m: (x, y, z) of each point.
        request_human: a person has to look first.
        reason: in words.
    """

    stamp_ns: int
    values: Mapping[str, float]
    path_m: tuple[tuple[float, float, float], ...] = ()
    request_human: bool = False
    reason: str = ''


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said of one picture.

    Attributes:
        stamp_ns: of the picture.
        action: the likeliest.
        others: what is possible beside it, by the calibration.
    """

    stamp_ns: int
    action: str
    others: frozenset[str]


@dataclass
class Memory:
    """What was heard and done; `hear_...` store, the tree reads.

    Attributes:
        rules: see there.
        now_s: the time of this tick.
        answers: what was said of the last `confirm_window` pictures of this step.
        repairs: the newest repair by action.
        goal: number of the last thing that the robot was told. status: what it said of it, and
            why. visit: which one it said it is. under_way: whether the robot was told something
            that it has not ended.
        place: number of the place. is_open: whether something may be left to do there.
        acts: how often each action was begun at this place, at an earlier look too. done: how
            often the robot came to its end.
        confirmed: the action that is confirmed here; empty: none.
        idle_s: since when nothing has come to an end: since the arrival, the last act, or a hold
            for which a person was asked; time under way does not count. `None`: before the first
            tick. seen: how many pictures since then had which action.
        is_escorted: a person sends the robot on to the next place, also while it holds.
        is_over: the robot says that there is no next place.
        requests: why a person was asked, each once, newest last.
    """

    rules: Rules
    now_s: float = 0.0
    mode: str = ''
    action: str = ''
    answered_s: float = float('-inf')
    answers: deque[Said] = field(init=False)
    repairs: dict[str, Repair] = field(default_factory=dict)
    goal: int = 0
    status: tuple[str, str] = ('', '')
    visit: str = ''
    under_way: bool = False
    place: int = 0
    is_open: bool = False
    acts: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    confirmed: str = ''
    idle_s: float | None = None
    seen: Counter[str] = field(default_factory=Counter)
    is_escorted: bool = False
    is_over: bool = False
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = deque(maxlen=self.rules.confirm_window)
        self._asked: set[tuple[int, str]] = set()
        self._counts_of: dict[str, tuple[Counter[str], Counter[str]]] = {}

    def hear_answer(
        self, stamp_ns: int, action: str, now_s: float, *, possible: Collection[str] | None = None
    ) -> None:
        """Store what is said of the picture of a stamp.

        A stamp counts once. An older one than the last says that the clock was set back: what was
        heard before is forgotten.

        Args:
            stamp_ns: of the picture.
            action: the one with the highest score.
            now_s: the time.
            possible: the actions that are possible; `None`: nobody measured that.
        """
        self.answered_s = now_s
        if self.answers and stamp_ns < self.answers[-1].stamp_ns:
            self.answers.clear()
        if not self.answers or stamp_ns > self.answers[-1].stamp_ns:
            others = frozenset(possible or ()) - {action}
            self.answers.append(Said(stamp_ns=stamp_ns, action=action, others=others))
            self.seen[action] += 1

    def hear_action(self, action: str) -> None:
        """Store the word that is published for whoever acts: `hold`, if nobody may."""
        self.action = action
        if action == self.rules.hold:
            self.answers.clear()

    def hear_mode(self, mode: str) -> None:
        """Store who decides."""
        self.mode = mode

    def hear_repair(self, action: str, repair: Repair) -> None:
        """Store how a repair is done."""
        self.repairs[action] = repair

    def hear_status(self, goal: int, state: str, reason: str, visit: str = '') -> None:
        """Store what the robot says of what it was told; of an older goal it counts no more.

        Args:
            goal: the number of what it was told.
            state, reason: what has become of it, and why.
            visit: to which it has come; the same as before where it is back to see whether a
                repair has held. Empty: a new one.
        """
        if goal == self.goal:
            self.status, self.visit = (state, reason), visit

    def hear_person(self) -> None:
        """Leave this place, for a person has looked."""
        self.is_escorted = True

    @property
    def holds(self) -> str:
        """Why nothing may be done; empty if something may."""
        if self.now_s - self.answered_s > self.rules.answer_timeout_s:
            return 'no answer'
        if self.mode == 'HOLD' or self.action == self.rules.hold:
            return 'the robot holds'
        return '' if self.mode else 'no mode yet'

    def agreed(self) -> str:
        """Return the action that enough of the last pictures agree on; empty: none.

        A repair is agreed on once its numbers are there, for one of these pictures.
        """
        counts = Counter(said.action for said in self.answers)
        if not counts:
            return ''
        action, count = counts.most_common(1)[0]
        if count < self.rules.confirm_frames:
            return ''
        return action if action not in self.rules.repairs or self.repair(action) else ''

    def repair(self, action: str) -> Repair | None:
        """Return how `action` is done, if that was published for one of the last pictures."""
        repair = self.repairs.get(action)
        stamps = {said.stamp_ns for said in self.answers if said.action == action}
        return repair if repair is not None and repair.stamp_ns in stamps else None

    def others(self, action: str) -> list[str]:
        """Return what else is possible by half or more of the last pictures that say `action`."""
        said = [each.others for each in self.answers if each.action == action]
        counts = Counter(other for others in said for other in others)
        return sorted(other for other, count in counts.items() if 2 * count >= len(said))

    @property
    def seen_words(self) -> str:
        """What was the likeliest in pictures since something ended, the commonest first."""
        seen = ', '.join(action for action, _ in self.seen.most_common())
        return f', seen: {seen or "nothing"}'

    def ask(self, reason: str, *, told: str = '') -> bool:
        """Ask for a person, once for each place and reason; return whether that is new.

        `told` is what else the person hears.
        """
        if (self.place, reason) in self._asked:
            return False
        self._asked.add((self.place, reason))
        self.requests.append(f'place {self.place}: {reason}{told}')
        return True

    def arrive(self) -> None:
        """Begin at a place; back at one, what was done there still counts."""
        self.place += 1
        self.is_open, self.is_escorted = True, False
        counts = (Counter(), Counter())
        if self.visit:
            counts = self._counts_of.setdefault(self.visit, counts)
        self.acts, self.done = counts
        self.repairs.clear()
        self.progress()

    def progress(self) -> None:
        """Note that something has come to an end."""
        self.idle_s = self.now_s
        self.seen.clear()

    def command(self, what: str, **more: Any) -> dict[str, Any]:
        """Return the next command to the robot, with a number of its own."""
        self.goal += 1
        self.status = ('', '')
        self.under_way = what != 'stop'
        return {'goal': self.goal, 'do': what, **more}
