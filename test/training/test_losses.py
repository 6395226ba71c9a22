# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The losses against torchdistill, pytorch-revgrad, and their formulas in float64.

torchdistill 1.1.5 is installed without its dependencies (`pip install --no-deps torchdistill`): it
asks for torchvision and none of its mid-level losses needs it.
"""

import doctest
import importlib

import pytest
import torch
from pytorch_revgrad.functional import revgrad
from torch import Tensor
from torch.nn import functional as F
from torchdistill.losses import mid_level

from crossmodal_kd_ros.training import losses

CLOSE = {'rtol': 1e-6, 'atol': 1e-6}
EXACT = {'rtol': 0.0, 'atol': 1e-12}  # float64 against float64


@pytest.fixture(params=[0, 1, 2], ids='seed {}'.format)
def batch(request) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits of student and teacher, float64[16, 6], and labels."""
    generator = torch.Generator().manual_seed(request.param)
    student, teacher = torch.randn(2, 16, 6, dtype=torch.float64, generator=generator) * 3
    return student.requires_grad_(), teacher, torch.randint(6, (16,), generator=generator)


@pytest.fixture(params=[0, 1, 2], ids='seed {}'.format)
def features(request) -> tuple[Tensor, Tensor]:
    """Return student's and teacher's features, of 12 samples, 5 dimensions, float64."""
    generator = torch.Generator().manual_seed(request.param)
    student, teacher = torch.randn(2, 12, 5, dtype=torch.float64, generator=generator)
    return student.requires_grad_(), 2 * teacher + 1


def outputs(value: Tensor) -> dict:
    """Wrap a tensor as torchdistill expects the outputs of a module."""
    return {'net': {'output': value}}


@pytest.mark.parametrize('temperature', [1.0, 2.0, 4.0, 20.0])
@pytest.mark.parametrize('alpha', [0.0, 0.3, 0.7])
def test_distillation_loss_equals_torchdistill(batch, temperature, alpha):
    student, teacher, labels = batch
    # torchdistill weighs the labels with alpha and the teacher with beta. Its alpha 0 (our 1)
    # drops T squared.
    oracle = mid_level.KDLoss(
        'net', 'output', 'net', 'output', temperature=temperature, alpha=1 - alpha, beta=alpha
    )
    expected = oracle(outputs(student), outputs(teacher), labels)
    ours = losses.distillation_loss(student, teacher, labels, temperature=temperature, alpha=alpha)
    torch.testing.assert_close(ours, expected, **CLOSE)
    torch.testing.assert_close(
        *(torch.autograd.grad(loss, student)[0] for loss in (ours, expected)), **CLOSE
    )


@pytest.mark.parametrize('temperature', [1.0, 4.0])
def test_pure_distillation_is_the_divergence_times_temperature_squared(batch, temperature):
    student, teacher, labels = batch
    p, q = (F.softmax(logits / temperature, 1) for logits in (teacher, student))
    expected = temperature**2 * (p * (p / q).log()).sum() / len(labels)
    ours = losses.distillation_loss(student, teacher, labels, temperature=temperature, alpha=1.0)
    torch.testing.assert_close(ours, expected, **EXACT)


def test_unlabelled_samples_learn_from_the_teacher_alone(batch):
    student, teacher, labels = batch
    labelled, some = labels.clone(), slice(0, 5)
    labels[5:] = losses.NO_LABEL
    ours = losses.distillation_loss(student, teacher, labels, alpha=0.7)
    soft = losses.distillation_loss(student, teacher, labelled, alpha=1.0)
    hard = losses.distillation_loss(student[some], teacher[some], labelled[some], alpha=0.0)
    torch.testing.assert_close(ours, 0.7 * soft + 0.3 * hard, **EXACT)


def test_a_batch_without_any_label_gives_a_number_and_a_gradient(batch):
    student, teacher, labels = batch
    loss = losses.distillation_loss(student, teacher, torch.full_like(labels, losses.NO_LABEL))
    (gradient,) = torch.autograd.grad(loss, student)
    assert torch.isfinite(loss) and torch.isfinite(gradient).all() and gradient.abs().sum() > 0


