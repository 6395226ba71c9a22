# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A scenario with real nodes over DDS, recorded and watched."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import State, Transition
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.bags import check_replaceable
from crossmodal_kd_ros.demo.live import CAMERA_TOPIC, INPUT_TYPES, OUTPUT_TYPES, Live
from crossmodal_kd_ros.demo.observer import Observer
from crossmodal_kd_ros.demo.processes import NodeProcess
from crossmodal_kd_ros.demo.screens import Screen
from crossmodal_kd_ros.demo.session import (
    DemoError,
    Stopped,
    Waiter,
    change_state,
    death_of,
    node_state,
    ros_text,
    versions,
    watched_nodes,
)
from crossmodal_kd_ros.files import whole_folder
from crossmodal_kd_ros.runtime import topics
from crossmodal_kd_ros.scenario.facade_node import EVENTS
from crossmodal_kd_ros.scenario.report import PICTURES, write_results
from crossmodal_kd_ros.scenario.robot import Event
from crossmodal_kd_ros.scenario.setting import Setting

_MADE_BY = 'scenario'
_POLL_S = 0.05
# Without an event for so long something is wrong: a robot comes to a place every few seconds.
_SILENCE_S = 60.0
_TYPES = get_typestore(Stores.LATEST)
_MISSION_TYPES = {
    topic.name: topic.type
    for topic in (
        topics.MISSION_COMMAND,
        topics.ROBOT_STATUS,
        topics.REQUEST_HUMAN,
        topics.GO_ON,
        topics.MISSION_TREE,
        EVENTS,
    )
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to play over DDS.

    Attributes:
        setting: the scenario, its seed, who looks after the facade.
        out: folder for the page, figures, `bag/` and a log of each node.
        command: how the user started it.
        models_dir: of the maintenance node.
    """

    setting: Setting
    out: Path
    command: str
    models_dir: Path


def run_session(plan: Plan, screen: Screen, stop: threading.Event) -> dict[str, Any] | None:
    """Run the nodes, watch them, write everything; return the summary.

    Args:
        plan: what to play.
        screen: shows it.
        stop: set it to end early; what happened so far is written all the same.

    Returns:
        What `summary.json` says; `None` if `stop` was set before the first picture.

    Raises:
        DemoError: a node refused or died, nothing happened any more, or the recording ended.
    """
    started_s = time.monotonic()
    check_replaceable(plan.out / 'bag', _MADE_BY)
    try:
        with whole_folder(plan.out, keep=True) as out:
            events, bag, trouble = _record(plan, out, screen, stop)
            if not events:
                raise DemoError(trouble) if trouble else Stopped
            how = {
                'driver': 'nodes over DDS',
                'interrupted': stop.is_set(),
                'bag': bag,
                'wall_clock_s': round(time.monotonic() - started_s, 1),
                'versions': versions(),
            }
            summary = write_results(out, events, plan.setting, how=how, command=plan.command)
    except Stopped:
        return None
    if trouble:
        raise DemoError(trouble)
    return summary


def _record(
    plan: Plan, out: Path, screen: Screen, stop: threading.Event
) -> tuple[list[Event], dict[str, Any], str]:
    """Run the nodes from start to end; return events, what is to say of the bag, and trouble."""
    setting = plan.setting
    facade = {
        'autostart': 'false',
        'scenario': setting.scenario.name,
        'seed': str(setting.seed),
        'control': setting.control,
        'pictures_dir': ros_text(out / PICTURES),
    }
    maintenance = {
        'models_dir': ros_text(plan.models_dir),
        'wall_materials': f"'{','.join(setting.scenario.materials)}'",
    }
    nodes = (
        ('maintenance_node', 'nodes', maintenance),
        ('mission_node', 'nodes', {'autostart': 'false'}),
        ('facade_node', 'scenario', facade),
    )
    with watched_nodes(nodes, out, screen) as (processes, observer):
        events, trouble = _watch(out, processes, observer, screen, stop)
    recorder = observer.recorder
    if recorder.ended:
        raise DemoError(f'{recorder.error}; what was recorded is in {recorder.path}')
    bag = {
        'path': 'bag',
        'messages': recorder.written.total(),
        'dropped': dict(recorder.dropped),
        'error': recorder.error,
        'bytes': sum(file.stat().st_size for file in recorder.path.iterdir()),
    }
    return events, bag, trouble


def _watch(
    out: Path,
    processes: Sequence[NodeProcess],
    observer: Observer,
    screen: Screen,
    stop: threading.Event,
) -> tuple[list[Event], str]:
    """Start the nodes and record the run; return the events, and what went wrong or nothing."""
    maintenance, mission, facade = processes
    wait = Waiter(processes, stop, out)
    screen.say('starting the nodes')
    wait.until(
        lambda: node_state(observer, maintenance.name) == State.PRIMARY_STATE_ACTIVE,
        'the maintenance node to be active',
    )
    for process in (mission, facade):
        wait.until(
            lambda name=process.name: node_state(observer, name) is not None,
            f'{process.name} to answer',
        )
        change_state(observer, process, Transition.TRANSITION_CONFIGURE)
    types = INPUT_TYPES | OUTPUT_TYPES | _MISSION_TYPES
    wait.until(
        lambda: len(observer.published(types)) == len(types), f'publishers of {", ".join(types)}'
    )
    observer.record(out / 'bag', types, as_jpeg=(CAMERA_TOPIC,), made_by=_MADE_BY)
    count = observer.node.count_subscribers
    wait.until(
        lambda: all(
            count(name) >= 2
            for name in (CAMERA_TOPIC, topics.MISSION_COMMAND.name, topics.ROBOT_STATUS.name)
        ),
        'every subscriber',
    )
    change_state(observer, facade, Transition.TRANSITION_ACTIVATE)
    change_state(observer, mission, Transition.TRANSITION_ACTIVATE)

    live, story = Live(), Story()
    heard_s = time.monotonic()
    while not stop.is_set() and not story.has_ended:
        time.sleep(_POLL_S)
        fresh, newest = observer.drain(), dict(observer.newest)
        live.take(fresh, newest, time.time_ns())
        if story.take(fresh, live.start_ns):
            heard_s = time.monotonic()
        if trouble := death_of(processes):
            return story.events, trouble
        if observer.recorder.ended:
            break
        if time.monotonic() - heard_s > _SILENCE_S:
            return story.events, f'nothing happened for {_SILENCE_S:.0f} s: see the logs in {out}'
        screen.show(live, story.events)
    return story.events, ''


class Story:
    """The events of a run as they come over DDS, with the modes among them."""

    def __init__(self) -> None:
        """Start without an event."""
        self.events: list[Event] = []

    @property
    def has_ended(self) -> bool:
        """Whether the facade has said that this is all."""
        return bool(self.events) and self.events[-1]['kind'] == 'end'

    def take(self, fresh: Sequence[tuple[str, int, bytes]], start_ns: int) -> bool:
        """Take in messages `(topic, received_ns, serialised)`; return whether there was news.

        Args:
            fresh: in order.
            start_ns: stamp of the first picture, which is second 0; 0 before it.
        """
        count = len(self.events)
        for topic, received_ns, data in fresh:
            if self.has_ended:
                break
            if topic == EVENTS.name:
                self.events.append(json.loads(_decoded(data)))
            elif topic == topics.MODE_REASON.name and self.events:
                mode, _, reason = _decoded(data).partition(': ')
                t_s = max(received_ns - start_ns, 0) / 1e9 if start_ns else 0.0
                place = {name: self.events[-1][name] for name in ('hours', 'visit', 'panel')}
                event = {'kind': 'mode', 't_s': round(t_s, 3), **place}
                self.events.append(event | {'mode': mode, 'reason': reason})
        return len(self.events) > count


def _decoded(data: bytes) -> str:
    return _TYPES.deserialize_cdr(data, topics.STRING).data
