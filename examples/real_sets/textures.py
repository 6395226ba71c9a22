# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A hundred textures: a photograph, models of the vibration a tool felt on it, and its friction.

The set is the Penn Haptic Texture Toolkit as https://github.com/ralee9/PennHaTT_MLHD has it. Its
licence is for research: nothing of it is kept here.
"""

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from real_set import (
    VIEW_PX,
    RealSet,
    RealSetError,
    fingerprint,
    make_pairs,
    make_profile,
    read_picture,
)

SOURCE, COMMIT = 'https://github.com/ralee9/PennHaTT_MLHD', '12ca9ff'
ACTIONS = ('low_friction', 'medium_friction', 'high_friction')
FOLDS = 5
# Pieces of a photograph, in rows and columns.
_ROWS = 4
# The tool's vibration was sampled at 1000 Hz.
_BAND_EDGES_HZ = (10, 30, 60, 100, 150, 200, 275, 350, 500)
_SAMPLE_HZ, _FREQUENCIES = 1000.0, 256
# Of a spectral density, (m/s^2)^2; below is no vibration that was felt.
_LEAST_DENSITY = 1e-9
# Middle of the recordings' speeds and forces.
_USUAL_MM_S, _USUAL_N = 100.0, 1.5
_BANDS = tuple(f'{low}_{high}_hz' for low, high in zip(_BAND_EDGES_HZ, _BAND_EDGES_HZ[1:]))
FEATURES = (
    *((f'power_{band}', 'log10', -12.0, 6.0) for band in _BANDS),
    *((f'power_over_speed_{band}', 'log10', -10.0, 10.0) for band in _BANDS),
    *((f'power_over_force_{band}', 'log10', -10.0, 10.0) for band in _BANDS),
)


def read(clone: Path, *, seed: int = 0) -> RealSet:
    """Return the set: a pair is a piece of a photograph and half of the texture's models.

    `seed` draws which half, and which textures are unseen together. An action is a third of the
    frictions: the third that the texture is in.

    Raises:
        RealSetError: it is no clone, or a file cannot be used.
    """
    models = sorted((clone / 'build' / 'XML').glob('Models_*.xml'))
    if len(models) < FOLDS:
        raise RealSetError(
            f'expected Models_*.xml in {clone / "build" / "XML"}, found {len(models)}: clone '
            f'{SOURCE} at {COMMIT}'
        )
    rng = np.random.default_rng(seed)
    textures = [read_models(path) for path in models]
    frictions = np.array([friction for _, friction, _ in textures])
    thirds = np.searchsorted(np.quantile(frictions, [1 / 3, 2 / 3]), frictions)
    folds = np.argsort(rng.permutation(len(models))) % FOLDS
    views, felt, group, photographs = [], [], [], []
    for index, (name, _, touches) in enumerate(textures):
        photographs.append(clone / 'images' / f'{name}_square.bmp')
        for view in pieces(read_picture(photographs[-1])):
            views.append(view)
            half = rng.choice(len(touches), -(-len(touches) // 2), replace=False)
            felt.append(summarise(touches[half]))
            group.append(index)
    profile = make_profile('textures', FEATURES, ACTIONS)
    return RealSet(
        name='textures',
        source=SOURCE,
        commit=COMMIT,
        digest=fingerprint(clone, [*models, *photographs]),
        profile=profile,
        pairs=make_pairs(profile, views, np.array(felt), thirds[group], np.array(group)),
        fold=folds[group],
        objects=tuple(name for name, *_ in textures),
    )


def read_models(path: Path) -> tuple[str, float, np.ndarray]:
    """Return name, friction coefficient, and `float64[M, 2 + bands]` of the models of a texture.

    A row: speed, mm/s, force, N, and the decimal logarithm of the mean power in each band. Models
    of a tool at rest are left out.

    Raises:
        RealSetError: the file is not as expected.
    """
    try:
        tree = ElementTree.parse(path).getroot()
        name, friction = tree.findtext('material'), float(tree.findtext('mu'))
        rows = []
        for model in tree.findall('model'):
            speed, force, variance, gain = (
                float(model.findtext(key)) for key in ('speedMod', 'forceMod', 'var', 'gain')
            )
            if speed > 0.0:
                ar, ma = (
                    np.array([float(value.text) for value in model.find(key)])
                    for key in ('ARcoeff', 'MAcoeff')
                )
                rows.append([speed, force, *band_powers(ar, ma, variance * gain**2)])
        if name is None or len(rows) < 6:
            raise ValueError(f'{len(rows)} models of a moving tool')
    except (OSError, ElementTree.ParseError, TypeError, ValueError) as error:
        raise RealSetError(
            f'expected a texture with its friction and models in {path}, got {error}: clone '
            f'{SOURCE} at {COMMIT}'
        ) from error
    return name, friction, np.array(rows)


def band_powers(ar: np.ndarray, ma: np.ndarray, variance: float) -> np.ndarray:
    """Return the decimal logarithm of the mean power density in each band, `float64[bands]`.

    Args:
        ar: `float64[P]`, the first is 1; ma: `float64[Q]`: of noise of `variance`, filtered.
        ma: see `ar`.
        variance: of the noise, (m/s^2)^2.
    """
    density = np.abs(np.fft.rfft(ma, 2 * _FREQUENCIES) / np.fft.rfft(ar, 2 * _FREQUENCIES)) ** 2
    frequency = np.fft.rfftfreq(2 * _FREQUENCIES, 1.0 / _SAMPLE_HZ)
    means = [
        density[(frequency >= low) & (frequency < high)].mean()
        for low, high in zip(_BAND_EDGES_HZ, _BAND_EDGES_HZ[1:])
    ]
    return np.log10(variance * np.array(means) + _LEAST_DENSITY)


def summarise(touches: np.ndarray) -> np.ndarray:
    """Return what touches say together, `float64[3 * bands]`.

    By least squares with a little ridge: power in each band at the usual speed and force, how it
    grows with the logarithm of speed, and with force.
    """
    speed = np.log10(np.maximum(touches[:, 0], 1.0) / _USUAL_MM_S)
    force = touches[:, 1] - _USUAL_N
    terms = np.stack([np.ones(len(touches)), speed, force], 1)
    ridge = np.diag([0.0, 0.1, 0.1])
    return np.linalg.solve(terms.T @ terms + ridge, terms.T @ touches[:, 2:]).ravel()


def pieces(photograph: np.ndarray) -> list[np.ndarray]:
    """Return pieces of a photograph, `uint8[64, 64, 3]` RGB, row after row.

    One pixel of a piece is half of one of the photograph: a weave of a millimetre still shows.
    """
    side = photograph.shape[0] // _ROWS
    inner, margin = side // 2, side // 4
    return [
        cv2.resize(
            photograph[
                row * side + margin : row * side + margin + inner,
                column * side + margin : column * side + margin + inner,
            ],
            (VIEW_PX, VIEW_PX),
            interpolation=cv2.INTER_AREA,
        )[..., ::-1]
        for row in range(_ROWS)
        for column in range(_ROWS)
    ]
