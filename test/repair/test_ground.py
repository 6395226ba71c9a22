# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which material is under the pins: formulae by hand, and walls that are drawn by the hundred."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from crossmodal_kd_ros.files import share_dir
from crossmodal_kd_ros.profile import load_profile
from crossmodal_kd_ros.repair import RepairError, RepairPlanner, load_repairs
from crossmodal_kd_ros.repair.ground import Felt, GroundModel
from crossmodal_kd_ros.simulation import contact
from crossmodal_kd_ros.simulation.constants import COMMON, FOLDER, MATERIALS, read_rows
from crossmodal_kd_ros.simulation.expert import decide
from crossmodal_kd_ros.simulation.panel import draw_panels
from crossmodal_kd_ros.simulation.scene import VIEW_MM, PanelScene, add_noise, reachable_mm

WALL = load_profile()
CONFIG = load_repairs(WALL)
MODEL = GroundModel(CONFIG, pins=128)
MYCELIUM, ALGAE = CONFIG.materials['mycelium_composite'], CONFIG.materials['algae_panel']
SAME_AS_THE_TABLES = ('young_modulus_mpa', 'poisson_ratio', 'collapse_strain', 'layer_mm')


def believe(low_mm, high_mm=None, *, std_mm=0.01, between_std_mm=0.03, model=MODEL):
    high_mm = low_mm if high_mm is None else high_mm
    felt = Felt(low_mm=low_mm, high_mm=high_mm, std_mm=std_mm, between_std_mm=between_std_mm)
    return model.believe(felt)


def probabilities(belief):
    return dict(zip(belief.names, belief.probability, strict=True))


def test_the_file_has_the_materials_of_the_simulated_wall_with_their_sources():
    assert tuple(CONFIG.materials) == tuple(MATERIALS)
    for name, material in CONFIG.materials.items():
        rows = read_rows(FOLDER / f'{name}.yaml')
        for key in SAME_AS_THE_TABLES:
            ours = getattr(material, key)
            assert (ours.value, ours.source, ours.assumed) == (
                rows[key].value,
                rows[key].source,
                rows[key].assumed,
            ), (name, key)


def test_the_array_and_the_zones_are_those_of_the_simulated_wall():
    array = COMMON.touch_array

    assert CONFIG.pin_force_n.value == array.pin_force_n
    assert CONFIG.tip_radius_mm.value == array.tip_mm / 2
    assert CONFIG.standoff_mm.value == array.glass_mm
    assert CONFIG.peaks_per_roughness.value == array.peaks_per_roughness
    assert CONFIG.blister_radius_mm.value == array.blister_radius_mm
    assert CONFIG.blister_gap_mm.value == array.blister_gap_mm


def test_a_pin_sinks_as_a_punch_by_hand():
    # 0.01 N on a tip of 0.3 mm and 0.3 MPa: 0.01 * 0.91 / (0.3 * 0.3) = 0.1011 mm.
    assert MODEL.punch_mm(MYCELIUM, 0.3) == pytest.approx(0.1011, rel=1e-3)
    # Of 0.1 MPa, which keeps its volume: 0.01 * 0.75 / (0.3 * 0.1) = 0.25 mm.
    assert MODEL.punch_mm(ALGAE, 0.1) == pytest.approx(0.25)


def test_a_layer_that_has_come_off_gives_as_a_clamped_plate_by_hand():
    # D = 0.3 * 10^3 / (12 * 0.91) = 27.47 N mm; 1.28 N * 30^2 / (16 pi D) = 0.834 mm.
    assert MODEL.loose_mm(MYCELIUM, 0.3, 128) == pytest.approx(0.834, rel=1e-3)
    # D = 0.1 * 8^3 / (12 * 0.75) = 5.69 N mm: 4.03 mm, but the gap ends at 1.5 mm.
    assert MODEL.loose_mm(ALGAE, 0.1, 128) == 1.5
    # 64 * 27.47 * 1.5 / 30^4 MPa
    assert MODEL.closing_kpa(MYCELIUM, 0.3) == pytest.approx(3.256, rel=1e-3)


