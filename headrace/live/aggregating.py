"""The aggregates of the windows of one entity, over its records.

A window has tens of rows, seldom hundreds: at that size Python's own sums cost less than NumPy's, and those of integers
are exact. The borders of all windows are found together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.declaration.durations import microseconds
from headrace.features.aggregates import LARGEST_NUMBER, LARGEST_SUM
from headrace.live.layout import NULL, TIME, Argument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.features.aggregates import Aggregate
    from headrace.features.plan import Frame, WindowFeature

MISSING = math.nan
Numbers = list[Any]
Border = tuple[int, int]
"""The numbers of the two borders of a window, among all borders of its entity."""
Taken = tuple[int, Border, "Aggregate"]
"""The place of a feature's value among all features, its window, and what is taken."""


class EntityWindows:
    """The windows over one entity's history.

    Args:
        features: The features that look through them, each with the place of its value among all features, and with
            its argument if it has one.
        arguments: The words of a record after its order.
        order: The bytes of a record's order.
    """

    def __init__(
        self,
        features: Sequence[tuple[int, WindowFeature, Argument | None]],
        arguments: Sequence[Argument],
        order: int,
    ) -> None:
        self.width, self.order = order + 8 * len(arguments), order
        self.reach = max(microseconds(each.frame.span) + microseconds(each.frame.delay) for _, each, _ in features)
        self._ages: dict[int, int] = {}
        self.counts: list[tuple[int, Border]] = []
        self.gaps: list[tuple[int, Border]] = []
        taken: dict[Argument, list[Taken]] = {argument: [] for argument in arguments}
        for slot, feature, argument in features:
            border = self._border(feature.frame)
            if argument is not None:
                taken[argument].append((slot, border, feature.aggregate))
            elif feature.aggregate.counts_rows:
                self.counts.append((slot, border))
            else:
                self.gaps.append((slot, border))
        ages = [*self._ages, 0, -1]
        self.columns = [
            Column(argument, order + 8 * place, self.width, taken[argument], ages)
            for place, argument in enumerate(arguments)
        ]
        self.ages = np.array(list(self._ages), dtype=np.int64)
        self._looked_back = self.ages.astype(np.uint64)
        self.always = [slot for slot, each, _ in features if each.aggregate.function == "count"]

    def _border(self, frame: Frame) -> Border:
        """Return the numbers of a frame's borders: those found by an age, the row itself, what is after it."""
        delay = microseconds(frame.delay)
        start = self._ages.setdefault(delay + microseconds(frame.span), len(self._ages))
        if delay:
            return start, self._ages.setdefault(delay, len(self._ages))
        return start, -2 if frame.before_row else -1

    def fill(self, values: list[Any], records: bytes, order: bytes) -> None:
        """Compute the features of a row.

        Args:
            values: Where they go.
            records: The entity's history as far as the windows reach, the row's own record in it; nothing for a row
                without the entity.
            order: The row's order.
        """
        if not records:
            for slot in self.always:
                values[slot] = 0.0
            return
        width = self.width
        count = len(records) // width
        times: NDArray[np.uint64] = np.ndarray(count, ">u8", records, 0, (width,))
        (time,) = TIME.unpack_from(order)
        borders: list[int] = times.searchsorted(np.uint64(time) - self._looked_back, "right").tolist()
        # The last two are the place of the row itself, and the one after it.
        borders += self._own(records, count, order)
        for slot, (start, end) in self.counts:
            values[slot] = float(borders[end] - borders[start])
        for slot, (start, end) in self.gaps:
            last = borders[end] - 1
            values[slot] = (time - times.item(last)) / 1e6 if last >= borders[start] else MISSING
        for column in self.columns:
            column.fill(values, records, count, borders)

    def _own(self, records: bytes, count: int, order: bytes) -> tuple[int, int]:
        at, begin = count, len(records) - self.width
        while at and records[begin : begin + self.order] > order:
            at, begin = at - 1, begin - self.width
        return (at - 1, at) if at and records.startswith(order, begin) else (at, at)


