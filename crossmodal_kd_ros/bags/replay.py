# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the runtime of the node, faster than life and without ROS.

Time is what the recording says. The clock of the node stands where the recorder's stood when a
message came, and each picture is answered when its turn was (see `pace`), so that ages, timeouts
and returns are those of the robot. The beat that notices a dead camera goes on between messages.
Nothing looks at the clock of this machine: two replays of a bag are equal.
"""

import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crossmodal_kd_ros.bags.lookahead import Choose, ForeseeingEngine, Foreseen, Lookahead
from crossmodal_kd_ros.bags.node_timing import TURN, with_turns
from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.contract import SENSORS, Estimate, Mode, Prediction, Sample
from crossmodal_kd_ros.runtime import Calibration, Engine, Limits, ModeChange, Pipeline
from crossmodal_kd_ros.runtime.arbiter import Decision, without_evidence
from crossmodal_kd_ros.runtime.confidence import Judgement

# As the node's.
BEAT_NS = 50_000_000
# Stamps and receipts of one machine are milliseconds apart, those of two clocks that nobody set
# alike years.
_SAME_CLOCK_S = 10.0
_LOOK_AT = 200


@dataclass(frozen=True)
class Model:
    """An engine, and what was measured of its weights, if anything was."""

    engine: Engine
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Answer:
    """What one model said of one picture.

    Attributes:
        estimate: what the node publishes; `None` if the picture cannot be read or the engine
            failed.
        sample: the readings that were used. prediction: what the networks said, whatever was made
            of it.
    """

    estimate: Estimate | None
    sample: Sample | None
    prediction: Prediction | None


@dataclass(frozen=True)
class Step:
    """One reading as it was replayed: the clock by then, and if it is a picture's turn an answer from each model."""

    now_ns: int
    reading: Reading
    answers: tuple[Answer, ...] = ()


class Lane:
    """One model behind a pipeline of its own, and what that announces."""

    def __init__(self, model: Model, index: int, limits: Limits) -> None:
        """Start in `HOLD`, with no reading."""
        self.engine = ForeseeingEngine(model.engine, index)
        self.pipeline = Pipeline(
            self.engine, limits=limits, calibration=model.calibration, on_mode=self._on_mode
        )
        self._events: list[ModeChange | int] = []

    def take_events(self) -> list[ModeChange | int]:
        """Return the changes of mode, and the times (ns) of beats on which the robot held, since the last call."""
        events, self._events = self._events, []
        return events

    def beat(self, now_ns: int) -> None:
        """Do what the node's timer does."""
        if self.pipeline.update(now_ns) is Mode.HOLD:
            self._events.append(now_ns)

    def take(self, foreseen: Foreseen, now_ns: int) -> Answer | None:
        """Put a reading into the pipeline; return the answer if it is a picture's turn."""
        reading = foreseen.reading
        if reading.bad:
            self.pipeline.reject(reading.role, reading.bad)
        elif reading.role == 'touch':
            self.pipeline.put_touch(reading.stamp_ns, reading.value, now_ns=now_ns)
        elif reading.role == 'gas':
            self.pipeline.put_gas(reading.stamp_ns, reading.value, now_ns=now_ns)
        elif reading.role == 'camera':
            self.pipeline.put_image(reading.stamp_ns, self.engine.picture, now_ns=now_ns)
        elif reading.role == TURN:
            self.engine.expect(foreseen)
            return Answer(self.pipeline.step(now_ns), *self.pipeline.evidence)
        return None

    def _on_mode(self, change: ModeChange) -> None:
        self._events.append(change)


class Replay:
    """Runs readings through one lane for each model.

    Attributes:
        lanes: one for each model.
        clock: in words, what time goes by.
        first_ns, now_ns: the clock at the first reading and at the last one so far.
    """

    def __init__(self, models: Sequence[Model], *, limits: Limits) -> None:
        """Prepare a lane for each of `models`."""
        self.lanes = [Lane(model, index, limits) for index, model in enumerate(models)]
        self.clock = ''
        self.first_ns = self.now_ns = 0
        self._engines, self._limits = [model.engine for model in models], limits
        self._choices = [_choice(model.calibration) for model in models]
        self._next_beat_ns = 0

    def run(self, readings: Iterable[Reading]) -> Iterator[Step]:
        """Yield every reading as it was replayed, in order."""
        readings = iter(readings)
        first = list(itertools.islice(readings, _LOOK_AT))
        by_receipt = _one_clock(first)
        readings = itertools.chain(first, readings)
        del first  # its pictures are not needed until the end
        self.clock = (
            'the time at which messages were recorded'
            if by_receipt
            else ("the stamps of messages: they are of another clock than the recorder's")
        )
        with Lookahead(self._engines, self._choices, self._limits) as lookahead:
            for foreseen in lookahead.over(with_turns(readings, at_once=not by_receipt)):
                reading = foreseen.reading
                self._advance(
                    reading.received_ns if by_receipt else max(self.now_ns, reading.stamp_ns)
                )
                if reading.beat_ns:
                    self._next_beat_ns = (
                        self.now_ns + BEAT_NS - (self.now_ns - reading.beat_ns) % BEAT_NS
                    )
                if reading.role in (*SENSORS, TURN):
                    answers = [lane.take(foreseen, self.now_ns) for lane in self.lanes]
                    yield Step(
                        self.now_ns,
                        reading,
                        tuple(answer for answer in answers if answer is not None),
                    )
                else:
                    yield Step(self.now_ns, reading)

    def _advance(self, now_ns: int) -> None:
        """Move the clock on, or back where the recorder's was set back, with a beat wherever one was due."""
        if not self.first_ns:
            self.first_ns = now_ns
        if not self._next_beat_ns or now_ns < self._next_beat_ns - 2 * BEAT_NS:
            self._next_beat_ns = now_ns
        while self._next_beat_ns <= now_ns:
            for lane in self.lanes:
                lane.beat(self._next_beat_ns)
            self._next_beat_ns += BEAT_NS
        self.now_ns = now_ns


def _choice(calibration: Calibration | None) -> Choose:
    """Return who decides with a set of sensors, and what it is shown, as the pipeline does by `calibration`."""
    best_mode = calibration.best_mode if calibration else without_evidence
    judgement = Judgement(calibration)

    def choose(usable: tuple[str, ...]) -> tuple[Mode, bool]:
        decision = Decision(mode=best_mode(usable), reason='', usable=usable)
        return decision.mode, judgement.ways(decision)[0]

    return choose


def _one_clock(readings: Sequence[Reading]) -> bool:
    """Return whether the stamps of messages and the times of their recording are of one clock."""
    apart_s = [
        abs(reading.received_ns - reading.stamp_ns) / 1e9
        for reading in readings
        if reading.role in SENSORS and not reading.bad
    ]
    return not apart_s or statistics.median(apart_s) < _SAME_CLOCK_S
