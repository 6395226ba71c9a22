# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The threads of a replay: what is read ahead, and how each of them ends it."""

import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import made_up_bag as made
import pytest
from made_up_bag import PROFILE
from replays import CONFIG, answers
from test_reader import cut

from crossmodal_kd_ros.bags import Bag
from crossmodal_kd_ros.bags.ahead import ahead
from crossmodal_kd_ros.bags.replay import Model, Replay
from crossmodal_kd_ros.bags.topics import choose_topics

pytestmark = pytest.mark.timeout(120)


class Numbers:
    """A generator of numbers that notes what it made, and in which threads it was."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.made, self.threads, self.has_ended = [], set(), False
        self._fails_at = fails_at

    def __iter__(self):
        try:
            for number in range(1000):
                self.threads.add(threading.get_ident())
                if number == self._fails_at:
                    raise ValueError('a disk that cannot be read')
                self.made.append(number)
                yield number
        finally:
            self.threads.add(threading.get_ident())
            self.has_ended = True


def test_all_items_come_in_order_from_one_thread_that_is_not_the_callers():
    numbers = Numbers()
    assert list(ahead(iter(numbers), 3)) == list(range(1000))
    assert len(numbers.threads) == 1 and threading.get_ident() not in numbers.threads


def test_no_more_is_made_ahead_than_was_asked_for_and_stopping_early_ends_it():
    numbers = Numbers()
    with closing(ahead(iter(numbers), 3)) as items:
        assert [next(items) for _ in range(5)] == list(range(5))
    assert numbers.has_ended and 5 <= len(numbers.made) <= 5 + 3
    assert len(numbers.threads) == 1 and threading.get_ident() not in numbers.threads


def test_what_was_made_before_a_failure_comes_before_it():
    got = []
    with pytest.raises(ValueError, match='a disk that cannot be read'):
        for number in ahead(iter(Numbers(fails_at=10)), 3):
            got.append(number)
    assert got == list(range(10))


class Failing(made.Oracle):
    """An engine that fails at its third batch of the student, or of the teacher."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def perceive(self, views):
        self._fail('perceive', len(self.perceived))
        return super().perceive(views)

    def decide(self, views, readings, present):
        self._fail('decide', len(self.decided))
        return super().decide(views, readings, present)

    def _fail(self, question: str, number: int) -> None:
        if (question, number) == (self._question, 2):
            raise MemoryError(f'no room to {question}')


@pytest.mark.parametrize('who', ['read', 'perceive', 'decide'])
def test_a_thread_that_fails_ends_the_replay_with_its_error_and_leaves_no_thread(bag, who):
    def readings():
        with Bag(bag) as opened:
            for number, one in enumerate(choose_topics(opened, PROFILE, {}).readings(opened)):
                if who == 'read' and number == 300:
                    raise MemoryError('no room to read')
                yield one

    before = set(threading.enumerate())
    replay = Replay([Model(Failing(who))], PROFILE, CONFIG)
    with pytest.raises(MemoryError, match=f'no room to {who}'):
        for _ in replay.run(readings()):
            pass
    assert set(threading.enumerate()) == before


def test_a_replay_that_is_not_wanted_any_more_leaves_no_thread(bag):
    before = set(threading.enumerate())
    with Bag(bag) as opened:
        replay = Replay([Model(made.Oracle())], PROFILE, CONFIG)
        with closing(replay.run(choose_topics(opened, PROFILE, {}).readings(opened))) as steps:
            next(steps)
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize('is_cut', [False, True], ids=['whole', 'cut'])
def test_a_database_is_read_in_the_thread_that_reads(tmp_path, is_cut):
    path = made.robot(tmp_path / 'bag', storage='sqlite3')
    got = answers(cut(path, 0.8) if is_cut else path, made.Oracle())
    assert len(got) > 60 if is_cut else len(got) == 120


REPLAY_SLOWLY = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import made_up_bag as made
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag

class Slow(made.Oracle):
    def perceive(self, views):
        print('going', flush=True)
        time.sleep(0.5)
        return super().perceive(views)

plan = ReplayPlan(bag=Path(sys.argv[1]), out=Path(sys.argv[2]), profile=made.PROFILE)
try:
    replay_bag(plan, [Model(Slow())])
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_ends_a_replay_within_a_batch_and_writes_nothing(bag, tmp_path):
    process = subprocess.Popen(
        [sys.executable, '-c', REPLAY_SLOWLY, bag, tmp_path / 'out', Path(__file__).parent],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().startswith('going')  # from two threads
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / 'out').exists()
