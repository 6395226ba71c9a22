# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The figures of a scenario: pure functions of its events."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmodal_kd_ros.scenario.robot import Event
from crossmodal_kd_ros.scenario.setting import REPAIRS
from crossmodal_kd_ros.simulation.living import Contact, tilt_deg
from crossmodal_kd_ros.simulation.panel import PROFILE

# What became of a place, the worst first.
VERDICTS = (
    *('crushed', 'wrongly treated', 'missed', 'will not hold', 'left to a person'),
    *('asked in vain', 'found', 'sound'),
)
_PERSON = 'request_human'
# What a request can say is wrong with a place, or may be.
_ACTIONS = frozenset(PROFILE.actions)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One place that the robot came to, and what it did there.

    Attributes:
        arrival: the event.
        acts: the events, in order, those of a second look too.
        requests: the texts, in order.
    """

    arrival: Event
    acts: tuple[Event, ...]
    requests: tuple[str, ...]

    @property
    def needs(self) -> set[str]:
        """Everything that was to be done here."""
        return set(self.arrival['needs'])

    @property
    def decided(self) -> set[str]:
        """What was done here, or what a person was asked for because of."""
        return {act['action'] for act in self.acts} | self._told

    @property
    def missed(self) -> set[str]:
        """What was needed, and neither done nor told to a person, who mends all there is."""
        if self._told & (self.needs | {_PERSON}):
            return set()
        return self.needs - self.decided

    @property
    def wrong(self) -> list[Event]:
        """The repairs that were not needed when they were done."""
        return [act for act in self.acts if _is_false(act)]

    @property
    def _told(self) -> set[str]:
        return {word for text in self.requests for word in re.findall(r'\w+', text)} & _ACTIONS

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        if any(act['outcome'] == 'crushed' for act in self.acts):
            return 'crushed'
        if self.wrong:
            return 'wrongly treated'
        if self.missed:
            return 'left to a person' if self.requests else 'missed'
        if self.acts and self.acts[-1]['outcome'] == 'failed' and not self.requests:
            return 'will not hold'
        if self.requests and not self.needs:
            return 'asked in vain'
        return 'found' if self.needs else 'sound'


def visits(events: Sequence[Event]) -> list[Visit]:
    """Return the places in the order in which the robot came to them."""

    def at(number: int, kind: str) -> tuple[Event, ...]:
        return tuple(one for one in events if one['kind'] == kind and one['visit'] == number)

    return [
        Visit(
            arrival=arrival,
            acts=at(arrival['visit'], 'act'),
            requests=tuple(ask['text'] for ask in at(arrival['visit'], 'ask')),
        )
        for arrival in events
        if arrival['kind'] == 'arrive'
    ]


def score(events: Sequence[Event]) -> dict[str, Any]:
    """Return the figures of a run; `None` where there is nothing to count."""
    places = visits(events)
    acts = [event for event in events if event['kind'] == 'act']
    repairs = [act for act in acts if act['action'] in REPAIRS]
    asks = [event for event in events if event['kind'] == 'ask']
    cracks = [one for one in places if _crack_needs(one)]
    found = [one for one in cracks if one.decided & _crack_needs(one)]
    facade = [event for event in events if event['kind'] == 'facade']
    health = np.array([event['health'] for event in facade]).mean(1)
    hours = np.array([event['hours'] for event in facade])
    verdicts = [one.verdict for one in places]
    return {
        'places': len(places),
        'verdicts': {name: verdicts.count(name) for name in VERDICTS},
        'cracks_over_limit': len(cracks),
        'cracks_found': len(found),
        'cracks_found_share': _share(len(found), len(cracks)),
        'cracks_left_to_a_person': sum(not _is_treated(one) for one in found),
        'cracks_left_undecided': sum(
            bool(one.requests) for one in cracks if not any(one is each for each in found)
        ),
        'repairs': len(repairs),
        'false_repairs': sum(map(_is_false, repairs)),
        'false_repairs_share': _share(sum(map(_is_false, repairs)), len(repairs)),
        'requests': len(asks),
        'requests_in_vain': verdicts.count('asked in vain'),
        'interventions': len(acts) + len(asks),
        'panels_serviced': len({(act['panel'], act['visit'] or act['hours']) for act in acts}),
        **contact_errors(events),
        'health_begin': round(float(health[0]), 4),
        'health_end': round(float(health[-1]), 4),
        'health_mean': round(float(_mean_over(hours, health)), 4),
        'modes': mode_shares(events),
        'duration_s': events[-1]['t_s'],
        'hours': events[-1]['hours'],
    }


def contact_errors(events: Sequence[Event]) -> dict[str, Any]:
    """Return how far contacts were from the right ones, and what came of it.

    All of them, and as `..._without_every_sense` those while the teacher did not decide.
    """
    acts = [event for event in events if event['kind'] == 'act' and event['contact']]
    lost = [act for act in acts if _mode_at(events, act['t_s']) not in ('TEACHER', '')]
    result = {}
    for ending, some in (('', acts), ('_without_every_sense', lost)):
        errors = [pressure_error(act) for act in some]
        angles = [tilt_deg(Contact(**act['contact'])) for act in some]
        result |= {
            f'contacts{ending}': len(some),
            f'pressure_error_median{ending}': _median(errors),
            f'angle_error_median_deg{ending}': _median(angles),
        }
    outcomes = [act['outcome'] for act in acts]
    return {
        **result,
        'crushed': outcomes.count('crushed'),
        'failed_bonds': outcomes.count('failed'),
    }


def pressure_error(act: Event) -> float:
    """Return by what part a pressure was off the right one, 0 if it was that."""
    right = act['right']['pressure_kpa']
    return abs(act['contact']['pressure_kpa'] - right) / right


def mode_shares(events: Sequence[Event]) -> dict[str, float]:
    """Return what part of the time each mode had."""
    lasted: dict[str, float] = {}
    for start_s, end_s, mode, _ in mode_spans(events):
        lasted[mode] = lasted.get(mode, 0.0) + end_s - start_s
    whole = sum(lasted.values())
    return {mode: round(time / whole, 4) for mode, time in lasted.items()} if whole else {}


def mode_spans(events: Sequence[Event]) -> Iterator[tuple[float, float, str, str]]:
    """Yield (start, end, mode, reason) of each mode in turn, seconds."""
    changes = [event for event in events if event['kind'] == 'mode']
    for index, change in enumerate(changes):
        end_s = changes[index + 1]['t_s'] if index + 1 < len(changes) else events[-1]['t_s']
        if end_s > change['t_s']:
            yield change['t_s'], end_s, change['mode'], change['reason']


def _mode_at(events: Sequence[Event], t_s: float) -> str:
    before = [one['mode'] for one in events if one['kind'] == 'mode' and one['t_s'] <= t_s]
    return before[-1] if before else ''


def _is_false(act: Event) -> bool:
    return act['action'] in REPAIRS and act['action'] not in act['needs']


def _crack_needs(visit: Visit) -> set[str]:
    """Return what the crack of a place needs, if it is over its width limit."""
    arrival = visit.arrival
    if arrival['crack_width_mm'] <= arrival['crack_limit_mm']:
        return set()
    return {
        action
        for action, reason in arrival['needs'].items()
        if reason.startswith(('crack', 'tear'))
    }


def _is_treated(visit: Visit) -> bool:
    """Return whether the robot did what a crack needs, and it held."""
    needs = _crack_needs(visit)
    return any(act['action'] in needs and act['outcome'] != 'failed' for act in visit.acts)


def _mean_over(hours: np.ndarray, values: np.ndarray) -> float:
    if hours[-1] <= hours[0]:
        return float(values.mean())
    steps = np.diff(hours)
    return float((steps * (values[1:] + values[:-1]) / 2).sum() / (hours[-1] - hours[0]))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _median(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return round(float(np.median(known)), 4) if known else None
