# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulated photographs of walls and floors: at any scale and slant, with and without cracks.

The simulated wall is seen from one distance, straight on. A photograph that somebody took is not:
how many millimetres a pixel has is unknown, and there are joints, veins, pores, pens, shadows and
edges of other bodies in it. These pictures have all of that by chance, so that a crack is what
remains. They carry no reading of any sense, only where the crack is.
"""

import cv2
import numpy as np

# A picture is drawn at twice its side, and averaged down.
_DRAWN_PER_PX = 2
_CRACKED_TRIES = 4
_LEAST_CRACK_PX = 40  # drawn pixels, below which a crack hides behind the edge of its tile
_STEP_PX = 4.0  # drawn pixels between two vertices of a crack


def draw_photograph(
    rng: np.random.Generator,
    *,
    is_cracked: bool,
    size_px: int = 128,
    ground: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a photograph.

    Args:
        rng: decides all of it.
        is_cracked: whether there are cracks.
        size_px: its side, S.
        ground: a real photograph without cracks, `uint8[H, H, 3]`, to draw them on.

    Returns:
        `uint8[S, S, 3]`, RGB, and how much of each pixel a crack covers, `float32[S, S]`, 0 to 1.
    """
    scene = _Scene(rng, _DRAWN_PER_PX * size_px)
    if ground is None:
        scene.lay_ground()
        scene.strew_distractions()
    else:
        scene.take_ground(ground)
    cover = scene.crack() if is_cracked else np.zeros_like(scene.x)
    scene.light()
    small = (size_px, size_px)
    picture = cv2.resize(scene.image, small, interpolation=cv2.INTER_AREA)
    return _develop(picture, rng), cv2.resize(cover, small, interpolation=cv2.INTER_AREA)


