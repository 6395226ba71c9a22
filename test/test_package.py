# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pip and colcon each put where, tried on a copy of the checked-in files."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = 'crossmodal_kd_ros'
EXECUTABLES = ('crossmodal-kd', 'gazebo_senses_node', 'maintenance_node', 'simulator_node')
SHARED = (
    'package.xml',
    'launch/robot.launch.py',
    'launch/sim.launch.py',
    'launch/replay.launch.py',
    'launch/gazebo.launch.py',
    'config/robot.yaml',
    'config/fastdds.xml',
    'config/profiles/living_wall.yaml',
    'config/profiles/profile.schema.json',
    'config/recipes/default.yaml',
    'config/ros_gz_bridge.yaml',
    'config/sros2/policy.xml',
    'models/teacher.safetensors',
    'models/student.safetensors',
    'models/calibration.json',
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """Return a copy of what git tracks, so that a build leaves nothing in the checkout."""
    if not (ROOT / '.git').exists() or shutil.which('git') is None:
        pytest.skip('needs a git checkout to know what belongs to the package')
    copy = tmp_path_factory.mktemp('source') / NAME
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split('\0')):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def run(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_installation(prefix: Path, executables: Path) -> None:
    """Assert that everything is below `prefix` and that the installed code finds it."""
    for name in EXECUTABLES:
        assert (executables / name).stat().st_mode & 0o100, f'{name} cannot be executed'
    for name in SHARED:
        assert (prefix / 'share' / NAME / name).is_file(), f'{name} is not installed'
    assert (prefix / 'share/ament_index/resource_index/packages' / NAME).is_file()
    code = next(prefix.rglob(f'site-packages/{NAME}/files.py'), None) or next(
        prefix.rglob(f'dist-packages/{NAME}/files.py')
    )
    program = (
        f'import sys; sys.path.insert(0, {str(code.parents[1])!r})\n'
        'from crossmodal_kd_ros.files import share_dir; print(share_dir())'
    )
    assert (
        Path(run(sys.executable, '-c', program, cwd='/').strip())
        == (prefix / 'share' / NAME).resolve()
    )
    assert (code.parent / 'reports' / 'page.html.j2').is_file()


def test_pip_installs_executables_shared_files_and_index_marker(source, tmp_path):
    own = Path(sys.executable).parent / 'crossmodal-kd'
    was_there = own.exists()
    run(
        sys.executable,
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-deps',
        '--no-build-isolation',
        '--no-index',
        '--ignore-installed',  # else pip removes the installation that runs this test
        '--prefix',
        str(tmp_path),
        str(source),
    )
    check_installation(tmp_path, tmp_path / 'bin')
    assert own.exists() == was_there


def test_colcon_installs_executables_shared_files_and_index_marker(source, tmp_path):
    colcon = shutil.which('colcon', path=f'{Path(sys.executable).parent}') or shutil.which(
        'colcon'
    )
    if colcon is None:
        pytest.skip('colcon is not installed; `make test` brings it')
    run(
        colcon,
        '--log-base',
        str(tmp_path / 'log'),
        'build',
        '--base-paths',
        str(source),
        '--build-base',
        str(tmp_path / 'build'),
        '--install-base',
        str(tmp_path / 'install'),
    )
    prefix = tmp_path / 'install' / NAME
    check_installation(prefix, prefix / 'lib' / NAME)


def test_setup_and_manifest_name_one_version():
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    version = run(sys.executable, 'setup.py', '--version', cwd=ROOT).split()[-1]
    assert manifest.findtext('version') == version
    assert manifest.get('format') == '3'
    assert manifest.findtext('export/build_type') == 'ament_python'


def test_the_changelog_tells_of_this_version():
    version = ElementTree.parse(ROOT / 'package.xml').getroot().findtext('version')
    assert (
        f'\n{version} (' in (ROOT / 'CHANGELOG.rst').read_text()
        or '\nForthcoming\n' in (ROOT / 'CHANGELOG.rst').read_text()
    )
