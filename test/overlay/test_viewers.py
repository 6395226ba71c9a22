# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What opens in Foxglove, RViz and rqt_robot_monitor: its topics and fields exist."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from crossmodal_kd_ros.profile import HOLD, Mode, load_profile
from crossmodal_kd_ros.reports.style import MODE_COLOURS, action_colour

WALL = load_profile()

CONFIG = Path(__file__).resolve().parents[2] / 'config'
LAYOUT = json.loads((CONFIG / 'foxglove_layout.json').read_text())
RVIZ = yaml.safe_load((CONFIG / 'crossmodal_kd.rviz').read_text())
AGGREGATOR = yaml.safe_load((CONFIG / 'diagnostic_aggregator.yaml').read_text())['analyzers'][
    'ros__parameters'
]
PANELS = LAYOUT['configById']
# A test holds the policy against what the running nodes publish.
PUBLISHED = {
    topic.text if topic.text.startswith('/') else f'/{topic.text}'
    for topics in ElementTree.parse(CONFIG / 'sros2' / 'policy.xml').iter('topics')
    if topics.get('publish')
    for topic in topics
}
SIZES = {
    '/maintenance/action_scores': len(WALL.actions),
    '/maintenance/surface_state': len(WALL.quantities),
    '/maintenance/gas_estimate': len(WALL.senses['gas'].channels),
    '/gas/state': len(WALL.senses['gas'].channels),
}
# As Foxglove and Lichtblick name them.
KINDS = {'Image', 'Indicator', 'Plot', 'StateTransitions', 'DiagnosticSummary'}


def paths() -> list[str]:
    """Return every message path of the layout."""
    return [series['value'] for panel in PANELS.values() for series in panel.get('paths', [])] + [
        panel['path'] for panel in PANELS.values() if 'path' in panel
    ]


def placed(node) -> list[str]:
    """Return the panels below a node of the layout's tree."""
    if isinstance(node, str):
        return [node]
    assert set(node) == {'direction', 'first', 'second', 'splitPercentage'}
    assert node['direction'] in ('row', 'column')
    return placed(node['first']) + placed(node['second'])


def test_every_panel_is_of_a_known_kind_and_placed_once():
    assert sorted(placed(LAYOUT['layout'])) == sorted(PANELS)
    assert {name.partition('!')[0] for name in PANELS} == KINDS


@pytest.mark.parametrize('path', paths())
def test_every_series_is_a_field_that_some_node_publishes(path):
    topic, field, index = re.fullmatch(r'(/[\w/]+)\.(\w+)(?:\[(\d+)\])?', path).groups()

    assert topic in PUBLISHED
    if index is None:
        assert (topic, field) in {('/maintenance/mode', 'data'), ('/maintenance/action', 'data')}
    else:
        assert field == 'position'
        assert int(index) < SIZES[topic]


def test_every_picture_and_diagnosis_comes_from_a_topic_that_some_node_publishes():
    topics = (
        [panel['imageMode']['imageTopic'] for panel in PANELS.values() if 'imageMode' in panel]
        + [panel['topicToRender'] for panel in PANELS.values() if 'topicToRender' in panel]
        + [display['Topic']['Value'] for display in RVIZ['Visualization Manager']['Displays']]
    )

    assert '/maintenance/overlay' in topics
    assert set(topics) <= PUBLISHED


def test_modes_and_actions_have_the_colours_they_have_everywhere():
    mode, action = (
        {rule['rawValue']: rule['color'] for rule in PANELS[name]['rules']}
        for name in ('Indicator!mode', 'Indicator!action')
    )

    assert mode == {str(each): MODE_COLOURS[str(each)] for each in Mode}
    assert action == {each: action_colour(each) for each in (*WALL.actions, HOLD)}


def test_the_scores_are_named_in_the_order_of_the_actions():
    series = PANELS['Plot!scores']['paths']

    assert [(each['value'], each['label']) for each in series] == [
        (f'/maintenance/action_scores.position[{index}]', action.replace('_', ' '))
        for index, action in enumerate(WALL.actions)
    ]


def test_rviz_asks_for_no_more_reliability_than_a_sensor_offers():
    for display in RVIZ['Visualization Manager']['Displays']:
        sensor = display['Topic']['Value'] in ('/camera/image_raw', '/tactile/image')
        assert display['Topic']['Reliability Policy'] == ('Best Effort' if sensor else 'Reliable')


def test_the_aggregator_takes_every_status_of_the_node_and_no_two_analyzers_the_same():
    analyzers = [each for each in AGGREGATOR.values() if isinstance(each, dict)]
    statuses = [f'/left/maintenance_node: {status}' for status in ('mode', *WALL.sensors)]
    statuses += [f'/left/{WALL.camera.topic}']
    statuses += [f'/left/{topic}' for sense in WALL.senses.values() for topic in sense.topics]
    for name in statuses:
        assert sum(any(part in name for part in each['contains']) for each in analyzers) == 1, name
    assert all(each['type'] == 'diagnostic_aggregator/GenericAnalyzer' for each in analyzers)