@pytest.mark.parametrize('temperature', [1.0, 4.0])
def test_decoupled_loss_is_the_papers_formula(batch, temperature):
    student, teacher, labels = batch
    p, q = (F.softmax(logits / temperature, 1) for logits in (teacher, student))
    rows = torch.arange(len(labels))
    p_y, q_y = p[rows, labels], q[rows, labels]
    target = p_y * (p_y / q_y).log() + (1 - p_y) * ((1 - p_y) / (1 - q_y)).log()
    others = torch.ones_like(p).scatter(1, labels[:, None], 0).bool()
    p_hat, q_hat = (
        (x / (1 - x_y)[:, None])[others].reshape(len(labels), -1)
        for x, x_y in ((p, p_y), (q, q_y))
    )
    other = (p_hat * (p_hat / q_hat).log()).sum(1)
    ours = losses.decoupled_loss(
        student, teacher, labels, temperature=temperature, target_weight=1.5, other_weight=8.0
    )
    torch.testing.assert_close(
        ours, temperature**2 * (1.5 * target + 8 * other).mean(), rtol=1e-9, atol=1e-9
    )


def test_decoupled_loss_put_together_again_is_the_undivided_one(batch):
    # Equation 7 of the paper: KL = TCKD + (1 - p_y) NCKD, sample by sample.
    for student, teacher, label in zip(*batch):
        args = student[None], teacher[None], label[None]
        sure = F.softmax(teacher / 4.0, 0)[label].item()
        expected = losses.distillation_loss(*args, alpha=1.0)
        torch.testing.assert_close(
            losses.decoupled_loss(*args, other_weight=1 - sure), expected, rtol=1e-9, atol=1e-9
        )


def test_decoupled_loss_takes_the_teachers_choice_where_there_is_no_label(batch):
    student, teacher, labels = batch
    unlabelled = losses.decoupled_loss(student, teacher, torch.full_like(labels, losses.NO_LABEL))
    assert unlabelled == losses.decoupled_loss(student, teacher, teacher.argmax(1))


@pytest.mark.parametrize('loss', [losses.distillation_loss, losses.decoupled_loss])
def test_losses_on_decisions_stay_finite_on_extreme_logits(loss):
    student = torch.tensor([[1e4, -1e4, 0.0], [0.0, 1e4, -1e4]], requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4, 0.0], [0.0, 1e4, -1e4]])
    for labels in (torch.tensor([0, 1]), torch.tensor([2, 2])):
        value = loss(student, teacher, labels)
        (gradient,) = torch.autograd.grad(value, student)
        assert torch.isfinite(value) and torch.isfinite(gradient).all()


@pytest.mark.parametrize('min_confidence', [0.0, 0.8, 0.95])
def test_pseudo_label_loss_is_fixmatchs_formula(batch, min_confidence):
    strong, weak, _ = batch
    weak.requires_grad_()
    expected = 0.0
    for s, w in zip(strong, weak.detach(), strict=True):
        p = w.exp() / w.exp().sum()
        if p.max() >= min_confidence:
            expected += -(s.exp() / s.exp().sum()).log()[p.argmax()] / len(strong)
    loss = losses.pseudo_label_loss(strong, weak, min_confidence=min_confidence)
    assert expected > 0.0
    torch.testing.assert_close(loss, expected, **EXACT)
    loss.backward()
    assert weak.grad is None and strong.grad.isfinite().all()
    # Who is not sure teaches nothing, and sways nobody else.
    is_sure = weak.softmax(1).max(1).values >= min_confidence
    assert torch.equal(strong.grad.abs().sum(1) > 0.0, is_sure)


def test_where_nothing_is_sure_a_network_teaches_itself_nothing():
    logits = torch.zeros(4, 6, requires_grad=True)
    loss = losses.pseudo_label_loss(logits, torch.zeros(4, 6))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss == 0.0 and (gradient == 0.0).all()


def test_pseudo_labels_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r'got \[4, 6\] and \[3, 6\]'):
        losses.pseudo_label_loss(torch.zeros(4, 6), torch.zeros(3, 6))
    with pytest.raises(ValueError, match='min_confidence from 0 to 1, got 95'):
        losses.pseudo_label_loss(torch.zeros(4, 6), torch.zeros(4, 6), min_confidence=95)


def test_relational_losses_equal_torchdistill(features):
    student, teacher = features
    for ours, weights in (
        (losses.relational_distance_loss, (1, 0)),
        (losses.relational_angle_loss, (0, 1)),
    ):
        oracle = mid_level.RKDLoss('net', 'net', *weights, reduction='mean')
        loss, expected = ours(student, teacher), oracle(outputs(student), outputs(teacher))
        torch.testing.assert_close(loss, expected, **CLOSE)
        torch.testing.assert_close(
            *(torch.autograd.grad(x, student)[0] for x in (loss, expected)), **CLOSE
        )


