"""A declaration of features, resolved: which columns it reads, which windows it looks through, in which types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.declaration.durations import microseconds
from headrace.declaration.sql import connect, create_rows, quoted
from headrace.features.aggregates import Aggregate, parse_aggregate
from headrace.features.labels import label_sql
from headrace.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows
    from headrace.tasks import Task

POSITION = "_position"
"""The column that numbers the rows by time, then by key: the one order that there is."""
TIME = "_time"
"""The column of the time in microseconds."""
FLOATS = ("DOUBLE", "FLOAT")


@dataclass(frozen=True)
class Frame:
    """Which rows of an entity a window sees: time in `(t - delay - span, t - delay]`, or before the row itself."""

    entity: str
    span: str
    delay: str
    before_row: bool = False

    @property
    def start(self) -> str:
        """The column that says how many rows of the entity before its own a row's window starts."""
        return f"_{self.entity}_start_{self.span}_{self.delay}"

    @property
    def end(self) -> str:
        """The column that says how many rows of the entity before its own a row's window ends, if it has a delay."""
        return f"_{self.entity}_end_{self.delay}"

    @property
    def rows_sql(self) -> str:
        """The frame in SQL, over the rows of the entity in order."""
        until = f"{quoted(self.end)} PRECEDING" if microseconds(self.delay) else "CURRENT ROW"
        return f"ROWS BETWEEN {quoted(self.start)} PRECEDING AND {'1 PRECEDING' if self.before_row else until}"

    @property
    def count_sql(self) -> str:
        """How many rows the frame has, in SQL: its borders say it."""
        if microseconds(self.delay):
            return f"{quoted(self.start)} - {quoted(self.end)} + 1"
        return quoted(self.start) if self.before_row else f"{quoted(self.start)} + 1"

    @property
    def seen_sql(self) -> str:
        """The condition in SQL for a row of `history` to be seen by a row of `probes`."""
        delay = microseconds(self.delay)
        since = f"history.{TIME} > probes.{TIME} - {delay + microseconds(self.span)}"
        if delay:
            return f"{since} AND history.{TIME} <= probes.{TIME} - {delay}"
        return f"{since} AND history.{POSITION} {'<' if self.before_row else '<='} probes.{POSITION}"

    @property
    def name(self) -> str:
        """A name for SQL's WINDOW clause."""
        return f"{self.entity}_{self.span}_{self.delay}" + ("_before" if self.before_row else "")


@dataclass(frozen=True)
class WindowFeature:
    """One feature of a window."""

    name: str
    aggregate: Aggregate
    frame: Frame


class Plan:
    """What the SQL of a declaration is made from.

    Raises:
        ConfigError: A span or an aggregate is not written as it should be.
    """

    def __init__(self, features: Features, rows: TypedRows, target: Target) -> None:
        self.features = features
        self.rows = rows
        self.target = target
        self.windows = [
            WindowFeature(
                f"{name}_{label}_{span}", aggregate, _frame(name, window.entity, span, window.delay, aggregate)
            )
            for name, window in features.windows.items()
            for span in window.spans
            for label, aggregate in ((label, parse_aggregate(written)) for label, written in window.aggregates.items())
        ]

    @property
    def frames(self) -> list[Frame]:
        """The different frames, in the order of the declaration."""
        return list(dict.fromkeys(feature.frame for feature in self.windows))

    @property
    def entities(self) -> list[str]:
        """The entity columns."""
        return list(dict.fromkeys(frame.entity for frame in self.frames))

    @property
    def identity(self) -> list[str]:
        """The columns that come before the features: key, timestamp, entities, label."""
        timestamp = [self.rows.timestamp] if self.rows.timestamp else []
        return list(dict.fromkeys([self.rows.key, *timestamp, *self.entities, self.target.column]))

    @property
    def history(self) -> int:
        """How far back the longest window looks, in microseconds."""
        return max((microseconds(frame.span) + microseconds(frame.delay) for frame in self.frames), default=0)

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The argument columns by their expression."""
        expressions = dict.fromkeys(
            feature.aggregate.argument_sql for feature in self.windows if feature.aggregate.argument_sql
        )
        return {expression: f"_argument_{number}" for number, expression in enumerate(expressions)}

    def fractions(self, feature: WindowFeature) -> list[float]:
        """Return the quantiles that are declared over the same values in the same frame as a quantile."""
        alike = [
            other.aggregate.fraction
            for other in self.windows
            if other.aggregate.is_quantile
            and (other.frame, other.aggregate.argument) == (feature.frame, feature.aggregate.argument)
        ]
        return sorted(set(alike))

    @property
    def task(self) -> Task:
        """What the label is."""
        return task_of(self.target, self.rows.columns)

    def label_sql(self) -> str:
        """Return the label as a number."""
        return label_sql(self.target, self.task, self.rows.columns[self.target.column])

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The DuckDB types of the argument columns by their expression."""
        return dict(zip(self.arguments, self._types_of(self.arguments), strict=True))

    @property
    def argument_columns(self) -> list[str]:
        """The argument columns in SQL: a number that is not finite, such as `x / 0`, is a missing one."""
        return [
            f"CASE WHEN isfinite({expression}) THEN {expression} END AS {column}"
            if self.kinds[expression] in FLOATS
            else f"{expression} AS {column}"
            for expression, column in self.arguments.items()
        ]

    @cached_property
    def texts(self) -> frozenset[str]:
        """The features that are texts."""
        own = {name: quoted(name) for name in self.features.columns} | self.features.expressions
        kinds = zip(own, self._types_of(own.values()), strict=True)
        return frozenset(name for name, kind in kinds if kind == "VARCHAR" or kind.startswith("ENUM"))

    def _types_of(self, expressions: Iterable[str]) -> list[str]:
        """Return the DuckDB types of expressions over a row."""
        columns = ", ".join(f"{expression} AS _{place}" for place, expression in enumerate(expressions))
        if not columns:
            return []
        with connect() as connection:
            create_rows(connection, self.rows)
            described = connection.execute(f"DESCRIBE SELECT {columns} FROM rows").fetchall()
        return [str(kind) for _, kind, *_ in described]


def _frame(window: str, entity: str | None, span: str, delay: str, aggregate: Aggregate) -> Frame:
    microseconds(span)
    undelayed = microseconds(delay) == 0
    return Frame(entity or window, span, delay, before_row=aggregate.before_row and undelayed)
