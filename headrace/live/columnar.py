"""The aggregates of the windows of one entity for many rows at once: the values of `aggregating`, column by column.

The histories of all entities stand one after the other. Borders are found by one search for all rows and spans; counts,
sums and means of exact numbers are differences of running sums, which integers make exact; quantiles sort the windows
of similar length together. What has no form of that kind (sums of floats, standard deviations, different values) is
taken by the functions for one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.live.layout import BIAS, NULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.features.aggregates import Aggregate
    from headrace.live.aggregating import Border, Column, EntityWindows

    Whole = NDArray[np.int64]
    Floats = NDArray[np.float64]

LARGEST_SUM = 2**62
BLOCK = 2**17
"""Numbers of windows that are sorted together at most: they stay in the processor's cache."""


class Asked(NamedTuple):
    """The rows that have an entity, and the histories of the entities."""

    places: Whole
    """The rows' places among all rows, (rows,)."""
    histories: Sequence[bytes]
    which: Whole
    """The number of each row's history, (rows,)."""
    times: Whole
    """Microseconds since 1970, (rows,)."""
    orders: NDArray[np.bytes_]
    """(rows,)."""


def fill_many(windows: EntityWindows, values: Floats, asked: Asked) -> int:
    """Compute the features of rows; a row's own record is in its history, unless another row with its key is.

    Args:
        windows: The windows of an entity.
        values: Where they go, (rows, features): NaN so far.
        asked: The rows and histories.

    Returns:
        How many of the rows had a history before they came.
    """
    records = _Records(windows, asked)
    if not records.count:
        return 0
    borders = records.borders(windows)
    places = asked.places
    for slot, (start, end) in windows.counts:
        values[places, slot] = np.maximum(borders[end] - borders[start], 0)
    for slot, (start, end) in windows.gaps:
        last = borders[end] - 1
        gap = (asked.times - records.times[last]) / 1e6
        values[places, slot] = np.where(last >= borders[start], gap, np.nan)
    for column in windows.columns:
        _Filling(column, records, borders).into(values, places)
    return int(np.count_nonzero(borders[-1] - records.begins > 1))


