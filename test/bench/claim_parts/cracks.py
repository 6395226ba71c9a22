# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Cracks that an eye does not see: by their width, and where the picture shows nothing of them."""

import math
from dataclasses import replace

import numpy as np

from claim_parts.measures import (
    FAILS,
    HOLDS,
    IN_PART,
    Claim,
    Figure,
    Table,
    mean_of,
    ranking,
    ranking_by,
)
from claim_parts.views import (
    CRACK_ACTIONS,
    CRACK_WIDTH,
    PX_PER_MM,
    Networks,
    Views,
    cracked,
    look,
    panels_of,
    place_on_crack,
    sound,
    window,
)
from crossmodal_kd_ros.benchmark.hand_made import black_hat
from crossmodal_kd_ros.simulation import MATERIALS, PROFILE
from crossmodal_kd_ros.simulation.expert import CRACK_LIMITS_MM
from crossmodal_kd_ros.simulation.fields import crack_cover
from crossmodal_kd_ros.simulation.touch import reach_mm

WIDTHS_MM = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
_PANELS, _HIDDEN_PANELS = 400, 1200
_STREAM, _HIDDEN_STREAM = 0, 1
PIXEL_MM = 1.0 / PX_PER_MM
# One minute of arc at 300 mm, which an eye of normal sight (20/20) resolves.
EYE_MM = 300.0 * math.radians(1 / 60)
# Of a choice between two, three right out of four are the usual threshold of psychophysics.
_TOLD = 0.75
_PIN_NOISE_MM = PROFILE.senses['touch'].channels[1].noise_std


def run(networks: Networks) -> list[Claim]:
    """Measure both halves, and judge."""
    rows, found = by_width(networks)
    hidden = where_nothing_shows(networks)
    figures = found | hidden
    finest = finest_mm({width: found[f'student, {width:g} mm'] for width in WIDTHS_MM})
    return [
        Claim(
            name='Cracks invisible to the eye',
            section='Real-World Applications, scenario 1',
            claim='The camera-only student finds cracks that an eye does not see, because it has '
            'learnt from the teacher what fine cracks feel like.',
            data='simulated',
            test=f'{networks.count(_PANELS)} panels with nothing else wrong, each seen without a '
            'crack and with one of each width under the tip, everything else alike. Score: the '
            "student's estimate of the width, the teacher's probability of an action against "
            'cracks. Figure: how often the score of a panel with the crack is above that of a '
            f'panel without one; a coin gives 50 %. Then {networks.count(_HIDDEN_PANELS)} panels '
            "with cracks of all widths, whose picture shows their own crack, or another panel's "
            'in its place, which leaves touch alone: is the crack under the tip wider than its '
            'code of practice allows?',
            control='A black-hat filter on the same pictures, which knows nothing but dark lines; '
            'the same panels without the crack; pictures that show the crack of another panel. '
            'Nobody has looked at the pictures: what an eye sees was not measured.',
            rule='Holds if the student beats the coin also where the picture shows nothing of the '
            'crack; in part if it does so only with cracks that show, but are finer than a pixel '
            f'of its picture ({PIXEL_MM:g} mm); else not. A width is told from none where it, and '
            f'all wider ones, are ranked right in {100 * _TOLD:g} % by the lower end of the '
            'interval: the usual threshold of a choice between two.',
            outcome=outcome(finest, hidden['student, hidden']),
            figure=_short(finest, found, hidden['student, hidden']),
            found=_found(finest, figures),
            tables=[
                Table(
                    head=(
                        'width, mm',
                        'part of a pixel',
                        'darkens its pixels by',
                        'filter, ranked right',
                        'student, ranked right',
                        'teacher, ranked right',
                        'student acts on a crack',
                        'teacher acts on a crack',
                        'expert does',
                    ),
                    rows=rows,
                ),
                Table(
                    head=('crack over its limit, ranked right', 'it shows', "another's shows"),
                    rows=[
                        [who, figures[f'{who}, shown'].percent, figures[f'{who}, hidden'].percent]
                        for who in ('student', 'teacher')
                    ],
                ),
            ],
            figures=figures,
        )
    ]


def outcome(finest: float | None, hidden: Figure) -> str:
    """Return what the claim comes to.

    Args:
        finest: the finest crack, mm, that the student tells from none, with all wider ones.
        hidden: its ranking of cracks that the picture does not show.
    """
    if hidden.low > 0.5:
        return HOLDS
    return IN_PART if finest is not None and finest < PIXEL_MM else FAILS


def finest_mm(by_width: dict[float, Figure]) -> float | None:
    """Return the finest width from which on three of four are ranked right; None: none is."""
    finest = None
    for width in sorted(by_width, reverse=True):
        if by_width[width].low <= _TOLD:
            break
        finest = width
    return finest


def by_width(networks: Networks) -> tuple[list[list[str]], dict[str, Figure]]:
    """Return the rows of the table, and their figures."""
    panels = [sound(panel) for panel in panels_of(_STREAM, networks.count(_PANELS))]
    places = [place_on_crack(panel.crack_seed) for panel in panels]

    def see(width_mm: float) -> Views:
        wide = [cracked(panel, width_mm) for panel in panels]
        what = f'cracks {width_mm:g} mm wide'
        return look(wide, places, stream=_STREAM, say=networks.say, what=what)

    without = see(0.0)
    scores_without, acts_without = _scores(networks, without)
    rows = [
        ['none', '', '', '', '', '']
        + [mean_of(acts_without[who]).percent for who in ('student', 'teacher')]
        + [mean_of(_acts(without.pairs.action)).percent]
    ]
    figures = {}
    for width in WIDTHS_MM:
        views = see(width)
        scores, acts = _scores(networks, views)
        ranked = {who: ranking(scores[who], scores_without[who]) for who in scores}
        shows = darkening(without.pairs.image, views.pairs.image, panels, places, width)
        figures |= {f'{who}, {width:g} mm': figure for who, figure in ranked.items()}
        figures[f'darkening, {width:g} mm'] = shows
        rows.append(
            [
                f'{width:g}',
                f'{width / PIXEL_MM:.1f}',
                shows.percent,
                *(ranked[who].percent for who in ('filter', 'student', 'teacher')),
                *(mean_of(acts[who]).percent for who in ('student', 'teacher')),
                mean_of(_acts(views.pairs.action)).percent,
            ]
        )
    return rows, figures


