# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Reasons in words: the one place that makes sentences of what `health.verdict` holds as data."""

from collections.abc import Sequence

from crossmodal_kd_ros.health.verdict import Reason, ReasonCode

__all__ = ['Reason', 'ReasonCode', 'join', 'say']

# `text` of a reading is what one of its numbers is called. A sensor that a sentence does not name
# stands in front of it.
TEMPLATES = {
    ReasonCode.NO_READING: 'no {sensor} reading yet',
    ReasonCode.NOT_DECODED: 'no {sensor} reading could be decoded',
    ReasonCode.STALE: 'newest {sensor} reading is {value:.2f} s old (limit {limit:.2f} s)',
    ReasonCode.NEWEST_AHEAD: 'newest {sensor} reading is stamped {value:.2f} s ahead of this '
    'clock (limit {limit:.2f} s)',
    ReasonCode.REJECTIONS: '{count} rejected, the last: {causes}',
    ReasonCode.MALFORMED: '{text}',
    ReasonCode.AHEAD: 'stamped {value:.2f} s ahead of this clock (limit {limit:.2f} s)',
    ReasonCode.OVERTAKEN: 'stamped {value:.2f} s before a reading that came earlier',
    ReasonCode.OUT_OF_RANGE: '{count} of {size} {text}s out of range: {part} reads {value:.6g} '
    '(a working one {low:.6g} to {high:.6g})',
    ReasonCode.SATURATED: '{count} of {size} {text}s saturated: {part} reads {value:.6g} '
    '(the top of its range is {high:.6g})',
    ReasonCode.STUCK: 'stuck: the same reading for {value:.2f} s (limit {limit:.2f} s)',
    ReasonCode.DEAD: '{count} of {size} {text}s are dead: they have not changed for '
    '{window_s:.0f} s, or read what they cannot (limit {limit:.0f})',
    ReasonCode.NOISY: '{part} is noisy: {value:.3g} times its own healthy noise '
    '(limit {limit:.3g})',
    ReasonCode.QUIET: '{part} is too quiet: {value:.3g} times its own healthy noise '
    '(limit {limit:.3g})',
    ReasonCode.IN_DOUBT: '{count} of {size} {text}s are in doubt (limit {limit:.0f}): {causes}',
    ReasonCode.FROZEN: 'frozen: the same picture for {value:.2f} s (limit {limit:.2f} s)',
    ReasonCode.NO_DETAIL: 'no detail: the pixels differ by {value:.1f} of 255 (least {limit}): '
    'is the lens covered?',
    ReasonCode.DARK: 'dark: mean {value:.1f} of 255 (least {limit}): '
    'is the lens covered, or the lamp off?',
    ReasonCode.OVEREXPOSED: 'overexposed: {value:.0%} of it is white (limit {limit:.0%})',
    ReasonCode.DAMAGED: 'is damaged: {value:.0%} of the picture has not changed for '
    '{window_s:.0f} s while the rest did (limit {limit:.0%})',
    ReasonCode.UNFAMILIAR: 'shows something unfamiliar: {value:.1f} times as far from what is '
    'known as it may be',
    ReasonCode.OUTVOTED: 'is contradicted by {sensors}',
    ReasonCode.CONTRADICTION: 'contradicts the picture: {part} is {value:+.1f} deviations from '
    'what the student sees, over {window_s:g} s (limit {limit:.1f})',
    ReasonCode.CONTRADICTION_TOGETHER: 'contradicts the picture: all its features together are '
    '{high:.1f} deviations from what the student sees, over {window_s:g} s (limit {limit:.1f}), '
    '{part} the most ({value:+.1f})',
    ReasonCode.NEEDS_PICTURE: '{causes}, which is not trusted either',
    ReasonCode.IMPOSSIBLE: '{part} reads {value:.6g}, which it cannot '
    '(a working one {low:.6g} to {high:.6g})',
    ReasonCode.FROM_PICTURE: '{causes}: read from the picture',
    ReasonCode.WEIGHED: '{causes}: weighed against the picture',
    ReasonCode.FROM_NEIGHBOURS: '{count} of {size} {text}s are dead and read from their '
    'neighbours',
    ReasonCode.SLOWER: '{value:.1f} Hz, where it used to have {limit:.1f} Hz',
    ReasonCode.SLOW: '{value:.1f} Hz, where {limit:.1f} Hz are expected',
    ReasonCode.CLOCK_AHEAD: 'its clock is {value:.2f} s ahead of this one, which is allowed for',
    ReasonCode.REFUSED: 'the last {count} readings were refused: {causes}',
    ReasonCode.FRESH: 'newest {sensor} reading is {value:.2f} s old',
    ReasonCode.RECOVERING: 'is back for {value:.2f} s (counts after {limit:.2f} s and two '
    'readings)',
    ReasonCode.ALL_HEALTHY: '{sensors} are healthy',
    ReasonCode.CLOCK_SET_BACK: 'the clock was set back by {value:.2f} s: every reading before is '
    'forgotten',
    ReasonCode.MODEL_FAILED: 'the model failed: {text}',
    ReasonCode.LOW_CONFIDENCE: 'confidence {value:.2f} is under the limit {limit:.2f}',
    ReasonCode.UNFAMILIAR_PICTURE: 'the picture is {value:.1f} times as far from the familiar as '
    'it may be',
}


def say(*reasons: Reason) -> str:
    """Return reasons in words, with the figures behind them, joined by semicolons."""
    return '; '.join(map(_sentence, reasons))


def join(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: `a, b and c`."""
    return ' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))


def _sentence(reason: Reason) -> str:
    template = TEMPLATES[reason.code]
    both = 'both ' if reason.code is ReasonCode.OUTVOTED and len(reason.sensors) == 2 else ''
    words = template.format(
        **vars(reason)
        | {
            'sensors': both + join(reason.sensors),
            'causes': ', '.join(map(_sentence, reason.causes)),
        }
    )
    return words if not reason.sensor or '{sensor}' in template else f'{reason.sensor} {words}'
