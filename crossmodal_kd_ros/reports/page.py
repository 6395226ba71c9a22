# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A page in one file, with every picture inside."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from crossmodal_kd_ros.files import write_text
from crossmodal_kd_ros.reports.style import (
    MODE_COLOURS,
    MODE_MEANINGS,
    action_colour,
    display_unit,
    words,
)

_CARD_WIDTH_PX = 320


def write_page(path: Path, template: str, **content: Any) -> None:
    """Fill a template of this package and write it.

    Args:
        path: the file to write.
        template: such as `demo/report.html.j2`. It extends `reports/page.html.j2`, or
            `reports/run.html.j2`, which shows a `run` (a `reports.run.Run`) by the module `plots`
            and its `summary`.
        content: what it shows; colours, and filters for numbers and names, are there already.
    """
    environment = Environment(
        loader=PackageLoader('crossmodal_kd_ros', '.'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(words=words, figure=_figure)
    environment.globals.update(
        mode_colours=MODE_COLOURS,
        mode_meanings=MODE_MEANINGS,
        action_colour=action_colour,
        display_unit=display_unit,
    )
    write_text(path, environment.get_template(template).render(**content))


def thumbnail(picture: np.ndarray) -> str:
    """Return a picture `uint8[H, W, 3]`, RGB, as a small JPEG in base64, for a `Card`."""
    height = max(1, round(picture.shape[0] * _CARD_WIDTH_PX / picture.shape[1]))
    small = cv2.resize(picture, (_CARD_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        '.jpg', cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85]
    )
    return base64.b64encode(jpeg).decode()


def _figure(value: float | None, form: str = '{:.0f}') -> str:
    """Return a number in the form `form`; a dash for `None`."""
    return '–' if value is None else form.format(value)
