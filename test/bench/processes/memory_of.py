# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The memory of a process, for each program of this folder."""

from pathlib import Path

_NAMES = {'rss_mib': 'VmRSS', 'peak_mib': 'VmHWM', 'shared_mib': 'RssShmem'}


def memory_mib(pid: int | str = 'self') -> dict[str, float]:
    """Return the resident memory of a process, now and at most, MiB; by default of this one.

    `shared_mib` is what of it lies in shared memory, as pictures of Fast DDS do.
    """
    # Not from getrusage: that knows the process which started this one as well.
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    status = dict(line.split(':', 1) for line in lines)
    return {key: int(status[name].split()[0]) / 1024 for key, name in _NAMES.items()}
