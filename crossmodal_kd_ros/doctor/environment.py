# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What keeps nodes here from starting, from finding each other and from passing pictures on."""

import errno
import fcntl
import os
import re
import shlex
import shutil
import socket
import struct
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from crossmodal_kd_ros.doctor.finding import Finding, problem
from crossmodal_kd_ros.doctor.pictures import MeasurementError, NotFoundError, Survival
from crossmodal_kd_ros.nodes.transport import (
    DEFAULT_RMW,
    LAST_DOMAIN_ID,
    distro,
    is_domain_id,
    profile_environment,
    profile_in_force,
    profile_is_read,
    profile_variable,
    rmw,
)

# More than this share of the pictures must arrive; a busy machine alone loses a few.
_MIN_SHARE = 0.9
_SHARED_MEMORY = Path('/dev/shm')
_MB = 1_000_000
# What Fast DDS takes for a process unless its profile says otherwise, and beside what that says.
_DEFAULT_SEGMENT_BYTES, _BESIDE_BYTES = 524_288, 1_048_576
_SEGMENT_SIZE = re.compile(r'<segment_size>\s*(\d+)')
_GET_INTERFACE_FLAGS, _IS_UP = 0x8913, 1  # Linux's SIOCGIFFLAGS and IFF_UP
_DISCOVERY_VARIABLES = (
    *('ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY'),
    *('ROS_STATIC_PEERS', 'ROS_DISCOVERY_SERVER'),
)
_HERE_AND_THERE = '   # here, and where the drivers start'


def logs(environ: Mapping[str, str]) -> Finding | None:
    """Look whether ROS can write its logs: without, no node starts."""
    home = environ.get('ROS_HOME') or (f'{environ["HOME"]}/.ros' if environ.get('HOME') else '')
    folder = environ.get('ROS_LOG_DIR') or (f'{home}/log' if home else '')
    elsewhere = f'export ROS_LOG_DIR=/tmp/ros_log{_HERE_AND_THERE}'
    if not folder:
        return problem('logs', 'HOME is not set: ROS has no folder for its logs', elsewhere)
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return problem(
            'logs',
            f'ROS cannot write its logs into {folder}: {error.strerror}',
            f'df -h {shlex.quote(folder)}   # free space there' if is_full else elsewhere,
        )
    return None


def shared_memory(environ: Mapping[str, str]) -> Finding | None:
    """Look whether two more processes fit into the shared memory that pictures go by.

    Where it is full, Fast DDS sends by UDP, which loses pictures, or the process dies.
    """
    if rmw(environ) != DEFAULT_RMW or not _SHARED_MEMORY.is_dir():
        return None
    free_bytes = shutil.disk_usage(_SHARED_MEMORY).free
    needed_bytes = 2 * (_segment_bytes(profile_in_force(environ)) + _BESIDE_BYTES)
    result = (
        f'{free_bytes / _MB:.0f} MB are free in {_SHARED_MEMORY}, and two processes need '
        f'{needed_bytes / _MB:.0f} MB'
    )
    if free_bytes >= needed_bytes:
        return Finding(subject='shared memory', result=result)
    left_bytes = _left_bytes()
    if free_bytes + left_bytes >= needed_bytes:
        return problem(
            'shared memory',
            f'{result}; {left_bytes / _MB:.0f} MB are of processes that were killed',
            f'rm -f {_SHARED_MEMORY}/*fastdds_* {_SHARED_MEMORY}/*fastrtps_*   '
            '# while no node runs',
        )
    return problem(
        'shared memory',
        result,
        f'mount -o remount,size=512m {_SHARED_MEMORY}   '
        '# a container: start it with --ipc host or --shm-size 512m',
    )


def discovery(environ: Mapping[str, str]) -> Finding:
    """Look whether nodes find each other, and how far."""
    domain = environ.get('ROS_DOMAIN_ID') or '0'
    if not is_domain_id(domain):
        return problem(
            'discovery',
            f'expected a number from 0 to {LAST_DOMAIN_ID} as ROS_DOMAIN_ID, got {domain!r}',
            f'unset ROS_DOMAIN_ID{_HERE_AND_THERE}; or set another',
        )
    if environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper() == 'OFF':
        return problem(
            'discovery',
            'ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: no node finds another one',
            f'unset ROS_AUTOMATIC_DISCOVERY_RANGE{_HERE_AND_THERE}',
        )
    limits = [f'{name} is {environ[name]}' for name in _DISCOVERY_VARIABLES if environ.get(name)]
    return Finding(subject='discovery', result=', '.join([f'ROS_DOMAIN_ID {domain}', *limits]))


