# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Each claim of the article that can be tested: the test, the control, the outcome.

    python test/bench/claims.py                               in a few minutes, on one core
    python test/bench/claims.py --quick --docs out/claims     on few panels, to see that it works

It writes claims.json and claims.md. What needs trainings, whole scenarios or an idle machine is
taken from the figures that lie in docs/ already, and says so.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import torch
from claim_parts import attention, cited, cracks, light, readings
from claim_parts.views import SEED, Networks
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crossmodal_kd_ros.benchmark.card import commit
from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.files import share_dir, write_json, write_text
from crossmodal_kd_ros.versions import SIMULATION_VERSION

_HERE = Path(__file__).resolve().parent
_DOCS = _HERE.parents[1] / 'docs'
_QUICK = 0.05


def main() -> int:
    """Measure, and write both files; return the exit code."""
    given = _arguments()
    try:
        networks = Networks.load(
            given.models, share=_QUICK if given.quick else 1.0, say=_Progress().say
        )
        # One thread of each library, so that the same weights give the same figures.
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        claims = [
            *cracks.run(networks),
            *readings.run(networks),
            *attention.run(networks),
            *light.run(networks),
            *cited.run(_DOCS),
        ]
        content = {
            'quick': given.quick,
            'commit': commit(),
            'simulation_version': SIMULATION_VERSION,
            'seed': SEED,
            'weights': {
                kind: _digest(given.models / f'{kind}.safetensors')
                for kind in ('teacher', 'student')
            },
            'claims': [claim.as_json() for claim in claims],
        }
        given.docs.mkdir(parents=True, exist_ok=True)
        write_json(given.docs / 'claims.json', content)
        write_text(given.docs / 'claims.md', page(content))
    except CrossmodalError as error:
        print(error, file=sys.stderr)
        return 1
    print(f'page: {given.docs / "claims.md"}')
    return 0


def page(content: Mapping[str, Any]) -> str:
    """Return the page of what `claims.json` holds, Markdown."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template('claims.md.j2').render(content)
    return text.rstrip() + '\n'


class _Progress:
    """Says what is going on, with the time since the start."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def say(self, what: str) -> None:
        print(f'{time.monotonic() - self._start_s:6.0f} s  {what}', flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--models', type=Path, default=share_dir() / 'models')
    parser.add_argument('--docs', type=Path, default=_DOCS, metavar='DIR', help='where to write')
    parser.add_argument('--quick', action='store_true', help='few panels; no figure counts')
    return parser.parse_args()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == '__main__':
    sys.exit(main())
