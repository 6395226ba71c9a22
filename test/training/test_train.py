# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the trainings learn from, what they leave, and that a seed gives the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_pairs import PROFILE, make_pairs
from three_senses import AIR, PAD, SKIN, three_senses

from crossmodal_kd_ros.networks import DeviceError, Student, Teacher, freeze
from crossmodal_kd_ros.training.batches import take
from crossmodal_kd_ros.training.cache import TrainingCache
from crossmodal_kd_ros.training.device import Device
from crossmodal_kd_ros.training.loop import Run, learning_rate_share, scale_confidence
from crossmodal_kd_ros.training.losses import reverse_gradient
from crossmodal_kd_ros.training.recipe import RecipeError, StudentRecipe, TeacherRecipe
from crossmodal_kd_ros.training.student import (
    StudentTask,
    TeacherTargets,
    compute_teacher_targets,
    forgetting,
    train_student,
)
from crossmodal_kd_ros.training.teacher import TeacherTask, train_teacher

SHORT = {'steps': 4, 'batch': 12, 'view_px': 32, 'validate_every': 2}
TRAIN, VALIDATION = make_pairs(labels=48), make_pairs(36, seed=1)


@pytest.fixture(scope='module')
def teacher() -> Teacher:
    return train_teacher(PROFILE, TeacherRecipe(**SHORT), TRAIN, VALIDATION, seed=0)[0]


def assert_same_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for (name, ours), theirs in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_a_teacher_learns_what_every_sense_tells_plainly():
    recipe = TeacherRecipe(steps=48, batch=24, view_px=32, validate_every=12)
    learnt, history = train_teacher(PROFILE, recipe, make_pairs(), VALIDATION, seed=0)
    assert history[-1]['accuracy'] > 0.8  # one in six by chance
    assert not any(parameter.requires_grad for parameter in learnt.parameters())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(teacher):
    recipe = StudentRecipe(**SHORT)
    first, again, other = (
        train_student(PROFILE, recipe, teacher, TRAIN, VALIDATION, seed=seed)[0]
        for seed in (3, 3, 4)
    )
    assert_same_weights(first, again)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_the_weights_kept_are_those_of_the_best_validation():
    recipe = TeacherRecipe(steps=6, batch=12, view_px=32, validate_every=1, learning_rate=0.02)
    kept, history = train_teacher(PROFILE, recipe, TRAIN, VALIDATION, seed=0)
    targets = compute_teacher_targets(kept, VALIDATION)
    accuracy = float((targets.logits.argmax(1).numpy() == VALIDATION.action).mean())
    assert accuracy == max(entry['accuracy'] for entry in history)


def test_the_control_never_looks_at_an_unlabelled_picture():
    darkened = make_pairs(labels=48)
    darkened.image[48:] = 0
    recipe = StudentRecipe(**SHORT, distil=False)
    assert_same_weights(
        *(
            train_student(PROFILE, recipe, None, pairs, VALIDATION, seed=0)[0]
            for pairs in (TRAIN, darkened)
        )
    )


SELF_TRAINING = {'distil': False, 'self_training': True, 'min_labelled': 0.5}


@pytest.fixture
def sure_of_everything(monkeypatch) -> None:
    """Let a student learn from all of its own decisions: a few steps make it sure of none."""
    monkeypatch.setattr('crossmodal_kd_ros.training.student._MIN_CONFIDENCE', 0.0)


def test_a_student_that_trains_itself_never_learns_what_an_unlabelled_picture_feels_like(
    sure_of_everything,
):
    # The same readings, each beside another unlabelled picture.
    swapped = np.r_[:48, 95:47:-1]
    elsewhere = replace(
        TRAIN,
        readings={sense: values[swapped] for sense, values in TRAIN.readings.items()},
        quantities=TRAIN.quantities[swapped],
    )
    recipe = StudentRecipe(**SHORT, **SELF_TRAINING)
    assert_same_weights(
        *(
            train_student(PROFILE, recipe, None, pairs, VALIDATION, seed=0)[0]
            for pairs in (TRAIN, elsewhere)
        )
    )


