# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Touch, gas and health that are read from a picture."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from claim_parts.measures import FAILS, HOLDS, Claim, Figure, Table, graded, ranking_by, skill
from claim_parts.views import Networks, Views, look, panels_of, places_of
from crossmodal_kd_ros.benchmark.measures import Answers
from crossmodal_kd_ros.simulation import PROFILE

_PANELS, _GALLERY = 1500, 3000
_STREAM, _GALLERY_STREAM = 2, 3
# What the nearest neighbours are tried with, on the gallery alone.
_SIDES_PX, _NEIGHBOURS = (8, 16, 32), (1, 4, 16, 64)
_TRIED = 1000


@dataclass(frozen=True, kw_only=True)
class Row:
    """How well one thing is read.

    Attributes:
        student, neighbours: share of its variation that is explained, against the mean.
        over_neighbours: by how much the student's squared error is less than theirs, of theirs.
        varies: whether there is something to read: it varies by more than the sensor's noise.
    """

    student: Figure
    neighbours: Figure
    over_neighbours: Figure
    varies: bool

    @property
    def is_read(self) -> bool:
        """Whether the student is better than both controls, beyond chance."""
        return self.student.low > 0.0 and self.over_neighbours.low > 0.0


def run(networks: Networks) -> list[Claim]:
    """Measure the readings and the health, and judge each."""
    gallery = _look(networks, _GALLERY_STREAM, _GALLERY, 'pictures to compare with')
    views = _look(networks, _STREAM, _PANELS, 'readings')
    answers = networks.by_student(views.pairs)
    networks.say('nearest neighbours')
    neighbours = neighbours_of(views, gallery)
    truth, mean = things(views.clean), things(_means(gallery))
    by_student, by_neighbours = things(answers.readings), things(neighbours)
    rows = {
        name: compare(
            truth[name], by_student[name], by_neighbours[name], mean[name], noise=noise_of(name)
        )
        for name in truth
    }
    elements = per_element(views.clean, answers.readings, _means(gallery))
    return [
        _readings_claim(rows, elements, len(views.pairs), len(gallery.pairs)),
        _health_claim(networks, views, answers),
    ]


