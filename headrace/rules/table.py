"""What rules and model decide about the rows of a table, by DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headrace.declaration.sql import quoted
from headrace.rules.names import PROBABILITY

if TYPE_CHECKING:
    from headrace.declaration.rules import Rules

MODEL = -1
"""Stands for the rule where none holds: the model decides."""


class Decided(NamedTuple):
    """What was decided about each row, and by what."""

    decisions: npt.NDArray[np.intp]
    """Indices into `Rules.decisions`, (rows,)."""
    rules: npt.NDArray[np.intp]
    """Indices into `Rules.rules`, `MODEL` where the model decided, (rows,)."""


def connect() -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that computes rules: no files, no network, one thread."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    # What conditions have in common would be computed before TRY, where an error of one row is one of all rows.
    connection.execute("SET disabled_optimizers = 'common_subexpressions'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def decide_table(
    rules: Rules,
    table: pa.Table,
    probabilities: npt.NDArray[np.float64],
    threshold: float,
    connection: duckdb.DuckDBPyConnection,
) -> Decided:
    """Decide about all rows of a table.

    Args:
        rules: The declaration.
        table: What conditions name, in declared types, features as doubles or strings; NaN stands for a missing value.
        probabilities: The model's scores, (rows,).
        threshold: The score from which the model flags a row.
        connection: As `connect` gives it, or a cursor of it.
    """
    order = {decision: place for place, decision in enumerate(rules.decisions)}
    by_rule = np.array([*(order[rule.then] for rule in rules.rules), 0], dtype=np.intp)
    by_model = np.where(probabilities >= threshold, order[rules.model.above], order[rules.model.below])
    held = _first_that_holds(rules, table, probabilities, connection)
    return Decided(np.where(held == MODEL, by_model, by_rule[held]), held)


def _first_that_holds(
    rules: Rules, table: pa.Table, probabilities: npt.NDArray[np.float64], connection: duckdb.DuckDBPyConnection
) -> npt.NDArray[np.intp]:
    if not rules.rules:
        return np.full(len(probabilities), MODEL, dtype=np.intp)
    others = {name: table[name] for name in table.column_names if name.lower() != PROBABILITY}
    named = pa.table({**others, PROBABILITY: pa.array(probabilities, pa.float64())})
    columns = ", ".join(_without_nan(field) for field in named.schema)
    # TRY gives NULL where a row has an error, such as a sum that leaves its type: such a condition does not hold.
    cases = " ".join(f"WHEN try(({rule.when})) THEN {number}" for number, rule in enumerate(rules.rules))
    connection.register("decided", named)
    try:
        asked = f"SELECT CASE {cases} ELSE {MODEL} END AS held FROM (SELECT {columns} FROM decided)"
        held = connection.sql(asked).to_arrow_table()["held"].to_numpy()
    finally:
        connection.unregister("decided")
    return np.asarray(held, dtype=np.intp)


def _without_nan(field: pa.Field) -> str:
    name = quoted(field.name)
    return f"nullif({name}, 'nan') AS {name}" if pa.types.is_floating(field.type) else name
