# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From pairs to batches of tensors, and changes of a picture that must not change the answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from crossmodal_kd_ros.datasets import NO_LABEL, Pairs
from crossmodal_kd_ros.profile import Profile

# What OpenCV calls upside down, left to right, both.
_FLIP_CODES = {(True, False): 0, (False, True): 1, (True, True): -1}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """B pairs as tensors.

    `image` float32[B, 3, S, S] 0 to 1, `readings` float32[B, size] by sense, `quantities`
    float32[B, Q], `action` int64[B] (-1: no label), `night` float32[B] (1: by the robot's lamp),
    `rows` int64[B] into the pairs. `strong`, of a student that trains itself: `image` with those
    changed that have no label.
    """

    image: Tensor
    readings: dict[str, Tensor]
    quantities: Tensor
    action: Tensor
    night: Tensor
    rows: Tensor
    strong: Tensor | None = None

    def to(self, device: torch.device) -> 'Batch':
        """Return the same batch on `device`."""
        if self.image.device == device:
            return self
        moved = {
            name: x.to(device)
            for name, x in vars(self).items()
            if name != 'readings' and x is not None
        }
        return Batch(readings={sense: x.to(device) for sense, x in self.readings.items()}, **moved)


def take(pairs: Pairs, rows: Tensor) -> Batch:
    """Return the chosen rows, as they are."""
    index = rows.numpy()
    return Batch(
        image=torch.from_numpy(pairs.image[index]).permute(0, 3, 1, 2).float().div_(255.0),
        readings={
            sense: torch.from_numpy(values[index]) for sense, values in pairs.readings.items()
        },
        quantities=torch.from_numpy(pairs.quantities[index]),
        action=torch.from_numpy(pairs.action[index]),
        night=torch.from_numpy(pairs.night[index].astype(np.float32)),
        rows=rows,
    )


def shrink(pairs: Pairs, size_px: int) -> Pairs:
    """Return the same pairs with larger pictures averaged down to `size_px`.

    All at once, because it costs more than a step of training.
    """
    if pairs.image.shape[1] <= size_px:
        return pairs
    small = np.empty((len(pairs), size_px, size_px, 3), np.uint8)
    for picture, wide in zip(small, pairs.image):
        cv2.resize(wide, (size_px, size_px), picture, interpolation=cv2.INTER_AREA)
    return replace(pairs, image=small)


def in_order(pairs: Pairs, size: int = 128) -> Iterator[Batch]:
    """Yield all pairs in their order, unchanged."""
    for start in range(0, len(pairs), size):
        yield take(pairs, torch.arange(start, min(start + size, len(pairs))))


def draw_rows(
    labelled: Tensor,
    unlabelled: Tensor,
    size: int,
    generator: torch.Generator,
    *,
    min_labelled: float,
) -> Tensor:
    """Draw `size` rows with replacement.

    As many have a label as the share of labelled rows among all, and no less than `min_labelled`.
    """

    def some(rows: Tensor, count: int) -> Tensor:
        return rows[torch.randint(len(rows), (count,), generator=generator)]

    if not len(unlabelled):
        return some(labelled, size)
    share = max(min_labelled, len(labelled) / (len(labelled) + len(unlabelled)))
    with_label = round(share * size)
    return torch.cat([some(labelled, with_label), some(unlabelled, size - with_label)])


def augment(batch: Batch, profile: Profile, generator: torch.Generator) -> Batch:
    """Mirror pictures with the grids in them; change light or sharpness, or cover a part, of some.

    Mirroring, where the profile allows it, gives a view that could have been; the rest is what a
    lamp, a lens and a careless hose do. A third of the pictures are changed, and in one way each:
    the simulated pictures vary in light and focus already, and with all changes on all pictures a
    student was right in 47 % after 300 steps that gave 56 % with mirroring alone.
    """
    if profile.camera.mirrored:
        batch = _mirror(batch, profile, generator)
    kind = torch.randint(3 * len(_CHANGES), (len(batch.image),), generator=generator)
    return replace(batch, image=_changed(batch.image, kind, generator))


def add_strong_views(batch: Batch, generator: torch.Generator) -> Batch:
    """Add `strong`: every picture without a label is changed in one of the ways of `augment`."""
    unlabelled = torch.nonzero(batch.action == NO_LABEL)[:, 0]
    kind = torch.full_like(batch.action, len(_CHANGES))
    kind[unlabelled] = torch.randint(len(_CHANGES), (len(unlabelled),), generator=generator)
    return replace(batch, strong=_changed(batch.image, kind, generator))