@pytest.mark.parametrize(
    ('softness', 'expected', 'crush_kpa'),
    [(0.1011, 'mycelium_composite', 15.0), (0.25, 'algae_panel', 5.0)],
)
def test_a_ground_that_gives_as_one_material_is_that_material(softness, expected, crush_kpa):
    belief = believe(softness)

    assert probabilities(belief)[expected] > 0.99
    index = belief.names.index(expected)
    assert belief.crush_kpa[index] == pytest.approx(crush_kpa, rel=0.03)
    assert belief.deviation < 0.5 and belief.closing_kpa[index] == 0.0


def test_a_rigid_ground_is_one_of_the_two_minerals_alike():
    belief = probabilities(believe(0.0))

    assert belief['bio_concrete'] == pytest.approx(0.5, abs=0.01)
    assert belief['bacterial_coating'] == pytest.approx(0.5, abs=0.01)


def test_two_sound_materials_of_fixed_moduli_share_as_bayes_rule_says():
    def fixed(name):
        material = CONFIG.materials[name]
        none = material.modulus_log_std.model_copy(update={'value': 0.0})
        return material.model_copy(update={'modulus_log_std': none})

    names = ('mycelium_composite', 'algae_panel')
    never = CONFIG.loose_share.model_copy(update={'value': 0.0})
    config = CONFIG.model_copy(
        update={'materials': {name: fixed(name) for name in names}, 'loose_share': never}
    )
    belief = believe(0.16, std_mm=0.05, model=GroundModel(config, pins=128))

    # exp(-((0.16 - 0.1011) / 0.05)^2 / 2) = 0.4996 and exp(-((0.16 - 0.25) / 0.05)^2 / 2) = 0.1979
    assert belief.probability[0] == pytest.approx(0.4996 / (0.4996 + 0.1979), rel=1e-3)
    assert belief.deviation == pytest.approx((0.16 - 0.1011) / 0.05, rel=1e-3)


def test_a_softer_batch_of_a_material_is_taken_for_softer():
    one = GroundModel(CONFIG.for_wall(['mycelium_composite']), pins=128)
    usual, softer = (believe(mm, model=one).crush_kpa[0] for mm in (0.1011, 0.12))
    unsure = believe(0.12, std_mm=1.0, model=one).crush_kpa[0]

    # What a pin feels as 0.12 mm has 15 kPa * 0.1011 / 0.12 = 12.6 kPa; its scatter pulls back.
    assert 12.6 < softer < 13.6 < usual
    # Felt as good as nothing: the mean of a log-normal modulus, 15 exp(0.15^2 / 2) kPa.
    assert unsure == pytest.approx(15.0 * np.exp(0.15**2 / 2.0), rel=0.01)


@pytest.mark.parametrize(
    ('low', 'high', 'expected'),
    [
        pytest.param(0.85, 0.90, 'mycelium_composite', id='the middle of a felt that is off'),
        pytest.param(1.60, 1.70, 'algae_panel', id='the middle of a gel that is off'),
        pytest.param(0.10, 0.60, 'mycelium_composite', id='the edge of a felt that is off'),
        pytest.param(0.25, 1.30, 'algae_panel', id='the edge of a gel that is off'),
    ],
)
def test_a_loose_layer_is_told_from_a_softer_one(low, high, expected):
    belief = believe(low, high)

    assert probabilities(belief)[expected] > 0.9
    assert belief.closing_kpa[belief.names.index(expected)] > 0.0


def test_a_less_sure_feeling_leaves_more_materials():
    certain, likely, unsure = (
        probabilities(believe(0.1011, std_mm=std))['mycelium_composite']
        for std in (0.01, 0.05, 0.2)
    )
    assert certain > 0.99 > likely > unsure


