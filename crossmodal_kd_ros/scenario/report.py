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
from crossmodal_kd_ros.scenario.setting import CONTROLS, Setting

PICTURES = 'pictures'


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
    acts = [event for event in events if event['kind'] == 'act' and event['panel'] == index]
    happened = [
        event for event in events if event['kind'] == 'happened' and event['panel'] == index
    ]
    return {
        'number': index + 1,
        'material': material,
        'before': _picture(folder / picture_name('before', index)),
        'after': _picture(folder / picture_name('after', index)),
        'reasons': list(own[0].arrival['needs'].values()) if own else [],
        'acts': acts,
        'requests': [text for place in own for text in place.requests],
        'verdicts': [place.verdict for place in own],
        'happened': happened,
    }


def _picture(path: Path) -> str:
    picture = cv2.imread(str(path))
    return '' if picture is None else thumbnail(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
