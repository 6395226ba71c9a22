# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot's tip travelling over a row of panels, with a camera, a pad and a gas hood on it."""

import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from crossmodal_kd_ros.simulation.camera import draw_shot
from crossmodal_kd_ros.simulation.gas import HOOD
from crossmodal_kd_ros.simulation.panel import EXPOSURES, PANEL_MM, PROFILE, draw_panels
from crossmodal_kd_ros.simulation.scene import (
    VIEW_MM,
    PanelScene,
    RenderedPanel,
    Truth,
    add_noise,
    reachable_mm,
)

# A period of 0.0333 s is not quite 30 Hz.
RATES_HZ = {'camera': 30.0} | {name: 1.0 / s.period_s for name, s in PROFILE.senses.items()}
# Frames that readings are stamped with.
FRAME_IDS = {'camera': 'camera_optical_frame', 'touch': 'tactile_pad', 'gas': 'gas_hood'}

# A panel is passed in 5 s: 15 mm/s, the pace of a soft crawler.
DWELL_S = 5.0
# Steps in which the wall passes under the hood, and how many of them the module remembers: what is
# older than 5 s counts less than two thousandths.
_GAS_STEP_S, _GAS_STEPS = 0.25, 20
# Worlds draw their panels from seeds that no training, validation or test set uses.
_SEED_SPACE = 77
_SEEDS = {'touch': 3, 'gas': 4}


class World:
    """The living wall as a function of time.

    The same seed and time give the same readings, whatever was read before. Panels are rendered
    one ahead in a thread of their own, so that arriving at a panel does not stall the camera. Any
    thread may read any sense.

    Args:
        seed: of everything.
        width_px, height_px: of the pictures; their height shows 64 mm of the wall.

    Raises:
        ValueError: the picture is wider than the wall is (more than 2.4 times its height).
    """

    def __init__(self, seed: int, *, width_px: int = 640, height_px: int = 480) -> None:
        self._px_per_mm = height_px / VIEW_MM
        if width_px > 0.96 * PANEL_MM[0] * self._px_per_mm:
            raise ValueError(
                f'expected a picture at most {0.96 * PANEL_MM[0] / VIEW_MM:.1f} times as wide as '
                f'high, got {width_px} x {height_px}'
            )
        self._seed, self._size = seed, (width_px, height_px)
        self._reach = reachable_mm(width_px / self._px_per_mm)
        self._scenes: dict[int, PanelScene] = {}
        self._rendered: dict[int, Future[RenderedPanel]] = {}
        self._lock = threading.RLock()
        self._renderer = ThreadPoolExecutor(
            1, thread_name_prefix='panel_renderer', initializer=_stand_back
        )
        self._render(0).result()

    def camera(self, t_s: float) -> np.ndarray:
        """Return the picture `uint8[H, W, 3]`, RGB, at `t_s` seconds."""
        index, centre = self._tip(t_s)
        rendered = self._render(index)
        self._render(index + 1)
        seed = int(self._rng(2, round(t_s * 1e3)).integers(2**31))
        shot = replace(draw_shot(self._rng(1, index)), seed=seed)
        return rendered.result().picture(
            centre, shot, width_px=self._size[0], height_px=self._size[1]
        )

    def read(self, sense: str, t_s: float) -> np.ndarray:
        """Return the reading `float32[size]` of `touch` or `gas` at `t_s` seconds.

        The gas module reads what has come through its hood and its cells by then.
        """
        rng = self._rng(_SEEDS[sense], round(t_s * 1e3))
        reading = self._gas(t_s) if sense == 'gas' else self._settled(sense, t_s)
        return add_noise(sense, reading, rng)

    def truth(self, t_s: float) -> Truth:
        """Return the noise-free state at the tip at `t_s` seconds."""
        index, centre = self._tip(t_s)
        return self._scene(index).truth(centre)

    def close(self) -> None:
        """End the rendering thread."""
        self._renderer.shutdown(cancel_futures=True)

    def _settled(self, sense: str, t_s: float) -> np.ndarray:
        """Return what a sense would read at the place of `t_s` if the tip stood there."""
        index, centre = self._tip(t_s)
        return self._scene(index).read(sense, centre)

    def _gas(self, t_s: float) -> np.ndarray:
        """Return the noise-free reading of the gas module at `t_s`.

        The wall under the hood is taken for constant over each step. Hood and cells are linear, so
        each step counts by how much their response has grown since it began and since it ended.
        """
        last = max(0, int(t_s / _GAS_STEP_S))
        reading = np.zeros(PROFILE.senses['gas'].size)
        ended = 0.0
        for step in range(last, max(0, last - _GAS_STEPS) - 1, -1):
            is_first = step == max(0, last - _GAS_STEPS)
            began = 1.0 if is_first else HOOD.response(t_s - step * _GAS_STEP_S)
            reading += (began - ended) * self._settled('gas', (step + 0.5) * _GAS_STEP_S)
            ended = began
        return reading.astype(np.float32)

    def _tip(self, t_s: float) -> tuple[int, tuple[float, float]]:
        """Return (panel, place on it): from left to right over each panel, weaving up and down."""
        index, phase = divmod(max(t_s, 0.0) / DWELL_S, 1.0)
        (x_min, y_min), (x_max, y_max) = self._reach
        weave = 0.5 + 0.35 * np.sin(2.0 * np.pi * (t_s / 7.3 + self._seed * 0.37))
        return int(index), (x_min + phase * (x_max - x_min), y_min + weave * (y_max - y_min))

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng((_SEED_SPACE, self._seed, *key))

    def _scene(self, index: int) -> PanelScene:
        with self._lock:
            if index not in self._scenes:
                self._forget(self._scenes, index)
                self._scenes[index] = self._choose(index)
            return self._scenes[index]

    def _render(self, index: int) -> 'Future[RenderedPanel]':
        with self._lock:
            if index not in self._rendered:
                self._forget(self._rendered, index)
                self._rendered[index] = self._renderer.submit(
                    RenderedPanel, self._scene(index).panel, px_per_mm=self._px_per_mm
                )
            return self._rendered[index]

    def _choose(self, index: int) -> PanelScene:
        """Return panel `index`: the first draw whose middle wants the action whose turn it is.

        A robot's round has every kind of trouble in it; forty seconds of eight like panels would
        show little.
        """
        actions = PROFILE.actions
        turn = np.random.default_rng((_SEED_SPACE, self._seed, index // len(actions)))
        wanted = actions[turn.permutation(len(actions))[index % len(actions)]]
        (x_min, y_min), (x_max, y_max) = self._reach
        middle = ((x_min + x_max) / 2, (y_min + y_max) / 2)
        # All panels are on one side of one building, in one air.
        rng = self._rng(5)
        around = {'exposure': str(rng.choice(EXPOSURES)), 'air_seed': int(rng.integers(2**31))}
        draws = draw_panels(40, seed=(_SEED_SPACE, self._seed, index))
        draws = [replace(panel, **around) for panel in draws]
        scenes = map(PanelScene, draws)
        fitting = (scene for scene in scenes if scene.truth(middle).action == wanted)
        return next(fitting, None) or PanelScene(draws[0])

    @staticmethod
    def _forget(cache: dict, index: int) -> None:
        """Drop panels the tip has left two panels ago: a rendered one holds tens of megabytes."""
        for old in [key for key in cache if key < index - 2]:
            del cache[old]


def _stand_back() -> None:
    """Let every other thread go first: a panel may take its 5 s, a picture has 33 ms.

    On Linux each thread has its own nice value.
    """
    if sys.platform == 'linux':
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
