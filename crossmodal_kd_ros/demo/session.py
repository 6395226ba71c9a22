# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One run from the first process to the report."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters

from crossmodal_kd_ros.bags import BagRecorder, check_replaceable
from crossmodal_kd_ros.demo.live import (
    CAMERA_TOPIC,
    INPUT_TYPES,
    OUTPUT_TYPES,
    SIMULATION_TYPES,
    Live,
)
from crossmodal_kd_ros.demo.observer import Observer
from crossmodal_kd_ros.demo.processes import (
    NodeProcess,
    free_domain_id,
    private_environment,
    stop_all,
)
from crossmodal_kd_ros.demo.recording import load_recording
from crossmodal_kd_ros.demo.report import write_live_report
from crossmodal_kd_ros.demo.screens import Screen
from crossmodal_kd_ros.demo.summary import Scenario, summarise
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import check_inputs, whole_folder, write_json
from crossmodal_kd_ros.nodes.transport import distro
from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.simulation import DEMO_SCHEDULE, FaultSchedule
from crossmodal_kd_ros.simulation.panel import PROFILE

_MADE_BY = 'demo'
# Cold, importing torch from a slow disk takes most of a minute.
_START_TIMEOUT_S = 90.0
_FIRST_FRAME_TIMEOUT_S = 15.0
# After the last frame its answer is still under way; the camera must not be missed in the
# meantime.
_LAST_ANSWER_S = 0.15
_POLL_S = 0.05


class DemoError(CrossmodalError):
    """The run could not be made or went wrong."""


class Stopped(Exception):
    """The user ended the run before its first frame."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        out: folder for `summary.json`, `report.html`, `bag/` and a log of each node.
        command: how the user started it, for the report.
        duration_s: from the first frame on.
        seed: of the wall, or of the order of the photographs.
        photos: folder of photographs to show in place of the simulated wall.
        camera: number of the webcam to show in its place.
        raw: whether the bag holds pictures as they were sent, in place of JPEGs.
    """

    out: Path
    command: str
    duration_s: float
    seed: int = 0
    photos: Path | None = None
    camera: int | None = None
    raw: bool = False

    @property
    def simulated(self) -> bool:
        """Whether the wall is the simulator's."""
        return self.photos is None and self.camera is None

    @property
    def title(self) -> str:
        """What is shown, in words."""
        if self.photos is not None:
            return f'crossmodal_kd_ros demo · photographs of {self.photos.name}'
        return 'crossmodal_kd_ros demo · ' + (
            'simulated wall' if self.simulated else f'webcam {self.camera}'
        )

    @property
    def schedule(self) -> FaultSchedule:
        """What fails when: photographs have no senses to lose."""
        return FaultSchedule.parse(DEMO_SCHEDULE) if self.simulated else FaultSchedule()

    @property
    def simulator_parameters(self) -> dict[str, str]:
        """Parameters of the simulator node."""
        parameters = {'autostart': 'false', 'seed': str(self.seed)}
        if self.photos is not None:
            parameters['photos_dir'] = ros_text(self.photos)
        elif self.camera is not None:
            parameters['camera_device'] = str(self.camera)
        else:
            parameters['faults'] = DEMO_SCHEDULE
        return parameters