def where_nothing_shows(networks: Networks) -> dict[str, Figure]:
    """Return how cracks over their limit are ranked, as they show and as another panel's shows."""
    drawn = panels_of(_HIDDEN_STREAM, networks.count(_HIDDEN_PANELS))
    panels = [
        replace(
            sound(panel),
            crack_width_mm=panel.crack_width_mm,
            crack_depth_mm=panel.crack_depth_mm,
            stray=panel.stray,
        )
        for panel in drawn
    ]
    others = panels[1:] + panels[:1]
    hidden = [
        replace(
            panel,
            taken_for={'crack_width_mm': other.crack_width_mm, 'crack_seed': other.crack_seed},
        )
        for panel, other in zip(panels, others, strict=True)
    ]
    places = [place_on_crack(panel.crack_seed) for panel in panels]
    limits = np.array([CRACK_LIMITS_MM[panel.exposure] for panel in panels])
    figures = {}
    for name, shown in (('shown', panels), ('hidden', hidden)):
        views = look(
            shown, places, stream=_HIDDEN_STREAM, say=networks.say, what=f'cracks, {name}'
        )
        scores, _ = _scores(networks, views)
        is_over = views.pairs.quantities[:, CRACK_WIDTH] > limits
        figures |= {
            f'{who}, {name}': ranking_by(scores[who], is_over) for who in ('student', 'teacher')
        }
    return figures


def darkening(
    without: np.ndarray, images: np.ndarray, panels: list, places: list, width_mm: float
) -> Figure:
    """Return by what part a crack darkens the pixels that it covers, each by how much it does.

    Args:
        without, images: `uint8[N, S, S, 3]`, the same views without the crack and with it.
        panels, places: N of each.
        width_mm: of the crack.
    """
    parts = []
    for before, after, panel, place in zip(without, images, panels, places, strict=True):
        cover = window(crack_cover(panel.crack_seed, width_mm, PX_PER_MM), place)
        before, after = (image.astype(float).mean(2) for image in (before, after))
        parts.append(1.0 - (cover * after).sum() / max((cover * before).sum(), 1e-9))
    return mean_of(np.array(parts))


def _scores(
    networks: Networks, views: Views
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return what says how likely a crack is, and whether it is acted on, `float[N]` each."""
    student, teacher = networks.by_student(views.pairs), networks.by_teacher(views.pairs)
    scores = {
        'filter': np.array([black_hat(picture) for picture in views.pairs.image]),
        'student': student.quantities[:, CRACK_WIDTH],
        'teacher': teacher.probabilities[:, CRACK_ACTIONS].sum(1),
    }
    acts = {
        'student': _acts(student.probabilities.argmax(1)),
        'teacher': _acts(teacher.probabilities.argmax(1)),
    }
    return scores, acts


def _reach_mm(width_mm: float) -> float:
    """Return how far a pin reaches into a crack of the usual depth in bio-concrete, mm."""
    depth_mm = width_mm * MATERIALS['bio_concrete'].depth_per_width
    return float(reach_mm(np.array(width_mm), np.array(depth_mm)))


def _acts(action: np.ndarray) -> np.ndarray:
    return np.isin(action, CRACK_ACTIONS).astype(float)


def _short(finest: float | None, found: dict[str, Figure], hidden: Figure) -> str:
    seen = 'no width told from none'
    if finest is not None:
        figure = found[f'student, {finest:g} mm']
        seen = f'{finest:g} mm: ranked right {figure.percent}'
    return f'{seen}; where nothing shows {hidden.percent} (a coin: 50 %)'


def _found(finest: float | None, figures: dict[str, Figure]) -> str:
    hidden, touch = figures['student, hidden'], figures['teacher, hidden']
    felt = f'the teacher, who feels the crack, ranks {touch.percent} right'
    replaced = 'Where the picture shows the crack of another panel,'
    if finest is None:
        first = 'The student tells no width of crack from none.'
    else:
        hat, shows = (figures[f'{who}, {finest:g} mm'] for who in ('filter', 'darkening'))
        finer = 'finer' if finest < EYE_MM else 'not finer'
        first = (
            f'The student tells cracks from {finest:g} mm on from none, where a filter for dark '
            f'lines ranks {hat.percent} right. Such a crack covers {finest / PIXEL_MM:.1f} of a '
            f'pixel of its picture and darkens what it crosses by {shows.percent}: it is in the '
            f"picture, faint and long. It is {finer} than what an eye resolves at arm's length "
            f'from the wall ({EYE_MM:.2f} mm: a minute of arc at 30 cm). A pin, '
            f'whose noise is {_PIN_NOISE_MM:g} mm, reaches {_reach_mm(finest):.2f} mm into it.'
        )
    if hidden.low > 0.5:
        return f'{first} {replaced} it still ranks {hidden.percent} right; {felt}.'
    return (
        f'{first} {replaced} it does no better than a coin ({hidden.percent}), and {felt}. What a '
        'picture does not hold, no teaching puts into it.'
    )
