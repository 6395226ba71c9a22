# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The conventions of ROS packages, as ament_copyright, ament_flake8 and ament_pep257 hold them."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = '# Copyright 2026 crossmodal_kd_ros contributors\n# SPDX-License-Identifier: Apache-2.0\n'


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the package that match, without what tools and tests have written."""
    if not (ROOT / '.git').exists() or shutil.which('git') is None:
        pytest.skip('needs a git checkout to know what belongs to the package')
    listed = subprocess.run(
        ['git', 'ls-files', '-z', *patterns], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split('\0') if name and (ROOT / name).is_file()]


def test_ruff_finds_nothing_to_complain_of():
    pytest.importorskip('ruff', reason='ruff is not installed; `make test` brings it')
    done = subprocess.run(
        [sys.executable, '-m', 'ruff', 'check', '--no-cache', '--output-format', 'concise', '.'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_lies_as_ruff_lays_it_out():
    pytest.importorskip('ruff', reason='ruff is not installed; `make test` brings it')
    done = subprocess.run(
        [sys.executable, '-m', 'ruff', 'format', '--check', '--no-cache', '.'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, f'{done.stdout}{done.stderr}ruff format . mends it'


def test_every_python_file_says_whose_it_is_and_under_which_licence():
    files = tracked('*.py')

    assert len(files) > 100
    assert [
        str(path.relative_to(ROOT))
        for path in files
        if not path.read_text().removeprefix('#!/usr/bin/env python3\n').startswith(HEADER)
    ] == []


def test_every_xml_file_is_well_formed():
    files = tracked('*.xml', '*.sdf', '*.config')

    assert ROOT / 'package.xml' in files
    for path in files:
        ElementTree.parse(path)


def test_the_manifest_is_a_valid_one_of_format_3():
    package = pytest.importorskip(
        'catkin_pkg.package', reason='catkin_pkg is not installed; `make test` brings it'
    )
    warnings = []
    manifest = package.parse_package(str(ROOT / 'package.xml'), warnings=warnings)
    manifest.validate(warnings=warnings)

    assert manifest.package_format == 3
    assert manifest.get_build_type() == 'ament_python'
    assert manifest.licenses == ['Apache-2.0'] and (ROOT / manifest.licenses[0].file).is_file()
    assert warnings == []


def test_the_manifest_names_what_the_code_imports_from_ros():
    declared = {
        element.text
        for element in ElementTree.parse(ROOT / 'package.xml').getroot().iter('exec_depend')
    }
    # At the top of a module: what is imported in a try or a function may be absent.
    imported = {
        line.split()[1].split('.')[0]
        for path in tracked('crossmodal_kd_ros/*.py', 'launch/*.py')
        for line in path.read_text().splitlines()
        if line.startswith(('from ', 'import '))
    }
    ros = {
        name
        for name in imported
        if name.endswith(('_msgs', '_interfaces', '_srvs'))
        or name in ('rclpy', 'cv_bridge', 'launch', 'launch_ros', 'ament_index_python')
    }

    assert {'rclpy', 'sensor_msgs', 'launch_ros'} <= ros
    assert ros - declared == set()
