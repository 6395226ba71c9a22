# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How every figure of a page looks, and how it gets into the page."""

import io

from matplotlib.figure import Figure

WIDTH_IN = 10.6
INK, FAINT, OUTAGE = '#20262e', '#69737f', '#f3dcd8'
STYLE = {
    'svg.fonttype': 'none',
    'svg.hashsalt': 'crossmodal_kd_ros',
    'font.family': 'sans-serif',
    'font.size': 10.0,
    'text.color': INK,
    'axes.labelcolor': FAINT,
    'xtick.color': FAINT,
    'ytick.color': FAINT,
    'axes.edgecolor': '#c9ced6',
    'axes.spines.top': False,
    'axes.spines.right': False,
}


def svg(figure: Figure) -> str:
    """Return a figure as SVG text that can stand in a page; the same figure gives the same bytes."""
    text = io.StringIO()
    figure.savefig(text, format='svg', transparent=True, metadata={'Date': None})
    # The XML prologue has no place inside a page.
    return text.getvalue()[text.getvalue().index('<svg') :]
