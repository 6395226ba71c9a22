# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pip and colcon each put where, tried on a copy of the checked-in files."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = 'crossmodal_kd_ros'
EXECUTABLES = (
    *('crossmodal-kd', 'gazebo_senses_node', 'maintenance_node', 'mission_node'),
    'simulator_node',
)
SHARED = (
    'package.xml',
    'launch/robot.launch.py',
    'launch/sim.launch.py',
    'launch/replay.launch.py',
    'launch/gazebo.launch.py',
    'launch/mission.launch.py',
    'config/robot.yaml',
    'config/repair.yaml',
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

# Of PyPI's names that differ from those of rosdep's keys.
ROSDEP_KEYS = {
    'opencv-python-headless': 'python3-opencv',
    'pillow': 'python3-pil',
    'pydantic': 'none gives version 2',
    'pyyaml': 'python3-yaml',
    'rosbags': 'python3-rosbags-pip',
    'scikit-learn': 'python3-sklearn',
    'torch': 'python3-pytorch-pip',
}
OPTIONAL = {'ruamel.yaml.clib'}
PIP_LINES = (
    'README.md',
    'docs/compatibility.md',
    'docker/Dockerfile',
    '.github/workflows/test.yml',
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


def test_setup_and_manifest_say_the_same_of_the_package():
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    maintainer, urls = manifest.find('maintainer'), manifest.findall('url')
    asked = ('--version', '--maintainer', '--maintainer-email', '--license', '--url')
    printed = run(sys.executable, 'setup.py', *asked, cwd=ROOT).splitlines()[-len(asked) :]

    assert printed == [
        manifest.findtext('version'),
        maintainer.text,
        maintainer.get('email'),
        manifest.findtext('license'),
        next(url.text for url in urls if url.get('type') == 'repository'),
    ]
    assert {url.get('type') for url in urls} == {'website', 'repository', 'bugtracker'}
    assert manifest.get('format') == '3'
    assert manifest.findtext('export/build_type') == 'ament_python'


def test_each_dependency_has_a_rosdep_key_or_is_in_every_line_for_pip():
    setup = run(
        sys.executable,
        '-c',
        'import setuptools; setuptools.setup = lambda **all: '
        'print(*all["install_requires"], *all["extras_require"]["train"])\n'
        'exec(open("setup.py").read())',
        cwd=ROOT,
    )
    needed = {re.match(r'[\w.-]+', requirement)[0] for requirement in setup.split()}
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    keys = {element.text for element in manifest.iter('exec_depend')}
    without = {name for name in needed if ROSDEP_KEYS.get(name, f'python3-{name}') not in keys}

    assert {key for key in keys if key.startswith('python3-')} == {
        ROSDEP_KEYS.get(name, f'python3-{name}') for name in needed - without
    }
    for path in PIP_LINES:
        (line,) = re.findall(
            r'^.*\bpip3? install .*safetensors.*$', (ROOT / path).read_text(), re.M
        )
        listed = shlex.split(line.partition('install')[2].rstrip(' \\'), comments=True)
        names = {re.split('[<>=]', word)[0] for word in listed if word[0] not in '-&'}
        assert names == without - OPTIONAL, path


def test_the_changelog_tells_of_this_version():
    version = ElementTree.parse(ROOT / 'package.xml').getroot().findtext('version')
    assert (
        f'\n{version} (' in (ROOT / 'CHANGELOG.rst').read_text()
        or '\nForthcoming\n' in (ROOT / 'CHANGELOG.rst').read_text()
    )


def test_make_clean_leaves_what_a_person_recorded_and_trained(tmp_path):
    for name in ('bag', 'dataset', 'models', 'scenario', 'demo', 'bench', 'soak', 'cache'):
        (tmp_path / 'out' / name).mkdir(parents=True)
    run('make', '-f', str(ROOT / 'Makefile'), 'clean', cwd=tmp_path)

    left = {path.name for path in (tmp_path / 'out').iterdir()}
    assert left == {'bag', 'dataset', 'models', 'scenario'}
