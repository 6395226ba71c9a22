# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The live picture of a run in a terminal."""

from functools import lru_cache

import cv2
import numpy as np
from rich.align import Align
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from crossmodal_kd_ros.demo.live import CAMERA_TOPIC, SENSOR_TOPICS, Live
from crossmodal_kd_ros.demo.summary import Scenario
from crossmodal_kd_ros.profile import HOLD
from crossmodal_kd_ros.reports.style import MODE_COLOURS, MODE_MEANINGS, action_colour, words
from crossmodal_kd_ros.simulation.panel import PROFILE

_TOUCH = PROFILE.senses['touch']
_BANK_SHAPE = _TOUCH.shape[1:]
# Ranges that a working pad reaches on these walls: a fixed scale, so that a change of colour is a
# change of the wall.
_TEXTURE_UM, _DEPTH_MM = 120.0, 8.0
# Every character costs the observer time that it needs for messages.
_PICTURE_WIDTH = 60
_QUANTITY_ROWS = (
    ('roughness', 'um', 1.0, 1),
    ('crack depth', 'mm', 1.0, 2),
    ('CO2 absorbed', '%', 100.0, 1),
    ('crack width', 'mm', 1.0, 2),
)


class HalfBlocks:
    """An image drawn with one character for two pixels, one above the other."""

    def __init__(self, image: np.ndarray, *, width: int, height: int) -> None:
        """Scale `image`, `uint8[H, W, 3]` RGB, to fit into `width` x `height` characters."""
        scale = min(width / image.shape[1], 2 * height / image.shape[0])
        size = (
            max(1, round(image.shape[1] * scale)),
            2 * max(1, round(image.shape[0] * scale / 2)),
        )
        way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_NEAREST
        # Fewer colours, so that the cache of styles has most of them.
        self._pixels = cv2.resize(image, size, interpolation=way) & 0xF8

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give rich one line after the other."""
        for upper, lower in zip(self._pixels[::2].tolist(), self._pixels[1::2].tolist()):
            for above, below in zip(upper, lower):
                yield Segment('▀', _pair(*above, *below))
            yield Segment.line()


def screen(
    live: Live, scenario: Scenario, *, title: str, duration_s: float, width: int, height: int
) -> RenderableType:
    """Return the state of the run, laid out for a terminal of `width` x `height` characters."""
    layout = Layout()
    rows = [Layout(_header(live, title, duration_s), size=1), Layout(name='main')]
    if height >= 31:
        rows.append(Layout(_framed(_touch(live), 'touch'), size=7))
    rows.append(
        Layout(_framed(_timeline(live, scenario, duration_s, width - 14), 'what happened'), size=6)
    )
    rows.append(Layout(_footer(live), size=1))
    layout.split_column(*rows)
    main_height = height - sum(row.size or 0 for row in rows)
    decision = _framed(_decision(live, airy=main_height > 20), 'what it decides')
    if width >= 96:
        picture = _picture(live, min(width - 58, _PICTURE_WIDTH), main_height - 2)
        seen = _framed(Align.center(picture, vertical='middle'), 'what it sees')
        layout['main'].split_row(seen, Layout(decision, size=54))
    else:
        layout['main'].update(decision)
    return layout


def _framed(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align='left', border_style='dim')


def _header(live: Live, title: str, duration_s: float) -> Text:
    done = min(live.seconds, duration_s)
    return Text.assemble((f' {title} ', 'bold'), (f' {done:4.1f} of {duration_s:.0f} s', 'dim'))


def _picture(live: Live, width: int, height: int) -> RenderableType:
    picture = live.picture if live.alive(CAMERA_TOPIC) else None
    return (
        Text('no picture', style='dim')
        if picture is None
        else HalfBlocks(picture, width=width, height=height)
    )


def _decision(live: Live, *, airy: bool) -> RenderableType:
    gap = [Text()] if airy else []
    mode = Text.assemble(
        (
            f' {live.mode or "starting"} ',
            f'bold white on {MODE_COLOURS.get(live.mode, "#69737f")}',
        ),
        (f'  {MODE_MEANINGS.get(live.mode, "")}', ''),
    )
    reason = Text(live.reason, style='dim', overflow='ellipsis', no_wrap=True)
    lines: list[RenderableType] = [mode, reason, *gap]
    if live.expert:
        lines.append(Text(live.expert['description']))
    lines += [_action(live), *gap, _bars(live), *gap, _estimates(live)]
    return Group(*lines)


def _action(live: Live) -> Text:
    text = Text.assemble(
        '→ ',
        (words(live.action) or 'nothing yet', f'bold {_on_screen(live.action)}'),
        no_wrap=True,
    )
    if live.expert:
        right = live.expert['action'] == live.action
        mark = (
            ('', '')
            if live.action == HOLD
            else ('  ✓', 'bold green')
            if right
            else ('  ✗', 'bold red')
        )
        text.append(*mark)
        text.append(f'   expert: {words(live.expert["action"])}', 'dim')
    return text


def _bars(live: Live) -> Table:
    table = Table.grid(padding=(0, 1))
    shown = (
        live.probabilities if live.probabilities is not None else np.zeros(len(PROFILE.actions))
    )
    for name, probability in zip(PROFILE.actions, shown):
        bar = Text('█' * round(20 * probability), style=_on_screen(name))
        table.add_row(
            Text(words(name)),
            Text.assemble(bar, ('·' * (20 - round(20 * probability)), 'dim')),
            Text(f'{probability:4.0%}', style='' if probability == shown.max() else 'dim'),
        )
    return table


def _estimates(live: Live) -> Table:
    table = Table.grid(padding=(0, 2))
    truth = live.true_quantities is not None
    table.add_row(
        '', Text('published', style='dim'), *([Text('truth', style='dim')] if truth else [])
    )
    for index, (name, unit, scale, digits) in enumerate(_QUANTITY_ROWS):
        cells = [
            f'{scale * values[index]:6.{digits}f}' if values is not None else '     –'
            for values in (live.quantities, *([live.true_quantities] if truth else []))
        ]
        table.add_row(name, *cells, Text(unit, style='dim'))
    return table


def _touch(live: Live) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    touch = live.touch if live.alive(SENSOR_TOPICS['touch']) else None
    banks = (
        ('texture', 'texture', _TEXTURE_UM, cv2.COLORMAP_VIRIDIS),
        ('indentation', 'depth', _DEPTH_MM, cv2.COLORMAP_MAGMA),
    )
    heads, maps = [], []
    for channel, name, top, colours in banks:
        bank = _TOUCH.elements_of(channel)
        for values, kind in ((touch, 'read'), (live.touch_estimate, 'predicted')):
            heads.append(Text(f'{name}, {kind}', style='dim'))
            maps.append(_heat(None if values is None else values[bank], top, colours))
    heads.append(Text())
    scales = f'texture 0–{_TEXTURE_UM:.0f} um\ndepth   0–{_DEPTH_MM:.0f} mm'
    maps.append(Text(scales, style='dim'))
    table.add_row(*heads)
    table.add_row(*maps)
    return table


def _heat(values: np.ndarray | None, top: float, colours: int) -> RenderableType:
    if values is None:
        return Text('\n' + 'no reading'.center(2 * _BANK_SHAPE[1] // 2 + 2) + '\n\n', style='dim')
    grey = (255.0 * (values / top).clip(0.0, 1.0)).astype(np.uint8).reshape(_BANK_SHAPE)
    return HalfBlocks(
        cv2.applyColorMap(grey, colours)[..., ::-1],
        width=_BANK_SHAPE[1] + 2,
        height=_BANK_SHAPE[0] // 2,
    )


def _timeline(live: Live, scenario: Scenario, duration_s: float, width: int) -> Table:
    table = Table.grid(padding=(0, 1))
    now = int(min(live.seconds / duration_s, 1.0) * width)
    at_s = (np.arange(width) + 0.5) / width * duration_s
    for sensor in PROFILE.sensors:
        row = Text()
        for cell, t_s in enumerate(at_s):
            dead = (
                scenario.schedule.active(sensor, t_s) is not None or sensor not in scenario.sensors
            )
            row.append(
                '·' if dead else '━',
                ('red' if dead else 'white') if cell <= now else 'bright_black',
            )
        lives = live.alive(SENSOR_TOPICS[sensor], forget_s=1.25 if sensor == 'gas' else 0.25)
        table.add_row(Text(f'{sensor:7}', style='bold' if lives else 'bold red'), row)
    row = Text()
    for t_s in at_s[: now + 1]:
        modes = [mode for start_s, mode, _ in live.history if start_s <= t_s]
        row.append('█', MODE_COLOURS.get(modes[-1] if modes else '', '#c9ced6'))
    table.add_row(Text('mode   ', style='bold'), row)
    return table


def _footer(live: Live) -> Text:
    if not live.latencies_ms:
        return Text(' waiting for the first answer', style='dim')
    p50, p99 = np.percentile(live.latencies_ms, [50, 99])
    return Text(
        f' {live.answered} frames answered · {p50:.1f} ms from picture to decision '
        f'(99 % within {p99:.1f} ms) · Ctrl-C stops and writes the report',
        style='dim',
        no_wrap=True,
        overflow='ellipsis',
    )


def _on_screen(action: str) -> str:
    """Return a colour that can be read on a dark and on a light ground."""
    return 'bright_black' if action in (HOLD, '') else action_colour(action, PROFILE.actions)


@lru_cache(maxsize=1 << 16)
def _pair(*rgb: int) -> Style:
    return Style(color=Color.from_rgb(*rgb[:3]), bgcolor=Color.from_rgb(*rgb[3:]))
