# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Reasons as data, and the one place that puts them into words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique


@unique
class ReasonCode(Enum):
    """What a reason is about; its value is the sentence that `say` fills in.

    `text` of a reading is what one of its numbers is called. A sensor that a sentence does not
    name stands in front of it.
    """

    # no reading to use
    NO_READING = 'no {sensor} reading yet'
    NOT_DECODED = 'no {sensor} reading could be decoded'
    STALE = 'newest {sensor} reading is {value:.2f} s old (limit {limit:.2f} s)'
    NEWEST_AHEAD = (
        'newest {sensor} reading is stamped {value:.2f} s ahead of this '
        'clock (limit {limit:.2f} s)'
    )
    WAITING = 'waits for {text}'
    REJECTIONS = '{count} rejected, the last: {causes}'
    # one message that is not used
    MALFORMED = '{text}'
    AHEAD = 'stamped {value:.2f} s ahead of this clock (limit {limit:.2f} s)'
    OVERTAKEN = 'stamped {value:.2f} s before a reading that came earlier'
    OUT_OF_RANGE = (
        '{count} of {size} {text}s out of range: {part} reads {value:.6g} '
        '(a working one {low:.6g} to {high:.6g})'
    )
    SATURATED = (
        '{count} of {size} {text}s saturated: {part} reads {value:.6g} '
        '(the top of its range is {high:.6g})'
    )
    # the readings of one sensor
    STUCK = 'stuck: the same reading for {value:.2f} s (limit {limit:.2f} s)'
    DEAD = (
        '{count} of {size} {text}s are dead: they have not changed for '
        '{window_s:.0f} s, or read what they cannot (limit {limit:.0f})'
    )
    NOISY = '{part} is noisy: {value:.3g} times its own healthy noise (limit {limit:.3g})'
    QUIET = '{part} is too quiet: {value:.3g} times its own healthy noise (limit {limit:.3g})'
    NO_CONTACT = (
        'measures nothing: it is not in contact, for the mean of {part} is {value:.3g} '
        '(in contact at least {limit:.3g})'
    )
    IN_DOUBT = '{count} of {size} {text}s are in doubt (limit {limit:.0f}): {causes}'
    # pictures
    FROZEN = 'frozen: the same picture for {value:.2f} s (limit {limit:.2f} s)'
    NO_DETAIL = (
        'no detail: the pixels differ by {value:.1f} of 255 (least {limit}): is the lens covered?'
    )
    DARK = 'dark: mean {value:.1f} of 255 (least {limit}): is the lens covered, or the lamp off?'
    OVEREXPOSED = 'overexposed: {value:.0%} of it is white (limit {limit:.0%})'
    DAMAGED = (
        'is damaged: {value:.0%} of the picture has not changed for '
        '{window_s:.0f} s while the rest did (limit {limit:.0%})'
    )
    # one sensor against another
    UNFAMILIAR = (
        'shows something unfamiliar: {value:.1f} times as far from what is known as it may be'
    )
    OUTVOTED = 'is contradicted by {sensors}'
    CONTRADICTION = (
        'contradicts the picture: {part} is {value:+.1f} deviations from '
        'what the student sees, over {window_s:g} s (limit {limit:.1f})'
    )
    CONTRADICTION_TOGETHER = (
        'contradicts the picture: all its features together are '
        '{high:.1f} deviations from what the student sees, over {window_s:g} s '
        '(limit {limit:.1f}), {part} the most ({value:+.1f})'
    )
    NEEDS_PICTURE = '{causes}, which is not trusted either'
    # readings that are used, with something to see to
    IMPOSSIBLE = (
        '{part} reads {value:.6g}, which it cannot (a working one {low:.6g} to {high:.6g})'
    )
    FROM_PICTURE = '{causes}: read from the picture'
    WEIGHED = '{causes}: weighed against the picture'
    FROM_NEIGHBOURS = '{count} of {size} {text}s are dead and read from their neighbours'
    SLOWER = '{value:.1f} Hz, where it used to have {limit:.1f} Hz'
    SLOW = '{value:.1f} Hz, where {limit:.1f} Hz are expected'
    CLOCK_AHEAD = 'its clock is {value:.2f} s ahead of this one, which is allowed for'
    REFUSED = 'the last {count} readings were refused: {causes}'
    # the decision
    FRESH = 'newest {sensor} reading is {value:.2f} s old'
    RECOVERING = 'is back for {value:.2f} s (counts after {limit:.2f} s and two readings)'
    ALL_HEALTHY = '{sensors} are healthy'
    NO_CLOCK = 'use_sim_time is true and nobody publishes {text}'
    CLOCK_STANDS = 'the time on {text} has stood still at {value:.2f} s for {window_s:.1f} s'
    CLOCK_SET_BACK = 'the clock was set back by {value:.2f} s: every reading before is forgotten'
    MODEL_FAILED = 'the model failed: {text}'
    ANSWER_FAILED = 'the answer failed: {text}'
    LOW_CONFIDENCE = 'confidence {value:.2f} is under the limit {limit:.2f}'
    UNFAMILIAR_PICTURE = 'the picture is {value:.1f} times as far from the familiar as it may be'


@dataclass(frozen=True)
class Reason:
    """Why something is as it is. `code` says which of the other fields hold something.

    Attributes:
        code: what it is about.
        sensor: whose it is.
        part: an element, channel or feature.
        value, limit: the figure behind it, and the limit that it is beyond.
        low, high: of a range.
        count, size: so many of so many.
        window_s: over how long.
        text: words from outside, such as those of an exception.
        sensors: those that agree on it.
        causes: the reasons behind it.
    """

    code: ReasonCode
    sensor: str = ''
    part: str = ''
    value: float = 0.0
    limit: float = 0.0
    low: float = 0.0
    high: float = 0.0
    count: int = 0
    size: int = 0
    window_s: float = 0.0
    text: str = ''
    sensors: tuple[str, ...] = ()
    causes: tuple['Reason', ...] = ()


def say(*reasons: Reason) -> str:
    """Return reasons in words, with the figures behind them, joined by semicolons."""
    return '; '.join(map(_sentence, reasons))


def join(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: `a, b and c`."""
    return ' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))


def _sentence(reason: Reason) -> str:
    template = reason.code.value
    both = 'both ' if reason.code is ReasonCode.OUTVOTED and len(reason.sensors) == 2 else ''
    words = template.format(
        **vars(reason)
        | {
            'sensors': both + join(reason.sensors),
            'causes': ', '.join(map(_sentence, reason.causes)),
        }
    )
    return words if not reason.sensor or '{sensor}' in template else f'{reason.sensor} {words}'
