"""Names of columns: renamed as declared, and asked for by their right name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import SourceError
from headrace.words import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def rename_all(found: Sequence[str], rename: Mapping[str, str], where: str) -> list[str]:
    """Return the names of columns after renaming.

    Raises:
        SourceError: a column to rename is not there, or two columns end up with names that SQL does not tell apart.
    """
    require(rename, found, f"{where}: rename")
    names = [rename.get(name, name) for name in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{where}: two columns are named {', '.join(map(repr, twice))}; give each a name of its own")
    refuse_alike(names, where)
    return names


def refuse_alike(names: Iterable[str], where: str) -> None:
    """Refuse two columns whose names differ by upper and lower case alone.

    Raises:
        SourceError: there are two; the message names them.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise SourceError(
                f"{where}: two columns are named {other!r} and {name!r}, which SQL does not tell apart; rename one"
            )


def require(wanted: Iterable[str], found: Sequence[str], where: str) -> None:
    """Refuse rows without a column that is needed.

    Raises:
        SourceError: the message names the closest column and all that there are.
    """
    for name in wanted:
        if name not in found:
            hint = closest(name, found)
            raise SourceError(f"{where}: there is no column '{name}'; {hint}there are: {', '.join(found)}")
