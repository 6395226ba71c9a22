# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The measures behind docs/claims.md on made-up answers, what they come to, and the page."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import claims
import numpy as np
import pytest
from claim_parts import attention, cited, cracks, light, readings, trainings
from claim_parts.measures import (
    FAILS,
    HOLDS,
    IN_PART,
    UNTESTABLE,
    Claim,
    Figure,
    Table,
    concentration,
    mean_of,
    own_and_others,
    ranking,
    ranking_by,
    skill,
)
from claim_parts.views import (
    CRACK_WIDTH,
    PX_PER_MM,
    SEED,
    Networks,
    cracked,
    look,
    panels_of,
    place_on_crack,
    sound,
    window,
)
from sklearn.metrics import roc_auc_score

from crossmodal_kd_ros.benchmark.measures import Answers
from crossmodal_kd_ros.datasets import simulated
from crossmodal_kd_ros.scenario.setting import ROBOT
from crossmodal_kd_ros.simulation import PROFILE
from crossmodal_kd_ros.simulation.fields import crack_cover
from crossmodal_kd_ros.versions import SIMULATION_VERSION

CHANCE, MORE, LESS = Figure(0.5, 0.4, 0.6), Figure(0.7, 0.6, 0.8), Figure(-0.2, -0.3, -0.1)
TOLD = Figure(0.9, 0.8, 1.0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def record(figure: Figure) -> dict:
    return {'mean': figure.mean, 'interval': [figure.low, figure.high], 'seeds': [figure.mean]}


# --- measures -----------------------------------------------------------------------------------


def test_a_mean_has_the_interval_of_its_standard_error(rng):
    values = rng.normal(3.0, 2.0, 900)

    figure = mean_of(values)

    assert figure.mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / 30.0
    assert (figure.low, figure.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.1 * half
    )


def test_a_panel_without_a_value_does_not_count():
    assert mean_of(np.array([1.0, np.nan, 3.0])).mean == 2.0


def test_skill_is_one_without_an_error_and_zero_with_that_of_the_control(rng):
    control = rng.normal(size=(50, 4))

    assert skill(0.0 * control, control).mean == 1.0
    assert skill(-control, control).mean == pytest.approx(0.0)
    assert skill(0.5 * control, control).mean == pytest.approx(0.75)


def test_ranking_is_the_area_under_the_roc_curve(rng):
    score, trait = rng.normal(size=200), rng.random(200) < 0.3

    expected = roc_auc_score(trait, np.round(score, 1))

    assert ranking_by(np.round(score, 1), trait).mean == pytest.approx(expected)


def test_ranking_is_a_coin_where_nothing_is_known_and_one_where_all_is(rng):
    score = rng.normal(size=100)

    assert ranking(np.zeros(100), np.zeros(100)) == Figure(0.5, 0.5, 0.5)
    assert ranking(score + 100.0, score) == Figure(1.0, 1.0, 1.0)


def test_attention_that_looks_at_the_crack_alone_is_as_dense_as_the_area_is_small():
    mask = np.zeros((1, 16), bool)
    mask[0, :4] = True

    assert concentration(mask.astype(float), mask) == pytest.approx(4.0)
    assert concentration(np.ones((1, 16)), mask) == pytest.approx(1.0)
    assert concentration((~mask).astype(float), mask) == pytest.approx(0.0)


def test_attention_that_looks_at_one_place_in_every_picture_is_no_denser_on_its_own_mask(rng):
    mask = rng.random((40, 16)) < 0.25
    everywhere_alike = np.tile(rng.random(16), (40, 1))

    on_own, on_others = own_and_others(mask.astype(float), mask)
    assert np.nanmin(on_own) > np.nanmax(on_others)

    on_own, on_others = own_and_others(everywhere_alike, mask)
    assert abs(np.nanmean(on_own) - np.nanmean(on_others)) < 0.05


# --- attention ----------------------------------------------------------------------------------


def test_a_look_follows_a_trouble_only_if_it_goes_away_with_it(rng):
    mask = rng.random((60, 4, 4)) < 0.25
    mask[:, 0, 0] = True
    on_it, even = mask + 0.01, np.ones(mask.shape)

    assert attention.compare(on_it, even, mask).follows
    assert not attention.compare(on_it, on_it, mask).follows
    assert not attention.compare(even, even, mask).follows


def test_a_line_takes_the_cells_that_it_passes_and_a_patch_those_that_it_fills():
    line, patch = np.zeros((2, 128, 128), bool)
    line[20] = True
    patch[:60, :60] = True

    assert attention.cells_of(line, (4, 4)).tolist() == [[True] * 4] + [[False] * 4] * 3
    assert attention.cells_of(patch, (4, 4)).sum() == 4


def test_what_lies_under_the_array_is_the_footprint_of_the_profile():
    shape = np.zeros((128, 128), bool)
    shape[48:80, 32:96] = True

    assert attention.under_touch(shape).all() and attention.under_touch(shape).size == 32 * 64


def test_the_reach_of_pins_is_counted_from_the_least_of_them():
    readings = np.full((1, 256), 5.0)
    readings[0, 128:] = 2.0
    readings[0, 128 + 16] = 6.0

    reach = attention._reach(readings)

    assert reach.sum() == reach[0, 1, 0] == 4.0


# --- cracks -------------------------------------------------------------------------------------


def test_the_finest_crack_is_the_one_from_which_on_all_are_told_from_none():
    assert cracks.finest_mm({0.1: TOLD, 0.2: CHANCE, 0.3: TOLD, 0.5: TOLD}) == 0.3
    assert cracks.finest_mm({0.1: MORE, 0.5: TOLD}) == 0.5
    assert cracks.finest_mm({0.1: TOLD, 0.5: CHANCE}) is None


@pytest.mark.parametrize(
    ('finest', 'hidden', 'expected'),
    [(0.2, MORE, HOLDS), (0.2, CHANCE, IN_PART), (1.0, CHANCE, FAILS), (None, LESS, FAILS)],
)
def test_cracks_that_do_not_show_decide_the_claim_before_fine_ones(finest, hidden, expected):
    assert cracks.outcome(finest, hidden) == expected


def test_a_crack_of_half_the_brightness_darkens_by_half():
    panel = panels_of(0, 1)[0]
    place = place_on_crack(panel.crack_seed)
    before = np.full((1, 128, 128, 3), 100, np.uint8)
    after = np.full((1, 128, 128, 3), 50, np.uint8)

    assert cracks.darkening(before, after, [panel], [place], 1.0).mean == pytest.approx(0.5)


# --- readings -----------------------------------------------------------------------------------


def test_a_pattern_alone_has_no_level(rng):
    values = {name: rng.random((5, s.size)) + 3.0 for name, s in PROFILE.senses.items()}

    things = readings.things(values)

    assert np.allclose(things['touch: indentation, pattern alone'].mean(1), 0.0)
    assert things['touch: indentation, every pin'].shape == (5, 128)
    assert things['gas: nh3_ppm'].shape == (5, 1)


def test_what_neighbours_read_as_well_is_not_read_by_the_student(rng):
    truth = rng.normal(size=(200, 1))
    blurred = truth + 0.3 * rng.normal(size=(200, 1))
    mean = np.zeros((1, 1))

    def row(student, neighbours, noise=0.1):
        return readings.compare(truth, student, neighbours, mean, noise=noise)

    assert row(truth, blurred).is_read
    assert not row(blurred, blurred).is_read
    assert not row(np.zeros((200, 1)), 10.0 + truth).is_read
    assert not row(truth, blurred, noise=10.0).varies


def test_a_channel_that_says_nothing_has_no_say_in_the_outcome():
    read = readings.Row(student=MORE, neighbours=CHANCE, over_neighbours=MORE, varies=True)
    unread, constant = replace(read, student=LESS), replace(read, student=LESS, varies=False)

    assert readings.outcome({'a': read, 'b': constant}) == HOLDS
    assert readings.outcome({'a': read, 'b': unread}) == IN_PART
    assert readings.outcome({'a': unread}) == FAILS


# --- light --------------------------------------------------------------------------------------


def test_a_network_that_errs_by_night_loses_that_and_parts_from_itself():
    panels = [sound(panel) for panel in panels_of(0, 4)]
    places = [place_on_crack(panel.crack_seed) for panel in panels]
    pairs = look(panels, places, stream=0, say=str, what='').pairs
    inspect, other = (
        Answers(probabilities=np.eye(6, dtype=np.float32)[[index] * 4]) for index in (0, 1)
    )

    figures = light.by_light('one', inspect, inspect, other, pairs)

    assert figures['one, right by day'].mean == 1.0 and figures['one, right by night'].mean == 0.0
    assert figures['one, lost by night'].mean == figures['one, parted by night'].mean == 1.0


def test_light_is_judged_by_the_ends_of_the_interval():
    little, unsure, much = (
        Figure(0.005, 0.0, 0.01),
        Figure(0.005, -0.02, 0.03),
        Figure(0.05, 0.03, 0.07),
    )

    assert light.outcome(little, little) == HOLDS
    assert light.outcome(little, unsure) == light.outcome(unsure, little) == IN_PART
    assert light.outcome(little, much) == light.outcome(much, unsure) == FAILS


# --- panels -------------------------------------------------------------------------------------


def test_no_training_validation_calibration_or_test_draws_these_panels():
    assert SEED not in simulated._SPLITS.values()


def test_a_sound_panel_wants_nothing_and_a_cracked_one_its_repair():
    panels = [sound(panel) for panel in panels_of(0, 6)]
    places = [place_on_crack(panel.crack_seed) for panel in panels]
    wide = [cracked(panel, 1.0) for panel in panels]

    before, after = (look(each, places, stream=0, say=str, what='') for each in (panels, wide))

    assert {PROFILE.actions[index] for index in before.pairs.action} == {'continue_inspection'}
    assert {PROFILE.actions[index] for index in after.pairs.action} <= {
        'seal_crack',
        'apply_bio_adhesive',
    }
    assert before.pairs.quantities[:, CRACK_WIDTH].max() == 0.0
    assert after.pairs.quantities[:, CRACK_WIDTH] == pytest.approx(1.0, abs=0.05)


def test_the_pictures_of_a_stream_differ_in_the_crack_alone():
    panel = sound(panels_of(0, 1)[0])
    place = place_on_crack(panel.crack_seed)
    before, after = (
        look([each], [place], stream=0, say=str, what='').pairs.image[0].astype(int)
        for each in (panel, cracked(panel, 1.0))
    )

    cover = window(crack_cover(panel.crack_seed, 1.0, PX_PER_MM), place)
    changed = np.abs(after - before).mean(2)
    assert changed[cover > 0.5].mean() > 50.0 * changed[cover == 0.0].mean()


# --- the article's figures out of docs/ ---------------------------------------------------------


def results(gain: Figure, **changes) -> dict:
    """Return what docs/results.json holds, every gain the same."""
    r2 = {'crack_depth': 0.8}
    change = {
        'accuracy': record(CHANCE),
        'against_recipe': {'accuracy': record(gain)},
        'r2': r2,
        'lighting_probe': 0.57,
        'teacher_accuracy': 0.7,
    }
    names = (
        'progressive alpha',
        'stages',
        'no readings',
        'gradient reversal',
        'product fidelity',
        'reference',
    )
    return {
        'ablations': {name: {'500': change} for name in names},
        'student_kd': {'500': {'accuracy': record(MORE), 'r2': r2, 'lighting_probe': 0.57}},
        'gain': {
            '500': {'student_no_kd': {'accuracy': record(MORE)}},
            '10000': {'student_no_kd': {'accuracy': record(gain)}},
        },
        'simulation_version': 1,
        'alignment_ms': {'cosine': 0.4, 'circuit': 99.0},
        **changes,
    }


def of(claims_: list[Claim]) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims_}


