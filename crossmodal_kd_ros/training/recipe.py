# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recipe: everything that decides what a training makes, in one YAML file. An unknown key is an error."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crossmodal_kd_ros.files import share_dir


class RecipeError(ValueError):
    """A recipe that cannot be cooked: one sentence with the key, what came and what was expected."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True)


class DataRecipe(_Strict):
    """What is learnt from. Panels, and so views, of the splits are never shared."""

    seed: int = Field(0, ge=0, description='of the simulated panels')
    labelled_views: int = Field(ge=10, description='views that carry the action of the expert')
    unlabelled_views: int = Field(
        ge=0, description='further views of camera, touch and gas without an action'
    )
    validation_views: int = Field(1500, ge=10, description='choose the checkpoint')
    test_views: int = Field(3000, ge=10, description='measured once, at the end')
    vision_recovery: float = Field(
        1.0, ge=0.0, le=1.0, description='how much of the state shows, see draw_panels'
    )


class OptimiserRecipe(_Strict):
    """How one network is trained: AdamW, its rate rising over 5 % of the steps, then falling as a cosine to zero.

    The network sees pictures at `view_px`, on the robot too. At 64 px a step costs a quarter of
    one at 128 px, and on two
    cores four times the steps are worth more than the detail, up to a point: see `FinishRecipe`.
    """

    steps: int = Field(ge=1)
    batch: int = Field(64, ge=4)
    learning_rate: float = Field(3e-3, gt=0.0)
    weight_decay: float = Field(0.05, ge=0.0)
    view_px: Literal[32, 64, 128] = Field(
        64, description='side to which the network averages pictures down'
    )
    validate_every: int = Field(250, ge=1, description='steps')
    least_labelled: float = Field(
        0.5, ge=0.0, le=1.0, description='share of a batch that has labels, if few views have'
    )


class TeacherRecipe(OptimiserRecipe):
    """The teacher's training."""

    touch_dropout: float = Field(
        0.3, ge=0.0, lt=1.0, description='probability of hiding touch (modality dropout)'
    )
    gas_dropout: float = Field(0.3, ge=0.0, lt=1.0, description='probability of hiding gas')
    glance_weight: float = Field(
        0.5, ge=0.0, description='of a throw-away classifier on what the camera alone shows'
    )
    feeling_weight: float = Field(
        0.5, ge=0.0, description='of one on what touch and gas alone show'
    )
    foresight_weight: float = Field(
        0.3, ge=0.0, description='of a throw-away reading of touch and gas off the picture'
    )
    unlabelled_weight: float = Field(
        1.0,
        ge=0.0,
        description='with which, where there is no label, the first of these learns from the second',
    )


class FinishRecipe(_Strict):
    """A shorter second training on finer pictures, from the weights of the first, its rate rising and falling again.

    At 64 px the net of fine lines on a dry wall is blurred away: the first student never chose
    `hydrate`.
    """

    steps: int = Field(ge=1)
    batch: int = Field(32, ge=4)
    learning_rate: float = Field(1.5e-3, gt=0.0)
    view_px: Literal[64, 128] = 128
    validate_every: int = Field(400, ge=1)


