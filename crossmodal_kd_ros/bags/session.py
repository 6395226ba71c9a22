# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One replay from the bag to the report."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossmodal_kd_ros.bags import figures
from crossmodal_kd_ros.bags.agreement import Agreement
from crossmodal_kd_ros.bags.injection import inject
from crossmodal_kd_ros.bags.metrics import Account
from crossmodal_kd_ros.bags.node_timing import TURN
from crossmodal_kd_ros.bags.outputs import OutputBag
from crossmodal_kd_ros.bags.reader import Bag, BagError
from crossmodal_kd_ros.bags.recorder import remove_bag
from crossmodal_kd_ros.bags.replay import Model, Replay
from crossmodal_kd_ros.bags.topics import TopicMap, Wish, choose_topics
from crossmodal_kd_ros.contract import SENSORS
from crossmodal_kd_ros.reports import write_page
from crossmodal_kd_ros.runtime import Limits, ModeChange
from crossmodal_kd_ros.simulation import FaultSchedule

_JPEG_TYPE = 'sensor_msgs/msg/CompressedImage'
LANES = ('old', 'new')


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to replay.

    Attributes:
        bag: the recording.
        out: folder for `summary.json`, `report.html` and `bag/`; of two models `bag_old/` and
            `bag_new/`.
        command: how the user started it, for the report.
        wishes: which topic is which, as far as the user says.
        schedule: faults to put into the recording; second 0 is its first reading.
        limits: when a sensor or an answer stops being good enough.
    """

    bag: Path
    out: Path
    command: str
    wishes: dict[str, Wish]
    schedule: FaultSchedule = FaultSchedule()
    limits: Limits = Limits()


def replay_bag(
    plan: Plan,
    models: Sequence[Model],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Replay a bag through one model, or through two side by side; write everything and return the summary.

    Args:
        plan: what to replay.
        models: one, or the old and the new one to compare.
        progress: told now and then how many of how many messages are done.

    Raises:
        BagError: the bag cannot be read, holds no camera, or nothing can be written.
    """
    started_s = time.monotonic()
    with Bag(plan.bag) as bag:
        topics = choose_topics(bag, plan.wishes)
        if 'camera' not in topics.taken:
            raise BagError(
                f'expected a camera in {plan.bag}, found none ({"; ".join(topics.told)}): say --map camera=TOPIC'
            )
        names = LANES if len(models) > 1 else ('',)
        paths = [plan.out / (f'bag_{name}' if name else 'bag') for name in names]
        try:
            plan.out.mkdir(parents=True, exist_ok=True)
            for path in paths:
                remove_bag(path)
        except OSError as error:
            raise BagError(f'expected a folder to write to at {plan.out}: {error}') from error
        account = Account([_agreement(topics, model, plan.schedule) for model in models])
        replay = Replay(models, limits=plan.limits)
        with ExitStack() as stack:
            outputs = [OutputBag(path) for path in paths]
            for output in outputs:
                stack.callback(output.close)
            _run(bag, topics, plan, replay, account, outputs, progress)
        took_s = time.monotonic() - started_s
        summary = _summary(plan, bag, topics, models, replay, account, paths)
    _write_report(plan, summary, account)
    # What depends on this machine comes last, and is on no page: all else is the same in every
    # replay. From the opening of the bag to the last byte of the answers; the weights were loaded
    # before, and the page is drawn after.
    summary['wall_clock_s'] = round(took_s, 3)
    summary['realtime_factor'] = round(summary['duration_s'] / took_s, 2)
    (plan.out / 'summary.json').write_text(
        json.dumps(summary, indent=2, allow_nan=False) + '\n', encoding='utf-8'
    )
    return summary


def _run(
    bag: Bag,
    topics: TopicMap,
    plan: Plan,
    replay: Replay,
    account: Account,
    outputs: Sequence[OutputBag],
    progress: Callable[[int, int], None],
) -> None:
    total = sum(bag.topics[taken.topic].count for taken in topics.taken.values())
    done = 0
    for step in replay.run(inject(topics.readings(bag), plan.schedule)):
        for lane, told, output in zip(replay.lanes, account.lanes, outputs):
            for event in lane.take_events():
                if isinstance(event, ModeChange):
                    output.mode(event)
                    told.change(event)
                else:
                    output.hold(event)
                    told.hold(event)
        account.step(step)
        for answer, output in zip(step.answers, outputs):
            if answer.estimate is not None:
                output.answer(step.now_ns, step.reading.origin.header, answer.estimate)
        done += step.reading.role != TURN
        if done % 100 == 0:
            progress(done, total)
    progress(total, total)


def _agreement(topics: TopicMap, model: Model, schedule: FaultSchedule) -> Agreement | None:
    if not {'live_scores', 'live_action', 'live_mode'} <= set(topics.taken):
        return None
    return Agreement(
        lossy=topics.taken['camera'].msgtype == _JPEG_TYPE,
        model=model.engine.name,
        schedule=schedule,
    )


def _summary(
    plan: Plan,
    bag: Bag,
    topics: TopicMap,
    models: Sequence[Model],
    replay: Replay,
    account: Account,
    paths: Sequence[Path],
) -> dict[str, Any]:
    reports = replay.lanes[0].pipeline.report(replay.now_ns).sensors
    lanes = [
        {
            'model': model.engine.name,
            'calibrated': model.calibration is not None,
            'bag': path.name,
            **lane.table(replay.first_ns),
        }
        for model, lane, path in zip(models, account.lanes, paths)
    ]
    agreement = account.lanes[-1].agreement
    return {
        'title': f'Replay of {plan.bag.name}',
        'command': plan.command,
        'topics': list(topics.told),
        'problems': bag.problems,
        'undecodable': dict(sorted(bag.undecodable.items())),
        'malformed': {
            report.sensor: {'count': report.rejected, 'last': report.last_rejection}
            for report in reports
            if report.rejected
        },
        'clock': replay.clock,
        'duration_s': round((replay.now_ns - replay.first_ns) / 1e9, 3),
        'readings': {sensor: account.readings[sensor] for sensor in SENSORS},
        'faults': [
            {**vars(fault), 'end_s': min(fault.end_s, (replay.now_ns - replay.first_ns) / 1e9)}
            for fault in plan.schedule.faults
        ],
        'limits': vars(plan.limits),
        'replays': lanes,
        'comparison': account.comparison() if len(models) > 1 else None,
        'agreement_with_recording': None
        if agreement is None or agreement.fraction is None
        else round(agreement.fraction, 5),
    }


def _write_report(plan: Plan, summary: dict[str, Any], account: Account) -> None:
    names = LANES if len(account.lanes) > 1 else ('',)
    start_ns = account.activity.start_ns
    agreement = account.lanes[-1].agreement
    write_page(
        plan.out / 'report.html',
        'bags/report.html.j2',
        summary=summary,
        names=names,
        timeline=figures.timeline(account, plan.schedule, list(names)),
        estimates=[figures.estimates(lane) for lane in account.lanes],
        cards=[
            [_seconds(card, start_ns) for card in lane.cards.chosen()] for lane in account.lanes
        ],
        swap_cards=[_seconds(card, start_ns) for card in account.swap_cards.chosen()],
        latency=figures.latency(agreement.latency)
        if agreement is not None and agreement.compared
        else '',
    )


def _seconds(card: dict[str, Any], start_ns: int) -> dict[str, Any]:
    return {**card, 't_s': (card['now_ns'] - start_ns) / 1e9}
