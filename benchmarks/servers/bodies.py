"""The requests of `open_loop.py` and `batches.py`: the same as those of `requests.lua`."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def bodies(file: str, numbers: Sequence[int]) -> Iterator[str]:
    """Yield the bodies of a file, over and over.

    Args:
        file: A line each.
        numbers: Nothing, or the number of the first transaction, the time of number 0 (seconds since 1970), and the
            seconds from one to the next: a line is then what follows a transaction's number and time.
    """
    lines = itertools.cycle(Path(file).read_text().splitlines())
    if not numbers:
        yield from lines
    first, begin, step = numbers
    for number, line in zip(itertools.count(first), lines, strict=False):
        time = dt.datetime.fromtimestamp(begin + number * step, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        yield f'{{"instance":{{"transaction_id":{number},"tx_datetime":"{time}",{line}'


def http(path: str, body: str) -> bytes:
    """Return a request as it is sent; TOKEN of the environment is its bearer token."""
    token = os.environ.get("TOKEN")
    access = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{access}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
