# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The ground under a grid, what stands out of it, and paths over that.

Places are mm in the view: x to the right, y down, from its upper left corner, as a profile's
`footprint_mm`. Values of a field grow away from the robot (z of an optical frame, REP 103), in mm
where they are lengths.
"""

from dataclasses import dataclass

import numpy as np

# Beyond so many standard deviations a cell has no say in where the ground is: Tukey's biweight of
# 95 % efficiency (Beaton and Tukey 1974).
_TUKEY = 4.685
_ROUNDS = 30
# Median absolute deviation to standard deviation, of a normal distribution.
_MAD_TO_STD = 1.4826
# A cell stands out from here on: one of 128 cells of noise does so once in a hundred readings.
_STANDS_OUT_STD = 4.0


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The plane `height + slope_x x + slope_y y`, x and y from the middle of the footprint.

    Attributes:
        height: in the unit of the field.
        slope_x, slope_y: in that unit a mm.
        std: robust standard deviation of the field round the plane.
    """

    height: float
    slope_x: float
    slope_y: float
    std: float

    def approach_deg(self) -> tuple[float, float]:
        """Return pitch and yaw, degrees, of going straight into the ground.

        The direction is that of z of the view turned by `pitch` about x and then by `yaw` about
        the view's y: (sin yaw cos pitch, -sin pitch, cos yaw cos pitch). It is the normal
        (-slope_x, -slope_y, 1) of a plane z = slope_x x + slope_y y, for slopes without unit.
        """
        pitch = np.arctan2(self.slope_y, np.hypot(self.slope_x, 1.0))
        yaw = np.arctan2(-self.slope_x, 1.0)
        return float(np.degrees(pitch)), float(np.degrees(yaw))


def cell_centres(
    footprint_mm: tuple[float, float, float, float], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return x `float64[C]` and y `float64[R]`, mm, of the cells of a grid of R x C."""
    left, top, width, height = footprint_mm
    rows, columns = shape
    return (
        left + (np.arange(columns) + 0.5) * width / columns,
        top + (np.arange(rows) + 0.5) * height / rows,
    )


def fit_ground(field: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray) -> Ground:
    """Fit a plane to a field `float[R, C]` by least squares, reweighted.

    Each round weighs cells by Tukey's biweight of their last residual, so that a crack, of
    millimetres, has no say; a plane is found exactly. There must be at least two rows and columns.
    """
    x, y = np.meshgrid(x_mm - x_mm.mean(), y_mm - y_mm.mean())
    terms = np.stack([np.ones(field.size), x.ravel(), y.ravel()], 1)
    values = np.asarray(field, np.float64).ravel()
    plane = np.array([np.median(values), 0.0, 0.0])
    std = 0.0
    for _ in range(_ROUNDS):
        residuals = values - terms @ plane
        std = _MAD_TO_STD * float(np.median(np.abs(residuals)))
        limit = _TUKEY * max(std, 1e-9)
        root = np.clip(1.0 - np.square(residuals / limit), 0.0, None)
        last = plane
        plane = np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
        if np.abs(plane - last).max() < 1e-9:
            break
    return Ground(
        height=float(plane[0]), slope_x=float(plane[1]), slope_y=float(plane[2]), std=std
    )


def relief(field: np.ndarray, ground: Ground, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Return how far each cell is above the ground, `float64[R, C]`, in the field's unit."""
    x, y = np.meshgrid(x_mm - x_mm.mean(), y_mm - y_mm.mean())
    return field - (ground.height + ground.slope_x * x + ground.slope_y * y)


def standing_out(heights: np.ndarray, std: float) -> np.ndarray:
    """Return which cells stand out of noise of a standard deviation, `bool[R, C]`."""
    return heights > _STANDS_OUT_STD * std


def ridge(heights: np.ndarray, mask: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Return the line along what stands out, `float64[N, 2]`, mm.

    It has one point for each column of cells in `mask`, or for each row if that is the longer way:
    the mean of the places of its cells, weighed with their heights. A line that turns back on
    itself, or two lines side by side, come out as one between.
    """
    rows, columns = np.nonzero(mask)
    is_wide = np.ptp(x_mm[columns]) >= np.ptp(y_mm[rows])
    weights = np.where(mask, heights, 0.0)
    along, across = (x_mm, y_mm) if is_wide else (y_mm, x_mm)
    weights = weights.T if is_wide else weights
    total = weights.sum(1)
    there = total > 0.0
    middle = (weights[there] @ across) / total[there]
    points = [along[there], middle] if is_wide else [middle, along[there]]
    return np.stack(points, 1)


def strokes(mask: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray, width_mm: float) -> np.ndarray:
    """Return strokes to and fro over the cells in `mask`, `float64[N, 2]`, mm: two points each.

    Strokes are rows at most `width_mm` apart, or one for each row of cells where these are
    farther apart. Each goes from the first to the last cell of what lies under it, to the outer
    edges of these.
    """
    half = (x_mm[1] - x_mm[0]) / 2
    pitch = y_mm[1] - y_mm[0]
    # Places are rounded: a width of three rows is one of three.
    count = max(1, int(width_mm / pitch + 1e-6))
    lines = []
    for first in range(0, len(y_mm), count):
        columns = np.flatnonzero(mask[first : first + count].any(0))
        if columns.size == 0:
            continue
        y = float(y_mm[first : first + count].mean())
        ends = [(x_mm[columns[0]] - half, y), (x_mm[columns[-1]] + half, y)]
        lines += ends[::-1] if len(lines) % 4 else ends
    return np.array(lines, np.float64).reshape(-1, 2)
