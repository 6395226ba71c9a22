# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Robots that the code does not know: profile, training, node, recording, replay."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml
from waiting import wait_for

pytest.importorskip('rclpy')

from hidden_state import SEEN_PER_STATE, HiddenState, write_data_set, write_recipe  # noqa: E402
from robot import ROOT, NodeProcess, Robot  # noqa: E402
from three_senses import three_senses  # noqa: E402

from crossmodal_kd_ros.bags.reader import read_messages  # noqa: E402
from crossmodal_kd_ros.calibration.model import load_calibration  # noqa: E402
from crossmodal_kd_ros.files import share_dir  # noqa: E402
from crossmodal_kd_ros.profile import Mode, Profile, load_profile  # noqa: E402
from crossmodal_kd_ros.runtime import ENGINES, make_engine  # noqa: E402
from crossmodal_kd_ros.runtime.pipeline import Pipeline  # noqa: E402
from crossmodal_kd_ros.runtime.sample import Estimate  # noqa: E402

# A training, a node, and every sense lost and found again.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SHIPPED = {
    name: share_dir() / 'config' / 'profiles' / f'{name}.yaml' for name in ('gripper', 'air')
}
ROBOTS = (*SHIPPED, 'three_senses')


def crossmodal_kd(*arguments: object, seconds: float = 200.0) -> str:
    """Run a command as a user does; return what it prints."""
    done = subprocess.run(
        [sys.executable, '-m', 'crossmodal_kd_ros.cli.main', *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='module', params=ROBOTS)
def trained(request, tmp_path_factory):
    """Return (file of a profile, folder of weights trained and calibrated for it)."""
    folder = tmp_path_factory.mktemp(request.param)
    file = SHIPPED.get(request.param)
    if file is None:
        file = folder / 'three_senses.yaml'
        profile = three_senses().model_dump(mode='json', exclude_none=True)
        for part in ('senses', 'quantities'):
            for entry in profile[part].values():
                entry.pop('name', None)
        file.write_text(yaml.safe_dump(profile, sort_keys=False))
    write_data_set(load_profile(str(file)), file, folder / 'set')
    write_recipe(folder / 'tiny.yaml')
    models = folder / 'models'
    crossmodal_kd(
        'train', '--recipe', folder / 'tiny.yaml', '--data', folder / 'set', '--out', models,
        '--cache', folder / 'cache', '--device', 'cpu',
    )  # fmt: skip
    crossmodal_kd('calibrate', '--models', models, '--data', folder / 'set')
    return file, models


def test_the_teacher_has_learnt_more_than_the_camera_shows(trained):
    _, models = trained
    calibration = json.loads((models / 'calibration.json').read_text())
    everything = max(calibration['predictors'], key=len)
    accuracy = {
        (sensors, mode): figures['accuracy']
        for sensors, modes in calibration['predictors'].items()
        for mode, figures in modes.items()
    }

    # One state in three is right by chance; the picture strays by a third of an action's width.
    assert accuracy[everything, 'TEACHER'] > 0.9
    assert 0.5 < accuracy['camera', 'STUDENT'] < accuracy[everything, 'TEACHER']


def test_what_only_the_picture_shows_is_learnt_and_has_bounds_that_hold(trained):
    file, models = trained
    profile = load_profile(str(file))
    calibration = json.loads((models / 'calibration.json').read_text())
    rows = {
        (row['quantity'], row['source']): row for row in calibration['origin']['coverage_on_test']
    }
    for name in profile.seen_quantities:
        row = rows[name, 'camera']
        # The test split has 80 that are known; three actions, each with a third of the states.
        assert row['covered'] > 0.8 and 0.0 < row['mean_width'] < 0.9 * SEEN_PER_STATE
    assert {key for key in rows if key[0] != 'action'} == {
        (name, source)
        for name, quantity in profile.quantities.items()
        for source in ('camera', *filter(None, [' and '.join(quantity.senses)]))
    }


def test_quantities_come_with_their_bounds_whoever_decides(trained):
    file, models = trained
    profile = load_profile(str(file))
    engine = make_engine(ENGINES[0], models, profile)
    world, calibration = HiddenState(profile, seed=7), load_calibration(models, profile)
    tick_ns, modes, errors = 10**8, set(), []

    def answer(pipeline: Pipeline, now_ns: int, state: float, lost: tuple[str, ...]) -> Estimate:
        for name in profile.senses.keys() - set(lost):
            sense = profile.senses[name]
            count = max(1, int(tick_ns / (sense.period_s * 1e9)))
            for stamp_ns in np.linspace(now_ns - tick_ns, now_ns, count + 1).astype(int)[1:]:
                pipeline.put(name, int(stamp_ns), world.reading(sense, state))
        pipeline.put_image(now_ns, world.picture(state))
        return pipeline.step(now_ns).estimate

    for lost in [(), *((name,) for name in profile.senses), tuple(profile.senses)]:
        for action in range(len(profile.actions)):
            pipeline, state = Pipeline(engine, calibration=calibration), world.draw(action)
            for tick in range(8):
                estimate = answer(pipeline, 10**18 + tick * tick_ns, state, lost)
                values = estimate.named_quantities()
                assert tuple(values) == names_of(profile)
                for name in profile.quantities:
                    assert values[f'{name}_lower'] <= values[name] <= values[f'{name}_upper']
                modes.add(estimate.mode)
                errors += [values[n] - SEEN_PER_STATE * state for n in profile.seen_quantities]
    assert modes >= {Mode.TEACHER} and modes & {Mode.PARTIAL, Mode.STUDENT}
    # Who knows nothing is wrong by 0.28 of this, as states are spread.
    assert not errors or np.sqrt(np.mean(np.square(errors))) < 0.25 * SEEN_PER_STATE


def test_each_sense_dies_and_returns_and_a_replay_decides_as_the_node_did(trained, tmp_path):
    file, models = trained
    profile = load_profile(str(file))
    world = HiddenState(profile, seed=9)
    state = world.draw(1)
    readings = {
        name: lambda _, sense=sense: world.reading(sense, state)
        for name, sense in profile.senses.items()
    }
    robot = Robot(
        profile=profile, readings=readings, picture=lambda _: world.picture(state, shown_std=0.02)
    )
    with closing(robot):
        node = NodeProcess(
            'maintenance_node', output=tmp_path / 'node', profile=file, models_dir=models
        )
        bag = tmp_path / 'bag'
        recorder = subprocess.Popen(
            [sys.executable, '-m', 'crossmodal_kd_ros.cli.main', 'record', '--out', str(bag)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            # Whatever the node lives through is in the recording: the node, the recorder and the
            # robot itself listen to its sensors, the last two to the node.
            sensed = [topic for sense in profile.senses.values() for topic in sense.topics]
            listeners = {
                'maintenance/mode': 2,
                profile.camera.topic: 3,
                **dict.fromkeys(sensed, 3),
            }
            wait_for(
                lambda: all(
                    robot.node.count_subscribers(topic) == count
                    for topic, count in listeners.items()
                )
            )
            lose_and_find_each_sense(robot, node)
        finally:
            recorder.terminate()
            recorder.wait(60)
            assert node.end() == 0, node.printed()
    expect_bounds_in_every_mode(profile, robot)
    summary = replay(bag, file, models, tmp_path / 'replay')

    table = summary['replays'][0]['recording']
    assert table['frames_compared'] > 50
    assert summary['agreement_with_recording'] > 0.95, table['differences'][:5]
    for name, quantity in profile.quantities.items():
        # What no sense measures has no error here, and a curve all the same.
        assert (name in summary['replays'][0]['estimates']) == bool(quantity.senses)
    page = (tmp_path / 'replay' / 'report.html').read_text()
    assert all(name.replace('_', ' ') in page for name in profile.quantities)
    published = {
        tuple(message.message.name)
        for message in read_messages(
            tmp_path / 'replay' / 'bag', topics=['/maintenance/surface_state']
        )
    }
    assert published == {names_of(profile)}


def names_of(profile: Profile) -> tuple[str, ...]:
    """Return the names in a message about the surface by calibrated networks."""
    return (
        *profile.quantities,
        *(f'{name}_{side}' for side in ('lower', 'upper') for name in profile.quantities),
    )


def expect_bounds_in_every_mode(profile: Profile, robot: Robot) -> None:
    """Expect what only the picture shows between its bounds, whoever decided."""
    modes = [(at, message.data) for at, message in robot.got['mode']]
    assert {mode for _, mode in modes} >= {'TEACHER', 'HOLD'}
    messages = robot.got['surface_state']
    assert len(messages) > 50
    for _, message in messages:
        assert tuple(message.name) == names_of(profile)
        values = dict(zip(message.name, message.position))
        for name in profile.seen_quantities:
            lower, value, upper = (values[f'{name}{end}'] for end in ('_lower', '', '_upper'))
            assert 0.0 <= lower <= value <= upper < 2.0 * SEEN_PER_STATE


def lose_and_find_each_sense(robot: Robot, node: NodeProcess) -> None:
    """Lose each sense and find it again, then the camera; check the modes."""
    profile = robot.profile

    def wait(condition) -> None:
        wait_for(
            condition, printed=lambda: f'{robot.last("mode_reason")}; {node.printed()[-2000:]}'
        )

    robot.turn_on(*profile.sensors)
    wait(lambda: robot.last('mode') == 'TEACHER')
    robot.forget()
    wait(lambda: len(robot.got['action']) >= 10)
    assert {message.data for _, message in robot.got['action']} == {profile.actions[1]}
    for name, sense in profile.senses.items():
        robot.turn_on(*(sensor for sensor in profile.sensors if sensor != name))
        wait(lambda: robot.last('mode') in ('PARTIAL', 'STUDENT'))
        assert f'newest {name} reading is' in robot.last('mode_reason')
        assert f'limit {sense.timeout_s:.2f} s' in robot.last('mode_reason')
        estimates = robot.got[sense.output_topic.rpartition('/')[2]]
        estimates.clear()
        wait(lambda: len(estimates) >= 3)
        robot.turn_on(*profile.sensors)
        wait(lambda: robot.last('mode') == 'TEACHER')
        answered = len(robot.got['action_scores'])
        wait(lambda: len(robot.got['action_scores']) >= answered + 30)
    robot.turn_on(*profile.senses)
    wait(lambda: robot.last('mode') == 'HOLD' or 'camera' in robot.last('mode_reason'))
    robot.turn_on(*profile.sensors)
    wait(lambda: robot.last('mode') == 'TEACHER')


def replay(bag: Path, profile: Path, models: Path, out: Path) -> dict:
    """Replay a bag; return its summary."""
    crossmodal_kd('replay', bag, '--profile', profile, '--model', models, '--out', out)
    return json.loads((out / 'summary.json').read_text())
