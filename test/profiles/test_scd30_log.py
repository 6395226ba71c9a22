# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A real log of an SCD30, played as the three topics of the profile `air`.

Source: github.com/iljamak/co2_measuring, commit c9d25758, MIT. It has gaps, one low reading and
some that are saturated at 40,000 ppm. Most readings are 3.1 s apart. The noise in the profile is
that of the steadiest minute of the first day; the days after it judge too.
"""

import csv
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossmodal_kd_ros.health.reasons import say
from crossmodal_kd_ros.health.sensor import SensorHealth, sensors_of
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.runtime.messages import BadMessage
from crossmodal_kd_ros.runtime.sources import SenseReader

DATA = Path(
    os.environ.get('CROSSMODAL_KD_DATA', Path(__file__).resolve().parents[3] / 'shared' / 'data')
)
LOG = DATA / 'gas' / 'scd30_logs_co2.txt'
SENSE = load_profile('air').senses['air']
REPEAT_S = 0.5

pytestmark = pytest.mark.skipif(not LOG.is_file(), reason='the recorded log is not here')


def rows() -> list[tuple[float, float, float, float]]:
    """Return (time s, CO2 ppm, temperature °C, relative humidity %) of each reading."""
    with LOG.open(encoding='utf-8') as file:
        lines = [line for line in csv.reader(file) if len(line) >= 4 and line[1] != 'None']
    return [
        (datetime.fromisoformat(line[0]).timestamp(), *map(float, line[1:4]))
        for line in lines
        if line[0][:2] == '20'
    ]


def repeated(log: list[tuple], repeats: bool) -> Iterator[tuple]:
    """Yield (time s, row): each row once or, until the next or for 4 s, every half second."""
    for row, following in zip(log, [*log[1:], (log[-1][0] + 10.0,)]):
        yield row[0], row
        again_s = row[0] + REPEAT_S
        while repeats and again_s < min(following[0], row[0] + 4.0):
            yield again_s, row
            again_s += REPEAT_S


def play(log: list[tuple], *, repeats: bool) -> Iterator[tuple[tuple, SensorHealth, int]]:
    """Play rows as messages; yield (row, health of the sense, time ns) after each."""
    reader, config = SenseReader(SENSE), RuntimeConfig.of(load_profile('air'))
    health = sensors_of(load_profile('air'), config.timeouts_s)['air']
    before_ns = 0
    for t_s, row in repeated(log, repeats):
        now_ns = round(t_s * 1e9)
        if now_ns < before_ns:  # the logger's clock was set back by 49 s: so does the pipeline
            health.reset()
        before_ns = now_ns
        stamp = SimpleNamespace(sec=now_ns // 10**9, nanosec=now_ns % 10**9)
        messages = {
            'air/temperature': SimpleNamespace(
                header=SimpleNamespace(stamp=stamp), temperature=row[2], variance=0.0
            ),
            'air/humidity': SimpleNamespace(
                header=SimpleNamespace(stamp=stamp), relative_humidity=row[3] / 100.0, variance=0.0
            ),
            'air/co2': SimpleNamespace(data=row[1]),
        }
        readings = []
        for topic, message in messages.items():
            try:
                readings.append(reader.read(topic, message, now_ns))
            except BadMessage as bad:  # the log has numbers that are none
                health.reject(str(bad))
                readings = None
                break
        if readings is None:
            continue
        # The three topics are one reading.
        assert [reading is None for reading in readings] == [True, True, False]
        health.accept(*readings[-1], now_ns)
        yield row, health, now_ns


@pytest.mark.parametrize('repeats', [False, True], ids=['once', 'repeated at 2 Hz'])
def test_the_module_is_healthy_where_it_measures_and_lost_at_its_gaps(repeats):
    log = rows()
    ends_s = {row[0]: following[0] for row, following in zip(log, log[1:])}
    faults, lost, gaps = [], 0, 0
    for row, health, now_ns in play(log, repeats=repeats):
        if not health.health(now_ns).healthy:
            faults.append((row, say(*health.health(now_ns).reasons)))
        # As a driver that repeats its value until 4 s after it measured stops doing so.
        silent_from_s = now_ns / 1e9
        gap_s = ends_s.get(row[0], 0.0) - silent_from_s
        if gap_s > 12.0:
            gaps += 1
            state = health.health(now_ns + round((SENSE.timeout_s + 0.1) * 1e9))
            lost += not state.healthy and 'newest air reading is' in say(*state.reasons)
    measured = [fault for fault in faults if 300.0 <= fault[0][1] < 39000.0]

    assert len(log) > 2600 and gaps > 500
    assert lost == gaps
    assert measured == [], measured[:3]


def test_the_saturated_and_the_low_reading_are_refused_with_the_reason():
    said = {}
    for row, health, now_ns in play(rows(), repeats=False):
        report = health.report(now_ns)
        said[row[1]] = say(*report.remarks, *(() if report.healthy else report.reasons))

    low = next(value for value in said if value < 300.0)
    assert low == pytest.approx(200.86, abs=0.01)
    assert 'co2_ppm reads 200.858, which it cannot (a working one 300 to 40000)' in said[low]
    assert 'co2_ppm reads 40000, which it cannot' in said[40000.0]
    healthy = [value for value, words in said.items() if 'co2_ppm reads' not in words]
    assert min(healthy) >= 300.0 and max(healthy) < 39960.0
