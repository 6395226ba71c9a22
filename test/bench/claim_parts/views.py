# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Panels that nothing else has seen, their pictures, and what both networks say of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmodal_kd_ros.benchmark.measures import Answers, ask_student, ask_teacher
from crossmodal_kd_ros.datasets import Pairs
from crossmodal_kd_ros.networks import Student, Teacher, load_student, load_teacher
from crossmodal_kd_ros.simulation import (
    MATERIALS,
    PROFILE,
    VIEW_MM,
    Panel,
    PanelScene,
    RenderedPanel,
    add_noise,
    draw_panels,
)
from crossmodal_kd_ros.simulation.camera import draw_shot
from crossmodal_kd_ros.simulation.fields import crack_path
from crossmodal_kd_ros.simulation.scene import reachable_mm

# Training, validation, calibration and test draw their panels from 11 to 14; the measures were
# tried out on 15 and 16.
SEED = 17
VIEW_PX = PROFILE.camera.view_px
PX_PER_MM = VIEW_PX / VIEW_MM
# A camera's picture has so many more pixels than the view, as in the training.
CAMERA_PX_PER_VIEW_PX = 2
CRACK_ACTIONS = [
    PROFILE.actions.index(name) for name in ('seal_crack', 'apply_bio_adhesive', 'request_human')
]
CRACK_WIDTH = list(PROFILE.quantities).index('crack_width')

Place = tuple[float, float]


@dataclass(frozen=True)
class Views:
    """One view of each panel.

    Attributes:
        pairs: what the networks get.
        clean: the readings by sense without noise, `float32[N, size]`.
        dying: `bool[N]`, whether the expert asks for a person because of the culture.
    """

    pairs: Pairs
    clean: dict[str, np.ndarray]
    dying: np.ndarray


@dataclass(frozen=True)
class Networks:
    """The weights that are judged, how many panels to use, and who is told what is going on."""

    teacher: Teacher
    student: Student
    share: float
    say: Callable[[str], None]

    @classmethod
    def load(cls, folder: Path, *, share: float, say: Callable[[str], None]) -> 'Networks':
        """Return the networks of a folder.

        Raises:
            WeightsError: they cannot be read.
        """
        teacher = load_teacher(folder / 'teacher.safetensors', PROFILE)
        student = load_student(folder / 'student.safetensors', PROFILE)
        return cls(teacher.eval(), student.eval(), share, say)

    def count(self, panels: int) -> int:
        """Return how many panels to draw where the whole measurement has `panels`."""
        return max(20, round(self.share * panels))

    def by_teacher(self, pairs: Pairs, *, masked: Sequence[str] = ()) -> Answers:
        """Return what the teacher says."""
        return ask_teacher(self.teacher, pairs, masked=masked)

    def by_student(self, pairs: Pairs) -> Answers:
        """Return what the student says."""
        return ask_student(self.student, pairs)


def panels_of(stream: int, count: int) -> list[Panel]:
    """Return panels as they are drawn for a training, of a stream of seeds of their own."""
    return draw_panels(count, seed=(SEED, stream))


def places_of(stream: int, count: int) -> list[Place]:
    """Return where the tip is on each panel, anywhere that it can be."""
    rng = np.random.default_rng((SEED, stream, 1))
    return [tuple(rng.uniform(*reachable_mm(VIEW_MM)).tolist()) for _ in range(count)]


def sound(panel: Panel) -> Panel:
    """Return a panel to which nothing is the matter; its stains of dirt, lines and seals stay."""
    return replace(
        panel,
        vitality=0.8,
        moisture=0.72,
        growth_cover=0.0,
        delamination=0.0,
        crack_width_mm=0.0,
        crack_depth_mm=0.0,
        stray=replace(panel.stray, crack=0.0),
    )


def cracked(panel: Panel, width_mm: float) -> Panel:
    """Return a panel whose crack is `width_mm` wide, and as deep as such cracks usually are."""
    material = MATERIALS[panel.material_name]
    depth_mm = min(width_mm * material.depth_per_width, material.thickness_mm)
    return replace(panel, crack_width_mm=width_mm, crack_depth_mm=depth_mm)


def place_on_crack(seed: int) -> Place:
    """Return the middle of a crack, or where the tip can come next to it."""
    path, _ = crack_path(seed)
    return tuple(np.clip(path[len(path) // 2], *reachable_mm(VIEW_MM)).tolist())


def look(
    panels: Sequence[Panel],
    places: Sequence[Place],
    *,
    stream: int,
    say: Callable[[str], None],
    what: str,
    shot: int = 0,
) -> Views:
    """Return one view of each panel, with every sense.

    The same stream gives the same noise and exposure, whatever became of the panels.

    Args:
        panels, places: N of each.
        stream: of the noise.
        say: is told how far it is.
        what: is looked at, in words.
        shot: another number is another picture of the same place in the same light.
    """
    rows: list[dict[str, Any]] = []
    clean: dict[str, list[np.ndarray]] = {sense: [] for sense in PROFILE.senses}
    dying = []
    for index, (panel, place) in enumerate(zip(panels, places, strict=True)):
        if index % 500 == 0:
            say(f'{what}: panel {index} of {len(panels)}')
        truth = PanelScene(panel).truth(place)
        rng = np.random.default_rng((SEED, stream, 2, index))
        readings = {name: add_noise(name, each, rng) for name, each in truth.readings.items()}
        taken = draw_shot(np.random.default_rng((SEED, stream, 3 + shot, index)))
        rendered = RenderedPanel(panel, px_per_mm=PX_PER_MM)
        rows.append(
            {
                'image': rendered.picture(
                    place,
                    taken.averaged_down(CAMERA_PX_PER_VIEW_PX),
                    width_px=VIEW_PX,
                    height_px=VIEW_PX,
                ),
                **{f'reading_{name}': reading for name, reading in readings.items()},
                'quantities': truth.quantities,
                'action': PROFILE.actions.index(truth.action),
                'night': panel.lighting == 'night',
                'group': index,
            }
        )
        for name, reading in truth.readings.items():
            clean[name].append(reading)
        dying.append(truth.reason.startswith('vitality'))
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Views(
        Pairs.from_arrays(arrays),
        {name: np.array(each) for name, each in clean.items()},
        np.array(dying),
    )


def window(field: np.ndarray, place: Place) -> np.ndarray:
    """Return the part of a field over the panel, `[H, W]` at `PX_PER_MM`, that is in view."""
    height, width = field.shape
    left, top = (
        min(max(round(mm * PX_PER_MM - VIEW_PX / 2), 0), most - VIEW_PX)
        for mm, most in zip(place, (width, height), strict=True)
    )
    return field[top : top + VIEW_PX, left : left + VIEW_PX]


def accuracy(answers: Answers, pairs: Pairs) -> np.ndarray:
    """Return whether each answer is the expert's, `float[N]`."""
    return (answers.probabilities.argmax(1) == pairs.action).astype(float)