class _Scene:
    """A picture that is being drawn.

    Attributes:
        image: `float32[S, S, 3]`, linear in what a screen shows, about 0 to 1.
        tiles: `float32[S, S]`, another number on each tile; None where there are no joints.
        x, y: `float32[S, S]`, pixels from the middle.
    """

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self._rng, self._side = rng, side
        self.y, self.x = np.mgrid[:side, :side].astype(np.float32) - side / 2
        self.image = np.zeros((side, side, 3), np.float32)
        self.tiles: np.ndarray | None = None

    def lay_ground(self) -> None:
        """Draw a material, most often in tiles with joints."""
        rng, mottling, rgb = self._rng, self._mottling(), _colour(self._rng)
        self.image = np.exp(mottling)[..., None] * rgb
        if rng.random() < 0.62:
            self._lay_joints(rgb, np.exp(0.5 * mottling))

    def take_ground(self, photograph: np.ndarray) -> None:
        """Draw on a photograph, `uint8[H, H, 3]`."""
        side = (self._side, self._side)
        self.image = cv2.resize(photograph, side, interpolation=cv2.INTER_CUBIC) / np.float32(255)

    def strew_distractions(self) -> None:
        """Draw what is no crack: other bodies, shadows, pens, cables, holes, letters."""
        rng, side = self._rng, self._side
        if rng.random() < 0.2:
            self._lay_body()
        if rng.random() < 0.3:
            dark = rng.uniform(0.15, 0.65)
            self._shade(-dark * self._beyond(edge_px=float(np.exp(rng.uniform(0.0, 4.0)))))
        for _ in range(rng.poisson(0.35)):  # a ruled line, or an arc in the colour of a pen
            is_arc, angle = rng.random() < 0.4, rng.uniform(0.0, 2.0 * np.pi)
            radius = np.exp(rng.uniform(4.1, 6.5) if is_arc else rng.uniform(8.0, 10.0))
            middle = rng.uniform(-0.4, 0.4, 2) * side + radius * _unit(angle)
            beside = np.abs(np.hypot(self.x - middle[0], self.y - middle[1]) - radius)
            cover = np.clip(rng.uniform(0.5, 4.0) - beside + 0.5, 0.0, 1.0)
            colour = _hsv(rng.uniform(), 0.8, 0.8) if is_arc else _colour(rng) * rng.uniform()
            self._blend(rng.uniform(0.4, 1.0) * cover, colour)
        for _ in range(rng.poisson(0.4)):
            x, y = rng.uniform(-0.5, 0.5, 2) * side
            distance = np.hypot(self.x - x, (self.y - y) * rng.uniform(0.6, 1.5))
            cover = np.clip(rng.uniform(2.0, 14.0) - distance + 0.5, 0.0, 1.0)
            self._blend(rng.uniform(0.4, 1.0) * cover, _colour(rng) * rng.uniform(0.05, 0.8))
        if rng.random() < 0.12:
            self._write()

    def crack(self) -> np.ndarray:
        """Draw one crack or several; return how much of each pixel they cover, `[S, S]`."""
        rng, tries = self._rng, 0
        cover, broken = self._crack_cover()
        while (cover > 0.3).sum() < _LEAST_CRACK_PX and tries < _CRACKED_TRIES:
            (cover, broken), tries = self._crack_cover(), tries + 1
        for piece in broken:  # which lies a little aslant, and so is lighter or darker
            self._shade(rng.uniform(-0.25, 0.25) * piece)
        small = cv2.resize(self.image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        around = cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.5), (self._side, self._side))
        if rng.random() < 0.9:
            inside = around * (rng.uniform(0.03, 0.6) * _cast(rng, 0.08))
        else:  # filled with dust
            inside = np.minimum(1.0, around * rng.uniform(1.25, 1.8))
        if rng.random() < 0.3:  # an edge in the light, or in the shade
            shift, axis = int(rng.integers(1, 4)), int(rng.integers(2))
            self._shade(rng.uniform(-0.3, 0.7) * np.roll(cover, shift, axis) * (1.0 - cover))
        strength = rng.uniform(0.3, 1.0)  # a hairline is faint
        self._blend(strength * cv2.GaussianBlur(cover, (0, 0), 0.7), inside)
        return cover

    def light(self) -> None:
        """Light it from a side, now and then with a lamp's reflection."""
        rng, side = self._rng, self._side
        across = _unit(rng.uniform(0.0, 2.0 * np.pi))
        self._shade(rng.uniform(0.0, 0.35) * (self.x * across[0] + self.y * across[1]) / side)
        if rng.random() < 0.12:
            x, y = rng.uniform(-0.5, 0.5, 2) * side
            spread = 2.0 * rng.uniform(20.0, 80.0) ** 2
            spot = np.exp(-((self.x - x) ** 2 + (self.y - y) ** 2) / np.float32(spread))
            self.image += (rng.uniform(0.2, 0.8) * spot)[..., None]

    def _noise(self, wave_px: float, stretch: float = 1.0) -> np.ndarray:
        """Return smooth noise `float32[S, S]` of mean 0 and deviation about 1."""
        rows, columns = (
            max(2, int(self._side / wave) + 2) for wave in (wave_px, wave_px * stretch)
        )
        lattice = np.float32(1.45) * self._rng.standard_normal((rows, columns), dtype=np.float32)
        return cv2.resize(lattice, (self._side,) * 2, interpolation=cv2.INTER_CUBIC)

    def _fractal(self, wave_px: float, octaves: int, gain: float = 0.6) -> np.ndarray:
        weights = gain ** np.arange(octaves)
        weights = (weights / np.sqrt((weights**2).sum())).tolist()
        return sum(w * self._noise(max(wave_px / 2**n, 2.0)) for n, w in enumerate(weights))

    def _mottling(self) -> np.ndarray:
        """Return a material's pattern as the logarithm of its brightness, `float32[S, S]`."""
        rng = self._rng
        field = rng.uniform(0.0, 0.12) * self._fractal(rng.uniform(30.0, 160.0), 4)
        kind = rng.integers(5)
        if kind == 0:  # grain
            strength = float(np.exp(rng.uniform(np.log(0.02), np.log(0.16))))
            field += strength * self._fractal(rng.uniform(3.0, 10.0), 2, 0.8)
        elif kind == 1:  # brushed
            wave_px, stretch = rng.uniform(2.0, 6.0), rng.uniform(3.0, 12.0)
            field += rng.uniform(0.01, 0.08) * self._noise(wave_px, stretch)
        elif kind == 2:  # veins of marble
            veins = self._fractal(rng.uniform(40.0, 120.0), 3) / rng.uniform(0.05, 0.3)
            strength = rng.uniform(0.05, 0.3) * (1.0 if rng.random() < 0.6 else -1.0)
            field += strength * np.exp(-(veins**2)) * (self._noise(60.0) > -0.3)
        elif kind == 3:  # pores
            holes = (self._noise(rng.uniform(3.0, 9.0)) - rng.uniform(1.9, 2.8)) * 3.0
            field -= rng.uniform(0.2, 1.0) * np.clip(holes, 0.0, 1.0)
        if rng.random() < 0.15:  # dirt and grit
            dots = (self._noise(rng.uniform(3.0, 8.0)) - rng.uniform(1.8, 2.6)) * 3.0
            field += rng.uniform(-0.8, 0.5) * np.clip(dots, 0.0, 1.0)
        return field

    def _lay_joints(self, rgb: np.ndarray, mottling: np.ndarray) -> None:
        """Part the ground into tiles, each a little lighter or darker, with joints between."""
        rng = self._rng
        rough_px = rng.uniform(0.0, 1.4) * (rng.random() < 0.5)
        wave_px = rng.uniform(12.0, 40.0)
        x, y = (each + rough_px * self._noise(wave_px) for each in (self.x, self.y))
        distance, self.tiles = _tiling(rng, x, y)
        if rng.random() < 0.6:
            own = np.sin(self.tiles * 12.9898 + rng.uniform(0.0, 9.0)) * 43758.5
            self._shade(rng.choice([0.05, 0.15, 0.6], p=[0.5, 0.4, 0.1]) * (own % 1.0 - 0.5))
        width = float(np.exp(rng.uniform(0.0, np.log(14.0))))
        if rng.random() < 0.4:
            width = width * (1.0 + 0.15 * self._noise(20.0))
        cover = np.clip((width / 2.0 - distance) / rng.uniform(0.8, 3.0) + 0.5, 0.0, 1.0)
        cover = cover * rng.uniform(0.4, 1.0)
        if rng.random() < 0.25:  # dirt beside it
            dirt = np.exp(-distance / rng.uniform(2.0, 10.0)) * np.clip(
                self._noise(16.0), 0.0, 1.5
            )
            self._shade(-rng.uniform(0.1, 0.5) * dirt)
        if rng.random() < 0.3:  # worn
            cover = cover * np.clip(1.0 + 0.5 * self._noise(30.0), 0.0, 1.0)
        kind = rng.random()
        if kind < 0.55:
            grout = rgb * rng.uniform(0.05, 0.75)
        elif kind < 0.8:
            grout = np.minimum(1.0, rgb * rng.uniform(1.1, 1.8))
        else:
            grout = _colour(rng)
        if rng.random() < 0.4:  # a bevelled edge
            shift, axis = int(rng.integers(1, 4)), int(rng.integers(2))
            self._shade(rng.uniform(-0.4, 0.4) * np.roll(cover, shift, axis) * (1.0 - cover))
        self._blend(cover, grout * mottling[..., None])

    def _lay_body(self) -> None:
        """Draw another body or paint that begins at a straight edge, or lies within four."""
        rng, side = self._rng, self._side
        if rng.random() < 0.3:
            corners = rng.uniform(-0.2, 1.2, 2) * side + rng.uniform(-70.0, 70.0, (4, 2))
            cover = np.zeros((side, side), np.float32)
            cv2.fillConvexPoly(cover, cv2.convexHull(corners.astype(np.int32)), 1.0)
            cover = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.7, 2.0))
        else:
            cover = self._beyond(edge_px=rng.uniform(0.7, 4.0))
        body = np.exp(self._mottling())[..., None] * _colour(rng) * rng.uniform(0.2, 1.0)
        self._blend(cover, body)
        if rng.random() < 0.5:  # with a dark line at its foot
            foot = 4.0 * cover * (1.0 - cover)
            self._blend(rng.uniform(0.3, 0.9) * foot, body * rng.uniform(0.0, 0.4))
        if self.tiles is not None:
            self.tiles = self.tiles + 999.0 * (cover > 0.5)

    def _write(self) -> None:
        rng, side = self._rng, self._side
        text = ''.join(rng.choice(list('abcRTE235789mm'), rng.integers(1, 7)))
        ink = np.zeros((side, side), np.uint8)
        place, font = rng.integers(0, side, 2).tolist(), int(rng.integers(4))
        cv2.putText(ink, text, place, font, rng.uniform(0.6, 2.0), 255, int(rng.integers(1, 4)))
        self._blend(rng.uniform(0.3, 0.9) / 255.0 * ink.astype(np.float32), _colour(rng))

    def _crack_cover(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return how much of each pixel cracks cover, and pieces that broke off, `[S, S]` each."""
        rng, side = self._rng, self._side
        cover, broken = np.zeros((side, side), np.float32), []
        count = 1 + (rng.random() < 0.3) + rng.poisson(0.3)
        if rng.random() < 0.07:  # crazed
            count += rng.integers(4, 9)
        widest = float(np.exp(rng.normal(np.log(2.6), 0.5)))
        wild = float(np.exp(rng.normal(-1.2, 0.7)))
        for _ in range(count):
            own, middle = np.zeros_like(cover), rng.uniform(0.1, 0.9, 2) * side
            heading, length = rng.uniform(0.0, 2.0 * np.pi), np.exp(rng.uniform(4.6, 6.5))
            halves = [_walk(rng, middle, heading + turn, length / 2, wild) for turn in (0, np.pi)]
            path = np.concatenate([halves[1][::-1], middle[None], halves[0]])
            width = widest * rng.uniform(0.5, 1.3)
            _draw_path(own, path, width, rng)
            for _ in range(rng.poisson(0.7)):
                start = int(rng.integers(len(path) - 1))
                along = path[start + 1] - path[start]
                aside = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.3)
                heading = np.arctan2(along[1], along[0]) + aside
                branch = _walk(rng, path[start], heading, rng.uniform(25.0, 120.0), wild)
                _draw_path(own, branch, width * rng.uniform(0.4, 0.9), rng)
            column, row = np.clip(middle.astype(int), 0, side - 1)
            tile = 1.0 if self.tiles is None else self.tiles == self.tiles[row, column]
            if rng.random() < 0.45:  # it ends at the joint
                own *= tile
            if rng.random() < 0.2:
                piece, far = np.zeros_like(cover), rng.uniform(-0.3, 1.3, 2) * side
                cv2.fillPoly(piece, [np.concatenate([path, far[None]]).round().astype(int)], 1.0)
                broken.append(piece * tile)
            np.maximum(cover, own, out=cover)
        return cover, broken

    def _beyond(self, *, edge_px: float) -> np.ndarray:
        """Return how much of each pixel lies beyond some straight line, `float32[S, S]`."""
        across, away = _unit(self._rng.uniform(0.0, 2.0 * np.pi)), self._rng.uniform(-0.45, 0.45)
        beside = self.x * across[0] + self.y * across[1] - away * self._side
        return np.clip(beside / edge_px + 0.5, 0.0, 1.0)

    def _blend(self, cover: np.ndarray, colour: np.ndarray) -> None:
        """Move the picture towards `colour` by `cover`."""
        cover = np.float32(cover)[..., None]
        self.image = self.image * (1.0 - cover) + np.float32(colour) * cover

    def _shade(self, change: np.ndarray) -> None:
        """Make the picture lighter by so large a part of itself."""
        self.image = self.image * (1.0 + np.float32(change))[..., None]


def _unit(angle: float) -> np.ndarray:
    return np.float32([np.cos(angle), np.sin(angle)])


def _cast(rng: np.random.Generator, deviation: float) -> np.ndarray:
    return np.exp(rng.normal(0.0, deviation, 3)).astype(np.float32)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Return a colour of stone, tile or paint, `float32[3]`; earth colours more often."""
    saturation = rng.uniform(0.0, 0.35) ** 1.3 * (rng.random() < 0.85)
    hue = rng.uniform(0.0, 1.0) if rng.random() < 0.5 else rng.normal(0.09, 0.04)
    return _hsv(hue % 1.0, saturation, rng.uniform(0.3, 0.95))


def _hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    return cv2.cvtColor(np.float32([[[360.0 * hue, saturation, value]]]), cv2.COLOR_HSV2RGB)[0, 0]


def _tiling(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each pixel is from a joint, and a number of its tile, `float32[S, S]` each.

    The tiles are oblongs, in rows or shifted as bricks are, hexagons, or planks.
    """
    side = x.shape[0]
    angle = rng.normal(0.0, 0.08) if rng.random() < 0.5 else rng.uniform(-np.pi / 2, np.pi / 2)
    width = np.float32(np.exp(rng.uniform(np.log(30.0), np.log(420.0))))
    height = width * np.float32(rng.uniform(0.25, 1.5) if rng.random() < 0.25 else 1.0)
    if rng.random() < 0.5:  # seen aslant
        tilt = np.float32(rng.uniform(-0.45, 0.45, 2) / side)
        away = 1.0 + tilt[0] * x + tilt[1] * y
        x, y = x / away, y / away
    if rng.random() < 0.5:
        shear = np.float32(np.eye(2) + rng.normal(0.0, 0.2, (2, 2)))
        x, y = shear[0, 0] * x + shear[0, 1] * y, shear[1, 0] * x + shear[1, 1] * y
    cos, sin = _unit(angle).tolist()
    u = (cos * x + sin * y) / width + np.float32(rng.uniform())
    v = (cos * y - sin * x) / height + np.float32(rng.uniform())
    kind = rng.choice(['oblong', 'brick', 'hexagon', 'plank'], p=[0.62, 0.2, 0.08, 0.1])
    if kind == 'hexagon':
        return _hexagons(u, v * height / width, width)
    row = np.floor(v)
    shifted = u + 0.5 * (row % 2.0) if kind == 'brick' else u
    beside = _from_whole(shifted, u)
    if kind == 'plank':
        return beside, np.floor(u)
    distance, tiles = np.minimum(beside, _from_whole(v, v)), np.floor(shifted) * 7.3 + row * 3.1
    if kind == 'oblong' and rng.random() < 0.15:  # with a small square in each corner
        corner = np.abs(u - np.round(u)) + np.abs(v - np.round(v)) * height / width
        size = np.float32(rng.uniform(0.1, 0.25))
        distance = np.where(corner < size, np.float32(side), distance)
        distance = np.minimum(distance, np.abs(corner - size) * width / np.float32(np.sqrt(2.0)))
        tiles = np.where(corner < size, tiles + 555.5, tiles)
    return distance, tiles


def _from_whole(field: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Return how many pixels a field that rises as `smooth` does is from a whole number."""
    down, along = np.gradient(smooth)
    return np.abs(field - np.round(field)) / (np.hypot(down, along) + 1e-6)


def _hexagons(u: np.ndarray, v: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what `_tiling` does: a hexagon's places are nearest to its own middle."""
    tall, distances, tiles = np.float32(np.sqrt(3.0)), [], []
    for start_u, start_v in ((0.0, 0.0), (0.5, tall / 2)):
        middle_u = np.round(u - start_u) + np.float32(start_u)
        middle_v = np.round((v - start_v) / tall) * tall + np.float32(start_v)
        for step in (-1.0, 0.0, 1.0):
            distances.append(np.hypot(u - middle_u - step, v - middle_v))
            tiles.append((middle_u + step) * 1.7 + middle_v * 3.1)
    stack = np.stack(distances)
    nearest = stack.argmin(0)[None]
    first, second = np.partition(stack, 1, 0)[:2]
    return (second - first) / 2.0 * width, np.take_along_axis(np.stack(tiles), nearest, 0)[0]


def _walk(
    rng: np.random.Generator, start: np.ndarray, heading: float, length_px: float, wild: float
) -> np.ndarray:
    """Return the places `float64[P, 2]` of a crack that goes on from `start`.

    It keeps its heading, wavers about it, and bends a little; the more `wild`, the more.
    """
    steps = max(4, int(length_px / _STEP_PX))
    drift, push = np.zeros(steps), wild * 0.28 * rng.standard_normal(steps)
    push *= rng.random(steps) < 0.35
    for step in range(1, steps):
        drift[step] = 0.93 * drift[step - 1] + push[step]
    jagged = wild * 0.3 * rng.standard_normal(steps)
    bend = np.linspace(0.0, rng.normal(0.0, 0.6), steps)
    angle = heading + drift + jagged + bend
    return start + _STEP_PX * np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0)


def _draw_path(
    cover: np.ndarray, path: np.ndarray, width_px: float, rng: np.random.Generator
) -> None:
    """Draw a crack along `path` that opens to an ellipse and has chipped edges."""
    count = len(path)
    opening = np.sqrt(np.clip(1.0 - np.linspace(-0.9, 0.9, count) ** 2, 0.05, 1.0))
    chips = np.arange(0, count + 3, 3)
    ragged = np.interp(np.arange(count), chips, rng.uniform(0.6, 1.4, len(chips)))
    widths = (width_px * opening * ragged).tolist()
    places = (16.0 * path).round().astype(int).tolist()  # OpenCV's fixed point: four binary places
    for place, after, width in zip(places, places[1:], widths):
        thickness = max(1, round(width))
        cv2.line(cover, place, after, min(1.0, width), thickness, cv2.LINE_8, 4)


def _develop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera and a file make of a picture `float32[S, S, 3]`, as `uint8`."""
    picture = np.clip(picture * float(np.exp(rng.normal(0.0, 0.2))), 0.0, 1.0)
    picture = np.clip(0.5 + (picture - 0.5) * rng.uniform(0.8, 1.3), 0.0, 1.0)
    picture = picture ** rng.uniform(0.7, 1.3)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.15, 0.8))
    if rng.random() < 0.35:  # sharpened
        picture += rng.uniform(0.2, 1.2) * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0))
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    picture += rng.uniform(0.0, 0.02) * grain
    developed = (np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    if rng.random() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))]
        developed = cv2.imdecode(cv2.imencode('.jpg', developed, quality)[1], cv2.IMREAD_COLOR)
    return developed
