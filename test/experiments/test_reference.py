# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The article's own nets run, with the repairs that are named, and their loop trains them."""

import numpy as np
import torch

from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.experiments.reference_loop import train_reference
from crossmodal_kd_ros.experiments.reference_nets import MultiModalTeacher, VisionOnlyStudent
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.training.recipe import ReferenceRecipe


def test_the_articles_nets_run_forward_and_backward_with_a_classifier():
    image, touch, gas = torch.rand(2, 3, 128, 128), torch.rand(2, 256), torch.rand(2, 8)
    teacher, student = MultiModalTeacher(), VisionOnlyStudent()
    taught = teacher.classifier(teacher(image, touch, gas))
    features, touch_estimate, gas_estimate = student(image)
    learnt = student.classifier(features)
    assert (
        features.shape == (2, 512)
        and touch_estimate.shape == (2, 256)
        and gas_estimate.shape == (2, 8)
    )
    assert taught.shape == learnt.shape == (2, 6)
    (taught.square().sum() + learnt.square().sum()).backward()


def test_the_articles_attention_over_one_key_teaches_its_query_nothing():
    teacher = MultiModalTeacher()
    teacher(
        torch.rand(2, 3, 64, 64), torch.rand(2, 256), torch.rand(2, 8)
    ).square().sum().backward()
    assert teacher.cross_attention.q_proj_weight.grad.abs().max() == 0
    assert teacher.cross_attention.v_proj_weight.grad.abs().max() > 0


def test_the_articles_loop_trains_teacher_and_student_on_the_labelled_pairs():
    rng = np.random.default_rng(0)
    count, losses = 24, []
    pairs = Pairs(
        image=rng.integers(0, 256, (count, 32, 32, 3), np.uint8),
        readings={
            'touch': rng.random((count, 256), np.float32),
            'gas': rng.random((count, 8), np.float32),
        },
        quantities=rng.random((count, 4), np.float32),
        action=np.arange(count) % 6,
        night=np.zeros(count, bool),
        group=np.arange(count),
    ).with_labels(18, load_profile())
    data = {'labelled_views': 18, 'unlabelled_views': 6}
    recipe = ReferenceRecipe(nets='article', data=data, epochs=2, batch=8)
    teacher, student = train_reference(
        recipe, pairs, report=lambda step, total, values: losses.append(values['loss'])
    )
    # Two nets, two epochs, three batches of the 18 labelled pairs.
    assert len(losses) == 12 and np.isfinite(losses).all()
    assert not teacher.training and not student.training
