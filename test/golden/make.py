#!/usr/bin/env python3
# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write the goldens: what the package makes today, that a change of its code must not change.

    python test/golden/make.py              all of them
    python test/golden/make.py networks     some of them

Where a change of the output is meant, raise the version number that `test_golden.py` names
(`crossmodal_kd_ros/versions.py`), then write the goldens again. An output that changed under the
same number is not written: data, networks and results of before would be taken for those of now.
One that has no file yet is.
"""

import sys

from goldens import GOLDENS


def main(names: list[str]) -> int:
    """Write the goldens called `names`, or all; return 1 if one lacks a new version number."""
    known = [golden.name for golden in GOLDENS]
    if unknown := set(names) - set(known):
        print(f'expected goldens out of {", ".join(known)}, got {", ".join(sorted(unknown))}')
        return 1
    refused = 0
    for golden in GOLDENS:
        if names and golden.name not in names:
            continue
        output = golden.make()
        kept = golden.read() if golden.version and golden.path.is_file() else None
        if kept and kept['version'] == golden.number():
            if different := golden.differences(kept['output'], output):
                print(f'{golden.name}: not written: {golden.complaint(different)}')
                refused = 1
                continue
        golden.write(output)
        print(f'{golden.name}: {golden.path.stat().st_size / 1e3:.0f} kB')
    return refused


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
