# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A scenario in a terminal while it is played: the whole screen, or lines."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossmodal_kd_ros.demo.live import Live
from crossmodal_kd_ros.demo.screens import Lines
from crossmodal_kd_ros.demo.view import HalfBlocks
from crossmodal_kd_ros.profile import HOLD
from crossmodal_kd_ros.reports.style import MODE_COLOURS, MODE_MEANINGS, action_colour, words
from crossmodal_kd_ros.scenario.plots import VERDICT_COLOURS, VERDICT_WORDS
from crossmodal_kd_ros.scenario.robot import Event
from crossmodal_kd_ros.scenario.score import visits
from crossmodal_kd_ros.scenario.setting import Setting

_NEWS = 6


class LineScreen(Lines):
    """Prints one line for each place, act, request and change of mode."""

    def show(self, live: Live, events: Sequence[Event]) -> None:
        """Print what is new."""
        for event in events[self._printed :]:
            text = _line(event)
            if text:
                self._print(f'{event["t_s"]:6.1f} s  {text}')
        self._printed = len(events)


def news(event: Event) -> str:
    """Return an event in words, but for the panel; empty where it is no news."""
    match event['kind']:
        case 'arrive':
            return f'here, in truth: {event["reason"]}'
        case 'look_again':
            return f'a second look; in truth: {event["reason"]}'
        case 'act':
            contact = event['contact']
            how = '' if contact is None else f' with {contact["pressure_kpa"]:.1f} kPa'
            return f'{words(event["action"])}{how}: {words(event["outcome"])}: {event["words"]}'
        case 'ask':
            return f'a person is asked: {words(event["text"])}'
        case 'mode':
            return f'{event["mode"]}: {event["reason"]}'
    return ''


def _line(event: Event) -> str:
    text = news(event)
    is_of_a_panel = text and event['kind'] != 'mode'
    return f'panel {event["panel"] + 1}: {text}' if is_of_a_panel else text


def screen(
    live: Live, events: Sequence[Event], setting: Setting, *, width: int, height: int
) -> RenderableType:
    """Return the state of a scenario, for a terminal of `width` x `height` characters."""
    layout = Layout()
    layout.split_column(
        Layout(_header(live, events, setting), size=1),
        Layout(name='main'),
        Layout(_framed(_news(events), 'what happened'), size=_NEWS + 2),
        Layout(Text(' Ctrl-C stops and writes the report', style='dim'), size=1),
    )
    state = _framed(Group(_decision(live), Text(), _map(events, setting)), 'what it decides')
    if width < 96:
        layout['main'].update(state)
        return layout
    picture = live.picture
    seen: RenderableType = Text('no picture', style='dim')
    if picture is not None:
        seen = HalfBlocks(picture, width=min(width - 58, 60), height=height - _NEWS - 6)
    layout['main'].split_row(_framed(seen, 'what it sees'), Layout(state, size=54))
    return layout


def _framed(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align='left', border_style='dim')


def _header(live: Live, events: Sequence[Event], setting: Setting) -> Text:
    day = events[-1]['hours'] / 24.0 if events else 0.0
    return Text.assemble(
        (f' {setting.scenario.title} ', 'bold'),
        (f' {live.seconds:.0f} s, day {day:.1f} of {setting.scenario.hours / 24.0:.0f}', 'dim'),
    )


def _decision(live: Live) -> RenderableType:
    mode = Text.assemble(
        (
            f' {live.mode or "starting"} ',
            f'bold white on {MODE_COLOURS.get(live.mode, "#69737f")}',
        ),
        f'  {MODE_MEANINGS.get(live.mode, "")}',
    )
    colour = 'bright_black' if live.action in (HOLD, '') else action_colour(live.action)
    action = Text.assemble('→ ', (words(live.action) or 'nothing yet', f'bold {colour}'))
    if live.probabilities is not None and live.action != HOLD:
        action.append(f'   {live.probabilities.max():.0%} sure', 'dim')
    return Group(
        mode, Text(live.reason, style='dim', overflow='ellipsis', no_wrap=True), Text(), action
    )


def _map(events: Sequence[Event], setting: Setting) -> RenderableType:
    """Return the facade: what became of each panel so far, its health, and what colours mean."""
    verdicts = {place.arrival['panel']: place.verdict for place in visits(events)}
    health = next((one['health'] for one in reversed(events) if one['kind'] == 'facade'), [])
    table = Table.grid(padding=(0, 2))
    columns = 6
    for first in range(0, len(health), columns):
        row = []
        for panel in range(first, min(first + columns, len(health))):
            colour = VERDICT_COLOURS.get(verdicts.get(panel, ''), '#69737f')
            row.append(Text.assemble(('██', colour), f' {panel + 1:<2}'))
        table.add_row(*row)
        table.add_row(
            *(Text(f'{part:5.0%}', style='dim') for part in health[first : first + columns])
        )
    seen = [verdict for verdict in VERDICT_COLOURS if verdict in verdicts.values()]
    meaning = [
        Text.assemble(('██ ', VERDICT_COLOURS[name]), (VERDICT_WORDS[name], 'dim'))
        for name in seen
    ]
    return Group(table, Text(), *meaning, Text('per cent: health of the panel', style='dim'))


def _news(events: Sequence[Event]) -> RenderableType:
    lines = [(event['t_s'], text) for event in events if (text := _line(event))]
    return Group(
        *(
            Text(f'{t_s:6.1f} s  {text}', overflow='ellipsis', no_wrap=True)
            for t_s, text in lines[-_NEWS:]
        )
    )
