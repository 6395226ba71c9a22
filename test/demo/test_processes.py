# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The environment in which nodes are started, and how they end."""

import os
import signal
import socket

import pytest

from crossmodal_kd_ros.demo import processes
from crossmodal_kd_ros.demo.processes import (
    NodeProcess,
    free_domain_id,
    private_environment,
    stop_all,
)


def test_a_private_run_stays_on_this_machine():
    assert (
        private_environment({'ROS_DISTRO': 'jazzy'}, 7)['ROS_AUTOMATIC_DISCOVERY_RANGE']
        == 'LOCALHOST'
    )
    assert private_environment({'ROS_DISTRO': 'humble'}, 7)['ROS_LOCALHOST_ONLY'] == '1'


def test_a_domain_that_somebody_uses_is_not_taken(monkeypatch):
    taken = int(os.environ['ROS_DOMAIN_ID'])  # these tests hold it
    with pytest.raises(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as robot:
        robot.bind(('', 7410 + 250 * taken))
    monkeypatch.setattr(
        processes.random,
        'shuffle',
        lambda candidates: candidates.sort(key=lambda number: number != taken),
    )
    assert free_domain_id({}) != taken


def test_the_domain_of_the_user_is_not_taken(monkeypatch):
    monkeypatch.setattr(processes, '_LAST_DOMAIN', 2)
    assert {free_domain_id({'ROS_DOMAIN_ID': '2'}) for _ in range(20)} == {1}


def test_a_refusal_is_found_in_the_log_without_the_loggers_prefix(tmp_path):
    node = NodeProcess(
        'simulator_node', ['-p', 'seed:=twelve'], environ=os.environ, log=tmp_path / 'log'
    )
    try:
        assert node._process.wait(30) == 1
    finally:
        node.stop()
    assert node.last_error().startswith('expected the parameter seed to be a whole number')


def test_a_node_ended_by_a_signal_has_the_exit_code_a_shell_gives(tmp_path):
    node = NodeProcess(
        'simulator_node', ['-p', 'autostart:=false'], environ=os.environ, log=tmp_path / 'log'
    )
    os.kill(node.pid, signal.SIGKILL)
    node._process.wait(30)
    assert node.exit_code == 128 + signal.SIGKILL


def test_nodes_that_wait_end_when_they_are_told_to(tmp_path, private_environ):
    nodes = [
        NodeProcess(
            'simulator_node',
            ['-p', 'autostart:=false'],
            environ=private_environ,
            log=tmp_path / f'{index}',
        )
        for index in range(2)
    ]
    stop_all(nodes)
    assert all(node.exit_code is not None for node in nodes)
    assert not any(os.path.exists(f'/proc/{node.pid}') for node in nodes)
