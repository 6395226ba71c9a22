# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What helps a student that simulated photographs alone teach to find cracks in real ones.

    python examples/photographs/arms.py ../cracktile ../flor_concrete --out out/photographs

Each arm learns for as many steps from the same seed. The odd photographs of both folders are
parted in two by their numbers: the first half is what an arm may see without labels (of its clean
ones `grounds` draws cracks on copies), the second half judges, and then the other way round. No
even photograph is opened. Writes `arms.json` into --out and prints a table; an arm that is in
there already is not trained again.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from crossmodal_kd_ros.benchmark.photos import (
    FALSE_ALARMS,
    Photos,
    crack_scores,
    photograph_number,
    recall_at,
)
from crossmodal_kd_ros.datasets import load_simulated
from crossmodal_kd_ros.datasets.photographs import load_simulated_photographs
from crossmodal_kd_ros.files import write_json
from crossmodal_kd_ros.networks import Student, StudentConfig
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training.losses import adversarial_ramp, reverse_gradient
from crossmodal_kd_ros.training.photographs import PhotographLoss, change_view, opening_score
from crossmodal_kd_ros.training.pretrained import load_pretrained

# In words: what is changed against the arm before the comma.
ARMS = {
    'residual': 'the encoder of the default recipe, fresh weights',
    'pretrained': 'encoder of ImageNet',
    'reversal': 'the same, gradient reversal between simulated and real photographs',
    'grounds': 'the same, half of the photographs drawn on real clean ones',
}
_PHOTOGRAPHS, _VIEWS, _SIZE_PX = 16000, 20000, 128
_BATCH, _REAL_BATCH, _LEARNING_RATE = 24, 12, 1.5e-3
_LARGER_PX = 192
_ADVERSARY_WIDTH = 64


@dataclass(frozen=True, kw_only=True)
class Half:
    """The odd photographs of one folder, and which of them judge.

    Attributes:
        photos: all of them.
        judges: `bool[N]`.
    """

    photos: Photos
    judges: np.ndarray

    @classmethod
    def load(cls, folder: Path, half: int) -> 'Half':
        """Part the odd photographs of `folder` by their numbers; every second one judges."""
        photos = Photos.load(folder, size_px=_SIZE_PX, parity='odd')
        numbers = [photograph_number(path) for path in photos.path]
        place = {number: place for place, number in enumerate(sorted(set(numbers)))}
        return cls(
            photos=photos, judges=np.array([place[number] % 2 != half for number in numbers])
        )


def train(arm: str, halves: list[Half], *, steps: int, cache: Path) -> Student:
    """Return the student that `arm` makes with the photographs that do not judge."""
    profile = load_profile()
    torch.manual_seed(0)
    encoder = 'residual' if arm == 'residual' else 'efficientnet_lite0'
    student = Student(profile, StudentConfig(view_px=_SIZE_PX, encoder=encoder))
    pairs = load_simulated('train', _VIEWS, seed=0, cache_dir=cache, profile=profile)
    student.set_statistics(pairs.readings, pairs.quantities)
    if arm != 'residual':
        load_pretrained(student.trunk.encoder)
    real = np.concatenate([each.photos.image[~each.judges] for each in halves])
    clean = [each.photos.image[~each.judges & ~each.photos.cracked] for each in halves]
    loss = PhotographLoss(
        student,
        load_simulated_photographs(
            _PHOTOGRAPHS,
            seed=0,
            cache_dir=cache,
            grounds=np.concatenate(clean) if arm == 'grounds' else None,
            ground_share=0.5,
        ),
        batch=_BATCH,
    )
    adversary = nn.Sequential(
        nn.Linear(student.trunk.pooled_features, _ADVERSARY_WIDTH),
        nn.ReLU(),
        nn.Linear(_ADVERSARY_WIDTH, 1),
    )
    both = nn.ModuleList([loss, student, adversary]).to(memory_format=torch.channels_last).train()
    learning = [p for p in both.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=_LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _LEARNING_RATE, total_steps=steps, pct_start=0.05
    )
    rng = np.random.default_rng(1)
    for step in range(1, steps + 1):
        drawn = loss.draw((0, step))
        image = drawn.image
        if arm == 'reversal':
            image = torch.cat([image, _some(real, rng)])
        with torch.autocast('cpu', torch.bfloat16):
            vision = student.trunk(image)
            seen = vision.of(slice(0, _BATCH))
            total = loss(student, seen, student.read(seen), drawn.cover)
            if arm == 'reversal':
                strength = adversarial_ramp(step / steps)
                is_real = adversary(reverse_gradient(vision.pooled.float(), strength))[:, 0]
                target = (torch.arange(len(image)) >= _BATCH).float()
                weight = torch.tensor(_BATCH / _REAL_BATCH)
                total = total + F.binary_cross_entropy_with_logits(
                    is_real.float(), target, pos_weight=weight
                )
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(learning, 5.0)
        optimiser.step()
        schedule.step()
    return student.eval()


def _some(real: np.ndarray, rng: np.random.Generator) -> Tensor:
    rows = rng.integers(len(real), size=_REAL_BATCH)
    seen = np.stack([change_view(real[row], real[row, :, :, 0], rng)[0] for row in rows])
    return torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255.0


def scores_of(student: Student, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return how surely each picture shows a crack, by how it is looked at."""
    pictures = torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255.0
    student.trunk.view_px = None
    larger = F.interpolate(
        pictures, size=(_LARGER_PX, _LARGER_PX), mode='bilinear', align_corners=False
    )
    as_pictures = (255.0 * larger).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    with torch.inference_mode():
        return {
            'four mirrored views': crack_scores(student, image)[0],
            'one view': opening_score(student, student(pictures)).numpy(),
            f'four views enlarged to {_LARGER_PX} px': crack_scores(student, as_pictures)[0],
        }


def measure(arm: str, folders: list[Path], *, steps: int, cache: Path) -> dict[str, Any]:
    """Return AUROC and recall by folder and way to look, over both halves."""
    found: dict[str, dict[str, list]] = {}
    for half in range(2):
        halves = [Half.load(folder, half) for folder in folders]
        student = train(arm, halves, steps=steps, cache=cache)
        for folder, each in zip(folders, halves, strict=True):
            cracked = each.photos.cracked[each.judges]
            scores = scores_of(student, each.photos.image[each.judges])
            for way, score in scores.items():
                found.setdefault(folder.name, {}).setdefault(way, []).append(
                    {
                        'pictures': len(cracked),
                        'auroc': float(roc_auc_score(cracked, score)),
                        'recall': recall_at(cracked, score, false_alarms=FALSE_ALARMS),
                    }
                )
    return found


def main() -> None:
    """Train what is missing, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folders', nargs=2, type=Path, help='each with crack/ and clean/')
    parser.add_argument('--out', type=Path, default=Path('out/photographs'))
    parser.add_argument('--cache', type=Path, default=Path('out/cache'))
    parser.add_argument('--steps', type=int, default=1000)
    given = parser.parse_args()
    path = given.out / 'arms.json'
    arms = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}
    for arm in ARMS:
        key = f'{arm}, {given.steps} steps'
        if key not in arms:
            arms[key] = measure(arm, given.folders, steps=given.steps, cache=given.cache)
            write_json(path, arms)
        for folder, ways in arms[key].items():
            for way, halves in ways.items():
                auroc, recall = (
                    ' and '.join(f'{each[name]:.2f}' for each in halves)
                    for name in ('auroc', 'recall')
                )
                print(f'| {ARMS[arm]} | {folder} | {way} | {auroc} | {recall} |')


if __name__ == '__main__':
    main()