def things(readings: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what is judged, `float[N, K]` each, as `<sense>: <channel>`.

    Of a grid that is each element, and the pattern alone: each element less the mean of all.
    """
    judged = {}
    for name, sense in PROFILE.senses.items():
        for channel in sense.channels:
            values = readings[name][:, sense.elements_of(channel.name)]
            label = f'{name}: {channel.name}'
            if sense.layout == 'grid':
                judged[f'{label}, every pin'] = values
                judged[f'{label}, pattern alone'] = values - values.mean(1, keepdims=True)
            else:
                judged[label] = values.reshape(len(values), -1)
    return judged


def noise_of(name: str) -> float:
    """Return the standard deviation of the noise of one of `things`."""
    sense, channel = name.partition(',')[0].split(': ')
    channels = PROFILE.senses[sense].channels
    return next(each.noise_std for each in channels if each.name == channel)


def compare(
    truth: np.ndarray,
    student: np.ndarray,
    neighbours: np.ndarray,
    mean: np.ndarray,
    *,
    noise: float,
) -> Row:
    """Return how well `truth`, `float[N, K]`, is read by each."""
    own, near, plain = (each - truth for each in (student, neighbours, mean))
    return Row(
        student=skill(own, plain),
        neighbours=skill(near, plain),
        over_neighbours=skill(own, near),
        varies=bool(truth.std() > noise),
    )


def per_element(
    truth: Mapping[str, np.ndarray],
    student: Mapping[str, np.ndarray],
    mean: Mapping[str, np.ndarray],
) -> list[list[str]]:
    """Return a row for each channel of each grid: least, middle and most explained, of a pin."""
    rows = []
    for name, sense in PROFILE.senses.items():
        for channel in sense.channels if sense.layout == 'grid' else ():
            chosen = sense.elements_of(channel.name)
            own, plain = (
                np.square(each[name][:, chosen] - truth[name][:, chosen]).sum(0)
                for each in (student, mean)
            )
            explained = 100.0 * (1.0 - own / plain)
            shown = (f'{x:.1f} %' for x in np.percentile(explained, (0, 50, 100)))
            rows.append([f'{name}: {channel.name}', str(len(explained)), *shown])
    return rows


def neighbours_of(views: Views, gallery: Views) -> dict[str, np.ndarray]:
    """Return the mean reading of the nearest pictures of a gallery, `float[N, size]` by sense.

    How small pictures are made for it and how many are taken is chosen for each sense within the
    gallery, where a picture is not its own neighbour.
    """
    tried = gallery.pairs[:_TRIED]
    best: dict[str, tuple[float, int, int]] = {}
    for side in _SIDES_PX:
        nearest = _nearest(tried.image, gallery.pairs.image, side, skip_self=True)
        for sense, readings in gallery.pairs.readings.items():
            scale = readings.std(0) + 1e-9
            for count in _NEIGHBOURS:
                guess = readings[nearest[:, :count]].mean(1)
                error = float(np.square((guess - readings[: len(tried)]) / scale).mean())
                best[sense] = min(best.get(sense, (np.inf, 0, 0)), (error, side, count))
    found = {}
    for sense, (_, side, count) in best.items():
        nearest = _nearest(views.pairs.image, gallery.pairs.image, side)
        found[sense] = gallery.pairs.readings[sense][nearest[:, :count]].mean(1)
    return found


def outcome(rows: Mapping[str, Row]) -> str:
    """Return what the claim comes to: everything is read, some of it, or nothing."""
    return graded([row.is_read for row in rows.values() if row.varies])


def _nearest(
    images: np.ndarray, gallery: np.ndarray, side: int, *, skip_self: bool = False
) -> np.ndarray:
    """Return the rows of the most alike pictures, the most alike first, `int[N, K]`."""
    own, others = _small(images, side), _small(gallery, side)
    distance = np.square(others).sum(1) - 2.0 * own @ others.T
    if skip_self:
        distance[np.arange(len(own)), np.arange(len(own))] = np.inf
    count = min(max(_NEIGHBOURS), len(others) - 1)
    rows = np.argpartition(distance, count, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(distance, rows, 1), axis=1)
    return np.take_along_axis(rows, order, 1)


def _small(images: np.ndarray, side: int) -> np.ndarray:
    """Return pictures averaged down, `float32[N, side * side * 3]`."""
    shrunk = [cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA) for each in images]
    return np.stack(shrunk).reshape(len(images), -1).astype(np.float32) / 255.0


def _look(networks: Networks, stream: int, panels: int, what: str) -> Views:
    count = networks.count(panels)
    return look(
        panels_of(stream, count),
        places_of(stream, count),
        stream=stream,
        say=networks.say,
        what=what,
    )


def _means(gallery: Views) -> dict[str, np.ndarray]:
    return {name: each.mean(0, keepdims=True) for name, each in gallery.pairs.readings.items()}


def _readings_claim(
    rows: dict[str, Row], elements: list[list[str]], views: int, gallery: int
) -> Claim:
    varying = {name: row for name, row in rows.items() if row.varies}
    read = sorted(
        (name for name, row in varying.items() if row.is_read),
        key=lambda name: -varying[name].student.mean,
    )
    unread = [name for name in varying if name not in read]
    constant = [name for name in rows if name not in varying]
    sentences = []
    if read:
        best, worst = (f'{name} ({rows[name].student.percent})' for name in (read[0], read[-1]))
        sentences.append(f'Best read is {best}, worst of what is read at all {worst}.')
    if unread:
        sentences.append(f'Not read better than by both controls: {", ".join(unread)}.')
    if constant:
        sentences.append(f'Nothing to read: {", ".join(constant)} varies by less than its noise.')
    sentences.append('To be read better than by these is not to be read well.')
    return Claim(
        name='Touch and gas seen in a picture',
        section='The student model; Conclusion',
        claim='Taught by the teacher, the student reads tactile and chemical values off the '
        'picture alone.',
        data='simulated',
        test=f'{views} panels as a training draws them. Share of the variation of each channel '
        'that the estimate explains, against the truth without noise: 100 % without an error, '
        '0 % for somebody who always says the mean.',
        control=f'The mean of {gallery} other panels; and the readings of the most alike '
        'pictures among these (their number and size chosen among these alone).',
        rule='Holds if every channel that varies by more than the noise of its sensor is read '
        'better than by both controls, beyond chance; in part if some are.',
        outcome=outcome(rows),
        figure=f'{len(read)} of {len(varying)} read better than by both controls',
        found=' '.join(sentences),
        tables=[
            Table(
                head=(
                    'what is read',
                    'student explains',
                    'alike pictures explain',
                    'squared error less than theirs by',
                    'better than both',
                ),
                rows=[
                    [
                        name,
                        row.student.percent,
                        row.neighbours.percent,
                        row.over_neighbours.percent,
                        ('yes' if row.is_read else 'no') if row.varies else 'nothing to read',
                    ]
                    for name, row in rows.items()
                ],
            ),
            Table(head=('pin by pin', 'pins', 'least explained', 'middle', 'most'), rows=elements),
        ],
        figures={f'student, {name}': row.student for name, row in rows.items()}
        | {f'alike pictures, {name}': row.neighbours for name, row in rows.items()},
    )


def _health_claim(networks: Networks, views: Views, answers: Answers) -> Claim:
    person = PROFILE.actions.index('request_human')
    # Where a person is asked for because of a wide crack, the culture has no say.
    asked = (views.pairs.action == person) & ~views.dying
    figures = {
        who: ranking_by(
            np.where(asked, np.nan, said.probabilities[:, person]), views.dying & ~asked
        )
        for who, said in (('student', answers), ('teacher', networks.by_teacher(views.pairs)))
    }
    holds = figures['student'].low > 0.5
    return Claim(
        name='Material health seen in a picture',
        section='Conclusion',
        claim='The student tells the health of the material from the picture alone.',
        data='simulated',
        test=f'{int((~asked).sum())} of the same panels, without those whose crack is wide by '
        'itself: how often the probability that a person is asked is higher for a dying culture '
        'than for a living one.',
        control='A coin gives 50 %; the teacher, who smells the culture.',
        rule='Holds if the student beats the coin, beyond chance.',
        outcome=HOLDS if holds else FAILS,
        figure=f'dying ranked above living: {figures["student"].percent}',
        found=f'The student ranks {figures["student"].percent} right, the teacher '
        f'{figures["teacher"].percent}. That a dying culture bleaches, and how much of it shows, '
        'is an assumption of the simulation: this says that the student learns what shows, and '
        'nothing of real walls.',
        figures=figures,
    )
