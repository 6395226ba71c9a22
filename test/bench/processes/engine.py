# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An engine in a process of its own, with nothing else in it: no ROS, no camera.

    python engine.py ENGINE MODELS PAIRS

A line of JSON on its standard input asks for a measurement, a line on its standard output answers.
PAIRS is a file that `pairs.py` made.
"""

import json
import sys
import time
from typing import Any

import numpy as np
from memory_of import memory_mib

from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.runtime import make_engine

_BATCH = 16


def main() -> None:
    """Answer until the input ends."""
    kind, models, pairs = sys.argv[1:]
    profile = load_profile()
    start_s = time.perf_counter()
    engine = make_engine(kind, models, profile)
    load_s = time.perf_counter() - start_s
    # The pairs are no part of what an engine takes.
    _say(kind=engine.kind, load_s=load_s, rss_mib=memory_mib()['rss_mib'])
    arrays = np.load(pairs)
    views = arrays['image']
    readings = {sense: arrays[f'reading_{sense}'] for sense in profile.senses}
    for line in sys.stdin:
        asked = json.loads(line)
        if 'calls' in asked:
            _say(**_time(engine, views, readings, **asked))
        else:
            np.savez(asked['decide'], **_decide(engine, views, readings))
            _say()


def _time(
    engine: Any, views: np.ndarray, readings: dict[str, np.ndarray], calls: int, period_s: float
) -> dict[str, list[float]]:
    """Return ms of each call, of one picture each, one every `period_s` (0: back to back)."""
    present = {sense: np.ones(1, bool) for sense in readings}
    student_ms, teacher_ms = [], []
    due_s = time.perf_counter()
    for index in range(calls):
        row = slice(index % len(views), index % len(views) + 1)
        own = {sense: values[row] for sense, values in readings.items()}
        due_s += period_s
        time.sleep(max(0.0, due_s - time.perf_counter()))
        first = time.perf_counter()
        engine.perceive(views[row])
        second = time.perf_counter()
        engine.decide(views[row], own, present)
        third = time.perf_counter()
        student_ms.append(1e3 * (second - first))
        teacher_ms.append(1e3 * (third - second))
    return {'student_ms': student_ms, 'teacher_ms': teacher_ms}


def _decide(
    engine: Any, views: np.ndarray, readings: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return everything that both networks say of all pairs."""
    rows: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(views), _BATCH):
        batch = slice(start, start + _BATCH)
        own = {sense: values[batch] for sense, values in readings.items()}
        seen = engine.perceive(views[batch])
        present = {sense: np.ones(len(views[batch]), bool) for sense in readings}
        said = {
            'student': seen.probabilities,
            'teacher': engine.decide(views[batch], own, present),
            'quantities': seen.quantities,
            **{f'reading_{sense}': values for sense, values in seen.readings.items()},
        }
        for name, values in said.items():
            rows.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def _say(**content: Any) -> None:
    print(json.dumps(content), flush=True)


if __name__ == '__main__':
    main()
