# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag through the runtime, in the ways in which tests look at it."""

from made_up_bag import PROFILE, Oracle

from crossmodal_kd_ros.bags import Bag
from crossmodal_kd_ros.bags.injection import inject, parse_faults
from crossmodal_kd_ros.bags.replay import Model, Replay
from crossmodal_kd_ros.bags.session import ReplayPlan, replay_bag
from crossmodal_kd_ros.bags.topics import choose_topics
from crossmodal_kd_ros.runtime import RuntimeConfig

CONFIG = RuntimeConfig.of(PROFILE)


def steps(path, *models, faults=()):
    with Bag(path) as bag:
        replay = Replay(models, PROFILE, CONFIG)
        readings = choose_topics(bag, PROFILE, {}).readings(bag)
        readings = inject(readings, parse_faults(faults, PROFILE))
        return [(step, replay.lanes[0].take_events()) for step in replay.run(readings)]


def answers(path, engine, *, faults=(), calibration=None):
    """Return the estimate for each picture."""
    return [
        step.answers[0].estimate
        for step, _ in steps(path, Model(engine, calibration), faults=faults)
        if step.answers
    ]


def replayed(path, out, *engines, faults=()):
    plan = ReplayPlan(
        bag=path,
        out=out,
        profile=PROFILE,
        command='crossmodal-kd replay',
        schedule=parse_faults(faults, PROFILE),
    )
    return replay_bag(plan, [Model(engine) for engine in engines or (Oracle(),)])
