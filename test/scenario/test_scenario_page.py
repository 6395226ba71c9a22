# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of a played scenario, and the lines that close it."""

from crossmodal_kd_ros.cli.scenario import closing_lines
from crossmodal_kd_ros.scenario.in_process import play
from crossmodal_kd_ros.scenario.plots import facade_map
from crossmodal_kd_ros.scenario.report import clock, write_results
from crossmodal_kd_ros.scenario.score import Visit
from crossmodal_kd_ros.scenario.setting import SCENARIOS, Setting


def test_the_map_and_the_histories_of_a_page_count_the_same_days():
    hours = (0.0, 15.0, 17.0, 300.0)
    places = [
        Visit(
            arrival={'panel': 0, 'hours': hour, 'needs': {}, 'crack_width_mm': 0.0},
            acts=(),
            requests=(),
        )
        for hour in hours
    ]
    drawn = facade_map(places, ['mycelium'], 1)

    days = [clock(hour).partition(',')[0] for hour in hours]
    assert days == ['day 1', 'day 1', 'day 2', 'day 13']
    assert [drawn.count(f'>{day}<') for day in days] == [2, 2, 1, 1]


def test_a_recording_that_is_not_whole_is_told_of_on_the_page_and_in_the_end(tmp_path):
    setting = Setting(scenario=SCENARIOS['month'], seed=0, control='nobody')
    why = 'a message of /camera/image_raw/compressed could not be recorded: no picture'
    bag = {'path': 'bag', 'messages': 9, 'dropped': {'/a': 2, '/b': 1}, 'bytes': 9, 'error': why}
    summary = write_results(tmp_path, play(setting, None), setting, how={'bag': bag}, command='')

    assert f'3 messages are missing. {why}.' in (tmp_path / 'report.html').read_text()
    assert f'the recording is not whole: {why}' in closing_lines(summary, tmp_path)
