# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recipes: all that decides what a training makes, in one YAML file; unknown keys are errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml, shipped_file
from crossmodal_kd_ros.networks.config import EncoderName
from crossmodal_kd_ros.profile import Profile

SENSE_DROPOUT = 0.3
READING_WEIGHT = 0.3

_Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
_Weight = Annotated[float, Field(ge=0.0)]


class RecipeError(ConfigurationError):
    """A recipe cannot be used: one line for each thing that is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True)


class DataRecipe(_Strict):
    """What is learnt from. Panels, and so views, of the splits are never shared."""

    seed: int = Field(0, ge=0, description='of the simulated panels')
    labelled_views: int = Field(ge=10, description='views that carry the action of the expert')
    unlabelled_views: int = Field(
        ge=0, description='further views of all senses without an action'
    )
    validation_views: int = Field(1500, ge=10, description='choose the checkpoint')
    test_views: int = Field(3000, ge=10, description='measured once, at the end')
    photographs: int = Field(
        0, ge=0, description='simulated photographs, half of them cracked, see `photograph_weight`'
    )
    ground_share: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description='of those, drawn on the real photographs of --photos, if there are any',
    )
    vision_recovery: float = Field(
        1.0, ge=0.0, le=1.0, description='how much of the state shows, see draw_panels'
    )


class FinishRecipe(_Strict):
    """A shorter second training on finer pictures, from the weights of the first.

    At 64 px fine cracks and the net of fine lines on a dry wall are blurred away.
    """

    steps: int = Field(ge=1)
    batch: int = Field(32, ge=4)
    learning_rate: float = Field(1.5e-3, gt=0.0)
    view_px: Literal[64, 128] = 128
    validate_every: int = Field(400, ge=1)


class OptimiserRecipe(_Strict):
    """How one network is trained: AdamW, its rate rising over 5 % of the steps, then a cosine.

    The network sees pictures at `view_px`, on the robot too. At 64 px a step costs a quarter of
    one at 128 px, and on two cores four times the steps are worth more than the detail, up to a
    point: see `FinishRecipe`.
    """

    steps: int = Field(ge=1)
    batch: int = Field(64, ge=4)
    learning_rate: float = Field(3e-3, gt=0.0)
    weight_decay: float = Field(0.05, ge=0.0)
    view_px: Literal[32, 64, 128] = Field(
        64, description='side to which the network averages pictures down'
    )
    validate_every: int = Field(250, ge=1, description='steps')
    min_labelled: float = Field(
        0.5, ge=0.0, le=1.0, description='share of a batch that has labels, if few views have'
    )
    finish: FinishRecipe | None = None

    def second(self) -> 'OptimiserRecipe':
        """Return the recipe of the second training: that of `finish`."""
        return self.model_copy(update={**self.finish.model_dump(), 'finish': None})


class TeacherRecipe(OptimiserRecipe):
    """The teacher's training."""

    sense_dropout: _Probability | dict[str, _Probability] = Field(
        SENSE_DROPOUT,
        description='probability of hiding a sense (modality dropout), of all or by sense',
    )
    image_head_weight: float = Field(
        0.5, ge=0.0, description='of a throw-away classifier on what the camera alone shows'
    )
    senses_head_weight: float = Field(
        0.5, ge=0.0, description='of one on what the senses alone show'
    )
    reconstruction_weight: float = Field(
        0.3, ge=0.0, description='of a throw-away prediction of the readings from the picture'
    )
    unlabelled_weight: float = Field(
        1.0,
        ge=0.0,
        description='with which the image head learns from the senses head where no label is',
    )


class StudentRecipe(OptimiserRecipe):
    """The student's training. With `distil` false, the control: labelled views alone, no teacher.

    Where few views have a label, the teacher's word on new ones is worth more than a label seen a
    hundred times: with 500 labels in an eighth of each batch a student was right in 0.765, where a
    half and more steps gave 0.736 (validation, one seed). Roughness, depth and absorption at a
    third of their weight left R2 of roughness 0.44 for 0.52.
    """

    min_labelled: float = Field(
        0.125, ge=0.0, le=1.0, description='share of a batch that has labels, if few views have'
    )
    encoder: EncoderName = Field(
        'residual',
        description='efficientnet_lite0: as ImageNet taught it, up to stride 8 for good',
    )
    distil: bool = True
    self_training: bool = Field(
        False,
        description='without a teacher: also learn from own decisions on views without a label',
    )
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
    reading_weights: _Weight | dict[str, _Weight] = Field(
        READING_WEIGHT, description='prediction of the readings, of all senses or by sense'
    )
    quantities_weight: float = Field(1.0, ge=0.0, description='prediction of the quantities')
    photograph_weight: float = Field(
        0.0, ge=0.0, description='finding cracks in simulated photographs, if the data has any'
    )
    photograph_batch: int = Field(24, ge=4, description='photographs that join each batch')
    start_at: dict[str, _Probability] = Field(
        {},
        description='by sense: share of the steps after which its readings join, 0 unless set; '
        'quantities join with the last sense',
    )

    @model_validator(mode='after')
    def _self_training_has_no_teacher(self) -> 'StudentRecipe':
        if self.self_training and (self.distil or not self.unlabelled):
            raise ValueError(
                'expected self_training with distil: false and unlabelled: true, got distil: '
                f'{self.distil} and unlabelled: {self.unlabelled}'.lower()
            )
        return self

    def second(self) -> 'StudentRecipe':
        """Return the recipe of the second training: that of `finish`, and without schedules."""
        return super().second().model_copy(update={'alpha_ramp': 0.0, 'start_at': {}})


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


class _Kind(BaseModel):
    """The key that tells the two kinds of recipe apart."""

    nets: Literal['article'] | None = None


def load_recipe(path: Path) -> Recipe | ReferenceRecipe:
    """Read a recipe.

    Raises:
        RecipeError: the file is missing, is not YAML, or has an unknown key or a bad value.
    """
    kind = read_yaml(path, _Kind, RecipeError)
    return read_yaml(path, Recipe if kind.nets is None else ReferenceRecipe, RecipeError)


def find_recipe(name: str) -> Path:
    """Return the file of a recipe: `name` if it ends in .yaml, else `config/recipes/<name>.yaml`.

    Raises:
        RecipeError: no recipe has this name.
    """
    return shipped_file('recipes', name, RecipeError)


def by_sense(
    value: float | Mapping[str, float], profile: Profile, *, default: float = 0.0
) -> dict[str, float]:
    """Return a number for each sense: `value`, or its entries and `default` for the others.

    Raises:
        RecipeError: an entry is of no sense of `profile`.
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(profile.senses, value)
    unknown = sorted(set(value) - set(profile.senses))
    if unknown:
        raise RecipeError(
            f'expected senses of the profile {profile.name} in the recipe, out of '
            f'{", ".join(profile.senses)}, got {", ".join(unknown)}'
        )
    return {name: value.get(name, default) for name in profile.senses}
