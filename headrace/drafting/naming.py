"""Names that nobody has yet."""

from __future__ import annotations

from collections.abc import Iterable


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Return the name that is wanted, with a number behind it where it is taken; SQL tells no upper from lower case."""
    lower = {name.lower() for name in taken}
    number, free = 2, wanted
    while free.lower() in lower:
        free, number = f"{wanted}_{number}", number + 1
    return free
