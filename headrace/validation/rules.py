"""The declared rules as a Pandera schema, and the rows that break them.

Pandera judges Polars frames of some hundred thousand rows at once. With `lazy=True` it goes on after a failure, and
every error holds `check_output`, one boolean for each row; the rows that fail are read from these. Its table of
failure cases is left alone (`n_failure_cases=1`): it formats every failing row in Python. Uniqueness is judged in
`headrace.validation.duplicates`, for it spans all parts, and the first of equal rows stands.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from headrace.declaration.types import decimal_arguments, type_kind
from headrace.errors import DataError
from headrace.validation.conditions import columns_named
from headrace.validation.conforming import CONDITION, ON_DAY, UNCAST
from headrace.validation.values import declared_value

if TYPE_CHECKING:
    from pandera.api.polars.types import PolarsData

    from headrace.declaration.rows import Column, Schema

MISSING = "missing"


@dataclass(frozen=True)
class Rule:
    """Something that rows are held to."""

    name: str
    """As counted: `tx_amount: minimum`."""
    columns: tuple[str, ...]
    says: str
    """What is said of a value that breaks it: `is below the minimum 0`."""


@dataclass(frozen=True)
class Failure:
    """The rows of a frame that break a rule."""

    rule: Rule
    rows: pl.Series
    """Their positions, from 0."""


class Rules:
    """The rules of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.rules: dict[str, Rule] = {}
        self._schema = schema
        columns = {name: self._column(name, column) for name, column in schema.columns.items()}
        conditions = [self._condition(name, condition) for name, condition in schema.checks.items()]
        self._pandera = pa.DataFrameSchema(columns, checks=conditions)

    def failures(self, frame: pl.DataFrame) -> list[Failure]:
        """Return which rows of a conformed frame break which rules, all of them in one pass.

        Raises:
            DataError: a rule cannot be computed on these rows.
        """
        try:
            self._pandera.validate(frame, lazy=True)
        except SchemaErrors as errors:
            return [self._failure(error, frame) for error in errors.schema_errors]
        return []

    def _column(self, name: str, column: Column) -> pa.Column:
        checks = [
            self._check(f"{name}: type", name, f"is no {column.type}", lambda data: ~pl.col(UNCAST + data.key)),
        ]
        if not column.nullable:
            self._rule(f"{name}: {MISSING}", (name,), "is missing")
        if column.minimum is not None:
            lowest = _bound(column.minimum, column)
            says = f"is below the minimum {column.minimum:g}"
            checks.append(pa.Check.ge(lowest, **self._named(f"{name}: minimum", name, says)))
        if column.maximum is not None:
            highest = _bound(column.maximum, column)
            says = f"is above the maximum {column.maximum:g}"
            checks.append(pa.Check.le(highest, **self._named(f"{name}: maximum", name, says)))
        if column.values is not None:
            allowed = [declared_value(value, column.type) for value in column.values]
            says = f"is none of {', '.join(map(str, column.values))}"
            checks.append(pa.Check.isin(allowed, **self._named(f"{name}: values", name, says)))
        if column.pattern is not None:
            whole = rf"(?:{column.pattern})$"  # Pandera sets the ^
            says = f"does not match {column.pattern}"
            checks.append(pa.Check.str_matches(whole, **self._named(f"{name}: pattern", name, says)))
        if name == self._schema.timestamp:
            says = "is not on the day of its part"
            checks.append(self._check(f"{name}: day", name, says, lambda _: pl.col(ON_DAY)))
        return pa.Column(polars_type(column.type), checks, nullable=column.nullable)

    def _check(self, rule: str, column: str, says: str, expression: Any) -> pa.Check:
        def compute(data: PolarsData) -> pl.LazyFrame:
            rows: pl.LazyFrame = data.lazyframe
            return rows.select(expression(data))

        return pa.Check(compute, **self._named(rule, column, says))

    def _condition(self, name: str, condition: str) -> pa.Check:
        rule = f"checks: {name}"
        columns = columns_named(condition, self._schema.columns) or [self._schema.key]
        self._rule(rule, tuple(columns), f"breaks {name}: {condition}")
        return pa.Check(
            lambda data: data.lazyframe.select(pl.col(CONDITION + name)), name=rule, n_failure_cases=1, ignore_na=True
        )

    def _named(self, rule: str, column: str, says: str) -> dict[str, Any]:
        self._rule(rule, (column,), says)
        return {"name": rule, "n_failure_cases": 1, "ignore_na": True}

    def _rule(self, name: str, columns: tuple[str, ...], says: str) -> None:
        self.rules[name] = Rule(name, columns, says)

    def _failure(self, error: SchemaError, frame: pl.DataFrame) -> Failure:
        column = error.schema.name
        if error.reason_code == SchemaErrorReason.SERIES_CONTAINS_NULLS:
            rule = self.rules[f"{column}: {MISSING}"]
        elif error.reason_code == SchemaErrorReason.DATAFRAME_CHECK:
            rule = self.rules[error.check.name]
        else:
            raise DataError(f"schema.yaml: {column}: a rule cannot be computed: {error}")
        failed = ~error.check_output.to_series()
        if rule.name.endswith(f": {MISSING}"):
            failed &= ~frame[UNCAST + column]  # it is there, only of another type, and said to be so
        return Failure(rule, failed.arg_true())


def polars_type(type_name: str) -> Any:
    """Return the Polars type of a declared type."""
    arguments = decimal_arguments(type_name)
    if arguments:
        return pl.Decimal(*arguments)
    return {
        "string": pl.String,
        "category": pl.String,
        "integer": pl.Int64,
        "float": pl.Float64,
        "boolean": pl.Boolean,
        "timestamp": pl.Datetime("us"),
        "date": pl.Date,
    }[type_kind(type_name)]


def _bound(bound: float, column: Column) -> Any:
    """Return a bound that compares exactly with the column's values: 0.1 with decimals is 0.1."""
    if column.type == "integer" and bound == int(bound):
        return int(bound)
    return decimal.Decimal(str(bound)) if decimal_arguments(column.type) else bound
