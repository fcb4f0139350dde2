"""The aggregates that a window may name, in the words of both SQL forms.

An aggregate is written as in SQL: `avg(tx_amount)`, `share(tx_amount > 220)`, `quantile(tx_amount, 0.9)`. What stands
in the brackets is computed once for each row, as an argument column; the aggregate is then taken over that column, in
the frame of a window (training) or over joined rows (a lookup). Sums of decimals and integers are exact in any order,
so both forms give the same bits for them; floats may differ in the last ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
EXACT = re.compile(r"TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|BOOLEAN|DECIMAL\((\d+),\s*(\d+)\)")
EXACT_DIGITS = 18
NO_ARGUMENT = ("seconds_since_last",)
PLAIN = ("sum", "avg", "min", "max")
LARGEST_NUMBER, LARGEST_SUM = 10**15, 10**19
"""Of exact numbers whose squares are summed in 128 bits, and of how many there are times the largest; in the unit of
their last digit."""
NAMES = ("count", *PLAIN, "stddev", "share", "last", "seconds_since_last", "median", "quantile")


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of a window."""

    function: str
    argument: str | None = None
    """An SQL expression over one row; None for `count(*)` and `seconds_since_last()`."""
    distinct: bool = False
    fraction: float = 0.5
    """The quantile, for `quantile`."""

    @property
    def before_row(self) -> bool:
        """Whether the row itself is left out of its own window."""
        return self.function == "seconds_since_last"

    @property
    def counts_rows(self) -> bool:
        """Whether it is `count(*)`."""
        return self.function == "count" and self.argument is None

    @property
    def argument_sql(self) -> str | None:
        """Return the argument column: the expression, in the type that the aggregate is taken in."""
        if self.argument is None:
            return None
        if self.function == "share":
            return f"CASE WHEN {self.argument} THEN 1 WHEN NOT ({self.argument}) THEN 0 END"
        if self.is_quantile:
            return f"CAST({self.argument} AS DOUBLE)"
        return self.argument

    @property
    def is_quantile(self) -> bool:
        """Whether it is a quantile; the median is one."""
        return self.function in {"median", "quantile"}

    def sql(self, column: str, *, scale: int | None, over: str, position: str, fractions: Sequence[float] = ()) -> str:
        """Return the aggregate over an argument column.

        Args:
            column: The quoted argument column; for `count(*)` and `seconds_since_last()` a column that is never null,
                for the latter the time in microseconds.
            scale: How many of the digits of an exact number are decimals, as `scale_of` says; None for other columns.
            over: What limits the rows and is repeated after each function: `OVER w`, or `FILTER (...)`.
            position: The column that orders the rows.
            fractions: All quantiles of this column in this frame, which DuckDB then takes together.
        """
        if self.is_quantile and len(fractions) > 1:
            return f"(quantile_cont({column}, {list(fractions)}) {over})[{fractions.index(self.fraction) + 1}]"
        if self.is_quantile:
            return f"quantile_cont({column}, {self.fraction}) {over}"
        if self.function == "share":
            return f"avg({column}) {over}"
        if self.function == "stddev":
            return f"stddev_samp({column}) {over}" if scale is None else _stddev(column, scale, over)
        if self.function in {"last", "seconds_since_last"}:
            return f"arg_max({column}, {position}) {over}"
        distinct = "DISTINCT " if self.distinct else ""
        return f"{self.function}({distinct}{column}) {over}"


def parse_aggregate(written: str) -> Aggregate:
    """Return an aggregate as a declaration writes it.

    Raises:
        ConfigError: It is no call of a known aggregate.
    """
    found = CALL.fullmatch(written)
    name = found[1].lower() if found else ""
    if not found or name not in NAMES:
        raise ConfigError(f"'{written}' is no aggregate; known are {', '.join(f'{name}(…)' for name in NAMES)}")
    inside = found[2].strip()
    if name in NO_ARGUMENT or (name == "count" and inside == "*"):
        if inside not in {"", "*"}:
            raise ConfigError(f"'{written}': {name}() takes nothing; found '{inside}'")
        return Aggregate(name)
    if not inside:
        raise ConfigError(f"'{written}': {name}(…) takes an SQL expression over a row")
    if name == "quantile":
        return _quantile(written, inside)
    distinct = inside.lower().startswith("distinct ")
    if distinct and name != "count":
        raise ConfigError(f"'{written}': only count takes distinct")
    return Aggregate(name, inside[len("distinct ") :].strip() if distinct else inside, distinct)


def _quantile(written: str, inside: str) -> Aggregate:
    argument, _, last = inside.rpartition(",")
    try:
        fraction = float(last)
    except ValueError:
        fraction = -1.0
    if not argument.strip() or not 0 <= fraction <= 1:
        raise ConfigError(f"'{written}': write an expression and a fraction from 0 to 1, such as quantile(amount, 0.9)")
    return Aggregate("quantile", argument.strip(), fraction=fraction)


def scale_of(kind: str) -> int | None:
    """Return how many digits of a DuckDB type's numbers are decimals; None where 64 bits do not hold them exactly."""
    found = EXACT.fullmatch(kind)
    return int(found[2] or 0) if found and int(found[1] or 0) <= EXACT_DIGITS else None


def _stddev(column: str, scale: int, over: str) -> str:
    """Return the sample standard deviation from exact sums, which no order of the rows changes.

    It is that of whole numbers, in the unit of the last digit: sqrt((n sum(x^2) - sum(x)^2) / (n (n - 1))). Where that
    does not fit it is DuckDB's own, of doubles.
    """
    whole = f"CAST(CAST({column} AS DECIMAL(38, {scale})) * {10**scale} AS HUGEINT)" if scale else f"{column}::HUGEINT"
    count, total = f"count({column}) {over}", f"sum({whole}) {over}"
    squares = f"sum(CASE WHEN abs({whole}) <= {LARGEST_NUMBER} THEN {whole} * {whole} END) {over}"
    largest = f"greatest(max({whole}) {over}, -(min({whole}) {over}))"
    variance = f"CAST({count} * {squares} - {total} * {total} AS DOUBLE) / ({count} * ({count} - 1))"
    fits = f"{largest} <= {LARGEST_NUMBER} AND {count} * {largest} <= {LARGEST_SUM}"
    return (
        f"CASE WHEN {count} > 1 AND {fits} THEN sqrt({variance}) / {10**scale} "
        f"WHEN {count} > 1 THEN stddev_samp(CAST({column} AS DOUBLE)) {over} END"
    )
