# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is played: the scenarios as a table, the facade of each, and what fails when."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.scenario.needs import needs_of
from crossmodal_kd_ros.simulation import Fault, FaultSchedule, Panel, draw_panels
from crossmodal_kd_ros.simulation.constants import COMMON
from crossmodal_kd_ros.simulation.expert import TrueState
from crossmodal_kd_ros.simulation.living import Facade, draw_facade
from crossmodal_kd_ros.simulation.panel import PROFILE
from crossmodal_kd_ros.simulation.scene import PanelScene

# Places where a panel can be looked at, with the whole picture on it; the middle first.
_PLACES_MM = sorted(
    ((x, y) for x in (44.0, 62.0, 80.0, 98.0, 116.0) for y in (33.0, 48.0, 63.0)),
    key=lambda place: (place[0] - 80.0) ** 2 + (place[1] - 48.0) ** 2,
)
EXPOSURE = 'XC4'
COLUMNS = 6
# Of the first day.
START_HOUR = 8.0
# Seeds that nothing else uses: training, validation and tests have others.
_SEED_SPACE = 172
_DRAWS, _MAX_DRAWS = 64, 100
_DAY_HOURS = 24.0
CALENDAR_HOURS = 168.0
# Actions that touch the wall, and so need a contact.
REPAIRS = ('seal_crack', 'apply_bio_adhesive', 'remove_growth')
# Of these the ones whose paste or glue has to set: only then it shows whether they hold.
PASTED = ('seal_crack', 'apply_bio_adhesive')
SET_HOURS = 12.0

# Who looks after the facade instead of the robot with its sick senses.
CONTROLS = {
    'teacher': 'every sense healthy: the teacher decides',
    'alone': 'a camera and a network that was trained without a teacher',
    'calendar': 'every week everything is done everywhere, needed or not',
    'nobody': 'nobody does anything',
}
ROBOT = 'robot'
# These need no robot.
UNMANNED = ('calendar', 'nobody')


@dataclass(frozen=True)
class Stop:
    """A part of the robot's way.

    Attributes:
        visit: number of the visit, from 1; a second look at a repair has that of the first.
        panel: which.
        hours: from when on.
        place_mm: where on it; `None`: where most is to be seen.
    """

    visit: int
    panel: int
    hours: float
    place_mm: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One of the stories.

    Attributes:
        name: as the command has it. title, story: as the page has them.
        panels: draws the facade from a seed.
        materials: what the robot is told that the facade is made of; empty: nothing.
        senses: those that are published at all, beside the camera.
        faults: draws what fails when, seconds.
        round_hours: when each round over all panels begins.
        hours_per_s: hours that the facade lives while the robot works for a second.
        hours: after so many it ends.
        controls: those that make sense.
    """

    name: str
    title: str
    story: str
    panels: Callable[[int], list[Panel]]
    senses: tuple[str, ...]
    faults: Callable[[np.random.Generator], tuple[Fault, ...]]
    round_hours: tuple[float, ...] = (0.0,)
    materials: tuple[str, ...] = ()
    hours_per_s: float = 1.0 / 60.0
    hours: float = 2 * _DAY_HOURS
    controls: tuple[str, ...] = ('teacher', 'alone', 'nobody')


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A scenario, a seed, and who looks after the facade: `ROBOT`, or one of `CONTROLS`."""

    scenario: Scenario
    seed: int
    control: str = ROBOT

    @cached_property
    def panels(self) -> list[Panel]:
        """The facade as it is in the beginning."""
        return self.scenario.panels(self.seed)

    def facade(self) -> Facade:
        """Return the facade, new."""
        return Facade(self.panels, seed=self.seed, columns=COLUMNS, start_hour=START_HOUR)

    def route(self) -> list[Stop]:
        """Return the panels in the order in which the robot comes to them."""
        stops = itertools.product(self.scenario.round_hours, range(len(self.panels)))
        return [
            Stop(visit=number, panel=panel, hours=hours)
            for number, (hours, panel) in enumerate(stops, 1)
        ]

    @property
    def sensors(self) -> tuple[str, ...]:
        """Those that are published."""
        senses = {'teacher': tuple(PROFILE.senses), 'alone': ()}
        return (CAMERA, *senses.get(self.control, self.scenario.senses))

    @cached_property
    def schedule(self) -> FaultSchedule:
        """What fails when; with the teacher nothing does."""
        if self.control == 'teacher':
            return FaultSchedule()
        faults = self.scenario.faults(np.random.default_rng((_SEED_SPACE, self.seed)))
        return FaultSchedule(tuple(each for each in faults if each.sensor in self.sensors))

    @property
    def service_hours(self) -> list[float]:
        """When a calendar does everything everywhere."""
        end = self.scenario.hours if self.control == 'calendar' else 0.0
        return np.arange(0.0, end, CALENDAR_HOURS).tolist()

    def data(self) -> dict[str, Any]:
        """Return it as plain data, for the first event."""
        return {
            'scenario': self.scenario.name,
            'seed': self.seed,
            'control': self.control,
            'columns': COLUMNS,
            'materials': [panel.material_name for panel in self.panels],
            'sensors': list(self.sensors),
            'faults': [vars(fault) for fault in self.schedule.faults],
        }


