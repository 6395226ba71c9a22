# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a run is shown: a living terminal, or lines of text where there is none."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live as RichLive

from crossmodal_kd_ros.demo.live import Live
from crossmodal_kd_ros.demo.summary import Scenario
from crossmodal_kd_ros.profile import HOLD
from crossmodal_kd_ros.reports.style import words

# Drawing costs 30 ms of the observer's time.
_REFRESH_S = 0.25
_LINE_S = 5.0


class Screen(Protocol):
    """Where a run is shown."""

    def say(self, sentence: str) -> None:
        """Show what is waited for before the first frame."""

    def show(self, live: Live, run: Any) -> None:
        """Show the state of a run, as it is watched and as it is planned or told of.

        A call before it is time does nothing.
        """

    def close(self) -> None:
        """Leave the terminal as it was."""


class TerminalScreen:
    """Draws the whole state four times a second."""

    def __init__(self, console: Console, draw: Callable[..., RenderableType]) -> None:
        """Start without a drawing; `draw(live, run, width=..., height=...)` makes one."""
        self._console, self._draw = console, draw
        self._drawn_s = 0.0
        self._rich: RichLive | None = None

    def say(self, sentence: str) -> None:
        """Print the sentence."""
        self._console.out(f'{sentence} ...', style='dim', highlight=False)

    def show(self, live: Live, run: Any) -> None:
        """Draw the state, if it is time."""
        if time.monotonic() - self._drawn_s < _REFRESH_S:
            return
        self._drawn_s = time.monotonic()
        size = self._console.size
        drawing = self._draw(live, run, width=size.width, height=size.height)
        if self._rich is None:
            self._rich = RichLive(drawing, console=self._console, screen=True, auto_refresh=False)
            self._rich.start()
        self._rich.update(drawing, refresh=True)

    def close(self) -> None:
        """Give the terminal back."""
        if self._rich is not None:
            self._rich.stop()
            self._rich = None


class Lines:
    """Prints lines; which ones, its subclasses say."""

    def __init__(self, console: Console) -> None:
        """Start without a line."""
        self._console = console
        self._printed = 0

    def say(self, sentence: str) -> None:
        """Print the sentence."""
        self._print(f'{sentence} ...')

    def close(self) -> None:
        """Nothing to give back."""

    def _print(self, text: str) -> None:
        self._console.out(text, highlight=False)


class LineScreen(Lines):
    """Prints one line for each change of mode, and one every 5 s."""

    def __init__(self, console: Console) -> None:
        """Start without a line."""
        super().__init__(console)
        self._line_s = 0.0

    def show(self, live: Live, scenario: Scenario) -> None:
        """Print what is new."""
        for start_s, mode, reason in live.history[self._printed :]:
            self._print(f'{start_s:5.1f} s  {mode}: {reason}')
        self._printed = len(live.history)
        if live.seconds - self._line_s >= _LINE_S:
            self._line_s = live.seconds
            expert = f' (expert: {words(live.expert["action"])})' if live.expert else ''
            sure = (
                ''
                if live.probabilities is None or live.action == HOLD
                else f', {live.probabilities.max():.0%} sure'
            )
            self._print(
                f'{live.seconds:5.1f} s  {live.mode}: {words(live.action)}{sure}{expert}, '
                f'{live.answered} frames answered'
            )
