# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Batches: what is drawn, and what augmentation may and may not change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_pairs import make_pairs

from crossmodal_kd_ros.training.batches import augment, draw_rows, in_order, shrink, take


@pytest.mark.parametrize(
    ('least_labelled', 'with_label'), [(0.5, 8), (0.125, 2), (0.0, 2), (1.0, 16)]
)
def test_a_batch_has_as_many_labels_as_all_pairs_have_and_no_fewer_than_asked_for(
    least_labelled, with_label
):
    labelled, unlabelled = torch.arange(10), torch.arange(10, 80)  # an eighth
    rows = draw_rows(
        labelled, unlabelled, 16, torch.Generator().manual_seed(0), least_labelled=least_labelled
    )
    assert len(rows) == 16
    assert (rows[:with_label] < 10).all() and (rows[with_label:] >= 10).all()


def test_a_batch_is_all_labelled_where_every_pair_is():
    labelled = torch.arange(10)
    assert (
        draw_rows(labelled, labelled[:0], 16, torch.Generator().manual_seed(0), least_labelled=0.1)
        < 10
    ).all()


def test_in_order_gives_every_pair_once():
    pairs = make_pairs(10)
    batches = list(in_order(pairs, size=4))
    assert torch.cat([batch.rows for batch in batches]).tolist() == list(range(10))
    assert torch.cat([batch.action for batch in batches]).tolist() == pairs.action.tolist()


def test_shrinking_averages_pixels():
    pairs = make_pairs(4, side=64)
    small = shrink(pairs, 32)
    averaged = pairs.image.reshape(4, 32, 2, 32, 2, 3).mean((2, 4))
    assert small.image.shape == (4, 32, 32, 3) and np.abs(small.image - averaged).max() <= 1.0
    assert shrink(pairs, 64) is pairs and small.touch is pairs.touch


def test_picture_and_pad_are_mirrored_together():
    pairs = make_pairs(64)
    # The texture bank holds the brightness of the picture under it; the pad is its rows 3/8 to
    # 5/8, columns 1/4 to 3/4.
    rng = np.random.default_rng(0)
    pads = rng.integers(0, 256, (64, 8, 16))
    image = np.zeros((64, 64, 64, 3), np.uint8)
    image[:, 24:40, 16:48] = pads.repeat(2, 1).repeat(2, 2)[..., None]
    touch = np.concatenate([pads.reshape(64, 128)] * 2, 1).astype(np.float32)
    batch = augment(
        take(replace(pairs, image=image, touch=touch), torch.arange(64)),
        torch.Generator().manual_seed(0),
    )
    seen = (
        batch.image.mean(1)[:, 24:40, 16:48]
        .unflatten(1, (8, 2))
        .unflatten(3, (16, 2))
        .mean((2, 4))
        .flatten(1)
    )
    felt = batch.touch[:, :128]
    agreement = [float(np.corrcoef(a, b)[0, 1]) for a, b in zip(seen.numpy(), felt.numpy())]
    assert np.median(agreement) > 0.8
    assert not torch.equal(felt, torch.from_numpy(touch[:, :128]))  # some were mirrored


def test_two_pictures_in_three_are_only_mirrored():
    batch = take(make_pairs(300, side=32), torch.arange(300))
    changed = augment(batch, torch.Generator().manual_seed(0)).image
    mirrored = torch.stack(
        [batch.image, batch.image.flip(2), batch.image.flip(3), batch.image.flip(2, 3)]
    )
    untouched = (mirrored == changed).flatten(2).all(2).any(0).float().mean()
    assert abs(untouched - 2 / 3) < 0.08  # three standard deviations of a share of 300


def test_augmentation_keeps_what_is_right_and_stays_a_picture():
    batch = take(make_pairs(48), torch.arange(48))
    changed = augment(batch, torch.Generator().manual_seed(1))
    assert torch.equal(changed.action, batch.action) and torch.equal(changed.gas, batch.gas)
    assert torch.equal(changed.surface, batch.surface) and torch.equal(changed.rows, batch.rows)
    assert (
        changed.image.min() >= 0.0
        and changed.image.max() <= 1.0
        and not torch.equal(changed.image, batch.image)
    )
    again = augment(batch, torch.Generator().manual_seed(1))
    assert torch.equal(changed.image, again.image)
