# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pairs for tests of the training: every sense tells the action plainly, so that a few steps learn something."""

import numpy as np

from crossmodal_kd_ros.contract import ACTIONS
from crossmodal_kd_ros.datasets import Pairs


def make_pairs(
    count: int = 96, *, labels: int | None = None, seed: int = 0, side: int = 64
) -> Pairs:
    """Make `count` pairs, of which the first `labels` (None: all) carry their action."""
    rng = np.random.default_rng(seed)
    action = np.arange(count) % len(ACTIONS)
    image = rng.integers(0, 60, (count, side, side, 3)).astype(np.uint8)
    for picture, index in zip(image, action.tolist()):
        picture[:, :, index % 3] += 60 + 60 * (index // 3)
    touch = (action[:, None] + 0.3 * rng.standard_normal((count, 256))).astype(np.float32)
    gas = (action[:, None] + 0.3 * rng.standard_normal((count, 8))).astype(np.float32)
    surface = (action[:, None] + 0.1 * rng.standard_normal((count, 3))).astype(np.float32)
    pairs = Pairs(
        image=image,
        touch=touch,
        gas=gas,
        surface=surface,
        action=action.astype(np.int64),
        night=rng.random(count) < 0.5,
        panel=np.arange(count),
    )
    return pairs if labels is None else pairs.with_labels(labels)
