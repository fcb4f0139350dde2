"""What a stage says while it runs: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


def say(text: str) -> None:
    """Print a line at once, whoever reads it."""
    print(text, flush=True)


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield `items` and show how many of `total` are done."""
    if sys.stdout.isatty():
        from rich.progress import track as bar

        yield from bar(items, description=description, total=total)
        return
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(f"{description}: {done} of {total}")