def test_a_student_that_trains_itself_is_the_control_where_every_picture_has_a_label():
    self_trained, control = (
        train_student(
            PROFILE, StudentRecipe(**SHORT, **how), None, make_pairs(), VALIDATION, seed=0
        )
        for how in (SELF_TRAINING, {'distil': False})
    )
    assert_same_weights(self_trained[0], control[0])


def test_what_is_sure_of_a_picture_is_the_label_of_its_strong_view():
    torch.manual_seed(0)
    task = StudentTask(Student(PROFILE), StudentRecipe(**SHORT, **SELF_TRAINING), None)
    batch = replace(
        take(TRAIN, torch.arange(42, 54)), strong=torch.rand(12, 3, 64, 64)
    )  # six with a label, six without
    with torch.no_grad():
        task.eval()
        features = task.network(batch.image[6:]).features
        for network in (task.network, task.averaged):
            # Sure of everything, and not of the same everywhere.
            network.classifier.weight.mul_(1e5)
            network.classifier.bias.copy_(-(network.classifier.weight @ features.mean(0)))
        strong = task.network(batch.strong).logits
        weak = task.averaged(batch.image[6:]).logits
        parts = task(batch, torch.ones(2, 12), 1)[1]
    cross_entropy = torch.nn.functional.cross_entropy
    assert (weak.softmax(1).max(1).values > 0.9).all() and len(weak.argmax(1).unique()) > 1
    torch.testing.assert_close(parts['unlabelled'], cross_entropy(strong[6:], weak.argmax(1)))
    torch.testing.assert_close(parts['action'], cross_entropy(strong[:6], batch.action[:6]))


def test_the_network_that_labels_follows_the_one_that_learns():
    torch.manual_seed(0)
    task = StudentTask(Student(PROFILE), StudentRecipe(**SHORT, **SELF_TRAINING), None)
    batch = replace(take(TRAIN, torch.arange(42, 54)), strong=torch.rand(12, 3, 64, 64))
    before = task.averaged.classifier.bias.clone()
    with torch.no_grad():
        task.network.classifier.bias.add_(1.0)
    for _ in range(200):
        task._average()
    moved = task.averaged.classifier.bias - before
    # What is left of the way after 200 steps: (1 - 1/N)^200.
    assert 0.8 < moved.min() and moved.max() < 1.0
    task.eval()(batch, torch.ones(2, 12), 1)
    assert not any(parameter.requires_grad for parameter in task.averaged.parameters())


def test_a_student_that_trains_itself_goes_on_where_it_was_killed(tmp_path, sure_of_everything):
    class Killed(Exception):
        pass

    def kill(step, *_):
        if step == 3:
            raise Killed

    def train(run: Run) -> Student:
        recipe = StudentRecipe(**SHORT, **SELF_TRAINING)
        return train_student(PROFILE, recipe, None, TRAIN, VALIDATION, seed=0, run=run)[0]

    kept = {'checkpoint': tmp_path / 'progress.pt', 'checkpoint_every': 2}
    with pytest.raises(Killed):
        train(Run(report=kill, **kept))
    assert_same_weights(train(Run(**kept)), train(Run()))


@pytest.mark.parametrize('distil', [True, False])
def test_a_teacher_and_a_recipe_that_contradict_each_other_are_refused(teacher, distil):
    with pytest.raises(ValueError, match='if and only if distil'):
        train_student(
            PROFILE,
            StudentRecipe(**SHORT, distil=distil),
            None if distil else teacher,
            TRAIN,
            VALIDATION,
            seed=0,
        )


@pytest.mark.parametrize(
    'change',
    [
        {'alpha_ramp': 0.3, 'alpha': 1.0},
        {'decision_loss': 'decoupled'},
        {'feature_loss': 'mse'},
        {'feature_loss': 'product', 'qubits': 3},
        {'feature_loss': 'entangled', 'qubits': 3},
        {'distance_weight': 25.0, 'angle_weight': 50.0},
        {'adversary_strength': 1.0},
        {'start_at': {'gas': 0.3, 'touch': 0.6}},
        {'reading_weights': {'gas': 0.1}},
        {'unlabelled': False},
        {'feature_weight': 0.0},
    ],
    ids=str,
)
def test_every_option_of_a_student_trains(teacher, change):
    losses = []
    run = Run(report=lambda step, total, values: losses.append(values['loss']))
    student, _ = train_student(
        PROFILE, StudentRecipe(**SHORT | change), teacher, TRAIN, VALIDATION, seed=0, run=run
    )
    assert len(losses) == 4 and np.isfinite(losses).all()
    assert all(value.isfinite().all() for value in student.state_dict().values())