class Column:
    """One argument of an entity's records, and all that is taken over it.

    Args:
        argument: The argument.
        offset: Where in a record it is.
        width: The bytes of a record.
        features: What is taken.
        ages: How much older than the row is what comes before each border, in microseconds.
    """

    def __init__(
        self, argument: Argument, offset: int, width: int, features: Sequence[Taken], ages: Sequence[int]
    ) -> None:
        self.argument, self.offset = argument, offset
        self.is_float, self.factor = argument.kind == "float", 10**argument.scale
        self.type, self._strides = "<f8" if self.is_float else "<i8", (width,)
        self.taken: dict[Border, list[tuple[int, Aggregate, Callable[[Numbers], float]]]] = {}
        self.quantiles: dict[Border, list[tuple[int, float]]] = {}
        for slot, border, aggregate in features:
            if aggregate.is_quantile:
                self.quantiles.setdefault(border, []).append((slot, aggregate.fraction))
            else:
                self.taken.setdefault(border, []).append((slot, aggregate, _function(aggregate, argument)))
        self._first = max((start for start, _ in self.taken), key=ages.__getitem__, default=0)
        self._last = min((end for _, end in self.taken), key=ages.__getitem__, default=0)
        self._steps = [(*border, *_takers(wanted)) for border, wanted in self.taken.items()]

    def fill(self, values: list[Any], records: bytes, count: int, borders: Sequence[int]) -> None:
        """Compute the features of a row."""
        column: NDArray[Any] = np.ndarray(count, self.type, records, self.offset, self._strides)
        for (start, end), fractions in self.quantiles.items():
            ordered = column[borders[start] : borders[end]].copy()
            ordered.sort()
            self._take_quantiles(values, ordered, fractions)
        if not self.taken:
            return
        begin = borders[self._first]
        numbers: Numbers = column[begin : borders[self._last]].tolist()
        whole = not any(map(math.isnan, numbers)) if self.is_float else NULL not in numbers
        for start, end, takers, of_none in self._steps:
            part = numbers[borders[start] - begin : borders[end] - begin]
            if not whole:
                part = [number for number in part if number == number and number != NULL]  # noqa: PLR0124
            if part:
                for slot, take in takers:
                    values[slot] = take(part)
            else:
                for slot, value in of_none:
                    values[slot] = value

    def _take_quantiles(self, values: list[Any], ordered: NDArray[Any], wanted: list[tuple[int, float]]) -> None:
        """Take quantiles by linear interpolation. Missing numbers are the first ones, or with floats the last."""
        begin, end = 0, len(ordered)
        if end and not self.is_float and ordered.item(0) == NULL:
            begin = int(ordered.searchsorted(NULL, "right"))
        elif end and self.is_float and math.isnan(ordered.item(-1)):
            end = int(ordered.searchsorted(math.nan))
        for slot, fraction in wanted:
            if begin == end:
                values[slot] = MISSING
                continue
            place = fraction * (end - begin - 1)
            low = math.floor(place)
            below = ordered.item(begin + low) / self.factor
            above = ordered.item(min(begin + low + 1, end - 1)) / self.factor
            values[slot] = below + (above - below) * (place - low)


def _takers(
    wanted: Sequence[tuple[int, Aggregate, Callable[[Numbers], float]]],
) -> tuple[list[tuple[int, Callable[[Numbers], float]]], list[tuple[int, float]]]:
    """Return by the place of each feature what takes it over some numbers, and what it is where there is none."""
    takers = [(slot, function) for slot, _, function in wanted]
    return takers, [(slot, 0.0 if aggregate.function == "count" else MISSING) for slot, aggregate, _ in wanted]


def _function(aggregate: Aggregate, argument: Argument) -> Callable[[Numbers], float]:
    """Return what takes an aggregate over one or more numbers, none of them missing."""
    factor = 10**argument.scale
    exact = argument.kind != "float"
    functions: dict[str, Callable[[Numbers], float]] = {
        "count": lambda numbers: float(len(numbers)),
        "sum": (lambda numbers: sum(numbers) / factor) if exact else (lambda numbers: float(sum(numbers))),
        "avg": (lambda numbers: sum(numbers) / len(numbers) / factor),
        "min": lambda numbers: min(numbers) / factor,
        "max": lambda numbers: max(numbers) / factor,
        "last": lambda numbers: numbers[-1] / factor,
        "stddev": (lambda numbers: _exact_stddev(numbers, argument.scale)) if exact else _stddev,
    }
    functions["share"] = functions["avg"]
    if aggregate.distinct:
        return lambda numbers: float(len(set(numbers)))
    return functions[aggregate.function]


def _exact_stddev(numbers: Numbers, scale: int) -> float:
    """Return the sample standard deviation by the formula of the SQL form, and of doubles where that is."""
    count = len(numbers)
    if count < 2:
        return MISSING
    largest = max(map(abs, numbers))
    if largest > LARGEST_NUMBER or count * largest > LARGEST_SUM:
        return _stddev([number / 10**scale for number in numbers])
    squares = count * sum(number * number for number in numbers) - sum(numbers) ** 2
    return math.sqrt(squares / (count * (count - 1))) / float(10**scale)


def _stddev(numbers: Numbers) -> float:
    """Return the sample standard deviation of floats; exactly 0 of equal ones."""
    count = len(numbers)
    if count < 2:
        return MISSING
    shifted = [number - numbers[0] for number in numbers]
    mean = math.fsum(shifted) / count
    return math.sqrt(math.fsum((number - mean) ** 2 for number in shifted) / (count - 1))
