# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A panel as files that Gazebo shows: a mesh, and maps for colour, fine relief and shine."""

from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.simulation.panel import PANEL_MM, Panel
from crossmodal_kd_ros.simulation.surface import Surface, build_surface

# The world's camera, 480 rows for 64 mm, sees 7.5 px a millimetre.
PX_PER_MM = 8
# Gazebo's camera has no exposure. In the light of the world, colours of this mean are as bright as
# the simulator's exposure makes them.
_MEAN_ALBEDO = 0.174
# A vertex each millimetre: 31 000 triangles, blisters and swellings in shape; what is finer is in
# the normal map.
_MESH_MM = 1.0


def write_relief(panel: Panel, folder: Path) -> None:
    """Write the files of a panel into `folder`, each with the name of its material in front.

    `.obj` and `.mtl`, `_albedo.png` (sRGB), `_normal.png` (x right, y up, z out) and
    `_roughness.png`. The mesh is in metres with the panel's centre as its origin, and lies in the
    plane y = 0 with its face towards negative y.

    All panels share one folder: Gazebo finds a picture by its file's name alone, and shows the
    first of that name wherever another folder has one too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = panel.material_name
    surface = build_surface(panel, PX_PER_MM)
    coarse = cv2.GaussianBlur(surface.height_mm, (0, 0), 0.5 * _MESH_MM * PX_PER_MM)
    mesh = obj_text(mesh_heights(coarse))
    # Gazebo warns of a mesh without a material, though the world's own takes its place.
    (folder / f'{name}.obj').write_text(f'mtllib {name}.mtl\nusemtl {name}\n{mesh}')
    (folder / f'{name}.mtl').write_text(f'newmtl {name}\nKd 1 1 1\n')
    _write(folder / f'{name}_albedo.png', _srgb(_exposed(surface.albedo)))
    _write(folder / f'{name}_normal.png', normal_map(surface.height_mm - coarse))
    _write(folder / f'{name}_roughness.png', roughness_map(surface))


def mesh_heights(height_mm: np.ndarray) -> np.ndarray:
    """Return a field `float32[768, 1280]` at the mesh's vertices, `float32[97, 161]`, mm."""
    rows, columns = (round(size / _MESH_MM) + 1 for size in PANEL_MM[::-1])
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    to_px = _MESH_MM * PX_PER_MM
    # A pixel's centre is half a pixel in; the outermost vertices lie on the picture's edge.
    return cv2.remap(
        height_mm,
        (x * to_px - 0.5).astype(np.float32),
        (y * to_px - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def obj_text(height_mm: np.ndarray) -> str:
    """Return a Wavefront OBJ of `height_mm`, `float32[R, C]`, with texture and normals."""
    rows, columns = height_mm.shape
    across, down = np.meshgrid(np.linspace(0.0, 1.0, columns), np.linspace(0.0, 1.0, rows))
    places = (
        np.stack([(across - 0.5) * PANEL_MM[0], -height_mm, (0.5 - down) * PANEL_MM[1]], -1) * 1e-3
    )
    by_row, by_column = np.gradient(height_mm, _MESH_MM)
    normals = np.stack([-by_column, np.full_like(by_row, -1.0), by_row], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    first = np.arange(1, rows * columns + 1).reshape(rows, columns)
    upper_left, upper_right, lower_left, lower_right = (
        first[:-1, :-1],
        first[:-1, 1:],
        first[1:, :-1],
        first[1:, 1:],
    )
    # Counter-clockwise as the robot sees them.
    faces = np.concatenate(
        [
            np.stack(corners, -1).reshape(-1, 3)
            for corners in (
                (upper_left, lower_left, lower_right),
                (upper_left, lower_right, upper_right),
            )
        ]
    )
    lines = [
        *(f'v {x:.6f} {y:.6f} {z:.6f}' for x, y, z in places.reshape(-1, 3).tolist()),
        *(
            f'vt {u:.5f} {v:.5f}'
            for u, v in zip(across.ravel().tolist(), (1.0 - down).ravel().tolist())
        ),
        *(f'vn {x:.4f} {y:.4f} {z:.4f}' for x, y, z in normals.reshape(-1, 3).tolist()),
        *(
            'f ' + ' '.join(f'{corner}/{corner}/{corner}' for corner in face)
            for face in faces.tolist()
        ),
    ]
    return '\n'.join(lines) + '\n'


def normal_map(height_mm: np.ndarray) -> np.ndarray:
    """Return the tangent-space normals of a relief `float32[H, W]`.

    As `uint8[H, W, 3]`: x right, y up, z out.
    """
    right = cv2.Sobel(height_mm, cv2.CV_32F, 1, 0, ksize=3, scale=PX_PER_MM / 8.0)
    down = cv2.Sobel(height_mm, cv2.CV_32F, 0, 1, ksize=3, scale=PX_PER_MM / 8.0)
    normals = np.stack([-right, down, np.ones_like(right)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.round(127.5 * (normals + 1.0)).astype(np.uint8)


def roughness_map(surface: Surface) -> np.ndarray:
    """Return how matt the surface is, `uint8[H, W]`: 230 dry, 64 under a film of water."""
    return np.round(230.0 - 166.0 * np.clip(surface.gloss, 0.0, 1.0)).astype(np.uint8)


def _exposed(albedo: np.ndarray) -> np.ndarray:
    """Return reflectance `float32[3, H, W]` scaled to the mean that suits the world's light.

    As `float32[H, W, 3]`.
    """
    return np.clip(cv2.merge(list(albedo)) * (_MEAN_ALBEDO / albedo.mean()), 0.0, 1.0)


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Return linear reflectance `float32[H, W, 3]` as sRGB `uint8[H, W, 3]` (IEC 61966-2-1)."""
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1.0 / 2.4) - 0.055
    )
    return np.round(255.0 * encoded).astype(np.uint8)


def _write(path: Path, picture: np.ndarray) -> None:
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    if not cv2.imwrite(str(path), stored):
        raise OSError(f'expected to be able to write {path}, could not')