def run_demo(plan: Plan, screen: Screen, stop: threading.Event) -> dict[str, Any] | None:
    """Run the nodes, watch them, write everything; return the summary.

    Args:
        plan: what to run.
        screen: shows it.
        stop: set it to end the run early; what was recorded is written all the same.

    Returns:
        What `summary.json` says; `None` if `stop` was set before the first frame.

    Raises:
        DemoError: a node refused or died, or the recording ended.
        OutputError, RecordingError: nothing can be written.
    """
    started_s = time.monotonic()
    check_inputs(plan.out, ['bag'], [plan.photos] if plan.photos is not None else [])
    check_replaceable(plan.out / 'bag', _MADE_BY)
    try:
        # A run that goes wrong, or is killed, leaves its recording and its logs there.
        with whole_folder(plan.out, keep=True) as out:
            recorder, watched = _record(plan, out, screen, stop)
            if recorder.ended:
                raise DemoError(f'{recorder.error}; what was recorded is in {recorder.path}')
            summary = _write(
                plan, out, recorder, watched, interrupted=stop.is_set(), started_s=started_s
            )
    except Stopped:
        return None
    if watched.trouble:
        raise DemoError(watched.trouble)
    return summary


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A run that was watched: how it is judged, its end as `Recording` has it, what went wrong."""

    scenario: Scenario
    end_ns: int
    trouble: str = ''


def _record(
    plan: Plan, out: Path, screen: Screen, stop: threading.Event
) -> tuple[BagRecorder, _Watched]:
    """Run the nodes from start to end; return the recorder, closed, and what `_watch` returns."""
    nodes = (
        ('maintenance_node', 'nodes', {}),
        ('simulator_node', 'nodes', plan.simulator_parameters),
    )
    with watched_nodes(nodes, out, screen) as (processes, observer):
        watched = _watch(plan, out, processes, observer, screen, stop)
    return observer.recorder, watched


@contextmanager
def watched_nodes(
    nodes: Iterable[tuple[str, str, Mapping[str, str]]], out: Path, screen: Screen
) -> Iterator[tuple[list[NodeProcess], Observer]]:
    """Give nodes on a private domain and who watches them; in the end all are ended.

    Args:
        nodes: of each its name, the room of the package that it is in, and its parameters, as ROS
            reads them.
        out: folder for a log of each.
        screen: is closed before the nodes end.
    """
    domain_id = free_domain_id(os.environ)
    # This process joins the same domain by the same transports as its children.
    os.environ.update(private_environment(os.environ, domain_id))
    processes: list[NodeProcess] = []
    observer: Observer | None = None
    try:
        for name, room, parameters in nodes:
            arguments = [
                part for key, value in parameters.items() for part in ('-p', f'{key}:={value}')
            ]
            log = out / f'{name}.log'
            processes.append(NodeProcess(name, arguments, environ=os.environ, log=log, room=room))
        observer = Observer(domain_id=domain_id, one_clock=True)
        yield processes, observer
    finally:
        screen.close()
        if observer is not None:
            observer.close()
        stop_all(processes)


def _watch(
    plan: Plan,
    out: Path,
    processes: Sequence[NodeProcess],
    observer: Observer,
    screen: Screen,
    stop: threading.Event,
) -> _Watched:
    """Start the nodes, record the run and watch it.

    Raises:
        DemoError: a node refused or died before the camera started.
        Stopped: the user ended the run before its first frame.
    """
    wait = Waiter(processes, stop, out)
    screen.say('starting the nodes')
    wait.until(
        lambda: node_state(observer, 'maintenance_node') == State.PRIMARY_STATE_ACTIVE,
        'the maintenance node to be active',
    )
    wait.until(
        lambda: node_state(observer, 'simulator_node') is not None, 'the simulator node to answer'
    )
    change_state(observer, processes[1], Transition.TRANSITION_CONFIGURE)
    types = (
        INPUT_TYPES | OUTPUT_TYPES | SIMULATION_TYPES
        if plan.simulated
        else {CAMERA_TOPIC: INPUT_TYPES[CAMERA_TOPIC]} | OUTPUT_TYPES
    )
    wait.until(
        lambda: len(observer.published(types)) == len(types), f'publishers of {", ".join(types)}'
    )
    scenario = _scenario(plan, observer)
    as_jpeg = () if plan.raw else (CAMERA_TOPIC,)
    observer.record(out / 'bag', types, as_jpeg=as_jpeg, made_by=_MADE_BY)
    # Each picture goes to the maintenance node and to the observer.
    wait.until(
        lambda: observer.node.count_subscribers(CAMERA_TOPIC) >= 2,
        'both subscribers of the camera',
    )
    change_state(observer, processes[1], Transition.TRANSITION_ACTIVATE)

    live = Live()
    began_s = time.monotonic()
    while not stop.is_set() and live.seconds < plan.duration_s:
        time.sleep(_POLL_S)
        live.take(observer.drain(), dict(observer.newest), time.time_ns())
        if trouble := death_of(processes):
            return _Watched(scenario=scenario, end_ns=live.newest_ns, trouble=trouble)
        if observer.recorder.ended:
            break
        if not live.start_ns and time.monotonic() - began_s > _FIRST_FRAME_TIMEOUT_S:
            trouble = (
                f'expected a first picture within {_FIRST_FRAME_TIMEOUT_S:.0f} s, got none: '
                f'{processes[1].last_error() or "the simulator said nothing"}'
            )
            return _Watched(scenario=scenario, end_ns=live.newest_ns, trouble=trouble)
        screen.show(live, scenario)
    if stop.is_set() and not (live.start_ns or observer.recorder.ended):
        raise Stopped
    observer.ignore((*INPUT_TYPES, *SIMULATION_TYPES))
    time.sleep(_LAST_ANSWER_S)
    return _Watched(scenario=scenario, end_ns=live.newest_ns)


def _write(
    plan: Plan,
    out: Path,
    recorder: BagRecorder,
    watched: _Watched,
    *,
    interrupted: bool,
    started_s: float,
) -> dict[str, Any]:
    """Write `summary.json` and `report.html` into `out` from the bag; return the summary."""
    recording = load_recording(recorder.path, end_ns=watched.end_ns)
    scenario = watched.scenario
    summary = {
        'title': 'A robot that loses its senses and carries on'
        if plan.simulated
        else 'The student alone, on real pictures',
        'statement': _statement(plan),
        'simulated': plan.simulated,
        'command': plan.command,
        'seed': plan.seed,
        'interrupted': interrupted,
        'schedule': [vars(fault) for fault in scenario.schedule.faults],
        **summarise(recording, scenario),
        'bag': {
            'path': 'bag',
            'messages': recorder.written.total(),
            'dropped': dict(recorder.dropped),
            'error': recorder.error,
            'raw': plan.raw,
            'bytes': sum(file.stat().st_size for file in recorder.path.iterdir()),
        },
        'versions': versions(),
    }
    write_live_report(
        out / 'report.html',
        bag=recorder.path,
        recording=recording,
        scenario=scenario,
        summary=summary,
    )
    summary['wall_clock_s'] = round(time.monotonic() - started_s, 1)
    write_json(out / 'summary.json', summary)
    return summary


def _statement(plan: Plan) -> str:
    made = time.strftime('%d %B %Y').lstrip('0')
    if plan.simulated:
        return (
            'The wall, its senses and the expert are simulated: no figure here was measured on a '
            f'real wall. Seed {plan.seed}, {made}.'
        )
    source = (
        f'Photographs of {plan.photos}' if plan.photos is not None else f'Webcam {plan.camera}'
    )
    return (
        f'{source}, {made}. Nobody has said what is right for these pictures, so no accuracy is '
        'given; the networks were trained on simulated walls only.'
    )


class Waiter:
    """Waits for conditions while all processes live and the user has not stopped the run."""

    def __init__(
        self, processes: Sequence[NodeProcess], stop: threading.Event, logs: Path
    ) -> None:
        """Wait for `processes`, whose logs are in a folder."""
        self._processes, self._stop, self._logs = processes, stop, logs

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition.

        Raises:
            DemoError: a process ended, or 90 s went by.
            Stopped: the user ended the run.
        """
        limit_s = time.monotonic() + _START_TIMEOUT_S
        while not condition():
            if self._stop.is_set():
                raise Stopped
            for process in self._processes:
                if process.exit_code is not None:
                    raise DemoError(
                        process.last_error() or f'{process.name} ended before it was ready'
                    )
            if time.monotonic() > limit_s:
                raise DemoError(
                    f'expected {what} within {_START_TIMEOUT_S:.0f} s, waited in vain: see '
                    f'the logs in {self._logs}'
                )
            time.sleep(_POLL_S)


