# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pairs for tests of the training: every sense tells the action plainly; a few steps teach it."""

import numpy as np

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.profile import Profile, load_profile

PROFILE = load_profile('living_wall')


def make_pairs(
    count: int = 96,
    *,
    labels: int | None = None,
    seed: int = 0,
    side: int = 64,
    profile: Profile = PROFILE,
) -> Pairs:
    """Make `count` pairs, of which the first `labels` (None: all) carry their action."""
    rng = np.random.default_rng(seed)
    action = np.arange(count) % len(profile.actions)
    image = rng.integers(0, 60, (count, side, side, 3)).astype(np.uint8)
    for picture, index in zip(image, action.tolist()):
        picture[:, :, index % 3] += 60 + 60 * (index // 3)

    def draw(size: int, deviation: float) -> np.ndarray:
        noise = deviation * rng.standard_normal((count, size))
        return (action[:, None] + noise).astype(np.float32)

    pairs = Pairs(
        image=image,
        readings={name: draw(sense.size, 0.3) for name, sense in profile.senses.items()},
        quantities=draw(len(profile.quantities), 0.1),
        action=action.astype(np.int64),
        night=rng.random(count) < 0.5,
        group=np.arange(count),
    )
    return pairs if labels is None else pairs.with_labels(labels, profile)