def striking_place(panel: Panel) -> tuple[float, float]:
    """Return where on a panel most is to be seen, mm: there the robot sets its tip.

    A scan of the whole panel is no part of a scenario. It goes by the looks, so that it finds what
    shows and nothing else.
    """
    looks = PanelScene(panel.as_it_looks())

    def seen(place_mm: tuple[float, float]) -> float:
        state = looks.true_state(place_mm)
        return state.crack_width_mm + state.debonded + state.growth_cover

    return max(_PLACES_MM, key=seen)


def _inspected(seed: int) -> list[Panel]:
    """Draw bio-concrete: cracks of all widths, growth, and stains that look like it."""
    limit_mm = COMMON.codes.crack_limit_xc4_mm

    def stain(state: TrueState, needs: set[str]) -> bool:
        return not needs and not state.crack_width_mm and state.growth_cover > 0.3

    def fine(state: TrueState, needs: set[str]) -> bool:
        return 0.0 < state.crack_width_mm <= limit_mm and needs <= {'hydrate'}

    kinds = [
        (8, lambda state, needs: needs == {'seal_crack'}),
        (2, lambda state, needs: needs == {'request_human'} and state.crack_width_mm > limit_mm),
        (4, fine),
        (3, lambda state, needs: needs == {'remove_growth'} and not state.crack_width_mm),
        (3, stain),
    ]
    return _drawn('bio_concrete', kinds, seed)


def _repaired(seed: int) -> list[Panel]:
    """Draw mycelium: tears, mats that have come off, and some that are sound."""

    def torn(state: TrueState, needs: set[str]) -> bool:
        return needs == {'apply_bio_adhesive'} and not state.debonded

    def loose(state: TrueState, needs: set[str]) -> bool:
        return needs == {'apply_bio_adhesive'} and not state.crack_width_mm

    kinds = [(7, torn), (3, loose), (2, lambda state, needs: not needs)]
    return _drawn('mycelium_composite', kinds, seed)


def _mixed(seed: int) -> list[Panel]:
    """Draw two panels of each material; three begin with a trouble."""
    rng = np.random.default_rng((_SEED_SPACE, seed, 1))
    names = rng.permutation(
        2 * ['bio_concrete', 'mycelium_composite', 'algae_panel', 'bacterial_coating']
    ).tolist()
    troubled = set(rng.choice(len(names), 3, replace=False).tolist())
    return draw_facade(names, seed=seed, exposure=EXPOSURE, troubled=troubled)


