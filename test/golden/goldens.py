# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The goldens: which there are, how they are kept, and how near to them an output must be."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import package_outputs

FOLDER = Path(__file__).parent
COMMAND = 'python test/golden/make.py'


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One golden, kept in `<name>.json`.

    Attributes:
        name: of the file.
        make: returns the output of the code as it is now.
        version: name of the number in `versions.py` that stands for this output, if one does.
        relative, absolute: how far a number may be off, whichever is more; words and whole numbers
            must be equal.
        special: other absolute tolerances, by the name of a part of the output.
    """

    name: str
    make: Callable[[], Any]
    version: str | None = None
    relative: float = 1e-3
    absolute: float = 1e-3
    special: dict[str, float] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / f'{self.name}.json'

    def read(self) -> dict[str, Any]:
        """Return the file: `output`, and `version` where one stands for it."""
        return json.loads(self.path.read_text())

    def write(self, output: Any) -> None:
        """Write `output`, with the version of the code, to the file."""
        version = '' if self.version is None else f'"version": {self.number()},\n'
        self.path.write_text(f'{{{version}"output": {_text(output)}}}\n')

    def number(self) -> int | None:
        """Return the version of the code as it is."""
        return None if self.version is None else package_outputs.version(self.version)

    def differences(self, kept: Any, output: Any) -> list[str]:
        """Return where `output` differs from what was kept, a sentence each."""
        return list(self._differences(kept, output, (), self.absolute))

    def complaint(self, different: list[str]) -> str:
        """Return what to say of an output that changed: what to do, then where it is different."""
        what = f'raise {self.version} and write' if self.version else 'if that is meant, write'
        more = [f'and {len(different) - 8} more'] if len(different) > 8 else []
        lines = [f'the output changed: {what} the goldens again ({COMMAND})', *different[:8]]
        return '\n'.join([*lines, *more])

    def _differences(
        self, kept: Any, now: Any, where: tuple[str, ...], absolute: float
    ) -> Iterator[str]:
        place = ' > '.join(where) or self.name
        if isinstance(kept, dict) and isinstance(now, dict):
            for key in sorted(set(kept) ^ set(now)):
                yield f'{place}: {key!r} is {"new" if key in now else "gone"}'
            for key in kept:
                if key in now:
                    near = self.special.get(key, absolute)
                    yield from self._differences(kept[key], now[key], (*where, key), near)
        elif isinstance(kept, list) and isinstance(now, list | tuple):
            if len(kept) != len(now):
                yield f'{place}: expected {len(kept)} entries, got {len(now)}'
            for index, (one, other) in enumerate(zip(kept, now)):
                yield from self._differences(one, other, (*where, str(index)), absolute)
        elif isinstance(kept, float) and isinstance(now, float):
            if not math.isclose(kept, now, rel_tol=self.relative, abs_tol=absolute):
                yield f'{place}: expected {kept:g}, got {now:g}'
        elif kept != now or type(kept) is not type(now):
            yield f'{place}: expected {kept!r}, got {now!r}'


GOLDENS = (
    Golden(
        name='simulation',
        make=package_outputs.simulation,
        version='SIMULATION_VERSION',
        relative=1e-4,
        absolute=1e-4,
        # Means over 256 pixels: processors may round some of them the other way.
        special={'image': 0.1},
    ),
    Golden(
        name='photographs',
        make=package_outputs.photographs,
        version='PHOTOGRAPH_VERSION',
        absolute=1e-4,
        # Means over 256 pixels of a JPEG.
        special={'image': 0.5},
    ),
    Golden(
        name='networks',
        make=package_outputs.networks,
        relative=1e-4,
        special={'probabilities': 1e-4},
    ),
    Golden(name='replays', make=package_outputs.replays),
    Golden(name='faults', make=package_outputs.faults),
    Golden(
        name='training', make=package_outputs.training, version='TRAINING_VERSION', absolute=0.0
    ),
    Golden(
        name='measures',
        make=package_outputs.measures,
        version='MEASURE_VERSION',
        relative=1e-4,
        absolute=1e-6,
    ),
)


def _text(value: Any, depth: int = 0) -> str:
    """Return JSON with six digits of each number, a row of numbers or words on one line."""
    if isinstance(value, dict | list | tuple) and any(
        isinstance(part, dict | list | tuple)
        for part in (value.values() if isinstance(value, dict) else value)
    ):
        space = ' ' * (depth + 1)
        if isinstance(value, dict):
            parts = [f'{json.dumps(key)}: {_text(part, depth + 1)}' for key, part in value.items()]
            opening, closing = '{}'
        else:
            parts, (opening, closing) = [_text(part, depth + 1) for part in value], '[]'
        lines = ',\n'.join(space + part for part in parts)
        return f'{opening}\n{lines}\n{" " * depth}{closing}'
    return json.dumps(_short(value))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_short(part) for part in value]
    return float(f'{value:.6g}') if isinstance(value, float) else value