def test_without_figures_nothing_is_invented(tmp_path):
    assert {claim.outcome for claim in cited.run(tmp_path)} == {UNTESTABLE}


def test_figures_of_trainings_decide_and_say_of_which_wall_they_are(tmp_path):
    (tmp_path / 'results.json').write_text(json.dumps(results(LESS)))

    found = of(cited.run(tmp_path))

    assert found['What the teacher gives the student'].outcome == IN_PART
    assert found['The schedule prevents forgetting'].outcome == FAILS
    assert found['Quantum alignment'].outcome == FAILS
    assert found['The code as printed'].outcome == FAILS
    assert 'version 1 of the wall, an older one' in found['Quantum alignment'].data


def test_figures_of_the_wall_of_today_are_not_called_old():
    today = trainings.where_from({'simulation_version': SIMULATION_VERSION})
    assert f'version {SIMULATION_VERSION} of the wall (' in today


def test_a_student_that_labels_for_itself_is_a_control_too():
    gain = {'500': {'student_no_kd': {'accuracy': record(MORE)}}}
    assert trainings.distillation({'gain': gain}, '').outcome == HOLDS

    gain['500']['student_self_training'] = {'accuracy': record(LESS)}
    claim = trainings.distillation({'gain': gain}, '')

    assert claim.outcome == IN_PART
    assert 'labels the other views for itself: -20.0' in claim.found