class _Records:
    """Histories, one after the other, as columns."""

    def __init__(self, windows: EntityWindows, asked: Asked) -> None:
        self.bytes, self.width = b"".join(asked.histories), windows.width
        self.count = len(self.bytes) // self.width
        biased: NDArray[np.uint64] = np.ndarray(self.count, ">u8", self.bytes, 0, (self.width,)).astype(np.uint64)
        self.times: Whole = (biased - np.uint64(BIAS)).view(np.int64)
        self._orders: NDArray[np.bytes_] = np.ndarray(self.count, f"S{windows.order}", self.bytes, 0, (self.width,))
        ends = np.cumsum([len(history) // self.width for history in asked.histories])
        self.ends: Whole = ends[asked.which]
        self.begins: Whole = np.concatenate(([0], ends[:-1]))[asked.which]
        self._asked = asked

    def borders(self, windows: EntityWindows) -> list[Whole]:
        """Return the places of each border for all rows; the last two are those of the row itself and after it."""
        asked = self._asked
        ages = windows.ages
        wanted = asked.times - ages[:, None]
        begins, ends = (np.broadcast_to(each, wanted.shape) for each in (self.begins, self.ends))
        found = [*_after(self.times, wanted, begins, ends)]
        same_moment = _after(self.times, asked.times - 1, self.begins, self.ends)
        after_moment = _after(self.times, asked.times, same_moment, self.ends)
        after = _after(self._orders, asked.orders, same_moment, after_moment)
        has_own = after > self.begins
        has_own[has_own] = self._orders[after[has_own] - 1] == asked.orders[has_own]
        return [*found, after - has_own, after]

    def column(self, kind: str, offset: int) -> NDArray[Any]:
        """Return a word of all records, and one that belongs to none."""
        words = np.empty(self.count + 1, kind)
        words[:-1] = np.ndarray(self.count, kind, self.bytes, offset, (self.width,))
        words[-1] = 0
        return words


def _after(ordered: NDArray[Any], wanted: NDArray[Any], begins: Whole, ends: Whole) -> Whole:
    """Return for each value the first place after all that are not larger, each between borders of its own."""
    low, high = begins.copy(), ends.copy()
    while (open_ := low < high).any():
        middle = (low + high) >> 1
        later = ordered[np.minimum(middle, len(ordered) - 1)] > wanted
        high = np.where(open_ & later, middle, high)
        low = np.where(open_ & ~later, middle + 1, low)
    return low


class _Filling:
    """One argument of all records, and the features that are taken over it."""

    def __init__(self, column: Column, records: _Records, borders: list[Whole]) -> None:
        self._column, self._borders = column, borders
        self._words = records.column(column.type, column.offset)
        missing = np.isnan(self._words) if column.is_float else self._words == NULL
        missing[-1] = True
        self._missing: NDArray[np.bool_] = missing
        self._known = np.concatenate(([0], np.cumsum(~missing[:-1])))
        self._zeroed = np.where(missing, 0, self._words)
        self._sums: Whole | None = None
        if not column.is_float and int(np.abs(self._zeroed).max()) * len(self._zeroed) < LARGEST_SUM:
            self._sums = np.concatenate(([0], np.cumsum(self._zeroed[:-1])))

    def into(self, values: Floats, places: Whole) -> None:
        """Compute all of them."""
        for border, features in self._column.taken.items():
            start, end = self._window(border)
            known = self._known[end] - self._known[start]
            for slot, aggregate, function in features:
                found = self._take(aggregate, start, end, known)
                counts = aggregate.function == "count"
                values[places, slot] = self._one_by_one(function, start, end, counts=counts) if found is None else found
        for border, quantiles in self._column.quantiles.items():
            self._take_quantiles(values, places, *self._window(border), quantiles)

    def _window(self, border: Border) -> tuple[Whole, Whole]:
        start, end = (self._borders[each] for each in border)
        return start, np.maximum(start, end)

    def _take(self, aggregate: Aggregate, start: Whole, end: Whole, known: Whole) -> Floats | None:
        factor, function = self._column.factor, aggregate.function
        if aggregate.distinct:
            return None
        if function == "count":
            return known.astype(np.float64)
        if function in {"sum", "avg", "share"} and self._sums is not None:
            total = (self._sums[end] - self._sums[start]).astype(np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.where(known > 0, (total if function == "sum" else total / known) / factor, np.nan)
        if function in {"min", "max"}:
            return np.where(known > 0, self._extreme(function, start, end) / factor, np.nan)
        if function == "last":
            return self._last(start, end)
        return None

    def _extreme(self, function: str, start: Whole, end: Whole) -> NDArray[Any]:
        last = np.finfo(np.float64) if self._column.is_float else np.iinfo(np.int64)
        infinite = (np.inf, -np.inf) if self._column.is_float else (last.max, last.min)
        words = np.where(self._missing, infinite[function == "max"], self._words)
        reduce = (np.maximum if function == "max" else np.minimum).reduceat
        # Every other run is a window; an empty one gives a number that is not looked at.
        found: NDArray[Any] = reduce(words, np.stack([start, end], axis=1).ravel())[::2]
        return found

    def _last(self, start: Whole, end: Whole) -> Floats:
        newest = np.maximum.accumulate(np.where(self._missing[:-1], -1, np.arange(len(self._missing) - 1)))
        at = np.where(end > start, newest[end - 1], -1)
        found: Floats = np.where(at >= start, self._words[at] / self._column.factor, np.nan)
        return found

    def _one_by_one(self, function: Any, start: Whole, end: Whole, *, counts: bool) -> list[float]:
        numbers = [
            None if missing else word
            for word, missing in zip(self._words.tolist(), self._missing.tolist(), strict=True)
        ]
        whole = not self._missing[:-1].any()
        found = []
        for low, high in zip(start.tolist(), end.tolist(), strict=True):
            part = numbers[low:high]
            if not whole:
                part = [number for number in part if number is not None]
            found.append(function(part) if part else 0.0 if counts else np.nan)
        return found

    def _take_quantiles(
        self, values: Floats, places: Whole, start: Whole, end: Whole, wanted: Sequence[tuple[int, float]]
    ) -> None:
        # Missing numbers are put behind all others: the first ones are those that count.
        behind = np.inf if self._column.is_float else np.iinfo(np.int64).max
        words = np.where(self._missing, behind, self._words)
        lengths = end - start
        by_length = np.argsort(lengths, kind="stable")
        done = int(np.searchsorted(lengths[by_length], 0, "right"))
        while done < len(by_length):
            shortest = int(lengths[by_length[done]])
            until = int(np.searchsorted(lengths[by_length], shortest + max(8, shortest // 4), "right"))
            rows = by_length[done : min(until, done + max(1, BLOCK // shortest))]
            longest = int(lengths[rows[-1]])
            inside = start[rows, None] + np.arange(longest)
            outside = inside >= end[rows, None]
            inside[outside] = len(words) - 1
            ordered = np.sort(words[inside], axis=1)
            known = self._known[end[rows]] - self._known[start[rows]]
            for slot, fraction in wanted:
                values[places[rows], slot] = self._quantile(ordered, known, fraction)
            done += len(rows)

    def _quantile(self, ordered: NDArray[Any], known: Whole, fraction: float) -> Floats:
        row, last = np.arange(len(known)), np.maximum(known - 1, 0)
        place = fraction * last
        low = np.floor(place).astype(np.int64)
        below, above = (ordered[row, np.minimum(each, last)] / self._column.factor for each in (low, low + 1))
        with np.errstate(invalid="ignore"):
            return np.where(known > 0, below + (above - below) * (place - low), np.nan)