def test_a_reading_weighs_nothing_before_its_stage(teacher):
    recipe = StudentRecipe(**SHORT | {'steps': 10}, start_at={'gas': 0.3, 'touch': 0.6})
    task = StudentTask(Student(PROFILE), recipe, compute_teacher_targets(teacher, TRAIN))
    batch = take(TRAIN, torch.arange(12))
    weighing = [
        {
            name
            for name, part in task(batch, torch.ones(2, 12), step)[1].items()
            if part.item() != 0.0
        }
        for step in (1, 4, 7)
    ]
    assert weighing == [
        {'action', 'features'},
        {'action', 'features', 'reading_gas'},
        {'action', 'features', 'reading_gas', 'reading_touch', 'quantities'},
    ]


def test_the_adversary_pushes_the_features_away_from_what_tells_day_from_night():
    batch = take(TRAIN, torch.arange(24))
    pulls = []
    for strength in (0.0, 2.0):
        torch.manual_seed(0)
        student = Student(PROFILE).eval()
        task = StudentTask(
            student, StudentRecipe(**SHORT, distil=False, adversary_strength=1.0), None
        )
        features = student(batch.image).features.detach().requires_grad_()
        told = task.adversary(reverse_gradient(features, strength) if strength else features)[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(told, batch.night).backward()
        pulls.append(features.grad)
    torch.testing.assert_close(pulls[1], -2.0 * pulls[0])


def test_forgetting_is_what_a_skill_lost_after_its_stage():
    recipe = StudentRecipe(steps=100, start_at={'gas': 0.3, 'touch': 0.6})
    history = [
        {'step': 30, 'accuracy': 0.8, 'gas_error': 1.0},
        {'step': 60, 'accuracy': 0.7, 'gas_error': 0.4},
        {'step': 100, 'accuracy': 0.75, 'gas_error': 0.5},
    ]
    lost = forgetting(history, recipe, PROFILE)
    assert lost == pytest.approx({'decision': 0.05, 'gas': 0.1})
    assert forgetting(history, StudentRecipe(steps=100), PROFILE) == {}


def test_scaling_finds_the_temperature_and_changes_no_decision():
    generator = torch.Generator().manual_seed(0)
    logits = 2.0 * torch.randn(20000, 6, generator=generator)
    # so the logits are the truth
    action = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    classifier = torch.nn.Linear(6, 6)
    with torch.no_grad():
        classifier.weight.copy_(3.0 * torch.eye(6))
        classifier.bias.zero_()
    assert scale_confidence(classifier, classifier(logits), action) == pytest.approx(3.0, rel=0.05)
    torch.testing.assert_close(classifier(logits), logits, rtol=0.05, atol=0.01)


def test_the_learning_rate_rises_for_a_twentieth_and_falls_to_nothing():
    assert [learning_rate_share(step, 100) for step in (1, 5, 100)] == pytest.approx(
        [0.2, 1.0, 0.0]
    )


def test_a_network_keeps_the_size_at_which_it_learnt_to_see(teacher):
    student = train_student(PROFILE, StudentRecipe(**SHORT), teacher, TRAIN, VALIDATION, seed=0)[0]
    assert student.config.view_px == teacher.config.view_px == 32
    image = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        small = student(torch.nn.functional.avg_pool2d(image, 4)).logits
        torch.testing.assert_close(student(image).logits, small)


def test_targets_are_what_the_teacher_says_of_each_pair_in_order(teacher):
    targets = compute_teacher_targets(teacher, TRAIN)
    assert isinstance(targets, TeacherTargets)
    assert targets.logits.shape == (96, 6) and targets.features.shape == (96, 128)
    some = compute_teacher_targets(teacher, TRAIN[40:50])
    torch.testing.assert_close(some.logits, targets.logits[40:50], rtol=1e-4, atol=1e-4)


def test_bfloat16_trains_as_well():
    run = Run(device=Device(bf16=True))
    student, history = train_student(
        PROFILE, StudentRecipe(**SHORT, distil=False), None, TRAIN, VALIDATION, seed=0, run=run
    )
    assert all(
        value.isfinite().all() and value.dtype != torch.bfloat16
        for value in student.state_dict().values()
    )
    assert np.isfinite(history[-1]['touch_error'])


def test_a_device_that_is_not_there_is_refused_in_one_sentence():
    with pytest.raises(
        DeviceError, match="expected a torch device that works here, such as cpu, got 'xpu:7'"
    ):
        Device.find('xpu:7')
    assert Device.find('auto').torch_device.type in ('cpu', 'cuda', 'mps')


def test_a_student_is_finished_on_finer_pictures_from_the_weights_of_its_first_training(tmp_path):
    names = []
    cache = TrainingCache(
        tmp_path, PROFILE, run=lambda name: Run(report=lambda *_: names.append(name))
    )
    recipe = StudentRecipe(
        **SHORT,
        distil=False,
        finish={'steps': 1, 'batch': 12, 'view_px': 64, 'learning_rate': 1e-9},
    )
    first = cache.student(
        recipe.model_copy(update={'finish': None}), None, TRAIN, VALIDATION, seed=0
    )
    finished = cache.student(recipe, None, TRAIN, VALIDATION, seed=0)
    assert names == ['student'] * 4 + ['student, second']
    assert (first.config.view_px, finished.config.view_px) == (32, 64)
    torch.testing.assert_close(
        finished.trunk.encoder.stem[0].weight, first.trunk.encoder.stem[0].weight
    )


def test_a_teacher_is_asked_once_for_both_trainings_of_a_student(tmp_path, teacher):
    asked = []
    hook = teacher.register_forward_pre_hook(lambda module, args: asked.append(len(args[0])))
    recipe = StudentRecipe(**SHORT, finish={'steps': 1, 'batch': 12, 'view_px': 64})
    TrainingCache(tmp_path, PROFILE).student(recipe, teacher, TRAIN, VALIDATION, seed=0)
    hook.remove()
    assert sum(asked) == len(TRAIN)


def test_a_network_is_trained_once_and_then_reused(tmp_path):
    steps = []
    cache = TrainingCache(
        tmp_path, PROFILE, run=lambda name: Run(report=lambda step, *_: steps.append((name, step)))
    )
    made = cache.teacher(TeacherRecipe(**SHORT), TRAIN, VALIDATION, seed=0)
    assert len(steps) == 4
    reused = cache.teacher(TeacherRecipe(**SHORT), TRAIN, VALIDATION, seed=0)
    assert len(steps) == 4
    assert cache.reused == ['teacher']
    assert_same_weights(made, reused)
    assert reused.frozen and not any(
        parameter.requires_grad for parameter in freeze(reused).parameters()
    )
    cache.student(StudentRecipe(**SHORT), reused, TRAIN, VALIDATION, seed=0)
    cache.student(StudentRecipe(**SHORT), reused, TRAIN, VALIDATION, seed=1, name='another')
    assert len(steps) == 12
    assert len(list(tmp_path.glob('*/network.safetensors'))) == 3 and not list(
        tmp_path.glob('*/progress.pt')
    )


def test_a_network_is_trained_again_where_what_it_learns_from_was_corrected(tmp_path):
    cache = TrainingCache(tmp_path, PROFILE)
    recipe = StudentRecipe(**SHORT, distil=False)
    corrected = [
        replace(TRAIN, quantities=TRAIN.quantities + np.float32(0.1)),
        replace(TRAIN, night=~TRAIN.night),
    ]
    for train in (TRAIN, *corrected):
        cache.student(recipe, None, train, VALIDATION, seed=0)
    assert not cache.reused
    cache.student(recipe, None, TRAIN, VALIDATION, seed=0)
    assert cache.reused == ['student']


def test_a_teacher_learns_with_every_sense_hidden_or_shown_by_its_own_probability():
    teacher = Teacher(PROFILE)
    shown = []
    teacher.register_forward_pre_hook(lambda module, args: shown.append(args[2]))
    task = TeacherTask(teacher, TeacherRecipe(**SHORT, sense_dropout={'touch': 0.5}))
    draws = torch.tensor([[0.4, 0.6] * 6, [0.29, 0.31] * 6])
    task(take(TRAIN, torch.arange(12)), draws, 1)
    assert shown[0]['touch'].tolist() == shown[0]['gas'].tolist() == [False, True] * 6


def test_a_picture_without_a_label_is_taught_by_the_senses_only_where_all_of_them_show():
    task = TeacherTask(Teacher(PROFILE), TeacherRecipe(**SHORT))
    batch = take(TRAIN, torch.arange(42, 54))  # six with a label, six without
    hidden = torch.ones(2, 12)
    hidden[1, 6:] = 0.0
    assert 'unlabelled' in task(batch, torch.ones(2, 12), 1)[1]
    assert 'unlabelled' not in task(batch, hidden, 1)[1]


@pytest.mark.parametrize('changes', [{}, {'quantities': {}}], ids=['quantities', 'none'])
def test_a_robot_of_three_senses_trains_and_is_kept(tmp_path, changes):
    profile = three_senses(**changes)
    train, validation = (
        make_pairs(48, labels=24, profile=profile),
        make_pairs(24, seed=1, profile=profile),
    )
    losses = []
    run = Run(report=lambda step, total, values: losses.append(values))
    cache = TrainingCache(tmp_path, profile, run=lambda name: run)
    short = {'steps': 2, 'batch': 12, 'view_px': 32, 'validate_every': 1}
    teacher = cache.teacher(
        TeacherRecipe(**short, sense_dropout={PAD: 0.5}), train, validation, seed=0
    )
    recipe = StudentRecipe(**short, start_at={AIR: 0.5}, reading_weights={SKIN: 0.1})
    student = cache.student(recipe, teacher, train, validation, seed=0)
    assert len(losses) == 4 and all(np.isfinite(values['loss']) for values in losses)
    first, second = losses[2:]
    assert first['reading_air'] == 0.0 != second['reading_air']
    assert ('quantities' in first) == bool(profile.quantities)
    assert {'validation_pad_error', 'validation_skin_error', 'validation_air_error'} <= set(first)
    output = student(torch.rand(2, 3, 64, 64))
    assert set(output.readings) == {PAD, SKIN, AIR} and output.logits.shape == (2, 3)


@pytest.mark.parametrize('labelled', [0, 3, 48], ids='{} labels'.format)
def test_what_only_the_picture_shows_is_learnt_from_the_labels_that_there_are(labelled):
    profile = three_senses()
    train, validation = (make_pairs(48, seed=seed, profile=profile) for seed in (0, 1))
    train.quantities[labelled:, 1] = np.nan
    losses = []
    recipe = StudentRecipe(steps=30, batch=4, view_px=32, validate_every=30, distil=False)
    student, _ = train_student(
        profile,
        recipe,
        None,
        train,
        validation,
        seed=0,
        run=Run(report=lambda step, total, values: losses.append(values)),
    )

    # Of 3 in 48, most batches of 4 know nothing.
    assert all(np.isfinite(list(values.values())).all() for values in losses)
    assert all(torch.isfinite(value).all() for value in student.state_dict().values())
    known = train.quantities[:labelled, 1]
    mean = float(known.mean()) if labelled else 0.0
    assert student.standardise_quantities.mean[1].item() == pytest.approx(mean, rel=1e-5)


def test_a_recipe_that_names_a_sense_of_another_robot_is_refused():
    recipe = StudentRecipe(**SHORT, distil=False, reading_weights={'nose': 1.0})
    with pytest.raises(RecipeError, match='got nose'):
        train_student(PROFILE, recipe, None, TRAIN, VALIDATION, seed=0)
