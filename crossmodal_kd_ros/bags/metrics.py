# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Metrics of a replay of one model, or of two side by side, gathered step by step.

`summary_table` and `comparison` give the figures of `summary.json`; `bags.report` draws the rest.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from crossmodal_kd_ros.bags.agreement import Agreement
from crossmodal_kd_ros.bags.columns import EstimateErrors, EvenSample, TimeColumns
from crossmodal_kd_ros.bags.replay import Step
from crossmodal_kd_ros.profile import HOLD, Mode, Profile, square_view
from crossmodal_kd_ros.reports import thumbnail
from crossmodal_kd_ros.reports.run import Choice
from crossmodal_kd_ros.runtime.announcer import ModeChange
from crossmodal_kd_ros.runtime.sample import Answer

# A time (ns), and what a `Card` or a `GridMoment` of it holds beside the time.
Timed = tuple[int, dict[str, Any]]
_CARDS = 8
_GRID_MOMENTS = 4
_MAX_CHANGES = 500


class ModelMetrics:
    """What one model's replay comes to.

    Attributes:
        profile: of the robot.
        agreement: the comparison with what was published live; `None` where nothing was.
        columns: over time: `frames`; `mode <MODE>` and `action <action>` (a hold also without a
            picture); `disagreed`; of each quantity `estimated <name>` over `frames`,
            `measured <name>` over `measurements <name>`, `lower <name>` and `upper <name>` over
            `bounded <name>`.
        cards: pictures on which teacher and student disagree, evenly chosen.
        grid_moments: what every grid read, and the student's estimates, evenly chosen.
    """

    def __init__(self, profile: Profile, agreement: Agreement | None) -> None:
        """Start without an answer."""
        self.profile = profile
        self.agreement = agreement
        per_quantity = ('estimated', 'measured', 'measurements', 'lower', 'upper', 'bounded')
        self.columns = TimeColumns(
            [
                'frames',
                'disagreed',
                *(f'mode {mode}' for mode in Mode),
                *(f'action {action}' for action in (*profile.actions, HOLD)),
                *(f'{kind} {name}' for kind in per_quantity for name in profile.quantities),
            ]
        )
        self.cards: EvenSample[Timed] = EvenSample(_CARDS)
        self.grid_moments: EvenSample[Timed] = EvenSample(_GRID_MOMENTS)
        # What errors of a sense are kept under.
        self._channels = {
            name: tuple(f'{name} {channel}' for channel in sense.channel_names)
            for name, sense in profile.senses.items()
        }
        self._grids = [name for name, sense in profile.senses.items() if sense.layout == 'grid']
        self._errors = EstimateErrors()
        self._changes: list[ModeChange] = []
        self._change_count = 0
        self._modes: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()
        self._answered = self._unanswered = self._taught = 0

    def add_mode_change(self, change: ModeChange) -> None:
        """Count a change of mode."""
        self._change_count += 1
        if self.agreement is not None:
            self.agreement.add_mode_change(change)
        if len(self._changes) < _MAX_CHANGES:
            self._changes.append(change)

    def add_hold(self, now_ns: int) -> None:
        """Count a beat on which the robot held, without a picture."""
        self.columns.add(now_ns, {f'mode {Mode.HOLD}': 1.0, f'action {HOLD}': 1.0})

    def add_answer(self, step: Step, answer: Answer | None) -> None:
        """Count the answer to the picture of `step`; `None` where there is none."""
        if self.agreement is not None:
            self.agreement.add_replayed(step.now_ns, step.reading.stamp_ns, answer)
        if answer is None:
            self._unanswered += 1
            return
        estimate, names = answer.estimate, tuple(self.profile.quantities)
        self._answered += 1
        self._modes[estimate.mode.value] += 1
        self._actions[estimate.action] += 1
        values = {
            'frames': 1.0,
            f'mode {estimate.mode}': 1.0,
            f'action {estimate.action}': 1.0,
            **_prefixed('estimated', dict(zip(names, answer.perception.quantities))),
            **self._compare_with_measured(answer),
            **self._compare_with_student(step, answer),
        }
        if estimate.lower is not None and estimate.upper is not None:
            values |= _prefixed('lower', estimate.lower) | _prefixed('upper', estimate.upper)
            values |= _prefixed('bounded', dict.fromkeys(estimate.lower, 1.0))
        self.columns.add(step.now_ns, values)
        self._add_grid_moment(step.now_ns, answer)

    def summary_table(self, start_ns: int) -> dict[str, Any]:
        """Return what `summary.json` says of this model; `start_ns` is second 0."""
        frames = max(1, self._answered)
        compared, disagreed = self._taught, len(self.cards)
        has_live = self.agreement is not None and self.agreement.compared > 0
        return {
            'frames_answered': self._answered,
            'frames_unanswered': self._unanswered,
            'modes': [
                {
                    'start_s': round((change.now_ns - start_ns) / 1e9, 3),
                    'mode': change.mode.value,
                    'reason': change.reason,
                }
                for change in self._changes
            ],
            'mode_changes': self._change_count,
            'mode_share': {
                name: round(count / frames, 4) for name, count in sorted(self._modes.items())
            },
            'actions': dict(sorted(self._actions.items())),
            'estimates': self._errors.table(),
            'teacher_and_student': {
                'frames_compared': compared,
                'frames_disagreed': disagreed,
                'fraction_disagreed': round(disagreed / compared, 4) if compared else None,
            },
            'recording': self.agreement.summary_table() if has_live else None,
        }

    def _compare_with_measured(self, answer: Answer) -> dict[str, float]:
        """Compare the student's estimates with the senses that were healthy; return columns."""
        readings, perception = answer.sample.readings, answer.perception
        values: dict[str, float] = {}
        for estimated, quantity in zip(perception.quantities, self.profile.quantities.values()):
            if quantity.senses and all(sense in readings for sense in quantity.senses):
                # Measured, as the senses that measure it are healthy.
                measured = answer.estimate.quantities[quantity.name]
                self._errors.add((quantity.name,), np.array([estimated]), np.array([measured]))
                values |= {
                    f'measured {quantity.name}': measured,
                    f'measurements {quantity.name}': 1.0,
                }
        for name, reading in readings.items():
            self._errors.add(self._channels[name], perception.readings[name], reading)
        return values

    def _compare_with_student(self, step: Step, answer: Answer) -> dict[str, float]:
        """Compare teacher and student where the teacher decided with all; return columns."""
        if answer.estimate.mode is not Mode.TEACHER:
            return {}
        self._taught += 1
        by_teacher, by_student = answer.probabilities, answer.perception.probabilities
        teacher, student = int(by_teacher.argmax()), int(by_student.argmax())
        if teacher == student:
            return {}
        chosen = (('teacher', by_teacher, teacher), ('student', by_student, student))
        self.cards.add(
            lambda: (
                step.now_ns,
                {
                    'picture': thumbnail(answer.sample.image),
                    'choices': [
                        Choice(
                            who=who, action=self.profile.actions[best], confidence=float(p[best])
                        )
                        for who, p, best in chosen
                    ],
                },
            )
        )
        return {'disagreed': 1.0}

    def _add_grid_moment(self, now_ns: int, answer: Answer) -> None:
        """Keep what the grids read and what the student estimates, if every grid is healthy."""
        readings = answer.sample.readings
        if not self._grids or not all(name in readings for name in self._grids):
            return
        # Copies: rows of an engine's answer would keep the whole answer in memory.
        self.grid_moments.add(
            lambda: (
                now_ns,
                {
                    'view': square_view(answer.sample.image, size_px=self.profile.camera.view_px),
                    'estimates': {
                        name: answer.perception.readings[name].copy() for name in self._grids
                    },
                    'known': {name: readings[name].copy() for name in self._grids},
                },
            )
        )


