# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one replay, or two side by side, come to: gathered step by step, told as the figures of `summary.json`."""

from collections import Counter
from typing import Any

from crossmodal_kd_ros.bags.agreement import Agreement
from crossmodal_kd_ros.bags.columns import Course, Errors, EvenSample
from crossmodal_kd_ros.bags.replay import Answer, Step
from crossmodal_kd_ros.contract import ACTIONS, GAS_NAMES, HOLD, SENSORS, SURFACE_STATE, Mode
from crossmodal_kd_ros.reports import thumbnail
from crossmodal_kd_ros.runtime import ModeChange

_CARDS = 8
_MOST_CHANGES = 500
_BANKS, _GAS = ('touch texture', 'touch indentation'), tuple(f'gas {name}' for name in GAS_NAMES)
# Which sense measures each of `SURFACE_STATE`.
MEASURED_BY = {'surface_roughness': 'touch', 'crack_depth': 'touch', 'co2_absorption': 'gas'}


class LaneAccount:
    """What one engine's replay comes to.

    Attributes:
        course: over time: `frames`, each mode and action (holding also without a picture),
            `disagreed`; each of `SURFACE_STATE` as estimated (over `frames`) and as measured (over
            `<sense>_used`).
        cards: frames on which teacher and student disagree, evenly chosen.
    """

    def __init__(self, agreement: Agreement | None) -> None:
        """Start empty; `agreement` compares with what was said live, if anything was."""
        self.agreement = agreement
        self.course = Course(
            [
                'frames',
                'disagreed',
                'touch_used',
                'gas_used',
                *(mode.value for mode in Mode),
                *ACTIONS,
                HOLD,
                *(
                    f'{kind} {name}'
                    for kind in ('estimated', 'measured')
                    for name in SURFACE_STATE
                ),
            ]
        )
        self.cards: EvenSample[dict[str, Any]] = EvenSample(_CARDS)
        self.errors = Errors()
        self.changes: list[dict[str, Any]] = []
        self.changed = 0
        self.modes: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.answered = self.unanswered = self.judged = 0

    def change(self, change: ModeChange) -> None:
        """Take in a change of mode."""
        self.changed += 1
        if self.agreement is not None:
            self.agreement.changed(change)
        if len(self.changes) < _MOST_CHANGES:
            self.changes.append(
                {'now_ns': change.now_ns, 'mode': change.mode.value, 'reason': change.reason}
            )

    def hold(self, now_ns: int) -> None:
        """Take in that the robot held, without a picture."""
        self.course.add(now_ns, {Mode.HOLD.value: 1.0, HOLD: 1.0})

    def answer(self, step: Step, answer: Answer) -> None:
        """Take in an answer."""
        if self.agreement is not None:
            self.agreement.replayed(step.now_ns, step.reading.stamp_ns, answer)
        estimate = answer.estimate
        if estimate is None:
            self.unanswered += 1
            return
        self.answered += 1
        self.modes[estimate.mode.value] += 1
        self.actions[estimate.action] += 1
        values = {'frames': 1.0, estimate.mode.value: 1.0, estimate.action: 1.0}
        values |= {
            f'estimated {name}': float(value)
            for name, value in zip(SURFACE_STATE, answer.prediction.surface)
        }
        values |= self._measured(answer)
        values |= self._judged(step, answer)
        self.course.add(step.now_ns, values)

    def table(self, start_ns: int) -> dict[str, Any]:
        """Return what `summary.json` says of this engine's replay."""
        frames = max(1, self.answered)
        return {
            'frames_answered': self.answered,
            'frames_unanswered': self.unanswered,
            'modes': [
                {
                    'start_s': round((change['now_ns'] - start_ns) / 1e9, 3),
                    'mode': change['mode'],
                    'reason': change['reason'],
                }
                for change in self.changes
            ],
            'mode_changes': self.changed,
            'mode_share': {
                name: round(count / frames, 4) for name, count in sorted(self.modes.items())
            },
            'actions': dict(sorted(self.actions.items())),
            'estimates': self.errors.table(),
            'teacher_and_student': {
                'frames_compared': self.judged,
                'frames_disagreed': len(self.cards),
                'fraction_disagreed': round(len(self.cards) / self.judged, 4)
                if self.judged
                else None,
            },
            'recording': self.agreement.table()
            if self.agreement is not None and self.agreement.compared
            else None,
        }

    def _measured(self, answer: Answer) -> dict[str, float]:
        """Compare what the student estimates with the senses that were healthy."""
        sample, prediction = answer.sample, answer.prediction
        values = {}
        touch, gas = sample.touch, sample.gas
        state = answer.estimate.surface  # measured where a healthy sense measures it
        for column, (name, sense) in enumerate(MEASURED_BY.items()):
            if getattr(sample, sense) is not None:
                values |= {f'measured {name}': float(state[column]), f'{sense}_used': 1.0}
        if touch is not None:
            self.errors.add(SURFACE_STATE[:2], prediction.surface[:2], state[:2])
            self.errors.add(_BANKS, prediction.touch, touch)
        if gas is not None:
            self.errors.add(SURFACE_STATE[2:], prediction.surface[2:], state[2:])
            self.errors.add(_GAS, prediction.gas, gas)
        return values

    def _judged(self, step: Step, answer: Answer) -> dict[str, float]:
        """Hold the teacher against the student, where the teacher decided."""
        prediction = answer.prediction
        if answer.estimate.mode is not Mode.TEACHER or prediction.student_probabilities is None:
            return {}
        self.judged += 1
        teacher, student = (
            int(row.argmax())
            for row in (prediction.probabilities, prediction.student_probabilities)
        )
        if teacher == student:
            return {}
        self.cards.add(
            {
                'now_ns': step.now_ns,
                'teacher': ACTIONS[teacher],
                'student': ACTIONS[student],
                'teacher_sure': float(prediction.probabilities[teacher]),
                'student_sure': float(prediction.student_probabilities[student]),
                'picture': thumbnail(answer.sample.image),
            }
            if self.cards.wants_next
            else {}
        )
        return {'disagreed': 1.0}


