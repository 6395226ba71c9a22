# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sixty objects of ten classes on a turntable: photographs, and touches of an optical fingertip.

The set is https://github.com/Exhor/deep_visuotactile_classification. It has no licence: nothing of
it is kept here.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from real_set import (
    VIEW_PX,
    RealSet,
    RealSetError,
    fingerprint,
    make_pairs,
    make_profile,
    read_picture,
)

SOURCE, COMMIT = 'https://github.com/Exhor/deep_visuotactile_classification', '3c403f5'
CLASSES = (
    'stapler',
    'bottleempty',
    'ball',
    'softtoy',
    'shoe',
    'box',
    'mug',
    'bottlefull',
    'bowl',
    'can',
)
INSTANCES = 6
TOUCHES = 10

# A touch, a quarter of a picture: its fingertip is a disc, in four rings.
_TOUCH_SIZE = (160, 120)
_CENTRE, _RADIUS_PX, _RINGS = (53.0, 54.0), 48.0, 4
_STATISTICS = ('mean', 'spread', 'edge')
_NUMBERS = (
    *(f'{name}_{ring}' for name in _STATISTICS for ring in range(_RINGS)),
    'darker',
    'brighter',
)
FEATURES = tuple(
    (f'{number}_{over}', '1', -2.0, 5.0) for over in ('mean', 'std', 'max') for number in _NUMBERS
)

# A photograph, at half its size.
_SIDE = 150
_MIDDLE = (76.0, 77.0)


def read(clone: Path, *, seed: int = 0) -> RealSet:
    """Return the set: a pair is a photograph and ten touches of its object, drawn by `seed`.

    The unseen objects of a fold are one instance of each class.

    Raises:
        RealSetError: it is no clone, or a file cannot be used.
    """
    root = clone / 'code' / 'data' / 'vt60'
    photographs, touches = ({}, {})
    for number, name in enumerate(CLASSES, 1):
        for instance in range(1, INSTANCES + 1):
            place = f'{number:02d}_{name}/{instance:02d}'
            for files, sense, pattern in (
                (photographs, 'vision', 'IMG_*.jpg'),
                (touches, 'touch', 'touch_*.jpg'),
            ):
                found = sorted((root / sense / place).glob(pattern), key=_number)
                if len(found) < (TOUCHES + 1 if sense == 'touch' else 2):
                    raise RealSetError(
                        f'expected pictures {pattern} in {root / sense / place}, found '
                        f'{len(found)}: clone {SOURCE} at {COMMIT}'
                    )
                files[number - 1, instance - 1] = found
    rng = np.random.default_rng(seed)
    everything = [path for files in photographs.values() for path in files]
    table = empty_table([read_picture(path) for path in everything[::8]])
    views, felt, action, group, fold = [], [], [], [], []
    for index, (key, files) in enumerate(photographs.items()):
        each = feel([read_picture(path, cv2.IMREAD_GRAYSCALE) for path in touches[key]])
        for path in files:
            views.append(object_view(read_picture(path), table))
            some = each[rng.choice(len(each), TOUCHES, replace=False)]
            felt.append(np.concatenate([some.mean(0), some.std(0), some.max(0)]))
            action.append(key[0])
            group.append(index)
            fold.append(key[1])
    profile = make_profile('turntable', FEATURES, CLASSES)
    pairs = make_pairs(profile, views, np.array(felt), np.array(action), np.array(group))
    return RealSet(
        name='visuotactile',
        source=SOURCE,
        commit=COMMIT,
        digest=fingerprint(root, [*everything, *(p for f in touches.values() for p in f)]),
        profile=profile,
        pairs=pairs,
        fold=np.array(fold),
        objects=tuple(f'{CLASSES[number]} {instance + 1}' for number, instance in photographs),
    )


