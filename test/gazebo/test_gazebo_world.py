# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The world's files: valid SDF, the simulator's relief and pictures, an arm that reaches."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.gazebo import GAZEBOS, PANEL_CENTRES_M, four_panels, write_world
from crossmodal_kd_ros.gazebo.relief import PX_PER_MM, normal_map
from crossmodal_kd_ros.gazebo.world import sdf_text
from crossmodal_kd_ros.simulation import MATERIALS
from crossmodal_kd_ros.simulation.surface import build_surface

etree = pytest.importorskip('lxml.etree', reason='lxml is not installed: pip install lxml')

DOCS = Path(__file__).resolve().parents[2] / 'docs'
# Elements that name another file.
FILES = ('uri', 'albedo_map', 'normal_map', 'roughness_map')
SCHEMAS = Path('/usr/share/sdformat12/1.9')
# Debian ships every schema but that of the plain types, and navsat; its `pose` allows no text, and
# its `state` declares some elements twice, which no validator takes. These four stand in for them.
XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}</xs:schema>'
NUMBERS = (
    '<xs:simpleType name="{}"><xs:restriction><xs:simpleType><xs:list itemType="xs:double"/></xs:simpleType>'
    '<xs:length value="{}"/></xs:restriction></xs:simpleType>'
)
SIZES = {'vector2d': 2, 'vector3': 3, 'color': 4, 'pose': 6, 'time': 2}
MENDED = {
    'types': XSD.format(''.join(NUMBERS.format(*size) for size in SIZES.items())),
    'pose': XSD.format(
        '<xs:include schemaLocation="types.xsd"/><xs:element name="pose"><xs:complexType><xs:simpleContent>'
        '<xs:extension base="pose"><xs:attribute name="relative_to" type="xs:string"/></xs:extension>'
        '</xs:simpleContent></xs:complexType></xs:element>'
    ),
    'navsat': XSD.format('<xs:element name="navsat"/>'),
    'state': XSD.format('<xs:element name="state"/>'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with the world of seed 0 for Harmonic."""
    folder = tmp_path_factory.mktemp('harmonic')
    write_world(folder, gazebo='harmonic')
    return folder


@pytest.fixture(scope='module')
def world(folder):
    """Return its SDF as a tree."""
    return etree.parse(str(folder / 'world.sdf'))


@pytest.fixture(scope='module')
def arm(world):
    """Return the model of the arm."""
    return world.find('.//model[@name="crossmodal_arm"]')


@pytest.fixture(scope='module')
def schema(tmp_path_factory):
    """Return SDFormat's own schema, its includes resolved on this machine."""
    if not SCHEMAS.is_dir():
        pytest.skip(f'{SCHEMAS} is not there: apt-get install sdformat-sdf')
    local = tmp_path_factory.mktemp('xsd')
    for path in SCHEMAS.glob('*.xsd'):
        (local / path.name).write_text(
            path.read_text().replace('http://sdformat.org/schemas/', '')
        )
    for name, text in MENDED.items():
        (local / f'{name}.xsd').write_text(text)
    return etree.XMLSchema(etree.parse(str(local / 'root.xsd')))


def numbers(tree, path: str) -> list[float]:
    """Return the numbers in the one element at `path`."""
    (element,) = tree.findall(path)
    return [float(word) for word in element.text.split()]


def test_the_world_is_valid_sdf_by_the_formats_own_schema(world, schema):
    assert schema.validate(world), schema.error_log


@pytest.mark.parametrize(
    ('right', 'wrong', 'complaint'),
    [
        ('<mass>2</mass>', '<masss>2</masss>', "Element 'masss': This element is not expected"),
        ('<diffuse>1 1 1 1</diffuse>', '<diffuse>white</diffuse>', "'white' is not a valid value"),
        ('<pose>0 -0.002 0 0 0 0</pose>', '<pose>0 -0.002 0</pose>', "length of '3'"),
    ],
)
def test_the_schema_would_notice_a_mistake(folder, schema, right, wrong, complaint):
    text = (folder / 'world.sdf').read_text()
    assert right in text

    assert not schema.validate(etree.fromstring(text.replace(right, wrong, 1).encode()))

    assert complaint in str(schema.error_log)


@pytest.mark.parametrize('gazebo', GAZEBOS)
def test_sdformats_own_reader_takes_the_world_of_every_gazebo(tmp_path, gazebo):
    if shutil.which('ign') is None:
        pytest.skip('ign is not there: apt-get install libsdformat-dev ignition-tools')
    path = tmp_path / 'world.sdf'
    path.write_text(sdf_text(gazebo, 0))

    checked = subprocess.run(
        ['ign', 'sdf', '-k', path], capture_output=True, text=True, timeout=60
    )

    assert 'Valid.' in checked.stdout
    assert 'Warning' not in checked.stderr


def test_only_the_names_of_the_plugins_differ_between_gazebos():
    fortress, jetty = (sdf_text(name, 0).splitlines() for name in ('fortress', 'jetty'))
    title, *plugins = [pair for pair in zip(fortress, jetty, strict=True) if pair[0] != pair[1]]

    assert 'Gazebo Fortress' in title[0]
    assert len(plugins) == 9
    assert all('ignition-gazebo' in old and 'ignition::gazebo' in old for old, _ in plugins)
    assert all('gz-sim' in new and 'gz::sim' in new for _, new in plugins)


def test_an_unknown_gazebo_is_refused_by_the_names_there_are(tmp_path):
    with pytest.raises(
        ConfigurationError, match='expected a Gazebo out of fortress, harmonic, ionic, jetty'
    ):
        write_world(tmp_path, gazebo='garden')


def test_every_file_that_the_world_names_is_there(folder, world):
    names = [element.text for element in world.iter(*FILES)]

    assert len(names) == 4 * len(MATERIALS)
    assert all((folder / name).is_file() for name in names)


def test_no_two_panels_have_files_of_one_name_for_gazebo_would_show_the_same_on_both(world):
    names = [Path(element.text).name for element in world.iter(*FILES)]

    assert sorted(set(names)) == sorted(names)


def test_each_mesh_wears_a_material_that_its_own_file_of_materials_has(folder, world):
    meshes = [(folder / element.text).read_text() for element in world.iter('uri')]

    assert len(meshes) == len(MATERIALS)
    for mesh in meshes:
        head, _, _ = mesh.partition('\nf ')
        (materials,) = re.findall(r'^mtllib (\S+)$', head, re.MULTILINE)
        (worn,) = re.findall(r'^usemtl (\S+)$', head, re.MULTILINE)
        assert f'newmtl {worn}\n' in (folder / materials).read_text()


def test_a_joint_that_is_driven_by_speed_has_the_effort_without_which_it_ignores_its_limits(arm):
    driven = [
        plugin.findtext('joint_name')
        for plugin in arm.findall('plugin')
        if plugin.findtext('use_velocity_commands') == 'true'
    ]

    assert driven == ['move_carriage', 'move_lift']
    for name in driven:
        assert numbers(arm, f'joint[@name="{name}"]/axis/limit/effort') == [1e6]


def test_where_the_page_lets_people_send_the_arm_lies_well_within_every_joints_limits(arm):
    rows = re.findall(
        r'^\| `arm/(\w+)` \|.*\| (\S+) to (\S+) \|$',
        (DOCS / 'gazebo.md').read_text(),
        re.MULTILINE,
    )

    assert [name for name, *_ in rows] == ['carriage', 'lift', 'reach']
    for name, *ends in rows:
        first, last = map(float, ends)
        limit = arm.find(f'joint[@name="move_{name}"]/axis/limit')
        assert numbers(limit, 'lower')[0] <= first - 0.05
        assert numbers(limit, 'upper')[0] >= last + 0.05


def test_a_spring_draws_the_lift_up_from_its_lower_limit_with_twice_its_weight(arm):
    lifted = ('lift', 'reach', 'segment_1', 'segment_2', 'segment_3', 'tip')
    kilograms = sum(numbers(arm, f'link[@name="{name}"]/inertial/mass')[0] for name in lifted)
    lift = arm.find('joint[@name="move_lift"]/axis')

    force = -numbers(lift, 'limit/lower')[0] * numbers(lift, 'dynamics/spring_stiffness')[0]

    assert force > 2.0 * 9.81 * kilograms


def test_the_cameras_noise_is_worth_a_grey_step_after_what_gazebos_shader_makes_of_it(arm):
    (deviation,) = numbers(arm, './/sensor[@type="camera"]//noise/stddev')
    normal = np.random.default_rng(0).standard_normal(1_000_000)

    # gaussian_noise_fs.glsl, which takes 255 steps for 1.
    noise = 255.0 * np.sign(normal) * np.abs(deviation * normal) ** 2.1

    assert noise.std() >= 1.0


def test_each_material_has_a_panel_where_the_senses_expect_it(world):
    for name, (x, z) in zip(MATERIALS, PANEL_CENTRES_M):
        assert numbers(world, f'.//model[@name="{name}"]/pose') == [x, 0.0, z, 0.0, 0.0, 0.0]


def test_the_mesh_is_the_simulators_relief_and_faces_the_robot(folder):
    trimesh = pytest.importorskip(
        'trimesh', reason='trimesh is not installed: pip install trimesh'
    )
    mesh = trimesh.load_mesh(folder / 'bio_concrete.obj', process=False)
    height_mm = build_surface(four_panels(0)[0], PX_PER_MM).height_mm
    x_mm, y_mm = 1e3 * mesh.vertices[:, 0] + 80.0, 48.0 - 1e3 * mesh.vertices[:, 2]
    inner = (x_mm > 1.0) & (x_mm < 159.0) & (y_mm > 1.0) & (y_mm < 95.0)
    # A vertex stands for about a millimetre round it.
    around = cv2.blur(height_mm, (PX_PER_MM, PX_PER_MM))
    expected = around[(y_mm[inner] * PX_PER_MM).astype(int), (x_mm[inner] * PX_PER_MM).astype(int)]

    assert np.ptp(mesh.vertices[:, 0]) == pytest.approx(0.160)
    assert np.ptp(mesh.vertices[:, 2]) == pytest.approx(0.096)
    assert np.sqrt(np.mean((-1e3 * mesh.vertices[inner, 1] - expected) ** 2)) < 0.12
    assert np.corrcoef(-mesh.vertices[inner, 1], expected)[0, 1] > 0.95
    assert np.all(mesh.face_normals[:, 1] < 0.0)
    # The picture's upper left corner belongs on the panel's.
    np.testing.assert_allclose(mesh.visual.uv[:, 0], x_mm / 160.0, atol=1e-4)
    np.testing.assert_allclose(mesh.visual.uv[:, 1], 1.0 - y_mm / 96.0, atol=1e-4)


@pytest.mark.parametrize('index', range(len(MATERIALS)), ids=list(MATERIALS))
def test_the_colours_are_the_simulators_once_decoded_all_panels_as_bright(folder, index):
    panel = four_panels(0)[index]
    albedo = cv2.imread(str(folder / f'{panel.material_name}_albedo.png'))[..., ::-1] / 255.0
    linear = np.where(albedo <= 0.04045, albedo / 12.92, ((albedo + 0.055) / 1.055) ** 2.4)
    simulated = cv2.merge(list(build_surface(panel, PX_PER_MM).albedo))

    assert linear.mean() == pytest.approx(0.174, abs=0.001)
    np.testing.assert_allclose(linear, simulated * (0.174 / simulated.mean()), atol=0.005)


def test_a_bump_leans_its_normals_away_from_its_top():
    y, x = np.mgrid[-20:21, -20:21] / PX_PER_MM
    normals = normal_map(np.exp(-(x**2 + y**2)).astype(np.float32)) / 127.5 - 1.0

    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=0.02)
    assert normals[20, 28, 0] > 0.3  # right of the top: to the right
    assert normals[20, 12, 0] < -0.3
    assert normals[12, 20, 1] > 0.3  # above the top: up
    assert normals[28, 20, 1] < -0.3


def test_the_camera_sees_as_much_of_a_touched_wall_as_the_simulators(arm):
    camera = arm.find('.//sensor[@type="camera"]')
    distance_mm = -1e3 * numbers(camera, 'pose')[1]
    (angle,) = numbers(camera, './/horizontal_fov')

    assert 2.0 * distance_mm * math.tan(angle / 2.0) == pytest.approx(64.0 * 640 / 480, abs=0.01)
    assert (numbers(camera, './/width'), numbers(camera, './/height')) == ([640], [480])


def test_no_part_of_the_hood_stands_in_the_cameras_view(arm):
    tip = arm.find('link[@name="tip"]')
    camera_y = numbers(tip, 'sensor[@name="camera"]/pose')[1]
    slope = math.tan(numbers(tip, './/horizontal_fov')[0] / 2.0)
    for visual in tip.findall('visual'):
        x, y, z, *_ = numbers(visual, 'pose')
        width, length, height = numbers(visual, './/size')
        ahead = y + length / 2 - camera_y
        beside = abs(x) - width / 2 > ahead * slope
        above = abs(z) - height / 2 > ahead * slope * 480 / 640
        assert ahead < 0.0 or beside or above, visual.get('name')


def test_the_arm_hangs_by_two_degrees_and_a_few_millimetres_under_its_own_weight(arm):
    chain = ['segment_1', 'segment_2', 'segment_3', 'tip']
    links = [arm.find(f'link[@name="{name}"]') for name in chain]
    origins = [numbers(link, 'pose')[1] for link in links]
    bends = [
        origin + numbers(arm, f'joint[@name="bend_{index}"]/pose')[1]
        for index, origin in enumerate(origins, 1)
    ]
    weights = [9.81 * numbers(link, 'inertial/mass')[0] for link in links]
    middles = [origin + numbers(link, 'inertial/pose')[1] for origin, link in zip(origins, links)]
    angle = drop = 0.0
    for index, bend in enumerate(bends):
        torque = sum(
            weight * (middle - bend) for weight, middle in zip(weights[index:], middles[index:])
        )
        (stiffness,) = numbers(
            arm, f'joint[@name="bend_{index + 1}"]/axis/dynamics/spring_stiffness'
        )
        angle += torque / stiffness
        drop += torque / stiffness * (origins[-1] - bend)

    assert math.degrees(angle) == pytest.approx(2.0, abs=0.5)
    assert drop < 0.010


def test_the_reach_presses_the_pad_on_the_wall_and_can_take_it_off(arm):
    gap = -numbers(arm, 'link[@name="tip"]/pose')[1]
    limit = arm.find('joint[@name="move_reach"]/axis/limit')
    (drive,) = [
        plugin for plugin in arm.findall('plugin') if plugin.findtext('joint_name') == 'move_reach'
    ]

    assert 0.0 < gap < numbers(drive, 'initial_position')[0] <= numbers(limit, 'upper')[0]
    assert numbers(limit, 'lower')[0] < -0.05