class Account:
    """What a replay by one engine or two comes to.

    Attributes:
        lanes: one for each engine.
        activity: readings over time, by sensor.
        readings: how many came, by sensor; malformed ones too.
        swaps: of two engines: how often the first's action became the second's, where they differ.
    """

    def __init__(self, agreements: list[Agreement | None]) -> None:
        """Start empty, with a lane for each of `agreements`."""
        self.lanes = [LaneAccount(agreement) for agreement in agreements]
        self.activity = Course(SENSORS)
        self.readings: Counter[str] = Counter()
        self.swaps: Counter[tuple[str, str]] = Counter()
        self.swap_cards: EvenSample[dict[str, Any]] = EvenSample(_CARDS)
        self.compared = self.mode_differs = 0

    def step(self, step: Step) -> None:
        """Take in a reading, with the answers to it."""
        reading = step.reading
        if reading.role.startswith('live_'):
            for lane in self.lanes:
                if lane.agreement is not None:
                    lane.agreement.live(reading)
            return
        if reading.role in SENSORS:
            self.readings[reading.role] += 1
            if not reading.bad:
                self.activity.add(step.now_ns, {reading.role: 1.0})
            return
        for lane, answer in zip(self.lanes, step.answers):
            lane.answer(step, answer)
        if len(step.answers) == 2:
            self._compare(step)

    def comparison(self) -> dict[str, Any]:
        """Return what changed from the first engine to the second."""
        differs = self.swaps.total()
        return {
            'frames_compared': self.compared,
            'frames_with_another_action': differs,
            'fraction_with_another_action': round(differs / self.compared, 4)
            if self.compared
            else None,
            'frames_with_another_mode': self.mode_differs,
            'actions': [
                {'old': old, 'new': new, 'frames': count}
                for (old, new), count in self.swaps.most_common()
            ],
        }

    def _compare(self, step: Step) -> None:
        old, new = (answer.estimate for answer in step.answers)
        if old is None or new is None:
            return
        self.compared += 1
        self.mode_differs += old.mode is not new.mode
        if old.action == new.action:
            return
        self.swaps[old.action, new.action] += 1
        self.swap_cards.add(
            {
                'now_ns': step.now_ns,
                'old': old.action,
                'new': new.action,
                'old_sure': old.confidence,
                'new_sure': new.confidence,
                'old_mode': old.mode.value,
                'new_mode': new.mode.value,
                'picture': thumbnail(step.answers[1].sample.image),
            }
            if self.swap_cards.wants_next
            else {}
        )
