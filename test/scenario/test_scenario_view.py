# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a person reads while a scenario is played."""

import io

import pytest
from rich.console import Console

from crossmodal_kd_ros.demo.live import Live
from crossmodal_kd_ros.scenario.setting import SCENARIOS, Setting
from crossmodal_kd_ros.scenario.view import LineScreen, screen

SETTING = Setting(scenario=SCENARIOS['month'], seed=0)
AT = {'t_s': 12.5, 'hours': 240.0, 'visit': 2, 'panel': 1}
EVENTS = [
    {**AT, 'kind': 'facade', 'health': [0.5, 0.75], 'uptake': [0.1, -0.2]},
    {**AT, 'kind': 'mode', 'mode': 'STUDENT', 'reason': 'no touch'},
    {
        **AT,
        'kind': 'arrive',
        'needs': {'seal_crack': 'crack'},
        'reason': 'crack 0.8 mm wide',
        'crack_width_mm': 0.8,
        'crack_limit_mm': 0.3,
    },
    {
        **AT,
        'kind': 'act',
        'action': 'seal_crack',
        'contact': {'pressure_kpa': 42.04, 'pitch_deg': 0.0, 'yaw_deg': 0.0},
        'needs': {'seal_crack': 'crack'},
        'outcome': 'sealed',
        'words': 'it holds',
    },
    {**AT, 'kind': 'ask', 'text': 'request_human'},
]


@pytest.mark.parametrize('width', [120, 80])
def test_the_screen_shows_the_day_the_facade_and_what_happened(width):
    console = Console(file=io.StringIO(), width=width, height=40, force_terminal=True)
    console.print(screen(Live(), EVENTS, SETTING, width=width, height=40), height=40)

    text = console.file.getvalue()
    assert 'day 10.0 of 30' in text
    assert '50%' in text and '75%' in text
    assert 'seal crack with 42.0 kPa: sealed: it holds' in text


def test_lines_tell_every_piece_of_news_once():
    console = Console(file=io.StringIO(), width=120)
    lines = LineScreen(console)
    lines.show(Live(), EVENTS[:3])
    lines.show(Live(), EVENTS)

    told = console.file.getvalue().splitlines()
    assert [line.partition('s  ')[2] for line in told] == [
        'STUDENT: no touch',
        'panel 2: here, in truth: crack 0.8 mm wide',
        'panel 2: seal crack with 42.0 kPa: sealed: it holds',
        'panel 2: a person is asked: request human',
    ]
