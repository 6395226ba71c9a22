# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot's tip travelling over a row of panels, with a camera, a pad and a gas hood on it."""

import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from crossmodal_kd_ros.contract import ACTIONS
from crossmodal_kd_ros.simulation import gas, touch
from crossmodal_kd_ros.simulation.camera import draw_shot
from crossmodal_kd_ros.simulation.panel import PANEL_MM, draw_panels
from crossmodal_kd_ros.simulation.scene import VIEW_MM, Lit, Truth, Wall, reachable_mm

RATES_HZ = {'camera': 30.0, 'touch': 100.0, 'gas': 2.0}

# A panel is passed in 5 s: 15 mm/s, the pace of a soft crawler.
DWELL_S = 5.0
# Worlds draw their panels from seeds that no training, validation or test set uses.
_SEED_SPACE = 77


class World:
    """The living wall as a function of time: the same seed and time give the same readings, in any order of asking.

    Panels are rendered one ahead in a thread of their own, so that arriving at a panel does not
    stall the camera. Any thread may ask for any sense.

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
                f'expected a picture at most {0.96 * PANEL_MM[0] / VIEW_MM:.1f} times as wide as high, '
                f'got {width_px} x {height_px}'
            )
        self._seed, self._size = seed, (width_px, height_px)
        self._reach = reachable_mm(width_px / self._px_per_mm)
        self._walls: dict[int, Wall] = {}
        self._lit: dict[int, Future[Lit]] = {}
        self._lock = threading.RLock()
        self._renderer = ThreadPoolExecutor(
            1, thread_name_prefix='panel_renderer', initializer=_stand_back
        )
        self._lit_panel(0).result()

    def camera(self, t_s: float) -> np.ndarray:
        """Return the picture `uint8[H, W, 3]`, RGB, at `t_s` seconds."""
        index, centre = self._tip(t_s)
        lit = self._lit_panel(index)
        self._lit_panel(index + 1)
        shot = draw_shot(self._rng(1, index))
        shot = shot.with_seed(int(self._rng(2, round(t_s * 1e3)).integers(2**31)))
        return lit.result().picture(centre, shot, width_px=self._size[0], height_px=self._size[1])

    def touch(self, t_s: float) -> np.ndarray:
        """Return the pad's reading `float32[256]` (um, mm) at `t_s` seconds."""
        index, centre = self._tip(t_s)
        return touch.add_noise(self._wall(index).touch(centre), self._rng(3, round(t_s * 1e3)))

    def gas(self, t_s: float) -> np.ndarray:
        """Return the hood's reading `float32[8]` at `t_s` seconds."""
        index, centre = self._tip(t_s)
        return gas.add_noise(self._wall(index).gas(centre), self._rng(4, round(t_s * 1e3)))

    def truth(self, t_s: float) -> Truth:
        """Return the noise-free state at the tip at `t_s` seconds."""
        index, centre = self._tip(t_s)
        return self._wall(index).truth(centre)

    def close(self) -> None:
        """End the rendering thread."""
        self._renderer.shutdown(cancel_futures=True)

    def _tip(self, t_s: float) -> tuple[int, tuple[float, float]]:
        """Return (panel, place on it): from left to right over each panel, weaving up and down."""
        index, phase = divmod(max(t_s, 0.0) / DWELL_S, 1.0)
        (x_min, y_min), (x_max, y_max) = self._reach
        weave = 0.5 + 0.35 * np.sin(2.0 * np.pi * (t_s / 7.3 + self._seed * 0.37))
        return int(index), (x_min + phase * (x_max - x_min), y_min + weave * (y_max - y_min))

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng((_SEED_SPACE, self._seed, *key))

    def _wall(self, index: int) -> Wall:
        with self._lock:
            if index not in self._walls:
                self._forget(self._walls, index)
                self._walls[index] = self._choose(index)
            return self._walls[index]

    def _lit_panel(self, index: int) -> 'Future[Lit]':
        with self._lock:
            if index not in self._lit:
                self._forget(self._lit, index)
                self._lit[index] = self._renderer.submit(
                    Lit, self._wall(index).panel, px_per_mm=self._px_per_mm
                )
            return self._lit[index]

    def _choose(self, index: int) -> Wall:
        """Return wall `index`: that of the first draw whose middle wants the action whose turn it is.

        A robot's round has every kind of trouble in it; forty seconds of eight like panels would
        show little.
        """
        wanted = ACTIONS[
            int(
                np.random.default_rng(
                    (_SEED_SPACE, self._seed, index // len(ACTIONS))
                ).permutation(len(ACTIONS))[index % len(ACTIONS)]
            )
        ]
        (x_min, y_min), (x_max, y_max) = self._reach
        middle = ((x_min + x_max) / 2, (y_min + y_max) / 2)
        draws = draw_panels(40, seed=(_SEED_SPACE, self._seed, index))
        walls = (Wall(panel) for panel in draws)
        return next((wall for wall in walls if wall.truth(middle).action == wanted), None) or Wall(
            draws[0]
        )

    @staticmethod
    def _forget(cache: dict, index: int) -> None:
        """Drop panels the tip has left two panels ago: a rendered one holds tens of megabytes."""
        for old in [key for key in cache if key < index - 2]:
            del cache[old]


def _stand_back() -> None:
    """Let every other thread go first: a panel may take its 5 s, a picture has 33 ms. On Linux each thread has its own nice."""
    if sys.platform == 'linux':
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
