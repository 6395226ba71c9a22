# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Batches: what is drawn, and what augmentation may and may not change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_pairs import PROFILE, make_pairs
from three_senses import PAD, SKIN, three_senses

from crossmodal_kd_ros.training.batches import (
    add_strong_views,
    augment,
    draw_rows,
    in_order,
    shrink,
    take,
)


@pytest.mark.parametrize(
    ('min_labelled', 'with_label'), [(0.5, 8), (0.125, 2), (0.0, 2), (1.0, 16)]
)
def test_a_batch_has_as_many_labels_as_all_pairs_have_and_no_fewer_than_asked_for(
    min_labelled, with_label
):
    labelled, unlabelled = torch.arange(10), torch.arange(10, 80)  # an eighth
    rows = draw_rows(
        labelled, unlabelled, 16, torch.Generator().manual_seed(0), min_labelled=min_labelled
    )
    assert len(rows) == 16
    assert (rows[:with_label] < 10).all() and (rows[with_label:] >= 10).all()


def test_a_batch_is_all_labelled_where_every_pair_is():
    labelled = torch.arange(10)
    assert (
        draw_rows(labelled, labelled[:0], 16, torch.Generator().manual_seed(0), min_labelled=0.1)
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
    assert shrink(pairs, 64) is pairs and small.readings is pairs.readings


def test_picture_and_pad_are_mirrored_together():
    pairs = make_pairs(64)
    # The texture bank holds the brightness of the picture under it; the pad is its rows 3/8 to
    # 5/8, columns 1/4 to 3/4.
    rng = np.random.default_rng(0)
    pads = rng.integers(0, 256, (64, 8, 16))
    image = np.zeros((64, 64, 64, 3), np.uint8)
    image[:, 24:40, 16:48] = pads.repeat(2, 1).repeat(2, 2)[..., None]
    touch = np.concatenate([pads.reshape(64, 128)] * 2, 1).astype(np.float32)
    readings = {**pairs.readings, 'touch': touch}
    batch = augment(
        take(replace(pairs, image=image, readings=readings), torch.arange(64)),
        PROFILE,
        torch.Generator().manual_seed(0),
    )
    seen = (
        batch.image.mean(1)[:, 24:40, 16:48]
        .unflatten(1, (8, 2))
        .unflatten(3, (16, 2))
        .mean((2, 4))
        .flatten(1)
    )
    felt = batch.readings['touch'][:, :128]
    agreement = [float(np.corrcoef(a, b)[0, 1]) for a, b in zip(seen.numpy(), felt.numpy())]
    assert np.median(agreement) > 0.8
    assert not torch.equal(felt, torch.from_numpy(touch[:, :128]))  # some were mirrored


def test_a_picture_is_mirrored_only_along_axes_on_which_every_grid_stays_in_its_place():
    # The pad's footprint is in the middle of the view's rows and at the left of its columns.
    profile = three_senses()
    assert profile.senses[PAD].footprint_mm == (5, 20, 14, 10)
    batch = take(make_pairs(200, side=32, profile=profile), torch.arange(200))
    mirrored = augment(batch, profile, torch.Generator().manual_seed(0))
    before, after = (b.readings[PAD].unflatten(1, (2, 5, 7)) for b in (batch, mirrored))
    upside_down = (after == before.flip(2)).flatten(1).all(1)
    unchanged = (after == before).flatten(1).all(1)
    assert (upside_down | unchanged).all() and 60 < upside_down.sum() < 140
    # A grid that does not show in the view is not mirrored.
    assert torch.equal(mirrored.readings[SKIN], batch.readings[SKIN])


def test_nothing_is_mirrored_where_the_profile_does_not_allow_it():
    profile = three_senses(camera={'topic': 'c', 'period_s': 0.1, 'view_px': 64, 'view_mm': 50})
    batch = take(make_pairs(60, side=32, profile=profile), torch.arange(60))
    changed = augment(batch, profile, torch.Generator().manual_seed(0))
    assert torch.equal(changed.readings[PAD], batch.readings[PAD])
    untouched = (changed.image == batch.image).flatten(1).all(1).float().mean()
    assert untouched > 0.4


def test_two_pictures_in_three_are_only_mirrored():
    batch = take(make_pairs(300, side=32), torch.arange(300))
    changed = augment(batch, PROFILE, torch.Generator().manual_seed(0)).image
    mirrored = torch.stack(
        [batch.image, batch.image.flip(2), batch.image.flip(3), batch.image.flip(2, 3)]
    )
    untouched = (mirrored == changed).flatten(2).all(2).any(0).float().mean()
    assert abs(untouched - 2 / 3) < 0.08  # three standard deviations of a share of 300


def test_augmentation_keeps_what_is_right_and_stays_a_picture():
    batch = take(make_pairs(48), torch.arange(48))
    changed = augment(batch, PROFILE, torch.Generator().manual_seed(1))
    assert torch.equal(changed.action, batch.action) and torch.equal(
        changed.readings['gas'], batch.readings['gas']
    )
    assert torch.equal(changed.quantities, batch.quantities) and torch.equal(
        changed.rows, batch.rows
    )
    assert (
        changed.image.min() >= 0.0
        and changed.image.max() <= 1.0
        and not torch.equal(changed.image, batch.image)
    )
    again = augment(batch, PROFILE, torch.Generator().manual_seed(1))
    assert torch.equal(changed.image, again.image)


def test_strong_views_are_of_every_picture_without_a_label_and_of_no_other():
    batch = take(make_pairs(40, labels=16, side=128), torch.arange(40))
    changed = add_strong_views(batch, torch.Generator().manual_seed(0))
    assert torch.equal(changed.image, batch.image)
    is_changed = (changed.strong != batch.image).flatten(1).any(1)
    assert is_changed.tolist() == [False] * 16 + [True] * 24
    assert changed.strong.min() >= 0.0 and changed.strong.max() <= 1.0
    again = add_strong_views(batch, torch.Generator().manual_seed(0)).strong
    assert torch.equal(changed.strong, again)
