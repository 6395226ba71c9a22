# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recipes: what is in the package can be used, and what cannot says why in one sentence."""

import pytest
from three_senses import AIR, PAD, SKIN, three_senses

from crossmodal_kd_ros.training.recipe import (
    RecipeError,
    ReferenceRecipe,
    by_sense,
    find_recipe,
    load_recipe,
)

SMALL = (
    'data: {labelled_views: 10, unlabelled_views: 0}\nteacher: {steps: 1}\nstudent: {steps: 1}\n'
)


@pytest.mark.parametrize('name', ['default', 'quick'])
def test_every_recipe_of_the_package_is_read(name):
    assert load_recipe(find_recipe(name)).student.distil


def test_the_articles_own_recipe_is_read():
    assert isinstance(load_recipe(find_recipe('reference')), ReferenceRecipe)


def test_what_a_recipe_leaves_out_is_the_articles(tmp_path):
    path = tmp_path / 'small.yaml'
    path.write_text(SMALL)
    student = load_recipe(path).student
    assert (student.temperature, student.alpha) == (4.0, 0.7)


@pytest.mark.parametrize(
    'text, sentence',
    [
        (SMALL + 'colour: red\n', 'colour: this key is not known'),
        (
            SMALL.replace('student: {steps: 1}', 'student: {steps: 1, alhpa: 0.5}'),
            'student.alhpa: this key is not known',
        ),
        (
            SMALL.replace('teacher: {steps: 1}', 'teacher: {steps: 0}'),
            'teacher.steps: .* greater than or equal to 1, got 0',
        ),
        (
            SMALL.replace('student: {steps: 1}', 'student: {steps: 1, self_training: true}'),
            'student: .*self_training with distil: false and unlabelled: true, got distil: true',
        ),
        (
            SMALL.replace(
                'student: {steps: 1}',
                'student: {steps: 1, self_training: true, distil: false, unlabelled: false}',
            ),
            'got distil: false and unlabelled: false',
        ),
        ('data: [', 'is not YAML'),
        (SMALL.partition('\n')[2], 'data: this key is missing'),
        (SMALL + 'nets: other\n', "nets: Input should be 'article', got 'other'"),
    ],
)
def test_a_recipe_that_cannot_be_used_says_why_in_one_sentence(tmp_path, text, sentence):
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(RecipeError, match=sentence) as refusal:
        load_recipe(path)
    assert '\n' not in str(refusal.value)


def test_everything_that_is_wrong_has_its_line(tmp_path):
    path = tmp_path / 'wrong.yaml'
    path.write_text(SMALL.replace('{steps: 1}', '{steps: 0}'))
    with pytest.raises(RecipeError) as refusal:
        load_recipe(path)
    teacher, student = str(refusal.value).splitlines()
    assert 'teacher.steps' in teacher and 'student.steps' in student


def test_a_number_for_each_sense_is_one_for_all_or_by_name():
    profile = three_senses()
    assert by_sense(0.2, profile) == {PAD: 0.2, SKIN: 0.2, AIR: 0.2}
    assert by_sense({SKIN: 0.5}, profile, default=0.3) == {PAD: 0.3, SKIN: 0.5, AIR: 0.3}
    with pytest.raises(RecipeError, match='senses of the profile three_senses .* got nose'):
        by_sense({'nose': 0.5}, profile)


def test_a_recipe_that_is_not_there_is_named():
    with pytest.raises(RecipeError, match='cannot read /no/such.yaml: No such file'):
        load_recipe(find_recipe('/no/such.yaml'))
    with pytest.raises(
        RecipeError, match="expected one of alone, default, photographs, quick.*, got 'best'"
    ):
        find_recipe('best')
