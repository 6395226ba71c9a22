# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The files of a played scenario: `summary.json`, `events.json` and the page."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from crossmodal_kd_ros.files import write_json
from crossmodal_kd_ros.reports import thumbnail, write_page
from crossmodal_kd_ros.scenario import plots
from crossmodal_kd_ros.scenario.robot import Event, picture_name
from crossmodal_kd_ros.scenario.score import Visit, mode_spans, score, visits
from crossmodal_kd_ros.scenario.setting import CONTROLS, START_HOUR, Setting
from crossmodal_kd_ros.scenario.view import news

PICTURES = 'pictures'
# What happens to a panel by itself, or by a person: how it is told.
_HAPPENED = {
    'crack': '{}',
    'debonded': '{}',
    'mould': '{}',
    'sick': '{}',
    'healed': '{}',
    'came_off': 'the repair comes off: {}',
    'person': 'a person comes: {}',
}


def write_results(
    out: Path, events: Sequence[Event], setting: Setting, *, how: dict[str, Any], command: str
) -> dict[str, Any]:
    """Write everything that follows from the events into `out`; return the summary.

    Args:
        out: a folder, with `pictures/` in it as `Robot.draw` makes them.
        events: all of them.
        setting: what was played.
        how: what else belongs into the summary, such as `driver`.
        command: how the user started it.
    """
    summary = {
        'title': setting.scenario.title,
        'scenario': setting.scenario.name,
        'seed': setting.seed,
        'control': setting.control,
        'command': command,
        **how,
        **score(events),
    }
    write_json(out / 'events.json', events, indent=None)
    write_json(out / 'summary.json', summary)
    places = visits(events)
    begin = events[0]
    touching = [event for event in events if event['kind'] == 'act' and event['contact']]
    write_page(
        out / 'report.html',
        'scenario/report.html.j2',
        plots=plots,
        clock=clock,
        summary=summary,
        setting=setting,
        control=CONTROLS.get(setting.control, ''),
        made=time.strftime('%d %B %Y').lstrip('0'),
        events=events,
        places=places,
        columns=begin['columns'],
        panels=[
            _panel(out / PICTURES, index, material, places, events)
            for index, material in enumerate(begin['materials'])
        ],
        touching=touching,
        modes=list(mode_spans(events)),
        requests=[event for event in events if event['kind'] == 'ask'],
    )
    return summary


def _panel(
    folder: Path, index: int, material: str, places: Sequence[Visit], events: Sequence[Event]
) -> dict[str, Any]:
    """Return what the page says of a panel."""
    own = [place for place in places if place.arrival['panel'] == index]
    return {
        'number': index + 1,
        'material': material,
        'before': _picture(folder / picture_name('before', index)),
        'after': _picture(folder / picture_name('after', index)),
        'reasons': list(own[0].arrival['needs'].values()) if own else [],
        'verdicts': [place.verdict for place in own],
        'history': _history([event for event in events if event['panel'] == index]),
    }


def _history(events: Sequence[Event]) -> list[tuple[float, str]]:
    """Return (hours, words) of everything that happened to a panel, in order of time."""
    told = []
    for event in events:
        match event['kind']:
            case 'act' | 'ask':
                told.append((event['hours'], news(event)))
            case 'look_again':
                told.append((event['hours'], f'a second look: {event["reason"]}'))
            case 'happened' if event['what'] in _HAPPENED:
                told.append((event['at_hours'], _HAPPENED[event['what']].format(event['words'])))
    return sorted(told, key=lambda one: one[0])


def clock(hours: float) -> str:
    """Return a time of the facade as a person says it."""
    day, minutes = divmod(round(60.0 * (START_HOUR + hours)), 24 * 60)
    return f'day {day + 1}, {minutes // 60:02}:{minutes % 60:02}'


def _picture(path: Path) -> str:
    picture = cv2.imread(str(path))
    return '' if picture is None else thumbnail(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
