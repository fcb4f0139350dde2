"""Words that several messages need."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def known(found: str, choices: Iterable[str]) -> str:
    """Return words that name the choice closest to what was found, and all of them."""
    names = sorted(choices)
    close = difflib.get_close_matches(found, names, n=1)
    return (f"did you mean {close[0]}? " if close else "") + f"known are: {', '.join(names) or 'none'}"