def test_a_ground_unlike_any_other_is_far_from_all():
    # No gel of three standard deviations gives more than 0.4 mm, and 1.5 mm where it is off.
    assert believe(2.2).deviation > (2.2 - 1.9) / 0.01
    # A mineral gives nowhere.
    assert believe(0.0).deviation < 0.1
    assert believe(0.0, 0.30).deviation > 4.0


@pytest.fixture(scope='module')
def drawn():
    """Return (panel, action, noisy reading, whether loose) of places that want a tool."""
    rng = np.random.default_rng(4000)
    low, high = reachable_mm(VIEW_MM)
    places = []
    for panel in draw_panels(900, seed=4000):
        centre = tuple(rng.uniform(low, high))
        scene = PanelScene(panel)
        state = scene.true_state(centre)
        action, _ = decide(state)
        if action in CONFIG.actions:
            reading = add_noise('touch', scene.read('touch', centre), rng)
            places.append((panel, action, reading, state.debonded > 0.0))
    return places


def planned(drawn, *, materials=()):
    """Return (panel, contact, right contact, whether it bonds) of what a planner presses on."""
    planners = {
        name: RepairPlanner(WALL, CONFIG.for_wall([name] if materials else ()), None)
        for name in MATERIALS
    }
    for panel, action, reading, is_loose in drawn:
        answer = SimpleNamespace(
            sample=SimpleNamespace(readings={'touch': reading}),
            estimate=SimpleNamespace(action=action, readings={}),
            fresh=('touch',),
            ood_score=1.0,
        )
        command = planners[panel.material_name].plan(answer)
        if not command.request_human:
            made = contact.Contact(
                pressure_kpa=command.contact_pressure_kpa,
                pitch_deg=command.approach_pitch_deg,
                yaw_deg=command.approach_yaw_deg,
            )
            needed = contact.bonding_kpa(panel, panel.delamination if is_loose else 0.0)
            bonds = action != 'apply_bio_adhesive' or made.pressure_kpa >= needed
            yield panel, made, contact.right_contact(panel, action), bonds


@pytest.mark.parametrize('materials', [(), ('its own',)], ids=['any', 'its own'])
def test_on_drawn_walls_nothing_is_crushed_and_pressure_and_angle_are_right(drawn, materials):
    done = list(planned(drawn, materials=materials))
    assert len(done) > 0.85 * len(drawn) > 200

    for panel, made, _, _ in done:
        material = MATERIALS[panel.material_name]
        assert contact.peak_kpa(made) <= contact.crush_kpa(material), panel
    errors = [
        abs(made.pressure_kpa - right.pressure_kpa) / right.pressure_kpa
        for _, made, right, _ in done
    ]
    # The aims of the repair.
    assert np.median(errors) <= 0.15
    assert np.median([contact.tilt_deg(made) for _, made, _, _ in done]) <= 8.0


def test_on_a_wall_of_a_known_material_everything_that_is_glued_bonds(drawn):
    bonds = [bonds for _, _, _, bonds in planned(drawn, materials=('its own',))]

    assert all(bonds)


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'poisson_ratio': {'value': 0.6, 'assumed': 'a'}}, 'at most 0.5, got 0.6'),
        ({'young_modulus_mpa': {'value': 0.0, 'assumed': 'a'}}, 'greater than 0'),
        ({'layer_mm': {'value': 5.0}}, 'neither'),
    ],
)
def test_a_material_that_cannot_be_is_refused_in_a_sentence(change, expected, tmp_path):
    content = yaml.safe_load((share_dir() / 'config' / 'repair.yaml').read_text())['living_wall']
    content['materials']['algae_panel'] |= change
    (tmp_path / 'repair.yaml').write_text(yaml.safe_dump({'living_wall': content}))

    with pytest.raises(RepairError, match=expected) as refused:
        load_repairs(WALL, tmp_path / 'repair.yaml')
    assert 'algae_panel' in str(refused.value) and '\n' not in str(refused.value)
