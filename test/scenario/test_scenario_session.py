# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a scenario over DDS ends, with stand-ins for nodes and observer."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from crossmodal_kd_ros.bags import BagRecorder
from crossmodal_kd_ros.demo.session import DemoError
from crossmodal_kd_ros.scenario import session
from crossmodal_kd_ros.scenario.setting import SCENARIOS, Setting


def test_a_scenario_whose_recording_was_removed_fails_and_says_so(monkeypatch, tmp_path):
    observer = SimpleNamespace()

    @contextmanager
    def watched_nodes(nodes, out, screen):
        observer.recorder = BagRecorder(out / 'bag')
        yield [], observer
        observer.recorder.close()

    def watch(out, *_):
        (out / 'bag' / 'bag.mcap').unlink()
        return [{'kind': 'end'}], ''

    monkeypatch.setattr(session, 'watched_nodes', watched_nodes)
    monkeypatch.setattr(session, '_watch', watch)
    setting = Setting(scenario=SCENARIOS['repair'], seed=0)
    plan = session.Plan(setting=setting, out=tmp_path / 'out', command='', models_dir=tmp_path)

    with pytest.raises(DemoError, match='the recording was removed or moved meanwhile'):
        session.run_session(plan, SimpleNamespace(), threading.Event())