def death_of(processes: Iterable[NodeProcess]) -> str:
    """Return which of `processes` died, and what it said; empty: none did."""
    dead = next((process for process in processes if process.exit_code is not None), None)
    return '' if dead is None else f'{dead.name} died: {dead.last_error() or "it said nothing"}'


def ros_text(path: Path) -> str:
    """Return a path as ROS reads it: values are YAML, and a quoted one is a text."""
    return "'" + str(path.resolve()).replace("'", "''") + "'"


def node_state(observer: Observer, node: str) -> int | None:
    """Return the lifecycle state of a node; `None` if it does not answer."""
    response = observer.call(GetState, f'{node}/get_state', GetState.Request(), timeout_s=1.0)
    return None if response is None else response.current_state.id


def change_state(observer: Observer, process: NodeProcess, transition: int) -> None:
    """Have a node make a lifecycle transition; `DemoError` if it refuses."""
    request = ChangeState.Request(transition=Transition(id=transition))
    # Configuring renders the first panel, or opens a webcam.
    response = observer.call(ChangeState, f'{process.name}/change_state', request, timeout_s=30.0)
    if response is None or not response.success:
        raise DemoError(process.last_error() or f'{process.name} did not answer')


def _scenario(plan: Plan, observer: Observer) -> Scenario:
    """Return what the run is judged by, with the node's own timeouts."""
    names = [*(f'{sensor}_timeout_s' for sensor in PROFILE.sensors), 'recovery_s']
    response = observer.call(
        GetParameters, 'maintenance_node/get_parameters', GetParameters.Request(names=names)
    )
    if response is None:
        raise DemoError('expected the parameters of maintenance_node, got no answer')
    *timeouts_s, recovery_s = (value.double_value for value in response.values)
    return Scenario(
        config=RuntimeConfig.of(
            PROFILE, timeouts_s=dict(zip(PROFILE.sensors, timeouts_s)), recovery_s=recovery_s
        ),
        sensors=PROFILE.sensors if plan.simulated else (CAMERA,),
        schedule=plan.schedule,
    )


def versions() -> dict[str, str]:
    """Return the versions of ROS 2 and of what counts for a run."""
    result = {'ROS 2': distro(os.environ)}
    for name in ('crossmodal_kd_ros', 'rclpy', 'onnxruntime', 'torch', 'numpy', 'rosbags'):
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            result[name] = 'none, or from source'
    return result
