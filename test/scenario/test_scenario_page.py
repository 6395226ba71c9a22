# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The page of a played scenario."""

from crossmodal_kd_ros.scenario.plots import facade_map
from crossmodal_kd_ros.scenario.report import clock
from crossmodal_kd_ros.scenario.score import Visit


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
