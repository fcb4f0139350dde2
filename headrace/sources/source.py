"""What a source is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

RANGE = ("since", "until")
Rows = Any
"""A `pyarrow.Table`, or what converts to one: a polars or pandas data frame, a record batch, a list of dicts."""


class Source(Protocol):
    """Where rows come from. A dataclass with these two, whose fields are the keys of `conf/source/<name>.yaml`.

    It may also have `identity()` (a dict of all that decides which rows there are, where that is not simply its
    fields), `attempts` and `wait_seconds` (how often, and how patiently, a failure that can pass is tried again).
    """

    @property
    def daily(self) -> bool:
        """Whether `read` returns just the days that it is asked for, so that days that are there need no asking."""

    def read(self, since: date | None, until: date | None) -> Iterable[Rows]:
        """Yield rows from day `since` up to and without day `until`; None leaves that end open.

        A source that is not daily may yield all that it has.
        """


@dataclass
class FunctionSource:
    """A plain function as a source: `rows(since, until, **arguments)` is daily, `rows(**arguments)` is not."""

    function: Callable[..., Rows | Iterable[Rows]]
    arguments: dict[str, Any]

    @property
    def daily(self) -> bool:
        """Whether the function takes `since` and `until`."""
        return set(RANGE) <= set(inspect.signature(self.function).parameters)

    def read(self, since: date | None, until: date | None) -> Iterable[Rows]:
        """Yield what the function returns, be it a table or several."""
        days = {"since": since, "until": until} if self.daily else {}
        rows = self.function(**self.arguments, **days)
        return rows if isinstance(rows, Iterator) else [rows]

    def identity(self) -> dict[str, Any]:
        """Return the arguments and the code."""
        return {"arguments": self.arguments, "code": _code(self.function)}


def identity(source: Source) -> Any:
    """Return all that decides which rows there are: what changes it makes every day be read again."""
    own = getattr(source, "identity", None)
    return own() if own else {"arguments": vars(source), "code": _code(type(source))}


def _code(target: Callable[..., Any]) -> str:
    return digest(Path(inspect.getfile(target)))
