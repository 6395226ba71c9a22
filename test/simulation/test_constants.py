# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tables of the wall's constants, and the page that is written from them."""

import re

import pytest

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.simulation import constants, wall_page

CONCRETE = constants.FOLDER / 'bio_concrete.yaml'
PAGE = share_dir() / wall_page.PATH
ROW = 'source: "EN 1992-1-1:2004, Table 3.1, C30/37"'


def changed(tmp_path, old: str, new: str):
    """Return a copy of the table of bio-concrete with one thing changed."""
    text = CONCRETE.read_text()
    assert text.count(old) == 1
    path = tmp_path / 'table.yaml'
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ('instead', 'said'),
    [
        ('source: ""', 'expected a source or `assumed` with the reason, got neither'),
        ('assumed: "  "', 'expected a source or `assumed` with the reason, got neither'),
        (f'{ROW}, assumed: "stiff"', 'got source and assumed: give one of them'),
        (f'{ROW}, note: "stiff"', 'this key is not known'),
    ],
)
def test_a_row_without_source_or_reason_or_with_both_is_refused(tmp_path, instead, said):
    with pytest.raises(constants.ConstantError, match=re.escape(said)) as refusal:
        constants.read_rows(changed(tmp_path, ROW, instead))
    assert 'young_modulus_mpa' in str(refusal.value)


def test_a_table_that_lacks_a_constant_or_has_one_more_is_refused(tmp_path):
    with pytest.raises(constants.ConstantError, match='nh3, nh4 is missing or not known'):
        constants.material(constants.read_rows(changed(tmp_path, 'nh3:', 'nh4:')))


def test_every_row_of_every_table_has_one_ground():
    tables = list(constants.read_tables(constants.FOLDER / 'common.yaml').values())
    tables += [
        constants.read_rows(constants.FOLDER / f'{name}.yaml') for name in constants.MATERIALS
    ]
    rows = [row for table in tables for row in table.values()]

    assert len(rows) > 150
    assert all(bool(row.source.strip()) != bool(row.assumed.strip()) for row in rows)


def test_the_page_is_as_the_command_writes_it():
    assert PAGE.read_text() == wall_page.text()


def test_the_page_names_no_constant_without_source_or_assumed():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith('| `')]

    assert len(lines) > 150
    for line in lines:
        name, value, unit, what, ground = (cell.strip() for cell in line.strip('|').split('|'))
        assert value and unit and what, name
        assert ground and ground.removeprefix('*assumed*:').strip(), name


def test_the_codes_of_practice_say_what_the_tables_say():
    codes = constants.COMMON.codes
    # EN 1992-1-1:2004, Table 7.1N; ACI 224R-01, Table 4.1, in inches; ACI 201.1R.
    assert (codes.crack_limit_xc1_mm, codes.crack_limit_xc4_mm) == (0.4, 0.3)
    inches = (0.016, 0.012, 0.007, 0.006, 0.004)
    millimetres = (
        codes.aci_dry_air_mm,
        codes.aci_humid_air_or_soil_mm,
        codes.aci_deicing_mm,
        codes.aci_sea_water_mm,
        codes.aci_water_retaining_mm,
    )
    assert millimetres == pytest.approx([25.4 * inch for inch in inches], abs=0.006)
    assert codes.wide_crack_mm == 2.0


def test_air_has_as_many_molecules_as_the_gas_law_says():
    # p / (R T) at 1 atmosphere and 20 degrees Celsius.
    assert constants.COMMON.gas_hood.molar_density_mol_per_m3 == pytest.approx(
        101_325 / (8.314 * 293.15), rel=0.001
    )
