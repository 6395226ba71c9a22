# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`crossmodal-kd replay` with what it took, as one line of JSON.

    python replay.py BAG MODELS OUT

The checkout that it is of is the first in PYTHONPATH. Nothing else of it than its command is used:
it may be older than this file.
"""

import json
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from memory_of import memory_mib

from crossmodal_kd_ros.cli.main import main as crossmodal_kd


def main() -> None:
    """Run the command."""
    bag, models, out = sys.argv[1:]
    start_s = time.perf_counter()
    with redirect_stdout(sys.stderr):
        crossmodal_kd(['replay', bag, '--model', models, '--out', out], standalone_mode=False)
    command_s = time.perf_counter() - start_s
    summary = json.loads((Path(out) / 'summary.json').read_text())
    answer = {
        'took_s': summary['wall_clock_s'],
        'command_s': command_s,
        'peak_mib': memory_mib()['peak_mib'],
        'views': summary['replays'][-1]['frames_answered'],
    }
    print(json.dumps(answer))


if __name__ == '__main__':
    main()
