"""What rules and model decide about the rows of a table, by DuckDB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headrace.declaration.sql import quoted
from headrace.rules.voice import voice_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.rules import Rules
    from headrace.tasks import Task

MODEL = -1
"""Stands for the rule where none holds: the model decides."""
ERRORS_OF_A_ROW = (duckdb.DataError, duckdb.InvalidInputException)
"""A text that is no number, a sum that leaves its type: with such an error a condition does not hold."""


class Decided(NamedTuple):
    """What was decided about each row, and by what."""

    decisions: npt.NDArray[np.intp]
    """Indices into `Rules.decisions`, (rows,)."""
    rules: npt.NDArray[np.intp]
    """Indices into `Rules.rules`, `MODEL` where the model decided, (rows,)."""


def decide_table(  # noqa: PLR0913  all that decides
    rules: Rules,
    table: pa.Table,
    task: Task,
    scores: npt.NDArray[np.float64],
    *,
    threshold: float | None,
    connection: duckdb.DuckDBPyConnection,
) -> Decided:
    """Decide about all rows of a table.

    Args:
        rules: The declaration.
        table: What conditions name, in declared types, features as doubles or strings; NaN stands for a missing value.
        task: What the label is.
        scores: The model's scores, (rows,) or (rows, classes).
        threshold: The score from which the model flags a row; None where the task has none.
        connection: As `headrace.declaration.sql.connect` gives it.
    """
    voice = voice_of(task)
    rules = voice.settle(rules)
    order = {decision: place for place, decision in enumerate(rules.decisions)}
    by_rule = np.array([*(order[rule.then] for rule in rules.rules), 0], dtype=np.intp)
    by_model = voice.decide(scores, rules, threshold)
    if not rules.rules:
        return Decided(by_model, np.full(len(scores), MODEL, dtype=np.intp))
    held = _first_that_holds(rules, table, voice.say(scores), connection)
    return Decided(np.where(held == MODEL, by_model, by_rule[held]), held)


def _first_that_holds(
    rules: Rules, table: pa.Table, said: dict[str, pa.Array], connection: duckdb.DuckDBPyConnection
) -> npt.NDArray[np.intp]:
    others = {name: table[name] for name in table.column_names if name.lower() not in said}
    named = pa.table({**others, **said})
    columns = ", ".join(_without_nan(field) for field in named.schema)
    cases = " ".join(f"WHEN ({rule.when}) THEN {number}" for number, rule in enumerate(rules.rules))
    connection.register("decided", named)
    try:
        asked = f"SELECT CASE {cases} ELSE {MODEL} END AS held FROM (SELECT {columns} FROM decided)"
        held = connection.sql(asked).to_arrow_table()["held"]
    except ERRORS_OF_A_ROW:
        held = pa.array(_one_by_one(rules, named.to_pylist(), connection), pa.int64())
    finally:
        connection.unregister("decided")
    return np.asarray(held.to_numpy(zero_copy_only=False), dtype=np.intp)


def _one_by_one(rules: Rules, rows: list[dict[str, Any]], connection: duckdb.DuckDBPyConnection) -> Iterator[int]:
    """Yield the first rule that holds for each row: an error of one row is none of the others."""
    described = connection.execute("DESCRIBE decided").fetchall()
    given = ", ".join(f"CAST(? AS {kind}) AS {quoted(name)}" for name, kind, *_ in described)
    queries = [f"SELECT ({rule.when}) FROM (SELECT {given})" for rule in rules.rules]
    for row in rows:
        values = [None if isinstance(each, float) and math.isnan(each) else each for each in row.values()]
        yield next((number for number, query in enumerate(queries) if _holds(query, values, connection)), MODEL)


def _holds(query: str, values: list[Any], connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return connection.execute(query, values).fetchall() == [(True,)]
    except ERRORS_OF_A_ROW:
        return False


def _without_nan(field: pa.Field) -> str:
    name = quoted(field.name)
    return f"nullif({name}, 'nan') AS {name}" if pa.types.is_floating(field.type) else name
