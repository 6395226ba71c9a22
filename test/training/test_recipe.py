# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recipes: what is in the package can be cooked, and what cannot says why in one sentence."""

import pytest

from crossmodal_kd_ros.training.recipe import (
    RecipeError,
    ReferenceRecipe,
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
        (SMALL + 'colour: red\n', 'colour: Extra inputs are not permitted'),
        (
            SMALL.replace('{steps: 1}', '{steps: 1, alhpa: 0.5}'),
            'alhpa: Extra inputs are not permitted',
        ),
        (
            SMALL.replace('{steps: 1}', '{steps: 0}'),
            r'teacher.steps: .* greater than or equal to 1, got 0 \(and 1 more\)',
        ),
        ('data: [', 'is not YAML'),
        ('', 'data: Field required'),
    ],
)
def test_a_recipe_that_cannot_be_cooked_says_why_in_one_sentence(tmp_path, text, sentence):
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(RecipeError, match=sentence) as refusal:
        load_recipe(path)
    assert '\n' not in str(refusal.value)


def test_a_recipe_that_is_not_there_is_named():
    with pytest.raises(RecipeError, match='cannot read the recipe /no/such.yaml: No such file'):
        load_recipe(find_recipe('/no/such.yaml'))
    with pytest.raises(RecipeError, match="expected a recipe out of default, quick.*, got 'best'"):
        find_recipe('best')
