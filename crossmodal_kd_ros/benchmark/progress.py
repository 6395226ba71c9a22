# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Progress of long work on standard error."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tqdm import tqdm

from crossmodal_kd_ros.training.loop import Report

# A living bar where somebody watches, a line now and then where nobody does.
_REFRESH_S = 0.5 if sys.stderr.isatty() else 30.0


def bar(name: str) -> Callable[[Iterable, int], Iterable]:
    """Return a function that wraps tasks, of which there are so many, in a bar called `name`."""
    return lambda tasks, total: tqdm(tasks, name, total, mininterval=_REFRESH_S)


class TrainingProgress:
    """A `Report` as a bar with the time left, and as TensorBoard's curves."""

    def __init__(self, name: str, tensorboard: Path | None) -> None:
        """Show the training called `name`."""
        self._name, self._bar, self._events = name, None, None
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(tensorboard / name.replace(' ', '_'))

    def __enter__(self) -> Report:
        """Return the report."""
        return self._report

    def __exit__(self, *_: object) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
        if self._events is not None:
            self._events.close()

    def _report(self, step: int, total: int, values: dict[str, float]) -> None:
        if self._bar is None:
            # A training that goes on from a checkpoint starts in the middle of its bar.
            self._bar = tqdm(
                total=total, initial=step - 1, desc=self._name, unit='step', mininterval=_REFRESH_S
            )
        if 'validation_accuracy' in values:
            self._bar.set_postfix(validation=f'{values["validation_accuracy"]:.3f}', refresh=False)
        self._bar.update()
        if step == total:
            self._bar.close()
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)
