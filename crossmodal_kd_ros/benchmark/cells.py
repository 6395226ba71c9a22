# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the benchmark measures: a cell is a network of a system, a label count and a seed."""

from dataclasses import dataclass, field
from typing import Any

from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.training.recipe import Recipe

# Students without a teacher, by what they change in the recipe: one that sees the labelled views
# alone, and one that labels the others for itself. What the teacher brings is what the student
# gains on the second: the first lacks its pictures too.
CONTROLS: dict[str, dict[str, Any]] = {
    'student_no_kd': {'distil': False},
    # With an eighth of a batch labelled, as in the recipe, it was right in 0.323 after 400 steps
    # that gave 0.437 with a half, and the first control 0.436 (500 labels, validation, one seed).
    'student_self_training': {'distil': False, 'self_training': True, 'min_labelled': 0.5},
}
# A change of the recipe that is also trained without a teacher is named so there.
NO_TEACHER = ', no teacher'
# The student of the recipe `photographs`, without photographs and for half its steps, which take
# as long as those of `default`: what is left for a teacher where the encoder knows much.
IMAGENET: dict[str, Any] = {
    'encoder': 'efficientnet_lite0',
    'steps': 2000,
    'finish': None,
    'batch': 32,
    'learning_rate': 1.5e-3,
    'view_px': 128,
    'validate_every': 400,
}
# In the order in which two processes lose no time: the controls need no teacher.
SYSTEMS = ('teacher', *CONTROLS, 'student_kd')
REFERENCE = 'reference'  # the article's own nets and loop
# How features are aligned, by the names of `alignment_costs`: which system does so, and in words.
RECIPE = 'as in the recipe'
ALIGNMENTS = {
    'none': ('no feature matching', 'none'),
    'cosine': (RECIPE, 'cosine (the recipe)'),
    'product': ('product fidelity', "product fidelity (the article's)"),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure.

    Attributes:
        recipe: of every cell; its labelled views are replaced by the cell's.
        profile: of the simulated robot.
        labels: label counts of `SYSTEMS`, the most telling first.
        seeds: of them.
        ablation_labels, ablation_seeds: of the ablations; no seed: no ablation.
        recoveries: values of `vision_recovery` at which they are trained too, with
            `ablation_labels` labels.
        condition_views: views under each of `CONDITIONS`; 0: leave them out.
        ceiling_panels: panels for the ceilings.
        shipped_views: test views that the shipped weights are measured on.
        max_cells: stop after so many.
    """

    recipe: Recipe
    profile: Profile = field(default_factory=load_profile)
    labels: tuple[int, ...] = (500, 10000, 2000)
    seeds: tuple[int, ...] = (0, 1, 2)
    ablation_labels: int = 500
    ablation_seeds: tuple[int, ...] = (0, 1)
    recoveries: tuple[float, ...] = (0.0, 0.5)
    condition_views: int = 300
    ceiling_panels: int = 8000
    shipped_views: int = 3000
    max_cells: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One network to train and measure.

    Attributes:
        system: one of `SYSTEMS`, `REFERENCE` or a name of `ablations`.
        labels: how many views have a label.
        seed: of weights, batches, and of which views have the labels; the default recipe has
            20,000, so that with 10,000 labels seeds 0 and 2 label the same.
        recovery: how much of the hidden state the camera shows, see `draw_panels`.
    """

    system: str
    labels: int
    seed: int
    recovery: float = 1.0

    @property
    def name(self) -> str:
        """A name for files."""
        words = f'{self.system}-{self.labels}-seed{self.seed}'
        return (words if self.recovery == 1.0 else f'{words}-recovery{self.recovery:g}').replace(
            ' ', '_'
        )


def ablations(profile: Profile) -> dict[str, dict[str, Any]]:
    """Return the changes to the student's recipe that are measured one at a time, by name."""
    senses = list(profile.senses)
    stage = round(1.0 / (len(senses) + 1), 2)
    return {
        'progressive alpha': {'alpha_ramp': 0.3, 'alpha': 1.0},
        # Decide first; then the senses join, the last of the profile before the first.
        'stages': {
            'start_at': {sense: stage * (len(senses) - i) for i, sense in enumerate(senses)}
        },
        'gradient reversal': {'adversary_strength': 1.0},
        'no unlabelled pairs': {'unlabelled': False},
        'no readings': {'reading_weights': 0.0, 'quantities_weight': 0.0},
        'no feature matching': {'feature_weight': 0.0},
        'product fidelity': {'feature_loss': 'product'},
        'encoder of ImageNet': IMAGENET,
        f'encoder of ImageNet{NO_TEACHER}': {**IMAGENET, 'distil': False},
    }


def student_changes(system: str, profile: Profile) -> dict[str, Any]:
    """Return the changes to the student's recipe that make `system`."""
    return (CONTROLS | ablations(profile)).get(system, {})


def cells(plan: Plan) -> list[Cell]:
    """Return all cells of `plan`, the most telling first.

    Of the reference there is one: it takes an hour, and what it is to tell is far beyond chance.
    It comes before many short ones, so that two processes end together.
    """
    main = [
        Cell(system=system, labels=labels, seed=seed)
        for labels in plan.labels
        for seed in plan.seeds
        for system in SYSTEMS
    ]
    changes = [
        Cell(system=system, labels=plan.ablation_labels, seed=seed)
        for seed in plan.ablation_seeds
        for system in ablations(plan.profile)
    ]
    curve = [
        Cell(system=system, labels=plan.ablation_labels, seed=plan.seeds[0], recovery=recovery)
        for recovery in plan.recoveries
        for system in SYSTEMS
    ]
    reference = [
        Cell(system=REFERENCE, labels=plan.ablation_labels, seed=seed)
        for seed in plan.ablation_seeds[:1]
    ]
    return main + reference + changes + curve