def _drawn(
    material: str, kinds: Sequence[tuple[int, Callable[[TrueState, set[str]], bool]]], seed: int
) -> list[Panel]:
    """Draw panels until there are so many of each kind, and shuffle them.

    A kind is a condition on the state at the most striking place, and on what is needed there.
    """
    wanted = [condition for count, condition in kinds for _ in range(count)]
    order = np.random.default_rng((_SEED_SPACE, seed, 2)).permutation(len(wanted)).tolist()
    wanted = [wanted[index] for index in order]
    found: dict[int, Panel] = {}
    for draw in range(_MAX_DRAWS):
        for panel in draw_panels(_DRAWS, seed=(_SEED_SPACE, seed, 3, draw)):
            if panel.material_name != material:
                continue
            panel = replace(panel, exposure=EXPOSURE)
            state = PanelScene(panel).true_state(striking_place(panel))
            needs = set(needs_of(state))
            open_places = (place for place in range(len(wanted)) if place not in found)
            place = next((one for one in open_places if wanted[one](state, needs)), None)
            if place is not None:
                found[place] = panel
        if len(found) == len(wanted):
            return [found[place] for place in range(len(wanted))]
    raise RuntimeError(f'seed {seed}: {_MAX_DRAWS} draws without every kind of {material}')


def _none(rng: np.random.Generator) -> tuple[Fault, ...]:
    return ()


def _wet(rng: np.random.Generator) -> tuple[Fault, ...]:
    """Return that moisture creeps into the pad and ends it, about half way."""
    start_s = rng.uniform(20.0, 26.0)
    end_s = start_s + rng.uniform(3.0, 8.0)
    return Fault('touch', start_s, end_s, 'wet'), Fault('touch', end_s, 1e6)


def _come_and_go(rng: np.random.Generator) -> tuple[Fault, ...]:
    """Return faults at Poisson times: the pad and the hood for long, the camera for seconds."""
    rows = {
        'touch': (30.0, 25.0, ('silent', 'wet', 'stuck', 'saturated', 'nan')),
        'gas': (40.0, 25.0, ('silent', 'stuck', 'saturated', 'nan')),
        CAMERA: (60.0, 4.0, ('silent', 'covered')),
    }
    faults = []
    for sensor, (healthy_s, broken_s, kinds) in rows.items():
        end_s = 0.0
        while end_s < 600.0:
            start_s = end_s + rng.exponential(healthy_s) + 1.0
            end_s = start_s + broken_s * rng.uniform(0.5, 1.5)
            faults.append(Fault(sensor, start_s, end_s, str(rng.choice(kinds))))
    return tuple(faults)


SCENARIOS = {
    one.name: one
    for one in (
        Scenario(
            name='inspection',
            title='Inspection of bio-concrete by camera alone',
            story='A robot whose touch and gas module never worked looks over a facade of '
            'bio-concrete: cracks from finer than one row of pixels on, living growth beside '
            'stains that look like it. A crack over the width limit of EN 1992-1-1 is to be '
            'found, and nothing is to be repaired that is sound.',
            panels=_inspected,
            materials=('bio_concrete',),
            senses=(),
            faults=_none,
        ),
        Scenario(
            name='repair',
            title='Repair of mycelium whose touch dies of moisture',
            story='Torn and loose mycelium is glued. Half way through, moisture gets into the '
            'touch array: it reads nonsense, then nothing. How hard and from where the tip '
            'presses then follows from what the student sees.',
            panels=_repaired,
            materials=('mycelium_composite',),
            senses=tuple(PROFILE.senses),
            faults=_wet,
        ),
        Scenario(
            name='month',
            title='A month with a mixed facade',
            story='Four living materials, eight panels, thirty days: cracks open, mould lands, '
            'layers come off, cultures sicken, all dries. The robot comes every six days, and '
            'its senses fail and recover at random.',
            panels=_mixed,
            senses=tuple(PROFILE.senses),
            faults=_come_and_go,
            # Each round six hours later in the day.
            round_hours=tuple(150.0 * number for number in range(5)),
            hours=30 * _DAY_HOURS,
            controls=('teacher', 'alone', 'calendar', 'nobody'),
        ),
    )
}
