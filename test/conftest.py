# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tests of several rooms need, and which tests are fast, which need ROS, which are slow."""

import os
import socket
from contextlib import ExitStack, closing
from functools import lru_cache
from pathlib import Path

import pytest

from crossmodal_kd_ros.demo.processes import (
    first_port,
    free_domain_id,
    isolated_environment,
    private_environment,
)

# Folders and files, below test/, whose tests talk over ROS or start the nodes as processes.
ROS = (
    'cli/test_record_and_play.py',
    'cli/test_sessions.py',
    'doctor/test_doctor_command.py',
    'doctor/test_doctor_topics.py',
    'doctor/test_machine.py',
    'field/test_dead_clock.py',
    'field/test_full_disks_and_odd_surroundings.py',
    'field/test_killed_recorder.py',
    'field/test_remedies_of_the_doctor.py',
    'field/test_second_node.py',
    'field/test_shared_parameter_file.py',
    'gazebo/test_gazebo_senses_node.py',
    'launch/',
    'mission/test_mission_node.py',
    'nodes/',
    'profiles/',
    'scenario/test_over_dds.py',
)
# Those that take more than about 5 s: they train networks, replay recordings, draw whole pages.
SLOW = (
    'bags/test_replay.py',
    'bags/test_replay_agreement.py',
    'bags/test_replay_faults.py',
    'bags/test_replay_memory.py',
    'bags/test_replay_senses.py',
    'bags/test_replay_threads.py',
    'benchmark/',
    'calibration/test_fit.py',
    'cli/test_bags.py',
    'cli/test_own_profile.py',
    'examples/test_gripper.py',
    'field/test_camera_whose_clock_is_ahead.py',
    'field/test_files_of_one_bag.py',
    'field/test_gaps_and_clock_steps.py',
    'field/test_labels_from_a_spreadsheet.py',
    'field/test_other_formats.py',
    'field/test_outputs_that_survive.py',
    'field/test_standing_still.py',
    'gazebo/test_in_gazebo.py',
    'golden/',
    'published/',
    'reports/',
    'runtime/test_messages_property.py',
    'scenario/test_in_process.py',
    'scenario/test_over_dds.py',
    'simulation/test_living.py',
    'simulation/test_living_acts.py',
    'simulation/test_world.py',
    'training/test_torchrun.py',
    'training/test_resume.py',
    'training/test_train.py',
)

if 'PYTEST_XDIST_WORKER' in os.environ:
    # Beside other workers: networks of two threads each would wait for one another.
    os.environ['OMP_NUM_THREADS'] = '1'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test as `ros` or `slow` by its file; what is neither is `fast`."""
    root = Path(__file__).parent
    missing = [path for path in (*ROS, *SLOW) if not (root / path).exists()]
    if missing:
        raise pytest.UsageError(f'test/conftest.py marks what is not there: {missing}')
    for item in items:
        path = item.path.relative_to(root).as_posix()
        for mark, paths in (('ros', ROS), ('slow', SLOW)):
            if path.startswith(paths):
                item.add_marker(mark)
        if not any(map(item.get_closest_marker, ('ros', 'slow', 'alone'))):
            item.add_marker('fast')


def hold_domain() -> tuple[int, socket.socket]:
    """Return a DDS domain, and a socket that keeps others out of it until it is closed.

    Others are other tests, in other processes too.
    """
    while True:
        domain_id = free_domain_id(os.environ)
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind(('', first_port(domain_id)))
        except OSError:  # somebody was faster
            holder.close()
        else:
            return domain_id, holder


# The domain of every context of this process, and of its children.
_DOMAIN_ID, _HOLDER = hold_domain()
os.environ.update(isolated_environment(os.environ, _DOMAIN_ID))


@pytest.fixture
def private_environ():
    """Return the environment of a run in a domain of its own."""
    domain_id, holder = hold_domain()
    with closing(holder):
        yield private_environment(os.environ, domain_id)


@pytest.fixture(scope='session')
def models_of(tmp_path_factory):
    """Return a function: from a profile's name or path to a folder with untrained networks."""
    torch = pytest.importorskip('torch')
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights
    from crossmodal_kd_ros.profile import load_profile

    @lru_cache
    def make(profile: str) -> Path:
        folder = tmp_path_factory.mktemp('models')
        torch.manual_seed(0)
        for network in (Student, Teacher):
            path = folder / f'{network.kind}.safetensors'
            save_weights(network(load_profile(profile)), path, card={'seed': '0'})
        return folder

    return make


@pytest.fixture(scope='session')
def models(models_of):
    """Return a folder with an untrained student and teacher of the living wall."""
    return models_of('living_wall')


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a node; every node it started has ended after the test."""
    from robot import NodeProcess

    started = []

    def start_one(node: str, *ros_args: str, **parameters) -> NodeProcess:
        output = tmp_path / f'{len(started)}.log'
        started.append(NodeProcess(node, *ros_args, output=output, **parameters))
        return started[-1]

    # each is ended even if another one hangs, or the next tests would hear it
    with ExitStack() as ends:
        yield start_one
        for process in started:
            if process.alive():
                ends.callback(process.end)
