# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One replay from the bag to the report."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossmodal_kd_ros.bags.agreement import Agreement
from crossmodal_kd_ros.bags.injection import inject
from crossmodal_kd_ros.bags.metrics import RunMetrics
from crossmodal_kd_ros.bags.node_timing import TURN
from crossmodal_kd_ros.bags.outputs import MADE_BY, OutputBag
from crossmodal_kd_ros.bags.reader import Bag
from crossmodal_kd_ros.bags.recorder import check_replaceable
from crossmodal_kd_ros.bags.replay import Model, Replay, Step
from crossmodal_kd_ros.bags.report import write_replay_report
from crossmodal_kd_ros.bags.topics import TopicMap, TopicRequests, choose_topics
from crossmodal_kd_ros.files import check_inputs, whole_folder, write_json
from crossmodal_kd_ros.health.reasons import ReasonCode
from crossmodal_kd_ros.health.sensor import SensorReport
from crossmodal_kd_ros.profile import CAMERA, Profile
from crossmodal_kd_ros.repair import make_planner
from crossmodal_kd_ros.reports.style import lasting
from crossmodal_kd_ros.runtime import ModeChange, RuntimeConfig, say
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE
from crossmodal_kd_ros.simulation import FaultSchedule

# Gaps that are told one by one.
_MAX_GAPS = 3


@dataclass(frozen=True, kw_only=True)
class ReplayPlan:
    """What to replay.

    Attributes:
        bag: the recording.
        out: folder for `summary.json`, `report.html` and `bag/`; of two models `bag_old/` and
            `bag_new/`.
        profile: of the robot that recorded it.
        command: how the user started it, for the report.
        requests: which topic is which, as far as the user says.
        schedule: faults to put into the recording; second 0 is its first reading.
    """

    bag: Path
    out: Path
    profile: Profile
    command: str = ''
    requests: TopicRequests = field(default_factory=dict)
    schedule: FaultSchedule = FaultSchedule()