class StudentRecipe(OptimiserRecipe):
    """The student's training. With `distil` false it is the control: the labelled views alone, no teacher.

    Where few views have a label, the teacher's word on new ones is worth more than a label seen a
    hundred times: with 500 labels in an eighth of each batch a student was right in 0.765, where a
    half and more steps gave 0.736 (validation, one seed). Roughness, depth and absorption at a
    third of their weight left R2 of roughness 0.44 for 0.52.
    """

    least_labelled: float = Field(
        0.125, ge=0.0, le=1.0, description='share of a batch that has labels, if few views have'
    )
    distil: bool = True
    unlabelled: bool = Field(
        True, description='whether the teacher teaches on views without a label too'
    )
    temperature: float = Field(4.0, gt=0.0, description="T of the article's loss")
    alpha: float = Field(
        0.7, ge=0.0, le=1.0, description='weight of the teacher against the label'
    )
    alpha_ramp: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="share of the steps over which alpha grows; article's: 0.3",
    )
    decision_loss: Literal['article', 'decoupled'] = Field(
        'article', description='decoupled: DKD in place of the KL'
    )
    feature_weight: float = Field(0.5, ge=0.0, description="matching of the teacher's embedding")
    feature_loss: Literal['cosine', 'mse', 'product', 'entangled'] = Field(
        'cosine', description='the last two are fidelities of quantum states'
    )
    qubits: int = Field(6, ge=2, le=12, description='of the fidelities')
    distance_weight: float = Field(0.0, ge=0.0, description="RKD-D; 25 is the paper's")
    angle_weight: float = Field(0.0, ge=0.0, description="RKD-A; 50 is the paper's")
    adversary_strength: float = Field(
        0.0,
        ge=0.0,
        description='lambda of gradient reversal against telling day from night, ramped',
    )
    touch_weight: float = Field(0.3, ge=0.0, description='prediction of 256 taxels')
    gas_weight: float = Field(0.3, ge=0.0, description='prediction of 8 channels')
    surface_weight: float = Field(
        1.0, ge=0.0, description='prediction of roughness, crack depth, CO2 absorption'
    )
    gas_from: float = Field(
        0.0, ge=0.0, lt=1.0, description='share of the steps after which gas joins'
    )
    touch_from: float = Field(
        0.0, ge=0.0, lt=1.0, description='share after which touch and surface join'
    )
    finish: FinishRecipe | None = None

    def second(self) -> 'StudentRecipe':
        """Return the recipe of the second training: all as in the first, but its steps and sizes, and no schedules."""
        return self.model_copy(
            update={
                **self.finish.model_dump(),
                'alpha_ramp': 0.0,
                'gas_from': 0.0,
                'touch_from': 0.0,
                'finish': None,
            }
        )


class Recipe(_Strict):
    """Data, teacher and student."""

    seed: int = Field(0, ge=0, description='of weights, batches and augmentation')
    data: DataRecipe
    teacher: TeacherRecipe
    student: StudentRecipe


class ReferenceRecipe(_Strict):
    """The article's own nets and loop."""

    nets: Literal['article']
    seed: int = Field(0, ge=0, description='of weights and batches')
    data: DataRecipe
    epochs: int = Field(ge=1, description='of the teacher, and again of the student')
    batch: int = Field(64, ge=4)
    learning_rate: float = Field(1e-3, gt=0.0)


def load_recipe(path: Path) -> Recipe | ReferenceRecipe:
    """Read a recipe; raise `RecipeError` in one sentence for a missing file, bad YAML, unknown key or bad value."""
    try:
        content = yaml.safe_load(path.read_text()) or {}
        return (
            ReferenceRecipe if isinstance(content, dict) and 'nets' in content else Recipe
        ).model_validate(content)
    except OSError as error:
        raise RecipeError(f'cannot read the recipe {path}: {error.strerror}') from error
    except yaml.YAMLError as error:
        raise RecipeError(f'{path} is not YAML: {" ".join(str(error).split())}') from error
    except ValidationError as error:
        first = error.errors()[0]
        key = '.'.join(str(part) for part in first['loc'])
        more = f' (and {error.error_count() - 1} more)' if error.error_count() > 1 else ''
        raise RecipeError(
            f'{path}: {key}: {first["msg"]}, got {first["input"]!r}{more}'
        ) from error


def find_recipe(name: str) -> Path:
    """Return the file of a recipe: `name` itself if it ends in .yaml or .yml, else `config/recipes/<name>.yaml`.

    Raises:
        RecipeError: no recipe has this name.
    """
    if name.endswith(('.yaml', '.yml')):
        return Path(name)
    folder = share_dir() / 'config' / 'recipes'
    path = folder / f'{name}.yaml'
    if not path.is_file():
        known = ', '.join(sorted(path.stem for path in folder.glob('*.yaml')))
        raise RecipeError(f'expected a recipe out of {known}, or a .yaml file, got {name!r}')
    return path
