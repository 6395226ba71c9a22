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

What is assumed was tuned until a camera alone can decide 80 to 90 % and all senses 96 %: a gradient-boosted model on what each
sense could read at best agrees with the expert in 85.5 % by what shows, 88.1 % by touch and gas, 97.1 % by all (8,000 panels;
`crossmodal_kd_ros.benchmark.ceilings.ceilings(panels=8000)`, the first thing that `crossmodal-kd evaluate` computes).

## Cracks

- A crack is judged by its **width** w at the mouth, as codes of practice do, at the place of the tip: the widest opening under
  the pins. The limit follows from the panel's exposure class, XC1 (inside, dry) or XC4 (outside, wet and dry by turns).
- The opening counts where the crack's middle line runs under the pins. Where that runs beside them and a flank of a wide crack lies
  under them, pins fall in and the expert takes it for no crack: 0.9 % of the test views. That is wrong, and stays so in this version
  of the wall, for all weights and figures are of it.
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
- The cells follow the hood's air with a time constant of T90 / ln 10. Hood and cells together show 90 % of a step after
  2.3 s, so that a robot can move if it knows of that (`response_s`, resilience.md). A module such as the SCD30, by diffusion,
  needs half a minute at each place, and its repeatability is ten times the noise of a pumped cell; with it a robot has to
  stand still.
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

## Time (`simulation/living.py`)

A facade has a seed of its weather and its troubles. Time is cut at every full hour, at every act and at every trouble; in between the
state moves by closed forms, with the weather and what the state at the cut makes of it held. So the same seed and the same acts are
the same history, to the last bit, in whatever steps time is let go by.

- *Weather.* Days are clear or clouded, and on some, outside (XC4), rain is driven onto the wall; inside (XC1) lamps shine by day. A day has one
  air. **Moisture is the relative humidity at the surface**, and is in balance with the air at phi exp(g(T) - g(T + dT)), g(t) = b t / (c + t):
  a surface that is warmer than its air by dT is drier (Magnus). dT differs from panel to panel, as sun and shade do.
- *Water.* dm/dt = (m_e - m) / tau + f / s and df/dt = -f / s: moisture m comes to its balance m_e (under rain to 1) with the time constant tau, and
  water f that was sprayed on soaks in with s, within minutes. The flux follows at once, by the activity of the culture.
- *Culture.* Vitality goes to (m - m_0) / (m_1 - m_0), within 0 to 1, m_0 being `least_moisture` and m_1 `full_activity_moisture`: up in days, down
  in weeks. A sick culture, and one below `least_vitality`, dies; only a person can sow it again.
- *Growth* spreads where the surface is damper than 80 % (Hukka and Viitanen 1999): dc/dt = g c (1 - c / K), g rising linearly to ln 2 / doubling time on
  a soaked wall. What a brush leaves in the pores grows again.
- *Cracks* widen with each daily cycle of temperature, the more the damper: dw/dt = w x growth x swing x m. Or they heal: in concrete that is at
  `healing_moisture` or wetter, a crack not wider than `healing_limit_mm` closes at that width over `healing_days`; where the culture is dying,
  `plain_healing_limit_mm` takes its place (Wiktor and Jonkers 2011: 0.46 mm and 0.18 mm in 100 days under water). It leaves a white line.
- *Troubles* (a crack, a layer that comes off, growth that settles, a culture that falls sick) come as Poisson processes. They are drawn beforehand.
- *Day and night* follow the hour. By night lamps and sun are off, and algae breathe out.

## What acts do

Pressure p is the mean under the tool, a flat sponge of radius R that can be squeezed together by s. The right angle is along the normal of the wall,
along which the view looks. Tilted by theta, the edge that presses most bears p (1 + tan theta / tan theta_0), and where
tan theta_0 = s / (2 R), 14 degrees, the other edge lifts.

- *Crushed*: tissue collapses where the edge presses more than `collapse_strain` x E (cells: 0.05 E, Gibson and Ashby 1997): 15 kPa in mycelium, 5 kPa in
  algae, nothing in stone. Living cells are lost, a dent is left, and nothing is mended.
- The **right pressure** is the greatest that crushes at no tilt up to theta_0: half of that, 7.5 and 2.5 kPa, at most what the tool gives (60 kPa; a brush 20).
- *Seal*: paste of the yield stress tau comes p w / (2 tau) deep into a crack w wide (balance of forces in a slot); it has to reach the bottom, D. For
  D = 30 w that takes 3 kPa. In a soft wall it tears out, and nothing bridges a crack that is wide by ACI 201.1R.
- *Adhesive*: the film has to wet both sides, and a soft layer has to be pressed back over its gap g, as a clamped plate: p = 64 D' g / R_b^4 (Timoshenko
  and Woinowsky-Krieger 1959), 3.3 kPa more in mycelium, 0.7 kPa in algae. Stone does not bend; there adhesive fills the gap.
- With less pressure, or an edge that lifts, a repair *fails*: it looks mended, and comes off within hours.
- *Brush*: exp(-p / p_0) of the growth is left, and never less than what sits in the pores; where an edge lifts, half is not touched.
- *Water* is added as far as there is room. *A person* who is asked for comes the next day and mends everything.
- The tool follows a trouble that it meets under the robot's tip over the whole panel; where it meets none the act is *pointless*.

**Health** of a panel is the product of five parts, each 0 to 1: crack (1 up to the width that EN 1992-1-1 allows, 0 from that which ACI 201.1R
calls wide), layer (what has not come off), growth (what no living growth covers), water (moisture over `dry_limit`), culture (vitality).

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
    'weather': 'Weather',
    'life': 'Culture and growth in time',
    'troubles': 'Troubles',
    'contact': 'Tool, repairs and a person',
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
