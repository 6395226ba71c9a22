# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A scenario with its nodes as processes of their own, as a user has it."""

import json
import signal
import subprocess
import sys

import pytest

from crossmodal_kd_ros.bags import read_messages
from crossmodal_kd_ros.profile import load_profile

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope='module')
def waterers(tmp_path_factory):
    """Return a folder with networks that water, whatever they see."""
    torch = pytest.importorskip('torch')
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights

    folder, profile = tmp_path_factory.mktemp('waterers'), load_profile()
    for kind in (Student, Teacher):
        network = kind(profile)
        with torch.no_grad():
            network.classifier.weight.zero_()
            network.classifier.bias.zero_()
            network.classifier.bias[profile.actions.index('hydrate')] = 5.0
        save_weights(network, folder / f'{network.kind}.safetensors', card={'seed': '0'})
    return folder


@pytest.fixture(scope='module')
def played(waterers, tmp_path_factory):
    """Return the folder of the repair, ended by Ctrl-C once the second panel is looked at."""
    out = tmp_path_factory.mktemp('scenario') / 'out'
    command = [sys.executable, '-m', 'crossmodal_kd_ros.cli.main', 'scenario', 'repair']
    process = subprocess.Popen(
        [*command, '--out', str(out), '--models', str(waterers), '--no-view'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told = []
    try:
        for line in process.stdout:
            told.append(line)
            if 'panel 2:' in line:
                process.send_signal(signal.SIGINT)
                break
        told.append(process.communicate(timeout=60)[0])
    finally:
        process.kill()
    assert process.returncode == 130, ''.join(told)
    return out


def test_the_robot_goes_acts_and_asks_as_the_mission_tells_it(played):
    events = json.loads((played / 'events.json').read_text())
    kinds = [event['kind'] for event in events]

    assert kinds[0] == 'begin' and kinds.count('arrive') == 2
    acts = [event for event in events if event['kind'] == 'act']
    # tried twice, as the mission has it; then a person is told
    assert [act['action'] for act in acts] == ['hydrate', 'hydrate']
    asks = [event['text'] for event in events if event['kind'] == 'ask']
    assert asks == ['hydrate did not help 2 times']
    assert 'TEACHER' in [event['mode'] for event in events if event['kind'] == 'mode']


def test_page_figures_pictures_and_recording_are_there_although_it_was_ended(played):
    summary = json.loads((played / 'summary.json').read_text())

    assert summary['interrupted'] and summary['driver'] == 'nodes over DDS'
    assert summary['bag']['dropped'] == {}
    assert (played / 'pictures' / 'before_00.jpg').stat().st_size > 1000
    assert '<svg' in (played / 'report.html').read_text()


def test_the_recording_has_commands_status_and_the_camera(played):
    topics = {message.topic for message in read_messages(played / 'bag')}

    assert {
        '/mission/command',
        '/robot/status',
        '/simulation/events',
        '/camera/image_raw/compressed',
    } <= topics