def _changed(image: Tensor, kind: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures changed by the one of `_CHANGES` whose index is their `kind`, if any."""
    image = image.clone()
    for number, change in enumerate(_CHANGES):
        rows = torch.nonzero(kind == number)[:, 0]
        if len(rows):
            image[rows] = change(image[rows], generator)
    return image


def _mirror(batch: Batch, profile: Profile, generator: torch.Generator) -> Batch:
    """Mirror half of the pictures upside down, and half left to right."""
    grids = [sense for sense in profile.senses.values() if sense.footprint_mm is not None]
    readings, flips = dict(batch.readings), []
    for axis in (2, 3):
        if not all(_centred(sense.footprint_mm, axis, profile) for sense in grids):
            flips.append([False] * len(batch.image))  # a grid would lie beside its place
            continue
        flip = torch.rand(len(batch.image), 1, 1, 1, generator=generator) < 0.5
        flips.append(flip.flatten().tolist())
        for sense in grids:
            channels = readings[sense.name].unflatten(1, sense.shape)
            readings[sense.name] = torch.where(flip, channels.flip(axis), channels).flatten(1)
    # Picture by picture: `torch.where` and `torch.flip` of all take ten times as long.
    pixels = batch.image.permute(0, 2, 3, 1).contiguous().numpy()
    mirrored = np.empty_like(pixels)
    for source, target, *flipped in zip(pixels, mirrored, *flips):
        if any(flipped):
            cv2.flip(source, _FLIP_CODES[tuple(flipped)], target)
        else:
            target[:] = source
    image = torch.from_numpy(mirrored).permute(0, 3, 1, 2)
    return replace(batch, image=image, readings=readings)


def _centred(footprint_mm: tuple[float, ...], axis: int, profile: Profile) -> bool:
    """Return whether a footprint lies in the middle of the view's rows (2) or columns (3)."""
    left, top, width, height = footprint_mm
    start, length = (top, height) if axis == 2 else (left, width)
    return abs(2.0 * start + length - profile.camera.view_mm) < 1e-6


def _blur(image: Tensor, generator: torch.Generator) -> Tensor:
    """Blur half of them evenly, half along a row or a column, by 1/64 to 1/26 of a side."""
    kernels = torch.stack(
        [_blur_kernel(image.shape[-1], generator) for _ in image]
    ).repeat_interleave(3, 0)[:, None]
    padded = F.pad(image, (2, 2, 2, 2), mode='reflect').flatten(0, 1)[None]
    return F.conv2d(padded, kernels, groups=len(kernels))[0].unflatten(0, (-1, 3))


def _blur_kernel(side_px: int, generator: torch.Generator) -> Tensor:
    """Return `float32[5, 5]`: 2 to 5 px at 128 px, the same part of the view at other sizes."""
    kind, length = torch.randint(4, (2,), generator=generator).tolist()
    length_px = min((length + 2) * side_px / 128, 5.0)
    reach = torch.arange(5.0) - 2.0
    line = (length_px / 2 + 0.5 - reach.abs()).clamp(0.0, 1.0)
    dot = (reach == 0.0).float()
    gauss = torch.exp(-((reach / (0.3 * length_px)) ** 2))
    rows, columns = ((dot, line), (line, dot), (gauss, gauss), (gauss, gauss))[kind]
    kernel = rows[:, None] * columns[None]
    return kernel / kernel.sum()


def _expose(image: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness (by a gain of 0.33 to 1.49), gamma and colour cast, and add noise.

    A fifth of them have a strong cast.
    """

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(len(image), channels, 1, 1, generator=generator)

    strong = (torch.rand(len(image), 1, 1, 1, generator=generator) < 0.2).float()
    cast = draw(0.85, 1.15, 3) * (1.0 - strong) + draw(0.3, 1.1, 3) * strong
    gain = torch.exp(
        draw(-0.6, 0.4)
        - 0.5 * (torch.rand(len(image), 1, 1, 1, generator=generator) < 0.15).float()
    )
    image = image.clamp_min(1e-4) ** draw(0.8, 1.25) * gain * cast
    noise = torch.randn(image.shape, generator=generator) * draw(0.0, 0.03)
    return (image + noise).clamp(0.0, 1.0)


def _cover(image: Tensor, generator: torch.Generator) -> Tensor:
    """Cover a rectangle, at most a fourth of the picture."""
    side = image.shape[-1]
    image = image.clone()
    for picture in image:
        h, w = (torch.rand(2, generator=generator) * 0.4 + 0.1).mul(side).int().tolist()
        top = int(torch.randint(side - h, (1,), generator=generator))
        left = int(torch.randint(side - w, (1,), generator=generator))
        picture[:, top : top + h, left : left + w] = torch.rand(3, 1, 1, generator=generator) * 0.5
    return image


_CHANGES = (_expose, _blur, _cover)