def empty_table(photographs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the table without an object, `uint8[150, 150, 3]`, of photographs of many objects.

    The camera stood still: what most photographs show is the table, but for its middle, where
    something always lies; that is filled from around.
    """
    usual = np.median([_halve(each) for each in photographs], axis=0).astype(np.uint8)
    hole = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.ellipse(hole, (76, 80), (30, 40), 0, 0, 360, 255, -1)
    return cv2.inpaint(usual, hole, 5, cv2.INPAINT_TELEA)


def object_view(photograph: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the object, `uint8[64, 64, 3]` RGB, in a square that it fills; all else is grey."""
    small = _halve(photograph)
    mask = _mask(small, table)
    seen = np.where(mask[..., None] > 0, small, 128)
    x, y, width, height = cv2.boundingRect(mask)
    side = max(width, height, _SIDE // 4)
    padded = cv2.copyMakeBorder(
        seen, side, side, side, side, cv2.BORDER_CONSTANT, value=(128, 128, 128)
    )
    left, top = (2 * side + 2 * x + width - side) // 2, (2 * side + 2 * y + height - side) // 2
    square = padded[top : top + side, left : left + side]
    return cv2.resize(square, (VIEW_PX, VIEW_PX), interpolation=cv2.INTER_AREA)[..., ::-1]


def feel(touches: Sequence[np.ndarray]) -> np.ndarray:
    """Return numbers of each touch of one object, `float32[N - 1, 14]`.

    The fingertip's light differs from object to object, and would tell which it is. So the frame
    with the least edge, which touched nothing, is what all others are divided by; it is left out.
    Of the ratio less 1: mean, deviation and edge in four rings from the middle, and the share that
    is darker and brighter by 0.1.

    Args:
        touches: N of `uint8[H, W]`.
    """
    small = np.stack(
        [
            cv2.GaussianBlur(
                cv2.resize(each, _TOUCH_SIZE, interpolation=cv2.INTER_AREA), (0, 0), 1.5
            )
            for each in touches
        ]
    ).astype(np.float32)
    columns, rows = np.meshgrid(*(np.arange(size) for size in _TOUCH_SIZE))
    radius = np.hypot(columns - _CENTRE[0], rows - _CENTRE[1]) / _RADIUS_PX
    tip = radius < 1.0
    rings = [tip & (np.floor(radius**2 * _RINGS) == ring) for ring in range(_RINGS)]
    edges = [np.abs(cv2.Laplacian(each, cv2.CV_32F, ksize=3))[tip].mean() for each in small]
    nothing = int(np.argmin(edges))
    numbers = []
    for each in np.delete(small, nothing, 0):
        ratio = each / np.maximum(small[nothing], 1.0) - 1.0
        slope = np.hypot(cv2.Sobel(ratio, cv2.CV_32F, 1, 0), cv2.Sobel(ratio, cv2.CV_32F, 0, 1))
        numbers.append(
            [
                *(ratio[ring].mean() for ring in rings),
                *(ratio[ring].std() for ring in rings),
                *(slope[ring].mean() for ring in rings),
                (ratio[tip] < -0.1).mean(),
                (ratio[tip] > 0.1).mean(),
            ]
        )
    return np.array(numbers, np.float32)


def _number(path: Path) -> int:
    """Return the number of a picture, by which pictures lie in the order of their making."""
    found = re.search(r'img_(\d+)', path.name)
    return int(found[1]) if found else 0


def _halve(photograph: np.ndarray) -> np.ndarray:
    return cv2.resize(photograph, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _colour(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return chromaticity `float32[H, W, 3]`, which shadow does not change, and light."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.5).astype(np.float32) + 8.0
    total = smooth.sum(2)
    return smooth / total[..., None], total / 3.0


def _mask(small: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return where the object is, `uint8[150, 150]` of 0 and 1, with no hole and no bay.

    Seeds are what differs in colour from the empty table; GrabCut grows them. A bottle lets the
    table through: seeds in the middle count even where GrabCut gave them up.
    """
    (colour, light), (usual, usual_light) = _colour(small), _colour(table)
    differs = np.abs(colour - usual).sum(2)
    columns, rows = np.meshgrid(np.arange(_SIDE), np.arange(_SIDE))
    off = np.hypot(columns - _MIDDLE[0], rows - _MIDDLE[1])
    mask = np.full((_SIDE, _SIDE), cv2.GC_PR_BGD, np.uint8)
    mask[(differs > 0.2) & (off < 62)] = cv2.GC_PR_FGD
    mask[(light < 40) & (off < 50)] = cv2.GC_PR_FGD
    mask[(differs < 0.06) & (np.abs(np.log(light / usual_light)) < 0.25)] = cv2.GC_BGD
    mask[(off > 70) & (rows > 60)] = cv2.GC_BGD
    mask[off < 3] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((2, 1, 65))
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
    cv2.grabCut(lab, mask, None, models[0], models[1], 3, cv2.GC_INIT_WITH_MASK)
    grown = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    grown = cv2.morphologyEx(grown, cv2.MORPH_OPEN, kernel)
    count, labels, boxes, middles = cv2.connectedComponentsWithStats(grown)
    whole = np.zeros_like(grown)
    if count > 1:
        stray = ((middles[1:] - _MIDDLE) ** 2).sum(1) / 30.0**2
        whole[labels == 1 + np.argmax(boxes[1:, cv2.CC_STAT_AREA] / (1.0 + stray))] = 1
    not_red = (differs > 0.2) & (colour[..., 2] < 0.62) & (off < 50)
    seeds = cv2.morphologyEx(not_red.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, boxes, middles = cv2.connectedComponentsWithStats(seeds)
    for seed in range(1, count):
        near = (np.abs(middles[seed] - (76, 72)) < (18, 32)).all()
        if near and boxes[seed, cv2.CC_STAT_AREA] > 60:
            whole[labels == seed] = 1
    if not whole.any():
        whole[off < 12] = 1
    hull = cv2.convexHull(cv2.findNonZero(whole))
    return cv2.fillConvexPoly(np.zeros_like(whole), hull, 1)
