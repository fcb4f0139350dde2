"""Names of columns, as SQL and as messages write them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the name most like `name`, or nothing where none is like it."""
    by_lower = {other.lower(): other for other in reversed(list(names))}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def first_line(error: Exception) -> str:
    """Return the first line of what DuckDB says, which names what is wrong."""
    return str(error).split("\n", 1)[0].removeprefix("Parser Error: ").removeprefix("Binder Error: ")