def test_a_gain_that_is_clear_of_zero_holds():
    assert trainings.quantum(results(MORE), '').outcome == HOLDS
    assert trainings.reversal(results(MORE), '').outcome == HOLDS
    assert trainings.forgetting(results(MORE), None, '').outcome == HOLDS


@pytest.mark.parametrize(('progressive', 'expected'), [(LESS, IN_PART), (MORE, FAILS)])
def test_a_real_arm_has_a_say_in_forgetting(progressive, expected):
    def lost(figure):
        return {name: record(figure) for name in ('mass', 'stiffness')}

    gripper = {
        'seen_objects_lost': {
            'taught, replay': lost(LESS),
            'taught': lost(MORE),
            'taught, progressive': lost(progressive),
        }
    }

    claim = trainings.forgetting(results(LESS), gripper, 'simulated')

    assert claim.outcome == expected
    assert 'a real arm' in claim.data and claim.tables[1].rows[1][0] == 'taught'


# In part at most, for the robot is told what it stands on.
@pytest.mark.parametrize(
    ('pressure', 'angle_deg', 'crushed', 'expected'),
    [(0.1, 3.0, 0.0, IN_PART), (0.4, 3.0, 0.0, IN_PART), (0.4, 30.0, 1.0, FAILS)],
)
def test_a_scenario_is_judged_by_its_aims(pressure, angle_deg, crushed, expected, tmp_path):
    reached = {
        'pressure_error_median_without_every_sense': pressure,
        'angle_error_median_deg_without_every_sense': angle_deg,
        'crushed': crushed,
    }
    figures = {name: {'mean': mean, 'interval': [mean, mean]} for name, mean in reached.items()}
    by_control = {ROBOT: {'figures': figures}, 'nobody': {'figures': {}}}
    content = {'seeds': [100, 101], 'command': '', 'scenarios': {'repair': by_control}}
    (tmp_path / 'scenarios.json').write_text(json.dumps(content))

    found = of(cited.run(tmp_path))

    claim = found['Pressure and angle with touch dead']
    assert claim.outcome == expected and claim.data.startswith('simulated, 2 seeds')
    assert found['Inspection by camera alone'].outcome == UNTESTABLE