def test_relational_losses_know_no_turn_shift_or_scale_and_need_no_common_width(features):
    student, _ = features
    turn, _ = torch.linalg.qr(torch.randn(7, 7, dtype=torch.float64))
    same = 3 * F.pad(student, (0, 2)) @ turn + 5
    assert losses.relational_distance_loss(same, student) < 1e-12
    assert losses.relational_angle_loss(same, student) < 1e-12


@pytest.mark.parametrize(
    'loss',
    [losses.relational_distance_loss, losses.relational_angle_loss, losses.feature_matching_loss],
)
def test_losses_on_features_stay_finite_when_samples_are_alike(loss, features):
    _, teacher = features
    student = torch.ones_like(teacher, requires_grad=True)
    value = loss(student, teacher)
    (gradient,) = torch.autograd.grad(value, student)
    assert torch.isfinite(value) and torch.isfinite(gradient).all()


def test_feature_matching_is_the_correlation_of_each_dimension(features):
    student, teacher = features
    correlation = torch.stack(
        [torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(student.T, teacher.T)]
    )
    mse = losses.feature_matching_loss(student, teacher, kind='mse')
    torch.testing.assert_close(mse, 2 - 2 * correlation.mean(), rtol=1e-9, atol=1e-9)
    z_s, z_t = ((x - x.mean(0)) / x.std(0, correction=0) for x in (student, teacher))
    cosine = (z_s * z_t).sum(1) / (z_s.norm(dim=1) * z_t.norm(dim=1))
    ours = losses.feature_matching_loss(student, teacher, kind='cosine')
    torch.testing.assert_close(ours, 1 - cosine.mean(), rtol=1e-9, atol=1e-9)


def test_gaussian_nll_equals_that_of_torch():
    mean, logvar, target = torch.randn(3, 40, 4, dtype=torch.float64)
    expected = F.gaussian_nll_loss(mean, target, logvar.exp())
    torch.testing.assert_close(
        losses.gaussian_nll(mean, logvar, target, beta=0.0), expected, **CLOSE
    )


def test_gaussian_nll_leaves_out_what_is_not_known_and_its_gradient_is_nil():
    mean, logvar, target = torch.randn(3, 6, 2).double()
    mean.requires_grad_()
    unknown = target.clone()
    unknown[1:5, 0] = torch.nan
    is_known = ~unknown.isnan()
    loss = losses.gaussian_nll(mean, logvar, unknown)
    expected = losses.gaussian_nll(mean[is_known], logvar[is_known], target[is_known])
    torch.testing.assert_close(loss, expected, **CLOSE)
    gradients = [torch.autograd.grad(each, mean)[0] for each in (loss, expected)]
    torch.testing.assert_close(*gradients, **CLOSE)
    assert (gradients[0][~is_known] == 0.0).all()

    nothing = losses.gaussian_nll(mean, logvar, torch.full_like(target, torch.nan))
    assert nothing.item() == 0.0
    assert (torch.autograd.grad(nothing, mean)[0] == 0.0).all()


def test_gaussian_nll_weighs_by_variance_and_at_beta_one_pulls_the_mean_as_squared_error_does():
    mean, logvar, target = torch.randn(3, 40, dtype=torch.float64).unbind()
    each = F.gaussian_nll_loss(mean, target, logvar.exp(), reduction='none')
    expected = (logvar.exp().sqrt() * each).mean()
    torch.testing.assert_close(
        losses.gaussian_nll(mean, logvar, target, beta=0.5), expected, **CLOSE
    )
    mean.requires_grad_()
    (pull,) = torch.autograd.grad(losses.gaussian_nll(mean, logvar, target, beta=1.0), mean)
    torch.testing.assert_close(pull, (mean - target).detach() / 40, **EXACT)


def test_gradient_reversal_equals_pytorch_revgrad(features):
    student, teacher = features
    for strength in (0.0, 0.3, 2.0):
        ours, theirs = (
            losses.reverse_gradient(student, strength),
            revgrad(student, torch.tensor(strength)),
        )
        assert torch.equal(ours, theirs)
        pulls = [
            torch.autograd.grad((x * teacher).square().sum(), student)[0] for x in (ours, theirs)
        ]
        torch.testing.assert_close(*pulls, **CLOSE)


