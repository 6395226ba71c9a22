# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a person reads while a run goes on."""

import io
import json

import made_up_run as made
import numpy as np
import pytest
from rich.console import Console
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.demo.live import CAMERA_TOPIC, Live
from crossmodal_kd_ros.demo.screens import LineScreen, TerminalScreen
from crossmodal_kd_ros.demo.view import screen
from crossmodal_kd_ros.runtime import topics

TYPES = get_typestore(Stores.LATEST)
EXPERT = {
    'action': 'seal_crack',
    'reason': 'crack 2.0 mm deep',
    'description': 'bio concrete by day',
    'material': 'bio_concrete',
    'lighting': 'day',
}


def header(t_s: float):
    stamp = TYPES.types['builtin_interfaces/msg/Time'](*divmod(made.at(t_s), 1_000_000_000))
    return TYPES.types['std_msgs/msg/Header'](stamp, '')


def text(words: str) -> bytes:
    return bytes(
        TYPES.serialize_cdr(TYPES.types['std_msgs/msg/String'](words), 'std_msgs/msg/String')
    )


def scores(t_s: float, values) -> bytes:
    none = np.zeros(0)
    message = TYPES.types['sensor_msgs/msg/JointState'](
        header(t_s), list(made.ACTIONS), np.array(values, float), none, none
    )
    return bytes(TYPES.serialize_cdr(message, 'sensor_msgs/msg/JointState'))


def image(t_s: float, value: int) -> bytes:
    pixels = np.full(6 * 8 * 3, value, np.uint8)
    message = TYPES.types['sensor_msgs/msg/Image'](header(t_s), 6, 8, 'rgb8', 0, 24, pixels)
    return bytes(TYPES.serialize_cdr(message, 'sensor_msgs/msg/Image'))


def fed(fresh: list[tuple[str, float, bytes]], *, now_s: float) -> Live:
    live = Live()
    messages = [(topic, made.at(t_s), data) for topic, t_s, data in fresh]
    newest = {topic: (received_ns, data) for topic, received_ns, data in messages}
    live.take(
        [message for message in messages if message[0] != CAMERA_TOPIC], newest, made.at(now_s)
    )
    return live


def usual(*, now_s: float = 0.3) -> Live:
    return fed(
        [
            (CAMERA_TOPIC, 0.0, image(0.0, 200)),
            (topics.MODE_REASON.name, 0.1, text('STUDENT: touch is silent')),
            (topics.MODE.name, 0.1, text('STUDENT')),
            (topics.ACTION.name, 0.1, text('seal_crack')),
            (topics.EXPERT.name, 0.1, text(json.dumps(EXPERT))),
            (topics.ACTION_SCORES.name, 0.11, scores(0.1, [0.1, 0.5, 0.1, 0.1, 0.1, 0.1])),
        ],
        now_s=now_s,
    )


def drawn(live: Live, *, width: int = 120, height: int = 36) -> str:
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system=None
    )
    console.print(
        screen(live, made.SCENARIO, title='a title', duration_s=40.0, width=width, height=height)
    )
    return console.file.getvalue()


def test_the_screen_shows_mode_reason_sight_action_and_expert():
    shown = drawn(usual())
    for words in (
        'STUDENT',
        'touch is silent',
        'bio concrete by day',
        '→ seal crack  ✓',
        'expert: seal crack',
        '50%',
    ):
        assert words in shown


@pytest.mark.parametrize('width, height', [(80, 24), (100, 30), (120, 36), (200, 60)])
def test_the_screen_fits_the_terminal(width, height):
    lines = drawn(usual(), width=width, height=height).rstrip('\n').split('\n')
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert '→ seal crack' in '\n'.join(lines) and 'CO2 absorbed' in '\n'.join(lines)


def test_a_dead_camera_shows_no_stale_picture():
    assert 'no picture' in drawn(usual(now_s=2.0))
    assert 'no picture' not in drawn(usual())


def test_a_screen_can_be_drawn_before_anything_came():
    assert 'nothing yet' in drawn(Live())


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_mode_and_reason_find_each_other_in_either_order(order):
    messages = [
        (topics.MODE.name, 1.0, text('STUDENT')),
        (topics.MODE_REASON.name, 1.0, text('STUDENT: touch is silent')),
    ]
    live = fed(
        [(CAMERA_TOPIC, 0.0, image(0.0, 0)), *(messages[index] for index in order)], now_s=1.0
    )
    assert live.history == [(1.0, 'STUDENT', 'touch is silent')]


def test_latency_is_from_stamp_to_receipt():
    assert list(usual().latencies_ms) == [pytest.approx(10.0)]


def test_a_line_of_a_hold_does_not_say_how_sure_the_last_answer_was():
    console = Console(file=io.StringIO(), width=200)
    LineScreen(console).show(
        fed(
            [
                (CAMERA_TOPIC, 0.0, image(0.0, 200)),
                (topics.MODE.name, 5.0, text('HOLD')),
                (topics.ACTION.name, 5.0, text('hold')),
                (topics.ACTION_SCORES.name, 0.11, scores(0.1, [0.1, 0.5, 0.1, 0.1, 0.1, 0.1])),
            ],
            now_s=6.0,
        ),
        made.SCENARIO,
    )
    assert 'HOLD: hold, ' in console.file.getvalue() and 'sure' not in console.file.getvalue()


def test_lines_say_each_change_of_mode_once():
    console = Console(file=io.StringIO(), width=200)
    lines = LineScreen(console)
    for _ in range(3):
        lines.show(usual(now_s=6.0), made.SCENARIO)
    printed = console.file.getvalue()
    assert printed.count('STUDENT: touch is silent') == 1
    assert printed.count('frames answered') == 1
    assert 'seal crack, 50% sure (expert: seal crack)' in printed


@pytest.mark.parametrize('make', [LineScreen, lambda console: TerminalScreen(console, None)])
def test_what_is_waited_for_is_no_markup(make):
    console = Console(file=io.StringIO(), width=40)
    make(console).say('the logs in runs[a]/x [/tmp/y] z, however long')
    assert console.file.getvalue() == 'the logs in runs[a]/x [/tmp/y] z, however long ...\n'
