"""What DuckDB says, shortened for a message."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """Return the first line of what DuckDB says, which names what is wrong."""
    return str(error).split("\n", 1)[0].removeprefix("Parser Error: ").removeprefix("Binder Error: ")