def pictures(environ: Mapping[str, str], measured: Survival | MeasurementError) -> Finding:
    """Judge how many pictures got from one process to another in the environment `environ`."""
    profile = profile_in_force(environ)
    if isinstance(measured, MeasurementError):
        return problem(
            'pictures',
            f'could not be sent between two processes: {measured}',
            _reunion(environ, profile) if isinstance(measured, NotFoundError) else _start(environ),
        )
    result = (
        f'{measured.received} of {measured.sent} of 640x480 arrived in another process, '
        'best effort' + (f', median {measured.median_ms:.1f} ms' if measured.received else '')
    )
    if rmw(environ) == DEFAULT_RMW:
        result += f'; profile {profile}' if profile else '; no profile is set'
    if measured.received > _MIN_SHARE * measured.sent:
        return Finding(subject='pictures', result=result)
    return problem('pictures', result, _remedy(environ, profile))


def _start(environ: Mapping[str, str]) -> str:
    """Return what to do about processes that rcl does not let start."""
    if rmw(environ) != DEFAULT_RMW:
        return f'unset RMW_IMPLEMENTATION   # or install {rmw(environ)}'
    python = shlex.quote(sys.executable)
    return f'{python} -c "import rclpy; rclpy.init()"   # shows what has to be mended first'


def _reunion(environ: Mapping[str, str], profile: str) -> str:
    """Return what to do about processes of one machine that do not find each other."""
    if environ.get('ROS_DISCOVERY_SERVER'):
        return 'unset ROS_DISCOVERY_SERVER   # or start the server that it names'
    if not _loopback_is_up():
        return 'ip link set lo up'
    if rmw(environ) != DEFAULT_RMW:
        return f'unset RMW_IMPLEMENTATION   # or see what {rmw(environ)} needs'
    if distro(environ) == 'humble':  # only there discovery on one machine is by multicast
        return 'ip link set lo multicast on'
    if profile not in ('', profile_environment({})[profile_variable()]):
        return f'{_export(environ)}   # in place of {profile}'
    return _patience()


def _remedy(environ: Mapping[str, str], profile: str) -> str:
    if rmw(environ) != DEFAULT_RMW:
        return (
            f'let {rmw(environ)} pass messages of 1 MB: its manual says how; '
            f'or export RMW_IMPLEMENTATION={DEFAULT_RMW}'
        )
    if profile and not Path(profile).is_file():
        return f'{profile} does not exist: {_export(environ)}'
    if profile and not _is_xml(profile):
        return f'{profile} is not XML: {_export(environ)}'
    if profile and not profile_is_read(environ):
        return (
            f'this Fast DDS reads {profile_variable()} alone: '
            f'export {profile_variable()}={shlex.quote(profile)}'
        )
    if profile == profile_environment({})[profile_variable()]:
        return _patience()
    if profile:
        return f'a segment_size of 16777216 in {profile}, or: {_export(environ)}'
    return f'{_export(environ)}{_HERE_AND_THERE}'


def _export(environ: Mapping[str, str]) -> str:
    unset = {name: value for name, value in environ.items() if name == 'RMW_IMPLEMENTATION'}
    ((name, value),) = profile_environment(unset).items()
    return f'export {name}={shlex.quote(value)}'


def _patience() -> str:
    return (
        f'look again when this machine is less busy (load {os.getloadavg()[0]:.1f} on '
        f'{os.cpu_count()} processors)'
    )


def _loopback_is_up() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack('16sh22x', b'lo', 0)
        try:
            answer = fcntl.ioctl(probe, _GET_INTERFACE_FLAGS, request)
        except OSError:  # no Linux, or no such interface
            return True
    return bool(struct.unpack('16sh22x', answer)[1] & _IS_UP)


def _segment_bytes(profile: str) -> int:
    """Return how large the shared memory of one process is under a Fast DDS profile."""
    try:
        sizes = _SEGMENT_SIZE.findall(Path(profile).read_text()) if profile else []
    except (OSError, UnicodeError):
        sizes = []
    return max(map(int, sizes), default=_DEFAULT_SEGMENT_BYTES)


def _left_bytes() -> int:
    """Return how much of the shared memory is of processes that are gone.

    Fast DDS holds a lock on a file beside a segment as long as its process lives.
    """
    left_bytes = 0
    for lock in _SHARED_MEMORY.glob('fast*_el'):
        try:
            with lock.open('rb') as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            left_bytes += lock.with_name(lock.name.removesuffix('_el')).stat().st_blocks * 512
        except OSError:  # it is in use, or somebody else's
            continue
    return left_bytes


def _is_xml(path: str) -> bool:
    try:
        ElementTree.parse(path)
    except ElementTree.ParseError:
        return False
    return True
