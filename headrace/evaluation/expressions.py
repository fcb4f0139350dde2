"""SQL expressions of the declaration, over the features of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np

from headrace.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from headrace.declaration.modelling import Evaluation
    from headrace.metrics.ranking import Array

DUCKDB_TYPES = {"number": "DOUBLE", "category": "VARCHAR"}


def check_expressions(evaluation: Evaluation, features: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is wrong with the SQL of `evaluation`, as its key and a message.

    Args:
        evaluation: The declaration.
        features: `number` or `category` by feature.
    """
    with duckdb.connect() as connection:
        columns = ", ".join(f"{_quote(name)} {DUCKDB_TYPES[kind]}" for name, kind in features.items())
        connection.execute(f"CREATE TABLE rows ({columns or 'nothing INTEGER'})")
        problems = []
        for key, expression, kind in _declared(evaluation):
            try:
                connection.execute(f"SELECT ({expression})::{kind} FROM rows")
            except duckdb.Error as error:
                problems.append((key, f"'{expression}' cannot be computed: {_first_line(error)}"))
    return problems


def lost_amounts(expression: str, rows: pa.Table, labels: Array) -> Array:
    """Return what a positive row costs that is not flagged, and 0 for the negative rows.

    Raises:
        ConfigError: the expression cannot be computed.
        DataError: it is missing or negative for a positive row.
    """
    amounts = _compute("evaluation.costs.false_negative", expression, "DOUBLE", rows)
    amounts = np.where(labels != 0, amounts, 0.0)
    wrong = int(np.count_nonzero(~(amounts >= 0)))
    if wrong:
        raise DataError(
            f"evaluation.costs.false_negative: '{expression}' is missing or negative in {wrong} positive rows; "
            "it has to be an amount in each (coalesce gives one where a feature is missing)"
        )
    return amounts


def is_knowable(condition: str, rows: pa.Table) -> Array:
    """Return for each row whether it meets `evaluation.knowable`; a missing answer is a no.

    Raises:
        ConfigError: the condition cannot be computed.
    """
    return _compute("evaluation.knowable", condition, "BOOLEAN", rows).astype(bool)


def _declared(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    declared = []
    if evaluation.costs:
        declared.append(("costs.false_negative", evaluation.costs.false_negative, "DOUBLE"))
    if evaluation.knowable:
        declared.append(("knowable", evaluation.knowable, "BOOLEAN"))
    return declared


def _compute(key: str, expression: str, kind: str, rows: pa.Table) -> Array:
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        try:
            values = connection.sql(f"SELECT ({expression})::{kind} AS value FROM rows").fetchnumpy()["value"]
        except duckdb.Error as error:
            raise ConfigError(f"{key}: '{expression}' cannot be computed: {_first_line(error)}") from error
    return np.ma.filled(values, np.nan if kind == "DOUBLE" else False)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
