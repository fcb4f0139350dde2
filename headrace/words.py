"""Words that several messages need."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def known(found: str, choices: Iterable[str]) -> str:
    """Return words that name the choice closest to what was found, and all of them."""
    names = sorted(choices)
    return f"{closest(found, names)}known are: {', '.join(names) or 'none'}"


def closest(found: str, choices: Iterable[str]) -> str:
    """Return words that ask for the choice most like what was found, however written; none where none is like it."""
    by_lower = {choice.lower(): choice for choice in reversed(list(choices))}
    close = difflib.get_close_matches(found.lower(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]}? " if close else ""
