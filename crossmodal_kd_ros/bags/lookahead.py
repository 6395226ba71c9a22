# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures decoded, and networks run, ahead of the frame whose turn it is: a recording knows its future.

The pipeline still decides frame by frame. What it asks of its engine has mostly been computed
already, for a batch of neighbouring frames and on every core; where the guess was wrong (another
mode, other readings) the engine is asked again. Batches are cut by counting frames, never by time,
so that two runs compute the same batches and get the same bytes.
"""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.bags.node_timing import TURN
from crossmodal_kd_ros.bags.topics import Reading
from crossmodal_kd_ros.contract import SENSORS, ContractError, Mode, Prediction, Sample
from crossmodal_kd_ros.health.sensor import RecentReadings
from crossmodal_kd_ros.runtime import Engine, Limits

# Half the cost of single frames, and nine tenths of that of eight at once; twice as many bring
# another 2 %.
BATCH = 16
# Readings that wait for a batch to fill: at most so many, should the camera have died.
_LONGEST_STRETCH = 500
# In these the teacher decides, with the senses there are; in the others the student's word is
# known too.
_TAUGHT = (Mode.TEACHER, Mode.PARTIAL)

# Who decides with a set of sensors, and whether it is shown the student's estimate of a lost one.
Choose = Callable[[tuple[str, ...]], tuple[Mode, bool]]


@dataclass
class Foreseen:
    """A reading whose turn is near, and what is known of it by then.

    Attributes:
        reading: as it came from the bag.
        touch, gas: those that go with it, if it is a picture's turn and they are fresh; else
            `None`.
        image: `uint8[H, W, 3]`, RGB, once decoded; or why there is none.
        choices, predictions: one for each engine, once computed: see `Choose`, and what is said
            then.
    """

    reading: Reading
    touch: np.ndarray | None = None
    gas: np.ndarray | None = None
    image: np.ndarray | ContractError | None = None
    choices: tuple[tuple[Mode, bool], ...] = ()
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

    def infer(self, sample: Sample, mode: Mode, filled: bool = False) -> Prediction:
        """Return what the engine says."""
        known = self._known(sample, mode, filled)
        if known is None:
            self.asked_again += 1
            return self._engine.infer(sample, mode, filled)
        return known

    def _known(self, sample: Sample, mode: Mode, filled: bool) -> Prediction | None:
        foreseen = self._foreseen
        prediction = foreseen.predictions[self._index] if foreseen.predictions else None
        if prediction is None or sample.image is not foreseen.image:
            return None
        if mode not in _TAUGHT:
            own = prediction.student_probabilities
            return None if own is None else dataclasses.replace(prediction, probabilities=own)
        expected_mode, expected_filled = foreseen.choices[self._index]
        as_expected = (
            expected_mode in _TAUGHT
            and filled == expected_filled
            and _same(sample.touch, foreseen.touch)
            and _same(sample.gas, foreseen.gas)
        )
        return prediction if as_expected else None


class _Sense:
    """The last readings of touch or gas, and whether the pipeline will probably use them."""

    def __init__(self, timeout_s: float, recovery_s: float) -> None:
        self._timeout_ns, self._recovery_ns = timeout_s * 1e9, recovery_s * 1e9
        self._readings = RecentReadings()
        self._newest_ns: int | None = None
        self._back_ns: int | None = None  # when it came back, if it ever was away

    def take(self, reading: Reading) -> None:
        if (
            self._newest_ns is not None
            and reading.received_ns - self._newest_ns > self._timeout_ns
        ):
            self._back_ns = reading.received_ns
        self._newest_ns = reading.received_ns
        self._readings.add(min(reading.stamp_ns, reading.received_ns), reading.value)

    def value_for(self, picture: Reading) -> np.ndarray | None:
        """Return what goes with a picture, if it is neither stale nor back too lately to be trusted."""
        now_ns = picture.received_ns
        if self._newest_ns is None or now_ns - self._newest_ns > self._timeout_ns:
            return None
        is_back_lately = (
            self._back_ns is not None and 0 <= now_ns - self._back_ns < self._recovery_ns
        )
        return None if is_back_lately else self._readings.at(picture.stamp_ns)


class Lookahead:
    """Runs ahead over readings with a thread for each core; close it, or use it in a `with`."""

    def __init__(
        self, engines: Sequence[Engine], choices: Sequence[Choose], limits: Limits
    ) -> None:
        """Compute ahead for `engines`.

        Args:
            engines: what runs the networks.
            choices: for each of them, who decides with a set of sensors, and what it is shown.
            limits: how old touch and gas may be to count, and how long they have to be back.
        """
        self._engines, self._choices = engines, choices
        self._senses = {
            sense: _Sense(getattr(limits, f'{sense}_timeout_s'), limits.recovery_s)
            for sense in ('touch', 'gas')
        }
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
        for reading in readings:
            foreseen = Foreseen(reading)
            if reading.role in self._senses and not reading.bad:
                self._senses[reading.role].take(reading)
            if foreseen.is_picture:
                pictures += 1
                foreseen.touch, foreseen.gas = (
                    sense.value_for(reading) for sense in self._senses.values()
                )
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
            Sample(stamp_ns=one.reading.stamp_ns, image=one.image, touch=one.touch, gas=one.gas)
            for one in readable
        ]
        chosen = [[choose(_usable(sample)) for sample in samples] for choose in self._choices]
        said = [_ask(engine, samples, choices) for engine, choices in zip(self._engines, chosen)]
        for foreseen, choices, predictions in zip(readable, zip(*chosen), zip(*said)):
            foreseen.choices, foreseen.predictions = choices, predictions


def _usable(sample: Sample) -> tuple[str, ...]:
    return tuple(
        sensor
        for sensor, value in zip(SENSORS, (sample.image, sample.touch, sample.gas))
        if value is not None
    )


def _ask(
    engine: Engine, samples: list[Sample], choices: list[tuple[Mode, bool]]
) -> Sequence[Prediction | None]:
    many: Callable | None = getattr(engine, 'infer_many', None)
    # An engine that takes one sample at a time is asked when the turn of each comes.
    return many(samples, *zip(*choices)) if many is not None else [None] * len(samples)


def _finished(stretch: list[Foreseen], done: Future) -> Iterator[Foreseen]:
    done.result()
    return iter(stretch)


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
