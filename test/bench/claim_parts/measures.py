# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures with their intervals over panels, and a claim with what it came to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

HOLDS, IN_PART, FAILS = 'holds', 'holds in part', 'does not hold'
UNTESTABLE = 'not testable here'
OUTCOMES = (HOLDS, IN_PART, FAILS, UNTESTABLE)

_RESAMPLES = 1000
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Figure:
    """A figure, and its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> 'Figure':
        """Return a figure that was written as `mean` and `interval`."""
        return cls(record['mean'], *record['interval'])

    def shown(self, factor: float = 1.0, digits: int = 2) -> str:
        """Return it as `mean [low, high]`, times a factor."""
        mean, low, high = (f'{factor * x:.{digits}f}' for x in (self.mean, self.low, self.high))
        return f'{mean} [{low}, {high}]'

    @property
    def percent(self) -> str:
        """The figure in per cent."""
        return f'{self.shown(100.0, 1)} %'

    @property
    def points(self) -> str:
        """The figure in points of a hundred."""
        return f'{self.shown(100.0, 1)} points'


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under a head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of the article, and what became of it.

    Attributes:
        name: a few words.
        section: of the article.
        claim: what it says, in other words.
        data: whose readings the figures are of.
        test, control, rule: what was measured, beside what, and what decides the outcome.
        outcome: one of `OUTCOMES`.
        figure: the one figure of the table.
        found: what it comes to, a paragraph.
        tables: all else.
        figures: every figure by a name, with its interval.
    """

    name: str
    section: str
    claim: str
    data: str
    test: str = ''
    control: str = ''
    rule: str = ''
    outcome: str
    figure: str
    found: str
    tables: Sequence[Table] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an outcome that nobody knows."""
        if self.outcome not in OUTCOMES:
            raise ValueError(f'expected an outcome out of {OUTCOMES}, got {self.outcome!r}')

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def estimate(statistic: Callable[[np.ndarray], np.ndarray], panels: int) -> Figure:
    """Return a statistic with its interval by a bootstrap over panels.

    Args:
        statistic: of how often each panel counts, `float[R, panels]`, to `float[R]`.
        panels: how many.
    """
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(panels, np.full(panels, 1.0 / panels), size=_RESAMPLES)
    with np.errstate(invalid='ignore'):  # a draw without a panel that has a value says nothing
        drawn = statistic(drawn.astype(float))
    low, high = np.nanpercentile(drawn, _LEVEL)
    return Figure(float(statistic(np.ones((1, panels)))[0]), float(low), float(high))


def mean_of(values: np.ndarray) -> Figure:
    """Return the mean of one value a panel, `float[N]`; NaN: that panel has none."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    return estimate(lambda times: times @ filled / (times @ known), len(values))


def skill(error: np.ndarray, control: np.ndarray) -> Figure:
    r"""Return $1 - \sum e^2 / \sum c^2$: 1 without an error, 0 where the control errs as much.

    Args:
        error: `float[N, K]`, of K values of each panel.
        control: likewise, of answers that it is held against.
    """
    own, other = (np.square(x, dtype=float).sum(1) for x in (error, control))
    return estimate(lambda times: 1.0 - times @ own / (times @ other), len(own))


def ranking(positive: np.ndarray, negative: np.ndarray) -> Figure:
    """Return how often the score of one panel with a trait is above that of one without.

    Half of the ties count; 0.5 is chance (area under the ROC curve).

    Args:
        positive: `float[N]`, the score of each panel as it has the trait; NaN: there is none.
        negative: `float[N]`, of the same panels as they do not have it; NaN: there is none.
    """
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    has, lacks = np.isfinite(positive), np.isfinite(negative)
    return estimate(
        lambda times: ((times @ wins) * times * lacks).sum(1) / ((times @ has) * (times @ lacks)),
        len(positive),
    )


def ranking_by(score: np.ndarray, trait: np.ndarray) -> Figure:
    """Return `ranking` of panels that either have a trait or not, `bool[N]`."""
    return ranking(np.where(trait, score, np.nan), np.where(trait, np.nan, score))


def concentration(attention: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return how much denser attention is on a mask than it would be if it were even.

    1: as much as its area; without a mask, or without attention, NaN.

    Args:
        attention: `float[N, cells]`, 0 or more.
        mask: `bool[M, cells]`.

    Returns:
        `float[N, M]`: of each attention on each mask.
    """
    with np.errstate(invalid='ignore', divide='ignore'):
        shares = attention @ mask.T.astype(float) / attention.sum(1, keepdims=True)
        return shares / mask.mean(1)


def own_and_others(attention: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `concentration` on a panel's own mask, and on the mean of all others, `float[N]`."""
    dense = concentration(attention, mask)
    own = np.diagonal(dense).copy()
    np.fill_diagonal(dense, np.nan)
    known = np.isfinite(dense)
    with np.errstate(invalid='ignore'):
        return own, np.where(known, dense, 0.0).sum(1) / known.sum(1)


def graded(passed: Sequence[bool]) -> str:
    """Return the outcome of a claim of several parts."""
    return HOLDS if all(passed) else IN_PART if any(passed) else FAILS


def untestable(name: str, section: str, claim: str, why: str) -> Claim:
    """Return a claim that nothing was measured of, and why."""
    return Claim(
        name=name,
        section=section,
        claim=claim,
        data='–',
        outcome=UNTESTABLE,
        figure='–',
        found=why,
    )
