"""The features of many rows at once: what `LiveFeatures.ask` says of each in its turn, computed column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.live.columnar import Asked, fill_many
from headrace.live.layout import BIAS, NAME_BYTES, TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headrace.live.records import Records
    from headrace.live.rowwise import RowProgram
    from headrace.live.store import Row, Store

    Value = float | str | None
    Ratio = tuple[int, int, int]

AT_ONCE = 10_000
"""Rows whose histories are held in memory together."""

TOGETHER = 512
"""Rows whose windows are computed together."""


class Found(NamedTuple):
    """The features of rows, or what is wrong with a row, and how many of their entities had a history."""

    values: list[list[Value] | DataError]
    hits: int
    misses: int


class ManyRows:
    """Declared features of many rows.

    Args:
        program: Gives the values of one row's expressions by name.
        own: The features that need one row alone, and whether they are texts; they come first.
        ratios: The places of each ratio, of what is above and of what is below.
        features: How many features there are.
        records: How rows are kept; None where no window looks back.
        store: Where; None as well.
    """

    def __init__(  # noqa: PLR0913  all that features are made of
        self,
        program: RowProgram,
        *,
        own: Sequence[tuple[str, bool]],
        ratios: Sequence[Ratio],
        features: int,
        records: Records | None,
        store: Store | None,
    ) -> None:
        self._program, self._own, self._ratios, self._features = program, own, ratios, features
        self._records, self._store = records, store

    def __call__(self, rows: Sequence[Mapping[str, Any]], requests: Sequence[str | None]) -> Found:
        """Record rows in the order of their times and keys, and return the features of each, in the order given.

        A row that has no time, or that an expression does not take, is not recorded, and is said to be wrong.

        Raises:
            WindowsUnavailable: The store cannot be reached now; some of the rows may be recorded.
        """
        begun = [self._begun(row) for row in rows]
        right = [place for place, each in enumerate(begun) if not isinstance(each, DataError)]
        values, hits, misses = self._of_right(
            [rows[place] for place in right], [begun[place] for place in right], [requests[place] for place in right]
        )
        told = iter(values)
        return Found([each if isinstance(each, DataError) else next(told) for each in begun], hits, misses)

    def _begun(self, row: Mapping[str, Any]) -> Any:
        """Return the values of a row's expressions, or what is wrong with it."""
        try:
            program = self._program(row)
            if self._records is not None:
                self._records.check(row)
        except DataError as error:
            return error
        return program

    def _of_right(
        self, rows: Sequence[Mapping[str, Any]], programs: Sequence[Mapping[str, Any]], requests: Sequence[str | None]
    ) -> tuple[list[Any], int, int]:
        """Return the features of rows, and how many of their entities had a history, and had none."""
        numbers, texts = self._own_values(programs)
        hits = misses = 0
        if self._records is not None and self._store is not None and rows:
            kept = self._records.many(rows, programs, requests)
            order = np.array(sorted(range(len(kept)), key=[row.order for row in kept].__getitem__))
            for start in range(0, len(order), AT_ONCE):
                some = order[start : start + AT_ONCE]
                found = self._look_back(numbers, some, [kept[place] for place in some])
                hits, misses = hits + found, misses + len(some) * len(self._records.windows) - found
        self._fill_ratios(numbers)
        values: list[Any] = numbers.tolist()
        for place, column in texts:
            for of_row, text in zip(values, column, strict=True):
                of_row[place] = text
        return values, hits, misses

    def _own_values(
        self, programs: Sequence[Mapping[str, Any]]
    ) -> tuple[NDArray[np.float64], list[tuple[int, list[str | None]]]]:
        numbers = np.full((len(programs), self._features), np.nan)
        texts = []
        for place, (name, is_text) in enumerate(self._own):
            column = [program[name] for program in programs]
            if is_text:
                texts.append((place, column))
            else:
                numbers[:, place] = [math.nan if value is None else float(value) for value in column]
        return numbers, texts

    def _look_back(self, numbers: NDArray[np.float64], some: NDArray[np.int64], rows: Sequence[Row]) -> int:
        """Record rows and fill in their window features; return how many of their entities had a history."""
        assert self._records is not None
        assert self._store is not None
        histories = self._store.add_many(rows)
        orders = np.array([row.order for row in rows], dtype=f"S{self._records.order_bytes}")
        biased = np.frombuffer(b"".join([row.order[: TIME.size] for row in rows]), ">u8").astype(np.uint64)
        times = (biased - np.uint64(BIAS)).view(np.int64)
        hits = 0
        for entity, windows in enumerate(self._records.windows):
            for slot in windows.always:
                numbers[some, slot] = 0.0
            # Rows of one entity come together: what is computed at once has few histories, and stays in the cache.
            named = [
                (place.name, number)
                for number, row in enumerate(rows)
                for place in row.places
                if place.name[0] == entity
            ]
            names, having = [name for name, _ in named], np.array([number for _, number in named], dtype=np.int64)
            _, first, which = np.unique(np.array(names, f"S{NAME_BYTES}"), return_index=True, return_inverse=True)
            by_name = np.argsort(which, kind="stable")
            for start in range(0, len(named), TOGETHER):
                part = by_name[start : start + TOGETHER]
                own, begin, end = having[part], which[part[0]], which[part[-1]] + 1
                of_part = [histories[names[each]] for each in first[begin:end].tolist()]
                hits += fill_many(
                    windows, numbers, Asked(some[own], of_part, which[part] - begin, times[own], orders[own])
                )
        return hits

    def _fill_ratios(self, numbers: NDArray[np.float64]) -> None:
        for place, above, below in self._ratios:
            divided = numbers[:, below] != 0
            numbers[divided, place] = numbers[divided, above] / numbers[divided, below]