@pytest.mark.parametrize(
    'loss',
    [
        lambda s, t, y: losses.distillation_loss(s, t, y),
        lambda s, t, y: losses.decoupled_loss(s, t, y),
        lambda s, t, y: losses.feature_matching_loss(s, t, kind='cosine'),
        lambda s, t, y: losses.feature_matching_loss(s, t, kind='mse'),
        lambda s, t, y: losses.relational_distance_loss(s, t),
        lambda s, t, y: losses.relational_angle_loss(s, t),
        lambda s, t, y: losses.gaussian_nll(s, 0.1 * t, t, beta=0.5),
    ],
    ids=['distillation', 'decoupled', 'cosine', 'mse', 'distance', 'angle', 'nll'],
)
def test_gradients_are_those_of_finite_differences(batch, loss):
    student, teacher, labels = (x[:6] for x in batch)
    student = student.detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher, labels), student)


@pytest.mark.parametrize(
    'loss',
    [
        lambda s, t, y: losses.distillation_loss(s, t, y),
        lambda s, t, y: losses.decoupled_loss(s, t, y),
        lambda s, t, y: losses.feature_matching_loss(s, t),
        lambda s, t, y: losses.relational_distance_loss(s, t),
        lambda s, t, y: losses.relational_angle_loss(s, t),
    ],
)
def test_the_teacher_never_learns_from_its_student(batch, loss):
    student, teacher, labels = batch
    teacher.requires_grad_()
    loss(student, teacher, labels).backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None


@pytest.mark.parametrize(
    'call, message',
    [
        (
            lambda: losses.distillation_loss(
                torch.zeros(2, 6), torch.zeros(2, 5), torch.zeros(2).long()
            ),
            r'expected logits \[B, C\] of student and teacher and labels \[B\], got \[2, 6\], \[2, 5\] and \[2\]',
        ),
        (
            lambda: losses.distillation_loss(
                torch.zeros(2, 6), torch.zeros(2, 6), torch.tensor([0, 6])
            ),
            'expected labels from 0 to 5, or -1 for none, got 6',
        ),
        (
            lambda: losses.distillation_loss(
                torch.zeros(2, 6), torch.zeros(2, 6), torch.tensor([0, -2])
            ),
            'got -2',
        ),
        (
            lambda: losses.distillation_loss(
                torch.zeros(1, 6), torch.zeros(1, 6), torch.tensor([0]), temperature=0.0
            ),
            'temperature of more than 0, got 0',
        ),
        (
            lambda: losses.distillation_loss(
                torch.zeros(1, 6), torch.zeros(1, 6), torch.tensor([0]), alpha=1.1
            ),
            'alpha from 0 to 1, got 1.1',
        ),
        (
            lambda: losses.decoupled_loss(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([0])),
            'expected at least 3 classes to decouple, got 2: use distillation_loss',
        ),
        (
            lambda: losses.feature_matching_loss(torch.zeros(4, 3), torch.zeros(4, 5)),
            "project the student's",
        ),
        (
            lambda: losses.feature_matching_loss(torch.zeros(4, 3), torch.zeros(4, 3), kind='l1'),
            "got 'l1'",
        ),
        (
            lambda: losses.relational_angle_loss(torch.zeros(2, 3), torch.zeros(2, 3)),
            'at least 3, got',
        ),
        (
            lambda: losses.gaussian_nll(torch.zeros(2), torch.zeros(3), torch.zeros(2)),
            r'got \[2\], \[3\] and \[2\]',
        ),
        (lambda: losses.gaussian_nll(*torch.zeros(3, 1), beta=2.0), 'beta from 0 to 1, got 2.0'),
        (lambda: losses.reverse_gradient(torch.zeros(1), -1.0), 'at least 0, got -1'),
        (lambda: losses.adversarial_ramp(1.2), 'progress from 0 to 1, got 1.2'),
        (lambda: losses.progressive_alpha(1, 0), 'total_steps of at least 1'),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_schedules_are_those_of_their_sources():
    article = [min(1.0, epoch / (50 * 0.3)) for epoch in range(50)]
    assert [losses.progressive_alpha(epoch, 50) for epoch in range(50)] == pytest.approx(article)
    assert losses.progressive_alpha(49, 50, highest=0.7) == 0.7
    dann = [2 / (1 + 2.718281828459045 ** (-10 * p / 20)) - 1 for p in range(21)]
    assert [losses.adversarial_ramp(p / 20) for p in range(21)] == pytest.approx(dann, abs=1e-12)


@pytest.mark.parametrize('name', ['adversarial', 'decision', 'embedding', 'readings'])
def test_the_examples_in_the_docstrings_print_what_they_say(name):
    module = importlib.import_module(f'crossmodal_kd_ros.training.losses.{name}')
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0
