# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the inputs from the field lie, how commands get them, and an engine that is foretold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bags'))

import made_up_bag as made

from crossmodal_kd_ros.bags.injection import parse_faults
from crossmodal_kd_ros.bags.replay import Model
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag

FIELD = (
    Path(
        os.environ.get(
            'CROSSMODAL_KD_DATA', Path(__file__).resolve().parents[3] / 'shared' / 'data'
        )
    )
    / 'field'
)
needs_field = pytest.mark.skipif(not FIELD.is_dir(), reason=f'no inputs from the field at {FIELD}')
COMMAND = [sys.executable, '-m', 'crossmodal_kd_ros.cli.main']


def run(*arguments: object) -> subprocess.CompletedProcess:
    """Run a command to its end, which is no traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=100
    )
    assert 'Traceback' not in done.stderr, done.stderr
    return done


def replayed(bag: Path, out: Path, *, faults=()) -> dict:
    """Return the summary of a replay of `bag`."""
    schedule = parse_faults(faults, made.PROFILE)
    plan = ReplayPlan(bag=bag, out=out, profile=made.PROFILE, schedule=schedule)
    return replay_bag(plan, [Model(made.Oracle())])


def changes(summary: dict) -> list[tuple[float, str]]:
    """Return when the mode changed, in seconds of the bag, and to what."""
    return [(one['start_s'], one['mode']) for one in summary['replays'][0]['modes']]
