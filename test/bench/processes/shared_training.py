# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A student's training by one process, or by several that torchrun starts.

    python [-m torch.distributed.run ...] shared_training.py MODELS PAIRS STEPS WARM

It prints a line of JSON with the samples a second of the first stage of the default recipe.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

# As `crossmodal-kd train` does, before torch is imported.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from crossmodal_kd_ros.datasets import Pairs  # noqa: E402
from crossmodal_kd_ros.networks import freeze, load_teacher  # noqa: E402
from crossmodal_kd_ros.profile import load_profile  # noqa: E402
from crossmodal_kd_ros.training.device import Device  # noqa: E402
from crossmodal_kd_ros.training.loop import Run  # noqa: E402
from crossmodal_kd_ros.training.recipe import find_recipe, load_recipe  # noqa: E402
from crossmodal_kd_ros.training.student import train_student  # noqa: E402

_VALIDATION = 60


def main() -> None:
    """Train some steps."""
    models, path = map(Path, sys.argv[1:3])
    steps, warm = map(int, sys.argv[3:])
    profile, device = load_profile(), Device.find('cpu')
    arrays = np.load(path)
    pairs = Pairs.from_arrays({name: arrays[name] for name in arrays})
    recipe = load_recipe(find_recipe('default')).student.model_copy(
        update={'steps': steps, 'validate_every': steps, 'finish': None}
    )
    ends_s: list[float] = []
    train_student(
        profile,
        recipe,
        freeze(load_teacher(models / 'teacher.safetensors', profile)),
        pairs[:-_VALIDATION],
        pairs[-_VALIDATION:],
        seed=0,
        run=Run(device=device, report=lambda *_: ends_s.append(time.perf_counter())),
    )
    if device.is_first:
        # The last step has a validation.
        rate = recipe.batch * (steps - 1 - warm) / (ends_s[-2] - ends_s[warm - 1])
        print(json.dumps({'samples_a_second': rate}), flush=True)
    device.leave()


if __name__ == '__main__':
    main()
