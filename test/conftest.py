# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tests of several rooms need."""

import os
import socket
from contextlib import closing

import pytest

from crossmodal_kd_ros.demo.processes import (
    first_port,
    free_domain_id,
    isolated_environment,
    private_environment,
)

if 'PYTEST_XDIST_WORKER' in os.environ:
    # Beside other workers: networks of two threads each would wait for one another.
    os.environ['OMP_NUM_THREADS'] = '1'


def hold_domain() -> tuple[int, socket.socket]:
    """Return a DDS domain, and a socket that keeps others out of it until it is closed: other tests, other workers."""
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
def models(tmp_path_factory):
    """Return a folder with an untrained student and teacher."""
    torch = pytest.importorskip('torch')
    from crossmodal_kd_ros.networks import Student, Teacher, save_weights

    folder = tmp_path_factory.mktemp('models')
    torch.manual_seed(0)
    save_weights(Student(), folder / 'student.safetensors', card={'seed': '0'})
    save_weights(Teacher(), folder / 'teacher.safetensors', card={'seed': '0'})
    return folder
