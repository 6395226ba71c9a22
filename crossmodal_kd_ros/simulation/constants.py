# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The constants of the wall, read from the tables in `materials/`.

Each row of a table has a value with its unit, what it is, and either its source (standard, data
sheet, paper) or `assumed` with the reason. `docs/wall.md` is written from the same tables, and
says more of each constant than the names below.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.files import read_yaml

FOLDER = Path(__file__).parent / 'materials'
Table = TypeVar('Table')


class ConstantError(ConfigurationError):
    """A table of constants cannot be used."""


class Row(BaseModel):
    """One constant."""

    model_config = ConfigDict(extra='forbid', frozen=True, strict=True)

    value: bool | float | list[float]
    unit: str = Field(min_length=1)
    what: str = Field(min_length=1)
    source: str = ''
    assumed: str = ''

    @model_validator(mode='after')
    def _has_one_ground(self) -> 'Row':
        given = [name for name in ('source', 'assumed') if getattr(self, name).strip()]
        if len(given) != 1:
            raise ValueError(
                'expected a source or `assumed` with the reason, got '
                f'{" and ".join(given) or "neither"}: give one of them'
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Material:
    """What one material is like where nothing is wrong; `surface` draws its texture."""

    is_mineral: bool
    roughness_um: float
    young_modulus_mpa: float
    poisson_ratio: float
    layer_mm: float
    thickness_mm: float
    depth_per_width: float
    photosynthesis: float
    dark_respiration: float
    respiration: float
    carbonation: float
    nh3: float
    voc_index: float
    h2s_ppb: float
    decay_voc_index: float
    decay_h2s_ppb: float
    healing_limit_mm: float
    plain_healing_limit_mm: float
    healing_days: float
    collapse_strain: float
    drying_hours: float
    soaking_minutes: float
    crack_growth_per_k: float
    gloss: float
    dark_rgb: tuple[float, ...]
    light_rgb: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Codes:
    """What codes of practice say of crack widths."""

    crack_limit_xc1_mm: float
    crack_limit_xc4_mm: float
    aci_dry_air_mm: float
    aci_humid_air_or_soil_mm: float
    aci_deicing_mm: float
    aci_sea_water_mm: float
    aci_water_retaining_mm: float
    wide_crack_mm: float


@dataclass(frozen=True, kw_only=True)
class Expert:
    """Limits of the expert that no code of practice has."""

    least_vitality: float
    debonded_limit: float
    growth_limit: float
    dry_limit: float
    fine_crack_mm: float
    healing_moisture: float


@dataclass(frozen=True, kw_only=True)
class TouchArray:
    """The array of sprung pins."""

    pitch_mm: float
    tip_mm: float
    travel_mm: float
    pin_force_n: float
    glass_mm: float
    peaks_per_roughness: float
    moisture_drift_mm: float
    growth_damping: float
    film_damping: float
    film_moisture: float
    ringing: float
    blister_radius_mm: float
    blister_gap_mm: float


@dataclass(frozen=True, kw_only=True)
class GasHood:
    """The pumped hood and its cells."""

    height_m: float
    air_exchange_per_s: float
    cell_t90_s: float
    molar_density_mol_per_m3: float
    co2_bias_ppm: float
    co2_bias_share: float
    co2_bias_sigmas: float
    vapour_exchange_per_s: float
    lift_mm: float
    scd30_repeatability_ppm: float
    scd30_tau63_s: float


@dataclass(frozen=True, kw_only=True)
class Air:
    """The air round the robot."""

    co2_ppm: float
    co2_std_ppm: float
    o2_pct: float
    humidity_xc1_pct: float
    humidity_xc4_pct: float
    humidity_std_pct: float
    temperature_c: float
    temperature_std_c: float
    cooling_c: float
    voc_index: float
    voc_std: float
    h2s_ppb: float
    nh3_ppm: float


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Living growth on any material."""

    respiration: float
    voc_index: float


@dataclass(frozen=True, kw_only=True)
class Culture:
    """How the activity of a culture follows from its state."""

    dry_activity: float
    full_activity_moisture: float
    decay_vitality: float


@dataclass(frozen=True, kw_only=True)
class Draw:
    """From what distributions panels are drawn."""

    crack_shares: tuple[float, ...]
    crack_medians_mm: tuple[float, ...]
    crack_log_std: float
    dying_share: float
    dying_vitality: tuple[float, ...]
    living_vitality: tuple[float, ...]
    dry_share: float
    dry_moisture: tuple[float, ...]
    moist_moisture: tuple[float, ...]
    patches_share: float
    patches_cover: tuple[float, ...]
    growth_alive_share: float
    debonded_share: float
    delamination: tuple[float, ...]
    night_share: float
    outside_share: float
    roughness_log_std: float
    roughness_wander: float
    depth_log_std: float
    sealed_share: float
    sealed_crack_mm: tuple[float, ...]
    dented_share: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How far what shows strays from what is."""

    crack_log_std: float
    fuzz_separation: float
    moisture_std: float
    vitality_std: float
    bulge_std: float
    roughness_log_std: float


@dataclass(frozen=True, kw_only=True)
class WeatherTable:
    """Days, nights, sun and rain."""

    sunrise_h: float
    sunset_h: float
    clear_share: float
    rain_share: float
    rain_hours: tuple[float, ...]
    wetting_hours: float
    sun_warming_c: float
    cloud_warming_c: float
    lamp_warming_c: float
    night_cooling_c: float
    light_log_std: float
    magnus_b: float
    magnus_c: float


@dataclass(frozen=True, kw_only=True)
class Life:
    """How cultures and growth fare in time."""

    least_moisture: float
    recovery_days: float
    decline_days: float
    sick_vitality: float
    sick_days: float
    mould_moisture: float
    mould_doubling_days: float
    mould_cover: float
    spore_cover: float


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """How often a panel meets each trouble."""

    crack_per_year: float
    debonded_per_year: float
    mould_per_year: float
    sick_per_year: float


@dataclass(frozen=True, kw_only=True)
class ContactTable:
    """The tool, and what a repair takes."""

    tool_radius_mm: float
    sponge_mm: float
    tool_kpa: float
    brush_kpa: float
    wetting_kpa: float
    paste_yield_kpa: float
    brush_scale_kpa: float
    root_share: float
    well_removed: float
    seal_margin_mm: float
    came_off_hours: tuple[float, ...]
    crushed_share: float
    water_share: float
    person_hours: float
    person_vitality: float


@dataclass(frozen=True, kw_only=True)
class Common:
    """The tables of `common.yaml`."""

    codes: Codes
    expert: Expert
    touch_array: TouchArray
    gas_hood: GasHood
    air: Air
    growth: Growth
    culture: Culture
    draw: Draw
    shown: Shown
    weather: WeatherTable
    life: Life
    troubles: Troubles
    contact: ContactTable


class _Rows(RootModel[dict[str, Row]]):
    pass


class _Tables(RootModel[dict[str, dict[str, Row]]]):
    pass


def read_rows(path: Path) -> dict[str, Row]:
    """Return the rows of the table of a material.

    Raises:
        ConstantError: a row has neither source nor `assumed`, or both, or is none.
    """
    return read_yaml(path, _Rows, ConstantError).root


def read_tables(path: Path) -> dict[str, dict[str, Row]]:
    """Return the rows of each table of a file with several; raises as `read_rows`."""
    return read_yaml(path, _Tables, ConstantError).root


def material(rows: dict[str, Row]) -> Material:
    """Return the constants of a material.

    Raises:
        ConstantError: a constant is missing, or is not known.
    """
    return _values(rows, Material, 'a material')


def common(tables: dict[str, dict[str, Row]]) -> Common:
    """Return the constants that are no single material's; raises as `material`."""
    _check_names(tables, Common, 'common.yaml')
    return Common(
        **{
            table.name: _values(tables[table.name], table.type, table.name)
            for table in fields(Common)
        }
    )


def _values(rows: dict[str, Row], table: type[Table], name: str) -> Table:
    _check_names(rows, table, name)
    values = {key: row.value for key, row in rows.items()}
    return table(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _check_names(rows: dict, table: type, name: str) -> None:
    known = {field.name for field in fields(table)}
    if odd := known ^ set(rows):
        raise ConstantError(
            f'expected in {name} the rows {", ".join(sorted(known))}: '
            f'{", ".join(sorted(odd))} is missing or not known'
        )


_NAMES = ('bio_concrete', 'mycelium_composite', 'algae_panel', 'bacterial_coating')
# In this order everywhere.
MATERIALS = {name: material(read_rows(FOLDER / f'{name}.yaml')) for name in _NAMES}
COMMON = common(read_tables(FOLDER / 'common.yaml'))
