# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

# How long to wait for what must come: no requirement, and no test waits longer than it must. A
# loaded machine may take tens of seconds to start two nodes beside the two of another test, each
# with a torch to import.
PATIENCE_S = 60.0


def wait_for(
    condition: Callable[[], object],
    *,
    limit_s: float = PATIENCE_S,
    printed: Callable[[], str] = lambda: '',
) -> None:
    """Wait until `condition()` is true; fail after `limit_s`, with what a node has printed."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f'waited {limit_s} s in vain; {printed()}'
        time.sleep(0.005)
