# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures decoded, and networks run, ahead of the frame whose turn it is: a recording knows its future.

The pipeline still decides frame by frame. What it asks of its engine has mostly been computed already, for a batch of
neighbouring frames and on every core; where the guess was wrong (another mode, other readings) the engine is asked again.
Batches are cut by counting frames, never by time, so that two runs compute the same batches and get the same bytes.
"""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.bags.mapping import Reading
from crossmodal_kd_ros.bags.pace import TURN
from crossmodal_kd_ros.contract import ContractError, Mode, Prediction, Sample
from crossmodal_kd_ros.runtime import Engine

# Half the cost of single frames on two cores; twice as many bring another 2 %.
BATCH = 16
# Readings that wait for a batch to fill: at most so many, should the camera have died.
_LONGEST_STRETCH = 500


@dataclass
class Foreseen:
    """A reading whose turn is near, and what is known of it by then.

    Attributes:
        reading: as it came from the bag.
        touch, gas: the newest ones by then, if it is a picture's turn and they are fresh; else `None`.
        image: `uint8[H, W, 3]`, RGB, once decoded; or why there is none.
        predictions: one for each engine, once computed.
    """

    reading: Reading
    touch: np.ndarray | None = None
    gas: np.ndarray | None = None
    image: np.ndarray | ContractError | None = None
    predictions: tuple[Prediction | None, ...] = ()

    @property
    def is_picture(self) -> bool:
        """Whether it is the turn of a picture, which is decoded for it."""
        return self.reading.role == TURN

    def read(self) -> np.ndarray:
        """Return the picture; raise `ContractError` if it cannot be read."""
        if isinstance(self.image, ContractError):
            raise self.image
        return self.image


class ForeseeingEngine:
    """The engine the pipeline sees: it answers with what was computed ahead, if that is what is asked for."""

    def __init__(self, engine: Engine, index: int) -> None:
        """Stand in for `engine`, whose predictions are number `index` of each `Foreseen`."""
        self.name = engine.name
        self.asked_again = 0
        self._engine, self._index = engine, index
        self._foreseen: Foreseen | None = None

    def expect(self, foreseen: Foreseen) -> None:
        """Take `foreseen` for what is asked about next."""
        self._foreseen = foreseen

    def picture(self) -> np.ndarray:
        """Return the picture whose turn it is; raise `ContractError` if it cannot be read."""
        return self._foreseen.read()

    def infer(self, sample: Sample, mode: Mode) -> Prediction:
        """Return what the engine says."""
        known = self._known(sample, mode)
        if known is None:
            self.asked_again += 1
            return self._engine.infer(sample, mode)
        return known

    def _known(self, sample: Sample, mode: Mode) -> Prediction | None:
        foreseen = self._foreseen
        prediction = foreseen.predictions[self._index] if foreseen.predictions else None
        if prediction is None or sample.image is not foreseen.image:
            return None
        if mode is Mode.TEACHER:
            same = _same(sample.touch, foreseen.touch) and _same(sample.gas, foreseen.gas)
            return prediction if same and foreseen.touch is not None and foreseen.gas is not None else None
        if mode in (Mode.STUDENT, Mode.HOLD) and prediction.student_probabilities is not None:
            return dataclasses.replace(prediction, probabilities=prediction.student_probabilities)
        return None


class Lookahead:
    """Runs ahead over readings with a thread for each core; close it, or use it in a `with`."""

    def __init__(self, engines: Sequence[Engine], *, fresh_s: dict[str, float]) -> None:
        """Compute ahead for `engines`, as the teacher where touch and gas are younger than `fresh_s` says of each."""
        self._engines, self._fresh_s = engines, fresh_s
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix='lookahead')

    def __enter__(self) -> 'Lookahead':
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def over(self, readings: Iterable[Reading]) -> Iterator[Foreseen]:
        """Yield every reading in its order; pictures come decoded, with predictions."""
        stretches: deque[tuple[list[Foreseen], Future]] = deque()
        stretch: list[Foreseen] = []
        pictures = 0
        newest: dict[str, Reading] = {}
        for reading in readings:
            foreseen = Foreseen(reading)
            if reading.role in ('touch', 'gas') and not reading.bad:
                newest[reading.role] = reading
            if foreseen.is_picture:
                pictures += 1
                foreseen.touch, foreseen.gas = (self._fresh(newest.get(role), reading) for role in ('touch', 'gas'))
            stretch.append(foreseen)
            if pictures == BATCH or len(stretch) == _LONGEST_STRETCH:
                stretches.append((stretch, self._pool.submit(self._compute, stretch)))
                stretch, pictures = [], 0
                # One for each worker, and one that waits.
                if len(stretches) > self._workers + 1:
                    yield from _finished(*stretches.popleft())
        stretches.append((stretch, self._pool.submit(self._compute, stretch)))
        for last in stretches:
            yield from _finished(*last)

    def _fresh(self, reading: Reading | None, picture: Reading) -> np.ndarray | None:
        if reading is None or picture.received_ns - reading.received_ns > self._fresh_s[reading.role] * 1e9:
            return None
        return reading.value

    def _compute(self, stretch: list[Foreseen]) -> None:
        readable = []
        for foreseen in filter(lambda one: one.is_picture, stretch):
            try:
                foreseen.image = foreseen.reading.value()
                readable.append(foreseen)
            except ContractError as error:
                foreseen.image = error
        if not readable:
            return
        samples = [
            Sample(stamp_ns=one.reading.stamp_ns, image=one.image, touch=one.touch, gas=one.gas) for one in readable]
        modes = [
            Mode.STUDENT if sample.touch is None or sample.gas is None else Mode.TEACHER for sample in samples]
        said = [_ask(engine, samples, modes) for engine in self._engines]
        for row, foreseen in enumerate(readable):
            foreseen.predictions = tuple(predictions[row] for predictions in said)


def _ask(engine: Engine, samples: list[Sample], modes: list[Mode]) -> Sequence[Prediction | None]:
    many: Callable | None = getattr(engine, 'infer_many', None)
    # An engine that takes one sample at a time is asked when the turn of each comes.
    return many(samples, modes) if many is not None else [None] * len(samples)


def _finished(stretch: list[Foreseen], done: Future) -> Iterator[Foreseen]:
    done.result()
    return iter(stretch)


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
