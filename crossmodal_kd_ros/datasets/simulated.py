# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pairs from the simulated living wall. Splits never share a panel: each has its own seed."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.datasets.pairs import Pairs, load_arrays, save_arrays
from crossmodal_kd_ros.files import check_writable, write_text
from crossmodal_kd_ros.memory import keep_freed_memory
from crossmodal_kd_ros.profile import Profile, load_profile
from crossmodal_kd_ros.simulation import (
    CONDITIONS,
    PROFILE,
    VIEW_MM,
    Panel,
    PanelScene,
    RenderedPanel,
    add_noise,
    arm,
    draw_panels,
)
from crossmodal_kd_ros.simulation.camera import draw_shot, under_condition
from crossmodal_kd_ros.simulation.scene import reachable_mm
from crossmodal_kd_ros.versions import MEASURE_VERSION, SIMULATION_VERSION

VIEWS_PER_PANEL = 3
# A camera's picture has more pixels than the view that is averaged down from it: so many more.
_CAMERA_PX_PER_VIEW_PX = 2
_PANELS_PER_TASK = 20
# Whose readings can be simulated; they differ in their senses alone.
SIMULATED = (PROFILE.name, arm.PROFILE.name)
_SPLITS = {'train': 11, 'validation': 12, 'calibration': 13, 'test': 14}


def load_simulated(
    split: str,
    views: int,
    *,
    seed: int,
    cache_dir: Path,
    profile: Profile = PROFILE,
    vision_recovery: float = 1.0,
    condition: str | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda tasks, total: tasks,
) -> Pairs:
    """Return `simulate(...)`, made once and then read from `cache_dir`.

    `SIMULATION_VERSION` and the profile are part of the key; under a condition, which only a
    measurement is under, `MEASURE_VERSION` too.

    Raises:
        OutputError: `cache_dir` cannot be written.
    """
    parts = [split, views, seed, vision_recovery, condition, SIMULATION_VERSION]
    parts += [] if condition is None else [MEASURE_VERSION]
    key = '-'.join(map(str, (*parts, profile.fingerprint)))
    folder = cache_dir / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (folder / 'complete').exists():
        check_writable(cache_dir)
        options = {'vision_recovery': vision_recovery, 'condition': condition, 'profile': profile}
        save_arrays(simulate(split, views, seed=seed, progress=progress, **options), folder)
        write_text(folder / 'complete', key)
    return load_arrays(folder, profile)


def simulate(
    split: str,
    views: int,
    *,
    seed: int,
    profile: Profile = PROFILE,
    vision_recovery: float = 1.0,
    condition: str | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda tasks, total: tasks,
) -> Pairs:
    """Simulate `views` views, `VIEWS_PER_PANEL` of each panel, on all processors.

    Args:
        split: `train`, `validation`, `calibration` or `test`.
        views: how many; panel after panel, so that a prefix is a smaller data set of whole panels.
        seed: of the split; the same seed gives the same panels under every `condition`.
        profile: one of `SIMULATED`; the same seed gives the same panels and pictures.
        vision_recovery: see `draw_panels`.
        condition: one of `CONDITIONS` for every view; None: each panel's own light and ordinary
            pictures.
        progress: wraps the iteration over (tasks, how many), for a progress bar.

    Raises:
        ValueError: no such split or condition, or a profile that nobody simulates.
    """
    if not is_simulated(profile):
        raise ValueError(f'expected a profile out of {", ".join(SIMULATED)}, got {profile.name!r}')
    if split not in _SPLITS:
        raise ValueError(f'expected a split out of {", ".join(_SPLITS)}, got {split!r}')
    if condition is not None and condition not in CONDITIONS:
        raise ValueError(f'expected a condition out of {", ".join(CONDITIONS)}, got {condition!r}')
    panels = draw_panels(
        -(-views // VIEWS_PER_PANEL), seed=(_SPLITS[split], seed), vision_recovery=vision_recovery
    )
    tasks = [
        (
            panels[i : i + _PANELS_PER_TASK],
            i,
            (_SPLITS[split], seed, i),
            condition,
            tuple(profile.senses),
        )
        for i in range(0, len(panels), _PANELS_PER_TASK)
    ]
    with ProcessPoolExecutor(
        os.cpu_count(), get_context('spawn'), initializer=_prepare_worker
    ) as workers:
        parts = list(progress(workers.map(_simulate_some, *zip(*tasks, strict=True)), len(tasks)))
    return Pairs.join(parts)[:views]


def is_simulated(profile: Profile) -> bool:
    """Return whether pairs of a profile can be simulated: whatever its topics and periods."""
    return profile.fingerprint in {load_profile(name).fingerprint for name in SIMULATED}


def _prepare_worker() -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()


def _simulate_some(
    panels: list[Panel],
    first: int,
    seed: tuple[int, ...],
    condition: str | None,
    senses: Sequence[str],
) -> Pairs:
    # Other generators: with an arm or without, and under any condition, all else is the same.
    rng, arm_rng, condition_rng = map(np.random.default_rng, (seed, (*seed, 1), (*seed, 2)))
    low, high = reachable_mm(VIEW_MM)
    view_px = PROFILE.camera.view_px
    rows = []
    for index, panel in enumerate(panels, first):
        if condition is not None:  # also to what lives on the panel, and breathes
            panel = replace(panel, lighting='night' if condition == 'night' else 'day')
        scene = PanelScene(panel)
        rendered = RenderedPanel(panel, px_per_mm=view_px / VIEW_MM)
        for _ in range(VIEWS_PER_PANEL):
            centre = tuple(rng.uniform(low, high))
            truth = scene.truth(centre)
            shot = draw_shot(rng)
            if condition is not None:
                shot = under_condition(shot, condition, condition_rng)
            shot = shot.averaged_down(_CAMERA_PX_PER_VIEW_PX)
            rows.append(
                {
                    'image': rendered.picture(centre, shot, width_px=view_px, height_px=view_px),
                    **{
                        f'reading_{sense}': add_noise(sense, reading, rng)
                        for sense, reading in truth.readings.items()
                    },
                    **_arm_row(scene, centre, senses, arm_rng),
                    'quantities': truth.quantities,
                    'action': PROFILE.actions.index(truth.action),
                    'night': panel.lighting == 'night',
                    'group': index,
                }
            )
    return Pairs.from_arrays({name: np.array([row[name] for row in rows]) for name in rows[0]})


def _arm_row(
    scene: PanelScene,
    centre_mm: tuple[float, float],
    senses: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the column of the soft arm, if the profile has one."""
    name = arm.SENSE.name
    if name not in senses:
        return {}
    debonded = scene.true_state(centre_mm).debonded
    return {f'reading_{name}': arm.add_noise(arm.read_arm(scene.panel, debonded, centre_mm), rng)}