def replay_bag(
    plan: ReplayPlan,
    models: Sequence[Model],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Replay a bag through one model, or through two side by side.

    What fails leaves the folder `plan.out` as it was.

    Args:
        plan: what to replay.
        models: one, or the old and the new one to compare.
        progress: called now and then with how many of how many messages are done.

    Returns:
        What `summary.json` holds.

    Raises:
        BagError: the bag cannot be read, or holds no camera.
        RecordingError: something else than answers lies where the bag of answers is to be.
        OutputError: nothing can be written, or the recording would be replaced.
    """
    started_s = time.monotonic()
    names = ['bag'] if len(models) == 1 else ['bag_old', 'bag_new']
    check_inputs(plan.out, names, [plan.bag])
    for name in names:
        check_replaceable(plan.out / name, MADE_BY)
    with Bag(plan.bag) as bag, whole_folder(plan.out) as out:
        topics = choose_topics(bag, plan.profile, plan.requests)
        topics.require(bag, [CAMERA])
        paths = [out / name for name in names]
        metrics = RunMetrics(plan.profile, [_agreement(topics, model, plan) for model in models])
        replay = Replay(models, plan.profile, RuntimeConfig.of(plan.profile))
        with ExitStack() as stack:
            outputs = [
                stack.enter_context(
                    closing(
                        OutputBag(
                            path, plan.profile, make_planner(plan.profile, model.calibration)
                        )
                    )
                )
                for path, model in zip(paths, models, strict=True)
            ]
            steps = replay.run(inject(topics.readings(bag), plan.schedule))
            total = topics.message_count(bag)
            _run(steps, replay, metrics, outputs, lambda done: progress(done, total))
        progress(total, total)
        took_s = time.monotonic() - started_s
        summary = _summary(plan, bag, topics, replay, metrics, paths)
        write_replay_report(out / 'report.html', metrics, summary)
        # What depends on this machine comes last, and is on no page: all else is the same in every
        # replay. From the opening of the bag to the last byte of the answers; the weights were
        # loaded before, and the page is drawn after.
        summary['wall_clock_s'] = round(took_s, 3)
        summary['realtime_factor'] = round(summary['duration_s'] / took_s, 2)
        write_json(out / 'summary.json', summary)
    return summary


def _run(
    steps: Iterable[Step],
    replay: Replay,
    metrics: RunMetrics,
    outputs: Sequence[OutputBag],
    progress: Callable[[int], None],
) -> None:
    """Give every step, and what its lanes announced before it, to the metrics and the outputs."""
    done = 0
    for step in steps:
        for lane, model, output in zip(replay.lanes, metrics.models, outputs):
            for event in lane.take_events():
                if isinstance(event, ModeChange):
                    output.mode(event)
                    model.add_mode_change(event)
                else:
                    output.hold(event)
                    model.add_hold(event)
        metrics.add_step(step)
        for answer, output in zip(step.answers, outputs):
            if answer is not None:
                output.answer(step.now_ns, step.reading.origin.header, answer)
        done += step.reading.role != TURN
        if done % 100 == 0:
            progress(done)


def _agreement(topics: TopicMap, model: Model, plan: ReplayPlan) -> Agreement | None:
    """Return what compares with the node that answered while the bag was recorded, if one did."""
    if not {'live_scores', 'live_action', 'live_mode'} <= topics.bindings.keys():
        return None
    return Agreement(
        plan.profile.actions,
        lossy=COMPRESSED_IMAGE in topics.bindings[CAMERA].types.values(),
        model=model.engine.weights,
        schedule=plan.schedule,
    )


def _summary(
    plan: ReplayPlan,
    bag: Bag,
    topics: TopicMap,
    replay: Replay,
    metrics: RunMetrics,
    paths: Sequence[Path],
) -> dict[str, Any]:
    duration_s = (replay.now_ns - replay.first_ns) / 1e9
    gaps_s = [
        ((start_ns - replay.first_ns) / 1e9, (end_ns - start_ns) / 1e9)
        for start_ns, end_ns in replay.gaps
    ]
    sensors = replay.lanes[0].pipeline.report(replay.now_ns).sensors
    agreement = metrics.models[-1].agreement
    fraction = None if agreement is None else agreement.fraction
    return {
        'title': f'Replay of {plan.bag.name}',
        'command': plan.command,
        'profile': {'name': plan.profile.name, 'fingerprint': plan.profile.fingerprint},
        'topics': list(topics.sentences),
        'problems': [*bag.problems, *_gap_sentences(gaps_s), *_clock_sentences(sensors, replay)],
        'undecodable': dict(sorted(bag.undecodable.items())),
        'malformed': {
            report.sensor: {'count': report.rejected, 'last': say(report.last_rejection)}
            for report in sensors
            if report.last_rejection is not None
        },
        'clock': str(replay.clock),
        'duration_s': round(duration_s - sum(length_s for _, length_s in gaps_s), 3),
        'readings': {sensor: metrics.readings[sensor] for sensor in plan.profile.sensors},
        'faults': [
            {**vars(fault), 'end_s': min(fault.end_s, duration_s)}
            for fault in plan.schedule.faults
        ],
        'config': replay.config.model_dump(),
        'replays': [
            {
                'model': lane.model.engine.weights,
                'calibrated': lane.model.calibration is not None,
                'bag': path.name,
                **model.summary_table(replay.first_ns),
            }
            for lane, model, path in zip(replay.lanes, metrics.models, paths)
        ],
        'comparison': metrics.comparison() if len(paths) > 1 else None,
        'agreement_with_recording': None if fraction is None else round(fraction, 5),
    }


def _gap_sentences(gaps_s: Sequence[tuple[float, float]]) -> list[str]:
    """Return what to say of stretches without a message; each has its start and its length, s."""
    if not gaps_s:
        return []
    some = ', '.join(
        f'for {lasting(length_s)} from second {start_s:.1f} on'
        for start_s, length_s in gaps_s[:_MAX_GAPS]
    )
    more = f' and {len(gaps_s) - _MAX_GAPS} times more' if len(gaps_s) > _MAX_GAPS else ''
    return [
        f'no message {some}{more}: the recorder stood still, or a clock was set; nothing is '
        'answered meanwhile, and the duration leaves it out'
    ]


def _clock_sentences(sensors: Sequence[SensorReport], replay: Replay) -> list[str]:
    """Return what to say of the clocks of the sensors."""
    ahead = [
        f'{report.sensor}: {say(remark)}'
        for report in sensors
        for remark in report.remarks
        if remark.code is ReasonCode.CLOCK_AHEAD
    ]
    return ahead + [
        f'{report.sensor}: its messages are stamped {report.delay_s:.2f} s before they came, so '
        'that they are stale at once: its clock is behind, or it is too slow'
        for report in sensors
        if (report.delay_s or 0.0) > replay.config.timeouts_s[report.sensor]
    ]
