# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a run ends, with stand-ins for nodes and observer."""

import threading
from types import SimpleNamespace

import made_up_run as made
import pytest
from lifecycle_msgs.msg import State, Transition

from crossmodal_kd_ros.demo import session
from crossmodal_kd_ros.demo.session import Plan, Stopped


def test_a_run_that_is_ended_between_activation_and_its_first_frame_has_nothing_to_report(
    monkeypatch, tmp_path
):
    stop = threading.Event()

    def change_state(observer, process, transition):
        if transition == Transition.TRANSITION_ACTIVATE:
            stop.set()

    monkeypatch.setattr(session, 'change_state', change_state)
    monkeypatch.setattr(session, 'node_state', lambda *_: State.PRIMARY_STATE_ACTIVE)
    monkeypatch.setattr(session, '_scenario', lambda *_: made.SCENARIO)
    observer = SimpleNamespace(
        published=list,
        record=lambda *_, **__: None,
        node=SimpleNamespace(count_subscribers=lambda _: 2),
        recorder=SimpleNamespace(ended=False),
        ignore=lambda _: None,
    )
    nodes = [SimpleNamespace(exit_code=None)] * 2
    plan = Plan(out=tmp_path, command='crossmodal-kd demo', duration_s=40.0)
    screen = SimpleNamespace(say=lambda _: None)

    with pytest.raises(Stopped):
        session._watch(plan, tmp_path, nodes, observer, screen, stop)
