# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether the networks look where the trouble is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from claim_parts.measures import Claim, Figure, Table, graded, mean_of, own_and_others
from claim_parts.views import (
    PX_PER_MM,
    Networks,
    Place,
    Views,
    cracked,
    look,
    panels_of,
    place_on_crack,
    places_of,
    sound,
    window,
)
from crossmodal_kd_ros.benchmark.saliency import occlusion_map
from crossmodal_kd_ros.networks.senses import patch_grid
from crossmodal_kd_ros.simulation import PROFILE, Panel
from crossmodal_kd_ros.simulation.fields import blister, crack_cover
from crossmodal_kd_ros.training.batches import in_order

_PANELS, _STUDENT_PANELS = 400, 100
_STREAM = 4
_CRACK_MM = 1.0
_TOUCH = PROFILE.senses['touch']


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How much denser one kind of look is on the trouble than it would be if it were even.

    Attributes:
        own: on the cells that hold the trouble.
        others: on those that hold it in the other panels.
        without: on the same cells of the same panel without the trouble.
        over_others, over_without: own less these.
    """

    own: Figure
    others: Figure
    without: Figure
    over_others: Figure
    over_without: Figure

    @property
    def follows(self) -> bool:
        """Whether the look goes where the trouble is, beyond chance, and because of it."""
        return min(self.own.low - 1.0, self.over_others.low, self.over_without.low) > 0.0


def run(networks: Networks) -> list[Claim]:
    """Measure where both networks look, and judge."""
    looked = {}
    for trouble, (troubled, whole, places, shapes) in _troubles(networks).items():
        views = [
            look(panels, places, stream=_STREAM, say=networks.say, what=what)
            for panels, what in ((troubled, trouble), (whole, f'the same without {trouble}'))
        ]
        for name, maps in _maps(networks, views).items():
            with_it, without = maps
            grid = with_it.shape[1:]
            at = np.asarray if name.endswith('the picture') else under_touch
            mask = np.stack([cells_of(at(shape), grid) for shape in shapes[: len(with_it)]])
            looked[f'{name}, {trouble}'] = compare(with_it, without, mask)
    return [_claim(networks, looked)]


def compare(with_it: np.ndarray, without: np.ndarray, mask: np.ndarray) -> Looked:
    """Return how looks follow a trouble.

    Args:
        with_it, without: `float[N, rows, columns]`, of the same panels with the trouble and
            without it.
        mask: `bool[N, rows, columns]`, the cells that hold it.
    """
    with_it, without, mask = (each.reshape(len(each), -1) for each in (with_it, without, mask))
    own, others = own_and_others(with_it, mask)
    bare, _ = own_and_others(without, mask)
    return Looked(
        own=mean_of(own),
        others=mean_of(others),
        without=mean_of(bare),
        over_others=mean_of(own - others),
        over_without=mean_of(own - bare),
    )


def cells_of(shape: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return which cells of a grid hold part of a shape, `bool[rows, columns]`.

    A thin one counts where it passes, a wide one where it fills half of a cell.

    Args:
        shape: `bool[H, W]`.
        grid: rows and columns, which divide H and W.
    """
    (height, width), (rows, columns) = shape.shape, grid
    part = shape.reshape(rows, height // rows, columns, width // columns).mean((1, 3))
    # A line through a cell fills about one part in its side.
    is_thin = shape.mean() < 0.1
    return part > 0.0 if is_thin else part >= 0.5


def under_touch(shape: np.ndarray) -> np.ndarray:
    """Return the part of a shape in view, `[S, S]`, that lies under the array."""
    rows, columns = PROFILE.footprint_px('touch', shape.shape[0])
    return shape[rows, columns]


def _troubles(
    networks: Networks,
) -> dict[str, tuple[list[Panel], list[Panel], list[Place], list[np.ndarray]]]:
    """Return by trouble: the panels with it and without, the places, and where it is in view."""
    whole = [sound(panel) for panel in panels_of(_STREAM, networks.count(_PANELS))]
    on_crack = [place_on_crack(panel.crack_seed) for panel in whole]
    anywhere = places_of(_STREAM, len(whole))
    lines = [
        window(crack_cover(panel.crack_seed, _CRACK_MM, PX_PER_MM), place) > 0.2
        for panel, place in zip(whole, on_crack, strict=True)
    ]
    domes = [
        window(blister(panel.delamination_seed, PX_PER_MM), place) > 0.5
        for panel, place in zip(whole, anywhere, strict=True)
    ]
    # How much the layer bulges as it looks is drawn for each panel.
    loose = [replace(panel, delamination=1.0) for panel in whole]
    return {
        'a crack': ([cracked(panel, _CRACK_MM) for panel in whole], whole, on_crack, lines),
        'a debonded layer': (loose, whole, anywhere, domes),
    }


def _maps(networks: Networks, views: Sequence[Views]) -> dict[str, list[np.ndarray]]:
    """Return by who looks and at what: maps `float[N, rows, columns]` of each of the views."""
    maps: dict[str, list[np.ndarray]] = {}
    few = networks.count(_STUDENT_PANELS)
    for each in views:
        looks: dict[str, list[np.ndarray]] = {}
        with torch.inference_mode():
            for batch in in_order(each.pairs):
                present = {
                    name: torch.ones(len(batch.image), dtype=torch.bool) for name in PROFILE.senses
                }
                seen = networks.teacher(
                    batch.image, batch.readings, present, return_attention=True
                ).attention
                looks.setdefault('teacher on the picture', []).append(seen.image.numpy())
                looks.setdefault('teacher on touch', []).append(
                    _patches(seen.elements['touch'].numpy())
                )
        felt = networks.by_student(each.pairs).readings['touch']
        looks["student's estimate of touch"] = [_reach(felt)]
        networks.say('what the student cannot do without')
        with torch.inference_mode():
            for batch in in_order(each.pairs[:few], 40):
                lost = occlusion_map(networks.student, batch.image).numpy()
                looks.setdefault('student on the picture', []).append(lost)
        for name, parts in looks.items():
            maps.setdefault(name, []).append(np.concatenate(parts))
    return maps


def _patches(elements: np.ndarray) -> np.ndarray:
    """Return attention on elements, `[N, rows, columns]`, by patch, which shares one weight."""
    rows, columns = patch_grid(_TOUCH)
    _, height, width = elements.shape
    return elements.reshape(-1, rows, height // rows, columns, width // columns).sum((2, 4))


def _reach(readings: np.ndarray) -> np.ndarray:
    """Return how far pins reach beyond the least of them, `float[N, rows, columns]`, mm."""
    reach = readings[:, _TOUCH.elements_of('indentation')].reshape(-1, *_TOUCH.shape[1:])
    return reach - reach.min((1, 2), keepdims=True)


def _claim(networks: Networks, looked: dict[str, Looked]) -> Claim:
    follows = [name for name, each in looked.items() if each.follows]
    stray = [name for name in looked if name not in follows]
    felt = looked["student's estimate of touch, a crack"].own.shown()
    return Claim(
        name='Attention shows a sense of touch in the picture',
        section='Real-World Applications, scenario 2',
        claim='Attention patterns show that the student sees pressure and texture in the image.',
        data='simulated',
        test=f'{networks.count(_PANELS)} panels with a crack of {_CRACK_MM:g} mm, and with a '
        'debonded layer, and nothing else wrong. The student has no attention, neither the '
        "article's nor this one: what it cannot do without stands in its place, the loss of "
        f'confidence when one of 8 x 8 patches is greyed ({networks.count(_STUDENT_PANELS)} '
        'panels), and how far it says that pins reach beyond the least of them. Figure: the share '
        'of it on the cells that hold the trouble over their share of the area; 1 is a look that '
        'does not care.',
        control='The cells that hold the trouble in the other panels (permutation); the same '
        'cells of the same panel without the trouble.',
        rule='A look follows the trouble if it is denser there than even, than on the cells of '
        'other panels, and than without the trouble, each beyond chance. Holds if all looks do, '
        'in part if some do.',
        outcome=graded([each.follows for each in looked.values()]),
        figure=f'{len(follows)} of {len(looked)} looks follow the trouble; the estimated touch of '
        f'a crack is {felt} times as dense there as even',
        found=(f'These do not follow the trouble: {"; ".join(stray)}. ' if stray else '')
        + 'That a network looks at what shows is no sense of touch yet; that the touch which it '
        'estimates rises at the very pins above the trouble comes nearer. How much of touch is '
        "read off the picture stands above. In the article's code each query attends to a single "
        'key, and the softmax of one number is 1 whatever it is: that attention cannot have had a '
        'pattern.',
        tables=[
            Table(
                head=(
                    'who looks, and at what is wrong',
                    'density there',
                    'on cells of other panels',
                    'without the trouble',
                    'follows',
                ),
                rows=[
                    [
                        name,
                        each.own.shown(),
                        each.others.shown(),
                        each.without.shown(),
                        'yes' if each.follows else 'no',
                    ]
                    for name, each in looked.items()
                ],
            )
        ],
        figures={name: each.own for name, each in looked.items()},
    )
