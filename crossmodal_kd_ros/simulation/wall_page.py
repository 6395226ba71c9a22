# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Writes `docs/wall.md` from the tables in `materials/`.

python -m crossmodal_kd_ros.simulation.wall_page
"""

from crossmodal_kd_ros.files import share_dir, write_text
from crossmodal_kd_ros.simulation.constants import FOLDER, MATERIALS, Row, read_rows, read_tables

PATH = 'docs/wall.md'
_HEAD = """# The simulated wall: its physics and its constants

Every constant of the wall and of the expert, with its unit and either its source or the word *assumed* with the reason. This
page is written by `python -m crossmodal_kd_ros.simulation.wall_page` from the tables in `crossmodal_kd_ros/simulation/materials`;
a table that has a row with neither, or both, is refused. Nobody measured a wall for this: a figure that was found on it is
none of a real wall. How a panel *looks* (colours, mottling, pores, light, lens) is assumed throughout; those numbers mean
nothing physical and stand in `surface.py`, `fields.py` and `camera.py`, which also draw where a crack runs and a patch lies.

## Cracks

- A crack is judged by its **width** w at the mouth, as codes of practice do, at the place of the tip: the widest opening under
  the pins. The limit follows from the panel's exposure class, XC1 (inside, dry) or XC4 (outside, wet and dry by turns).
- Along its length 2 L the opening is elliptical, w(s) = w0 sqrt(1 - (s / L)^2), s from its middle: a crack in an elastic body
  under uniform stress (linear elastic fracture mechanics). So it has ends. In section it is a wedge of depth D.
- What shows is wider or narrower by a lognormal stray. It is drawn by the area that it covers: 0.1 mm darken a pixel of 0.5 mm
  by about a fifth.

## Touch: an array of sprung pins

8 x 16 pins stand on a frame with three feet, wider than a debonded zone, are stroked along the wall by one pitch, and each
holds the deepest reach over its cell. A skin of silicone would sag into a crack by tenths of a millimetre; pins enter it.

- `indentation` (mm below the plane of the feet) = reading on glass + peaks that the feet stand on + punch + give of a debonded
  layer + reach into a crack + drift of the zero by moisture; at most the travel. In the air it is 0.
- Punch: a flat end of radius a under the force F on an elastic half-space, F (1 - nu^2) / (2 a E) (Johnson 1985, *Contact
  Mechanics*, 3.4). Stone gives nothing, a felt about a tenth of a millimetre, a gel a quarter.
