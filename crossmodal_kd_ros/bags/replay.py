# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the runtime of the node, faster than life and without ROS.

Time is what the recording says. The clock of the node stands where the recorder's stood when a
message arrived, and each picture is answered at its turn (see `node_timing`), so that ages,
timeouts and returns are those of the robot. The beat that notices a dead camera goes on between
messages.

A recording knows its future, so that networks run on a batch of neighbouring pictures. What the
student sees depends on the picture alone and is computed ahead. Who decides depends on sensors and
student, never on a teacher: a whole stretch is observed and prepared, the teacher
decides its pictures in one batch, and then the answers are finished in order. Batches are cut by
counting pictures and nothing looks at the clock of this machine: two replays of a bag are equal.

Three kinds of threads work beside each other: one reads, a few decode pictures and run networks,
and the caller's observes, prepares and finishes.
"""

import itertools
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from crossmodal_kd_ros.bags.ahead import ahead
from crossmodal_kd_ros.bags.clock import RecordingClock
from crossmodal_kd_ros.bags.node_timing import TURN, with_turns
from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.profile import CAMERA, Mode, Profile, ReadingError, square_view
from crossmodal_kd_ros.runtime import (
    Answer,
    Decision,
    Engine,
    ModeChange,
    Pending,
    Perception,
    Pipeline,
    RuntimeConfig,
)

# As the node's.
BEAT_NS = 50_000_000
# Pictures of a batch: half the cost of single ones, and nine tenths of that of eight at once;
# twice as many bring another 2 %.
BATCH = 16
# Stretches that are read before they are asked for.
_AHEAD = 2
# Readings that wait for a batch to fill: at most so many, and for so long, should the camera have
# died.
_MAX_STRETCH, _MAX_STRETCH_NS = 500, 30_000_000_000
# Without a reading for so long, or for twice the longest timeout, nothing changes any more: the
# beats that follow until the next reading are left out.
_GAP_S = 10.0


@dataclass(frozen=True)
class Model:
    """An engine, and what was measured of its weights, if anything was."""

    engine: Engine
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Step:
    """One reading as it was replayed.

    Attributes:
        now_ns: the clock by then.
        reading: out of the bag; in the role `TURN` a picture whose turn it is.
        answers: of each model, if it is the turn of a picture; `None` if that cannot be read.
    """

    now_ns: int
    reading: Reading
    answers: tuple[Answer | None, ...] = ()


@dataclass
class _Moment:
    """A reading on its way through the replay; what belongs to a lane is there once for each.

    Attributes:
        reading: out of the bag.
        image: `uint8[H, W, 3]`, RGB, or why there is none; of a picture's turn.
        view: `uint8[S, S, 3]`, the square view of it.
        perceptions: what each student sees in it.
        now_ns: the clock by then.
        beats: times of the beats that were due before, each with the decision of each lane.
        turns: at the turn of a picture: what waits for the teacher, or, of a picture that cannot
            be answered, who decides.
        probabilities: of the teacher, where it was needed.
    """

    reading: Reading
    image: np.ndarray | ReadingError | None = None
    view: np.ndarray | None = None
    perceptions: tuple[Perception, ...] = ()
    now_ns: int = 0
    beats: list[tuple[int, list[Decision]]] = field(default_factory=list)
    turns: list[Pending | Decision] = field(default_factory=list)
    probabilities: dict[int, np.ndarray] = field(default_factory=dict)

    def read(self) -> np.ndarray:
        """Return the picture; raise `ReadingError` if it cannot be read."""
        if isinstance(self.image, ReadingError):
            raise self.image
        return self.image


_Stretch = list[_Moment]


class Lane:
    """One model behind a pipeline of its own, and what that announces."""

    def __init__(self, model: Model, config: RuntimeConfig) -> None:
        """Start in `HOLD`, with no reading."""
        self.model = model
        self.pipeline = Pipeline(
            model.engine, config=config, calibration=model.calibration, on_mode=self._on_mode
        )
        self._events: list[ModeChange | int] = []
        self._turn: _Moment | None = None

    def take_events(self) -> list[ModeChange | int]:
        """Return the changes of mode, and times (ns) of beats in `HOLD`, since the last call."""
        events, self._events = self._events, []
        return events

    def put(self, reading: Reading, now_ns: int) -> None:
        """Store a reading."""
        if reading.bad:
            self.pipeline.reject(reading.role, reading.bad)
        elif reading.role == CAMERA:
            self.pipeline.put_image(reading.stamp_ns, lambda: self._turn.read(), now_ns=now_ns)
        else:
            self.pipeline.put(reading.role, reading.stamp_ns, reading.value, now_ns=now_ns)

    def prepare(self, moment: _Moment, perception: Perception | None) -> Pending | Decision:
        """Return the picture whose turn it is, up to the teacher; else who decides without it."""
        frame = self.pipeline.take_frame()
        if frame is not None:
            self._turn = moment
            pending = self.pipeline.prepare(frame, moment.now_ns, perception, view=moment.view)
            if pending is not None:
                return pending
        return self.pipeline.observe(moment.now_ns)

    def beat(self, decision: Decision, now_ns: int) -> None:
        """Announce the decision of the beat at `now_ns`."""
        if self.pipeline.announce(decision, now_ns) is Mode.HOLD:
            self._events.append(now_ns)

    def _on_mode(self, change: ModeChange) -> None:
        self._events.append(change)


class Replay:
    """Runs readings through one lane for each model.

    Attributes:
        config: of every lane. lanes: one for each model.
        clock: what time goes by.
        first_ns, now_ns: the clock at the first reading, and at the newest that was prepared.
        gaps: start and end, ns, of each stretch so long without a reading that it was left out.
    """

    def __init__(self, models: Sequence[Model], profile: Profile, config: RuntimeConfig) -> None:
        """Prepare a lane for each of `models`, which are of `profile`."""
        self.config = config
        self.lanes = [Lane(model, config) for model in models]
        self.clock = RecordingClock((), profile)
        self.first_ns = self.now_ns = 0
        self.gaps: list[tuple[int, int]] = []
        self._gap_ns = round(1e9 * max(_GAP_S, 2.0 * max(config.timeouts_s.values())))
        self._profile = profile
        self._next_beat_ns = 0
        self._workers = os.cpu_count() or 1

    def run(self, readings: Iterable[Reading]) -> Iterator[Step]:
        """Yield every reading as it was replayed, in order."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix='networks')
        perceiving: deque[tuple[_Stretch, Future]] = deque()
        deciding: deque[tuple[_Stretch, Future]] = deque()
        with closing(ahead(self._read(readings), _AHEAD)) as stretches:
            try:
                for stretch in stretches:
                    perceiving.append((stretch, pool.submit(self._perceive, stretch)))
                    # One for each worker, for the students and for the teachers.
                    if len(perceiving) > self._workers:
                        deciding.append(self._prepare(pool, *perceiving.popleft()))
                        if len(deciding) >= self._workers:
                            yield from self._finish(*deciding.popleft())
                while perceiving:
                    deciding.append(self._prepare(pool, *perceiving.popleft()))
                while deciding:
                    yield from self._finish(*deciding.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _read(self, readings: Iterable[Reading]) -> Iterator[_Stretch]:
        """Set the clock by the first readings, and yield all in stretches."""
        self.clock, readings = RecordingClock.of(readings, self._profile)
        yield from _stretches(with_turns(readings, at_once=not self.clock.by_receipt))

    def _perceive(self, stretch: _Stretch) -> None:
        """Decode the pictures whose turn is in a stretch, and have the students look at them."""
        readable = []
        for moment in stretch:
            if moment.reading.role == TURN:
                try:
                    moment.image = moment.reading.value()
                    moment.view = square_view(moment.image, size_px=self._profile.camera.view_px)
                    readable.append(moment)
                except ReadingError as error:
                    moment.image = error
        if not readable:
            return
        views = np.stack([moment.view for moment in readable])
        batches = [lane.model.engine.perceive(views) for lane in self.lanes]
        for row, moment in enumerate(readable):
            moment.perceptions = tuple(batch.row(row) for batch in batches)

    def _prepare(
        self, pool: ThreadPoolExecutor, stretch: _Stretch, perceived: Future
    ) -> tuple[_Stretch, Future]:
        """Observe a stretch, reading by reading, and have the teachers decide its pictures."""
        perceived.result()
        for moment in stretch:
            moment.reading = reading = self.clock.tick(moment.reading)
            self._advance(moment, self.clock.now_ns)
            if reading.beat_ns:
                self._next_beat_ns = (
                    self.now_ns + BEAT_NS - (self.now_ns - reading.beat_ns) % BEAT_NS
                )
            if reading.role in self._profile.sensors:
                for lane in self.lanes:
                    lane.put(reading, self.now_ns)
            elif reading.role == TURN:
                moment.turns = [
                    lane.prepare(moment, perception)
                    for lane, perception in itertools.zip_longest(self.lanes, moment.perceptions)
                ]
        return stretch, pool.submit(self._decide, stretch)

    def _advance(self, moment: _Moment, now_ns: int) -> None:
        """Move the clock to `now_ns`, also back, with a beat wherever one was due."""
        if not self.first_ns:
            self.first_ns = self.now_ns = self._next_beat_ns = now_ns
        if now_ns < self._next_beat_ns - 2 * BEAT_NS:
            self._next_beat_ns = now_ns
        if now_ns - self.now_ns > self._gap_ns:
            self.gaps.append((self.now_ns, now_ns))
            self._beat(moment, self.now_ns + self._gap_ns)
            self._next_beat_ns = now_ns
        self._beat(moment, now_ns)
        self.now_ns = moment.now_ns = now_ns

    def _beat(self, moment: _Moment, until_ns: int) -> None:
        """Observe at each beat that is due by then."""
        while self._next_beat_ns <= until_ns:
            decisions = [lane.pipeline.observe(self._next_beat_ns) for lane in self.lanes]
            moment.beats.append((self._next_beat_ns, decisions))
            self._next_beat_ns += BEAT_NS

    def _decide(self, stretch: _Stretch) -> None:
        """Have each teacher decide its pictures of a stretch in one batch."""
        for index, lane in enumerate(self.lanes):
            waiting = [
                moment
                for moment in stretch
                for turn in moment.turns[index : index + 1]
                if isinstance(turn, Pending) and turn.needs_teacher
            ]
            if not waiting:
                continue
            pendings = [moment.turns[index] for moment in waiting]
            readings, present = (
                {
                    sense: np.stack([getattr(pending, name)[sense] for pending in pendings])
                    for sense in self._profile.senses
                }
                for name in ('readings', 'present')
            )
            views = np.stack([pending.view for pending in pendings])
            rows = lane.model.engine.decide(views, readings, present)
            for moment, row in zip(waiting, rows):
                moment.probabilities[index] = row

    def _finish(self, stretch: _Stretch, decided: Future) -> Iterator[Step]:
        """Announce and answer, in order."""
        decided.result()
        for moment in stretch:
            for now_ns, decisions in moment.beats:
                for lane, decision in zip(self.lanes, decisions):
                    lane.beat(decision, now_ns)
            answers = []
            for index, (lane, turn) in enumerate(zip(self.lanes, moment.turns)):
                if isinstance(turn, Pending):
                    answers.append(lane.pipeline.finish(turn, moment.probabilities.get(index)))
                else:
                    lane.pipeline.announce(turn, moment.now_ns)
                    answers.append(None)
            yield Step(moment.now_ns, moment.reading, tuple(answers))


def _stretches(readings: Iterable[Reading]) -> Iterator[_Stretch]:
    """Yield the readings in stretches of `BATCH` turns of pictures."""
    stretch: _Stretch = []
    pictures = 0
    for reading in readings:
        stretch.append(_Moment(reading))
        pictures += reading.role == TURN
        lasts_ns = reading.received_ns - stretch[0].reading.received_ns
        if pictures == BATCH or len(stretch) == _MAX_STRETCH or lasts_ns > _MAX_STRETCH_NS:
            yield stretch
            stretch, pictures = [], 0
    yield stretch
