# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A generator that works in a thread of its own, some items before they are asked for."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar('T')
_END = object()


def ahead(items: Generator[T, None, None], count: int) -> Iterator[T]:
    """Yield what a generator yields; a thread of its own runs it, `count` items ahead.

    All of it runs in that thread, its end as well: SQLite asks for that. What it raises is raised
    here. Whoever takes no more items closes this generator.
    """
    with ThreadPoolExecutor(1, thread_name_prefix='reader') as thread:
        made = deque(thread.submit(next, items, _END) for _ in range(count))
        try:
            while (item := made.popleft().result()) is not _END:
                made.append(thread.submit(next, items, _END))
                yield item
        finally:
            for one in made:
                one.cancel()
            thread.submit(items.close).result()
