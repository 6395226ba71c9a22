# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A facade of living panels: it goes on in time, and answers to what is done to it.

Time is cut at every full hour, at every act and at every trouble. From one cut to the next the
state moves by closed forms (`ageing`), with the weather, and what the state at the cut makes of
it, held. What is seen in between is worked out from the last cut. So the steps in which time is
let go by make no difference, to the last bit.
"""

import heapq
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from crossmodal_kd_ros.simulation.ageing import (
    YEAR_H,
    State,
    cracked,
    debonded,
    draw_troubles,
    evolve,
    health,
    mended,
    sealed,
    strike,
)
from crossmodal_kd_ros.simulation.constants import COMMON, MATERIALS, Material
from crossmodal_kd_ros.simulation.contact import (
    MOST_TILT_DEG,
    TOOL_KPA,
    Contact,
    bonding_kpa,
    crush_kpa,
    left_growth,
    peak_kpa,
    right_contact,
    sealing_kpa,
    tilt_deg,
)
from crossmodal_kd_ros.simulation.expert import TrueState, decide
from crossmodal_kd_ros.simulation.gas import co2_uptake
from crossmodal_kd_ros.simulation.panel import PANEL_MM, Panel, draw_panels
from crossmodal_kd_ros.simulation.scene import PanelScene
from crossmodal_kd_ros.simulation.weather import DAY_H, Weather, is_day

_TOOL, _LIMITS, _CODES = COMMON.contact, COMMON.expert, COMMON.codes
MIDDLE_MM = (PANEL_MM[0] / 2, PANEL_MM[1] / 2)
_SEED_SPACE = 80
# Whole microseconds: sums of steps are exact.
_US_PER_H = 3_600_000_000
# Panels of which the first that fits is taken.
_CANDIDATES = 400


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an act.

    Attributes:
        kind: `sealed`, `bonded`, `removed`, `watered`: it is mended. `failed`: it looks mended,
            and comes off within hours. `partly_removed`. `crushed`: nothing is mended and living
            cells are lost. `called`: a person will come. `pointless`: there was nothing to mend.
        words: why.
        was_needed: whether the expert, who knows the place, wanted just this action.
        right: the right contact; `None` of an action that does not touch the wall.
    """

    kind: str
    words: str
    was_needed: bool
    right: Contact | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        hours: since the facade began.
        panel: its index.
        kind: that of an `Outcome`, or `crack`, `debonded`, `mould`, `sick` (troubles), `came_off`
            (a failed repair), `healed` (a crack, by itself), `person` (mended everything).
        words: more of it.
    """

    hours: float
    panel: int
    kind: str
    words: str


@dataclass(order=True)
class _Due:
    """What will happen to a panel at a time."""

    at_us: int
    number: int
    kind: str = field(compare=False)
    words: str = field(compare=False)
    change: Callable[[State], State] = field(compare=False)


class LivingPanel:
    """A panel in time; `Facade` lets it go by.

    Attributes:
        index: in the facade. `place`: its row and column there.
        events: what happened to it, in order of time.
    """

    def __init__(
        self,
        panel: Panel,
        index: int,
        place: tuple[int, int],
        weather: Weather,
        seed: int,
        start_us: int,
    ) -> None:
        """Take a panel as it is when the facade begins.

        Args:
            panel: how it is, and how its looks stray from that for ever.
            index, place: see above.
            weather: on it.
            seed: of what goes wrong on the facade.
            start_us: microseconds from midnight to then.
        """
        self.index, self.place = index, place
        self.events: list[Event] = []
        self._weather, self._seed, self._start_us = weather, seed, start_us
        self._state, self._light = State(panel=panel), weather.light(index)
        # Microseconds since the facade began.
        self._cut_us = self._now_us = 0
        self._seen: Panel | None = None
        self._due: list[_Due] = []
        self._count = self._years = 0

    @property
    def panel(self) -> Panel:
        """The panel as it is now."""
        if self._seen is None:
            self._seen = self._at(self._now_us).panel
        return self._seen

    @property
    def health(self) -> float:
        """Its health now, 0 to 1."""
        return health(self.panel)

    @property
    def uptake(self) -> float:
        """The CO2 that it takes out of the air now, umol m-2 s-1; negative: it breathes out."""
        return co2_uptake(self.panel, self.panel.growth_cover)

    def move(self, to_us: int) -> None:
        """Let time go by until `to_us` microseconds after the facade began."""
        while self._years * YEAR_H * _US_PER_H <= to_us:
            for trouble in draw_troubles(self._seed, self.index, self._years):
                change = partial(strike, trouble=trouble)
                self._will(trouble.hours, trouble.kind, trouble.words, change)
            self._years += 1
        while True:
            hour = (self._start_us + self._cut_us) // _US_PER_H
            full_hour_us = (hour + 1) * _US_PER_H - self._start_us
            due_us = self._due[0].at_us if self._due else full_hour_us
            cut_us = min(full_hour_us, due_us)
            if cut_us > to_us:
                break
            self._cut(cut_us)
            while self._due and self._due[0].at_us == cut_us:
                due = heapq.heappop(self._due)
                self._state = due.change(self._state)
                self._happened(due.kind, due.words)
        self._now_us, self._seen = to_us, None

    def act(self, action: str, contact: Contact | None, place_mm: tuple[float, float]) -> Outcome:
        """Do `action` at a place, now; see `Facade.act`."""
        acts = {
            'continue_inspection': self._look,
            'seal_crack': self._seal,
            'apply_bio_adhesive': self._glue,
            'remove_growth': self._brush,
            'hydrate': self._water,
            'request_human': self._call,
        }
        if action not in acts:
            raise ValueError(f'expected one of {", ".join(acts)}, got {action!r}')
        right = None
        if action in TOOL_KPA:
            right = right_contact(self.panel, action)
            if contact is None:
                raise ValueError(f'{action} touches the wall: expected a contact, got none')
        self._cut(self._now_us)
        there = PanelScene(self._state.panel).true_state(place_mm)
        was_needed = decide(there)[0] == action
        if right is not None and self._is_crushed(contact, place_mm):
            kind, words = (
                'crushed',
                (
                    f'{peak_kpa(contact):.1f} kPa under the edge of the tool; '
                    f'{crush_kpa(self._material):.1f} kPa crush {there.material}'
                ),
            )
        else:
            kind, words = acts[action](there, contact)
        self._seen = None
        self._happened(kind, words)
        return Outcome(kind=kind, words=words, was_needed=was_needed, right=right)

    @property
    def _material(self) -> Material:
        return MATERIALS[self._state.panel.material_name]

    def _at(self, at_us: int) -> State:
        """Return the state at a time between the last cut and the next."""
        hour = (self._start_us + self._cut_us) // _US_PER_H
        sky = self._weather.sky(hour, self._state.panel.exposure, self._light)
        return evolve(self._state, (at_us - self._cut_us) / _US_PER_H, sky)

    def _cut(self, at_us: int) -> None:
        """Take the state as it is at a time for what follows."""
        before = self._state.panel
        self._state, self._cut_us, self._seen = self._at(at_us), at_us, None
        if before.crack_width_mm > 0.0 and self._state.panel.crack_width_mm == 0.0:
            lime = (before.crack_seed, self._material.healing_limit_mm)
            self._change(seals=(*before.seals, lime))
            self._happened('healed', 'a crack has closed by itself')

    def _change(self, **values: object) -> None:
        self._state = replace(self._state, panel=replace(self._state.panel, **values))

    def _happened(self, kind: str, words: str) -> None:
        hours = self._cut_us / _US_PER_H
        self.events.append(Event(hours=hours, panel=self.index, kind=kind, words=words))

    def _will(self, at_h: float, kind: str, words: str, change: Callable[[State], State]) -> None:
        at_us = round(at_h * _US_PER_H)
        heapq.heappush(self._due, _Due(at_us, self._count, kind, words, change))
        self._count += 1

    def _is_crushed(self, contact: Contact, place_mm: tuple[float, float]) -> bool:
        panel = self._state.panel
        if peak_kpa(contact) <= crush_kpa(self._material):
            return False
        self._change(
            dents=(*panel.dents, place_mm), vitality=(1.0 - _TOOL.crushed_share) * panel.vitality
        )
        return True

    def _look(self, there: TrueState, contact: Contact | None) -> tuple[str, str]:
        return 'pointless', 'looked at'

    def _seal(self, there: TrueState, contact: Contact) -> tuple[str, str]:
        panel = self._state.panel
        if there.crack_width_mm <= 0.0:
            return 'pointless', 'there is no crack here'
        flaws = [] if self._material.is_mineral else ['a stiff seal tears out of a soft wall']
        return self._mend(
            'sealed',
            contact,
            flaws,
            sealing_kpa(panel),
            sealed(panel),
            lambda now: cracked(now, panel),
        )

    def _glue(self, there: TrueState, contact: Contact) -> tuple[str, str]:
        panel = self._state.panel
        is_torn = there.crack_width_mm > 0.0 and not self._material.is_mineral
        is_loose = there.debonded > 0.0
        if not is_torn and not is_loose:
            return 'pointless', 'there is nothing to glue here'

        def reopened(now: Panel) -> Panel:
            now = cracked(now, panel) if is_torn else now
            return debonded(now, panel) if is_loose else now

        whole = sealed(panel) if is_torn else panel
        whole = replace(whole, delamination=0.0) if is_loose else whole
        needed_kpa = bonding_kpa(panel, panel.delamination if is_loose else 0.0)
        return self._mend('bonded', contact, [], needed_kpa, whole, reopened)

    def _mend(
        self,
        kind: str,
        contact: Contact,
        flaws: list[str],
        needed_kpa: float,
        whole: Panel,
        reopened: Callable[[Panel], Panel],
    ) -> tuple[str, str]:
        """Make the panel `whole`: for good, or until it comes off again.

        Args:
            kind: what it is called if it holds.
            contact: of the tool.
            flaws: why it does not hold, so far.
            needed_kpa: the least pressure.
            whole: the panel mended.
            reopened: what of the mended panel is open again when it has come off.
        """
        panel = self._state.panel
        if whole.crack_width_mm < panel.crack_width_mm and (
            panel.crack_width_mm >= _CODES.wide_crack_mm
        ):
            flaws.append(f'nothing bridges {panel.crack_width_mm:.1f} mm')
        if contact.pressure_kpa < needed_kpa:
            flaws.append(f'{contact.pressure_kpa:.1f} kPa; it takes {needed_kpa:.1f} kPa')
        if tilt_deg(contact) > MOST_TILT_DEG:
            flaws.append(
                f'an edge of the tool lifts: {tilt_deg(contact):.0f} degrees askew, over '
                f'{MOST_TILT_DEG:.0f}'
            )
        self._state = replace(self._state, panel=whole)
        if not flaws:
            return kind, f'{contact.pressure_kpa:.1f} kPa; it takes {needed_kpa:.1f} kPa'
        rng = np.random.default_rng((_SEED_SPACE, self._seed, 1, self.index, self._cut_us))
        self._will(
            self._cut_us / _US_PER_H + rng.uniform(*_TOOL.came_off_hours),
            'came_off',
            flaws[0],
            lambda state: replace(state, panel=reopened(state.panel)),
        )
        return 'failed', '; '.join(flaws)

    def _brush(self, there: TrueState, contact: Contact) -> tuple[str, str]:
        if not there.growth_alive or there.growth_cover <= 0.0:
            return 'pointless', 'there is no living growth here'
        left = left_growth(contact)
        self._change(growth_cover=left * self._state.panel.growth_cover)
        kind = 'removed' if left <= _TOOL.well_removed else 'partly_removed'
        return kind, f'{left:.0%} of it is left'

    def _water(self, there: TrueState, contact: Contact | None) -> tuple[str, str]:
        panel, film = self._state.panel, self._state.film
        added = min(_TOOL.water_share, max(1.0 - panel.moisture - film, 0.0))
        self._state = replace(self._state, film=film + added)
        heals = (
            _LIMITS.fine_crack_mm <= there.crack_width_mm <= self._material.healing_limit_mm
            and there.moisture < _LIMITS.healing_moisture
        )
        is_dry = there.moisture <= _LIMITS.dry_limit
        return 'watered' if is_dry or heals else 'pointless', f'moisture {there.moisture:.0%}'

    def _call(self, there: TrueState, contact: Contact | None) -> tuple[str, str]:
        if any(due.kind == 'person' for due in self._due):
            return 'pointless', 'a person is on the way'
        hours = self._cut_us / _US_PER_H + _TOOL.person_hours
        self._will(hours, 'person', 'everything is mended', self._visited)
        return 'called', f'a person comes in {_TOOL.person_hours:.0f} h'

    def _visited(self, state: State) -> State:
        """Return the panel after a person was there: what was glued badly is glued well."""
        self._due = [due for due in self._due if due.kind != 'came_off']
        heapq.heapify(self._due)
        return State(panel=mended(state.panel, vitality=_TOOL.person_vitality))


class Facade:
    """Panels in rows under one weather. The same seed and acts, the same history."""

    def __init__(
        self, panels: Sequence[Panel], *, seed: int, columns: int = 6, start_hour: float = 8.0
    ) -> None:
        """Begin with the panels as they are.

        Args:
            panels: row by row.
            seed: of the weather and of what goes wrong.
            columns: panels in a row.
            start_hour: of the first day, 0 to 24.
        """
        self._start_us, self._now_us = round(start_hour * _US_PER_H), 0
        weather = Weather(seed)
        self.panels = [
            LivingPanel(panel, index, divmod(index, columns), weather, seed, self._start_us)
            for index, panel in enumerate(panels)
        ]

    @property
    def hours(self) -> float:
        """Hours since it began."""
        return self._now_us / _US_PER_H

    @property
    def hour_of_day(self) -> float:
        """Hour of the day, 0 to 24."""
        return (self._start_us + self._now_us) / _US_PER_H % DAY_H

    @property
    def is_day(self) -> bool:
        """Whether it is light."""
        return is_day(self.hour_of_day)

    @property
    def events(self) -> list[Event]:
        """What happened, in order of time."""
        events = [event for panel in self.panels for event in panel.events]
        return sorted(events, key=lambda event: (event.hours, event.panel))

    @property
    def crushed(self) -> int:
        """How often tissue was crushed."""
        return sum(event.kind == 'crushed' for event in self.events)

    def advance(self, hours: float) -> None:
        """Let time go by.

        Raises:
            ValueError: it would go back.
        """
        if hours < 0.0:
            raise ValueError(f'expected hours of at least 0, got {hours}')
        self._now_us += round(hours * _US_PER_H)
        for panel in self.panels:
            panel.move(self._now_us)

    def act(
        self,
        index: int,
        action: str,
        contact: Contact | None = None,
        place_mm: tuple[float, float] = MIDDLE_MM,
    ) -> Outcome:
        """Do something at a place of a panel, now. It takes no time.

        The tool follows a trouble that it meets at the place over the whole panel.

        Args:
            index: of the panel.
            action: one of the profile's.
            contact: of the tool, in actions that touch the wall.
            place_mm: where the robot's tip is on the panel.

        Raises:
            ValueError: the action is not known, or lacks its contact.
        """
        return self.panels[index].act(action, contact, place_mm)

    def health(self) -> np.ndarray:
        """Return the health of each panel, `float64[N]`, 0 to 1."""
        return np.array([panel.health for panel in self.panels])

    def uptake(self) -> np.ndarray:
        """Return the CO2 that each panel takes up, `float64[N]`, umol m-2 s-1."""
        return np.array([panel.uptake for panel in self.panels])


def draw_facade(
    materials: Sequence[str], *, seed: int, exposure: str = 'XC4', troubled: Container[int] = ()
) -> list[Panel]:
    """Draw the panels of a facade as they are when it begins.

    Args:
        materials: one of `MATERIALS` for each panel.
        seed: of everything.
        exposure: of all.
        troubled: the panels at whose middle something is to be done; all others are sound, moist
            and thrive.
    """
    return [
        _draw_panel(material, (_SEED_SPACE, seed, 0, index), exposure, index in troubled)
        for index, material in enumerate(materials)
    ]


def _draw_panel(material: str, seed: tuple[int, ...], exposure: str, is_troubled: bool) -> Panel:
    draws = (
        replace(panel, exposure=exposure)
        for panel in draw_panels(_CANDIDATES, seed=seed)
        if panel.material_name == material
    )
    if not is_troubled:
        sound = replace(next(draws), crack_width_mm=0.0, crack_depth_mm=0.0)
        return mended(sound, vitality=1.0)
    return next(
        panel
        for panel in draws
        if decide(PanelScene(panel).true_state(MIDDLE_MM))[0] != 'continue_inspection'
    )