- Give: a plate of thickness t and radius R, clamped at its rim, under the force of all pins in its middle, F R^2 / (16 pi D'),
  D' = E t^3 / (12 (1 - nu^2)) (Timoshenko and Woinowsky-Krieger 1959, *Theory of Plates and Shells*); at most the gap behind it.
- Crack: a tip of diameter d, y beside the middle, enters where the crack is wider than d + 2 y, and reaches
  D (1 - (d + 2 y) / w) + d / 2. So a pin that rides the edge reaches less, and one outside nothing. Into a narrower crack its
  round end sags by r - sqrt(r^2 - w^2 / 4), r = d / 2.
- `texture` (um RMS) is the vibration of stroking: the roughness, damped by living growth and by a film of water, stronger over
  a debonded layer of stone, which sounds hollow (the idea of ASTM D4580).

## Gas: a shallow, pumped hood

- dC/dt = -F / (h n) - k (C - C_ambient): C in ppm, F what the wall takes up (umol m-2 s-1), h the height of the hood (m), n the
  molecules in air (mol m-3), k the air exchanges (1/s). Settled, the air is F / (h n k) ppm poorer. With k = 0 it is a closed
  chamber, whose slope is F / (h n).
- The cells follow the hood's air with a time constant of T90 / ln 10. Hood and cells settle within about 1.5 to 2 s, so that a
  robot can move. A module such as the SCD30, by diffusion, needs half a minute at each place, and its repeatability is ten times
  the noise of a pumped cell; with it a robot has to stand still.
- F = activity x (photosynthesis by day or - dark respiration by night - respiration) + carbonation - cover x respiration of living
  growth. The activity is the share of living cells, as far as they are wet. So fungi always breathe out, algae take up by day
  and breathe out by night, and a dying culture does neither.
- Oxygen moves by as many molecules as CO2, the other way: a ten-thousandth of a per cent for each ppm. No oxygen cell sees it.
- Ammonia comes of urea that living bacteria split; a dying culture makes none.
- `co2_surface_ppm` has the bias of its cell, drawn for each panel; in `co2_uptake_ppm`, a difference of two readings of one
  cell, it cancels. Noise of the channels: `config/profiles/living_wall.yaml`.
- Humidity in the hood is that of the air and of the wall's surface, weighed by the two exchanges.

## Arm: three soft segments (profile `living_wall_arm`)

- Constant curvature as in Webster and Jones 2010 (doi 10.1177/0278364910368147). A bellows grows by its pressure; of the lengths l_i of
  three bellows at radius d the arc is their mean l, and its bend (rad) -2 / (3 d) times the sum of l_i (cos, sin)(2 pi i / 3).
- Pressures follow what is asked for with one time constant. Damped least squares find those that bring the tip to a pose.
- The tip is sent `push_mm` past the first contact. Arm and wall share that as springs in a row: a bellows has area / extension per
  pressure (N/mm), the wall a flat punch of the tip's radius and, where a layer is off, its plate. So pressures and arcs belong together
  otherwise than in the free. That tells how soft the wall is and whether a soft layer is off, and nothing of cracks, growth and the air.

## The expert

The most urgent first; a reason names the code of practice that it follows.

1. A crack that is wide by ACI 201.1R: `request_human`.
2. A dying culture: `request_human`.
3. A crack wider than EN 1992-1-1 allows in the panel's exposure class: `seal_crack` in stone, `apply_bio_adhesive` in a soft
   material, where it is a tear. No code of practice is written for soft materials; they are judged as concrete is.
4. A debonded layer: `apply_bio_adhesive`.
5. Living growth: `remove_growth`.
6. A dry panel: `hydrate`. Also a fine crack in living bio-concrete that is not wet enough to heal: keep wet, look again after the
   days that its width takes.
7. Otherwise `continue_inspection`; a fine crack in wet bio-concrete heals by itself.

"""
_TITLES = {
    'codes': 'Codes of practice',
    'expert': 'Limits of the expert',
    'touch_array': 'Array of pins',
    'gas_hood': 'Hood',
    'air': 'Air',
    'growth': 'Living growth',
    'culture': 'Activity of a culture',
    'draw': 'How panels are drawn',
    'shown': 'How far what shows strays',
}


def text() -> str:
    """Return the page."""
    tables = read_tables(FOLDER / 'common.yaml')
    parts = [f'## {_TITLES[name]}\n\n{_table(rows)}' for name, rows in tables.items()]
    parts += [
        f'## {name.replace("_", " ").capitalize()}\n\n{_table(read_rows(FOLDER / f"{name}.yaml"))}'
        for name in (*MATERIALS, 'arm')
    ]
    return _HEAD + '\n'.join(parts)


def _table(rows: dict[str, Row]) -> str:
    lines = ['| Constant | Value | Unit | What it is | Source |', '|---|---|---|---|---|']
    for name, row in rows.items():
        ground = row.source or f'*assumed*: {row.assumed}'
        lines.append(f'| `{name}` | {_value(row.value)} | {row.unit} | {row.what} | {ground} |')
    return '\n'.join(lines) + '\n'


def _value(value: bool | float | list[float]) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, list):
        return ', '.join(map(_value, value))
    return f'{value:g}'


def main() -> None:
    """Write the page into the checkout."""
    write_text(share_dir() / PATH, text())


if __name__ == '__main__':
    main()