def test_the_figures_of_the_node_come_from_the_page_of_performance():
    page = """
### 640x480 at 30 Hz

| process | p50, ms | of a core, % | memory, MiB |
|---|---|---|---|
| bare engine (onnx) | 2.5 (2.1 to 2.6) | – | 110 |
| maintenance node (onnx) | 6.57 (6 to 6.6) | 23.4 (21 to 24) | 173 (173 to 174) |

### 640x480 at 60 Hz

| maintenance node (onnx) | 1 | 1 | 1 |
"""

    assert cited.performance_rows(page) == {'maintenance node (onnx)': (6.57, 23.4, 173.0)}
    assert cited.performance_rows('') == {}


# --- whole --------------------------------------------------------------------------------------


def test_untrained_networks_are_judged_too(models, monkeypatch):
    monkeypatch.setattr(cracks, 'WIDTHS_MM', (0.2, 1.0))
    networks = Networks.load(models, share=0.0, say=str)

    found = of([*cracks.run(networks), *light.run(networks)])

    # Of 20 panels, and of networks that know nothing.
    assert found['Cracks invisible to the eye'].outcome == FAILS
    for claim in found.values():
        assert all(len(row) == len(table.head) for table in claim.tables for row in table.rows)


def test_the_page_has_the_table_first_and_a_section_for_each_line():
    claim = Claim(
        name='Cracks, fine ones',
        section='scenario 1',
        claim='They are seen.',
        data='simulated',
        test='Look.',
        outcome=IN_PART,
        figure=MORE.percent,
        found='Some are.',
        tables=[Table(head=('a', 'b'), rows=[('1', '2')])],
        figures={'all': MORE},
    )
    content = {
        'quick': False,
        'commit': 'abc',
        'simulation_version': 3,
        'seed': 16,
        'weights': {'teacher': 'a' * 64, 'student': 'b' * 64},
        'claims': json.loads(json.dumps([claim.as_json()])),
    }

    page = claims.page(content)

    line = '| [Cracks, fine ones](#cracks-fine-ones) | **holds in part** | 70.0 [60.0, 80.0] % |'
    assert line in page and page.index(line) < page.index('## Cracks, fine ones')
    assert '**Holds in part.** Some are.' in page
    assert '- *Test:* Look.' in page and '*Rule:*' not in page
    assert re.search(r'\| a \| b \|\n\|---\|---\|\n\| 1 \| 2 \|\n', page)
    assert 'quick' not in page


def test_the_page_in_docs_is_that_of_the_figures_beside_it():
    docs = Path(__file__).parents[2] / 'docs'

    content = json.loads((docs / 'claims.json').read_text(encoding='utf-8'))

    assert (docs / 'claims.md').read_text(encoding='utf-8') == claims.page(content)


def test_a_claim_needs_a_known_outcome():
    with pytest.raises(ValueError, match='expected an outcome'):
        Claim(name='', section='', claim='', data='', outcome='perhaps', figure='', found='')


def test_a_folder_without_weights_gets_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['claims.py', '--models', str(tmp_path)])

    assert claims.main() == 1
    assert 'teacher.safetensors' in capsys.readouterr().err