class RunMetrics:
    """What a replay by one model or two comes to.

    Attributes:
        profile: of the robot.
        models: one for each model.
        activity: readings over time, by sensor.
        readings: how many there were, by sensor; malformed ones too.
        swap_cards: pictures on which two models decide otherwise, evenly chosen.
    """

    def __init__(self, profile: Profile, agreements: Sequence[Agreement | None]) -> None:
        """Start without a reading, with a model for each of `agreements`."""
        self.profile = profile
        self.models = [ModelMetrics(profile, agreement) for agreement in agreements]
        self.activity = TimeColumns(profile.sensors)
        self.readings: Counter[str] = Counter()
        self.swap_cards: EvenSample[Timed] = EvenSample(_CARDS)
        self._swaps: Counter[tuple[str, str]] = Counter()
        self._compared = self._other_mode = 0

    def add_step(self, step: Step) -> None:
        """Count a reading, with the answers to it."""
        reading = step.reading
        if reading.role.startswith('live_'):
            for model in self.models:
                if model.agreement is not None:
                    model.agreement.add_live(reading)
            return
        if reading.role in self.profile.sensors:
            self.readings[reading.role] += 1
            if not reading.bad:
                self.activity.add(step.now_ns, {reading.role: 1.0})
            return
        for model, answer in zip(self.models, step.answers):
            model.add_answer(step, answer)
        if len(step.answers) == 2:
            self._compare_models(step)

    def comparison(self) -> dict[str, Any]:
        """Return what `summary.json` says of what changed from the first model to the second."""
        swapped, compared = self._swaps.total(), self._compared
        return {
            'frames_compared': compared,
            'frames_with_another_action': swapped,
            'fraction_with_another_action': round(swapped / compared, 4) if compared else None,
            'frames_with_another_mode': self._other_mode,
            'actions': [
                {'old': old, 'new': new, 'frames': count}
                for (old, new), count in self._swaps.most_common()
            ],
        }

    def _compare_models(self, step: Step) -> None:
        if None in step.answers:
            return
        old, new = (answer.estimate for answer in step.answers)
        self._compared += 1
        self._other_mode += old.mode is not new.mode
        if old.action == new.action:
            return
        self._swaps[old.action, new.action] += 1
        self.swap_cards.add(
            lambda: (
                step.now_ns,
                {
                    'picture': thumbnail(step.answers[1].sample.image),
                    'mode': new.mode.value,
                    'choices': [
                        Choice(who=who, action=each.action, confidence=each.confidence)
                        for who, each in (('old', old), ('new', new))
                    ],
                },
            )
        )


def _prefixed(kind: str, values: dict[str, float]) -> dict[str, float]:
    return {f'{kind} {name}': float(value) for name, value in values.items()}
