# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How long answers take."""

from collections import deque

import numpy as np


class LatencyWindow:
    """The latencies of the last `size` answers; 300 are ten seconds of a 30 Hz camera."""

    def __init__(self, size: int = 300) -> None:
        """Start empty."""
        self._latencies_s: deque[float] = deque(maxlen=size)

    def add(self, latency_s: float) -> None:
        """Note one latency, seconds."""
        self._latencies_s.append(latency_s)

    def percentiles_ms(self, *percents: float) -> tuple[float, ...] | None:
        """Return a percentile for each of `percents` (0 to 100), milliseconds; `None` before the first answer."""
        # A copy first: another thread may add while NumPy reads.
        latencies_s = list(self._latencies_s)
        if not latencies_s:
            return None
        return tuple(float(value) * 1e3 for value in np.percentile(latencies_s, percents))
