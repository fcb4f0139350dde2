"""What rules change: what they and the model decide about the test rows, beside the model alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq

from headrace.declaration.sql import connect
from headrace.errors import ConfigError
from headrace.evaluation.reading import read_rows_of
from headrace.rules import decide_table, names_read, settle
from headrace.storage import list_parts

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from headrace.declaration.rules import Rules
    from headrace.evaluation.judging import Judge, TestRows
    from headrace.metrics.ranking import Array
    from headrace.rules import Decided
    from headrace.tasks import Task


def rows_seen(rules: Rules, table: pa.Table, validated: Path, key: str) -> pa.Table:
    """Return what conditions read of rows of the features table: features from there, columns as they were validated.

    Args:
        rules: The declaration.
        table: The rows, with their key and features.
        validated: The folder of the validated rows; where there are no rules it is not read.
        key: The key's name.

    Raises:
        DataError: A row is not among the validated ones.
    """
    columns = _columns(rules, validated)
    seen = table.select([name for name in names_read(rules, table.column_names) if name not in columns])
    rows = read_rows_of(validated, key, table[key], columns) if columns else table
    for name in columns:
        seen = seen.append_column(name, rows[name])
    return seen


def judge_rules(  # noqa: PLR0913  all that decides, and who judges it
    rules: Rules, judge: Judge, test: TestRows, seen: pa.Table, scores: Array, *, threshold: float | None
) -> dict[str, Any]:
    """Measure what rules and model decide about the test rows.

    Args:
        rules: The declaration.
        judge: Who judges.
        test: The rows.
        seen: What conditions read of them.
        scores: The model's scores, (rows,) or (rows, classes).
        threshold: The score from which the model flags a row; None where the task has none.

    Returns:
        What the task says of the decisions together; the rows of each decision; the rows that each rule decided.

    Raises:
        ConfigError: A condition cannot be computed.
    """
    rules = settle(rules, judge.task)
    decided = _decide(rules, judge.task, seen, scores, threshold)
    return {
        **judge.together(rules, decided.decisions, test),
        "decisions": [
            {"decision": decision, **judge.count(decided.decisions == number, test, scores)}
            for number, decision in enumerate(rules.decisions)
        ],
        "rules": [
            {**asdict(rule), **judge.count_rule(decided.rules == number, test, scores, threshold)}
            for number, rule in enumerate(rules.rules)
        ],
    }


def _decide(rules: Rules, task: Task, seen: pa.Table, scores: Array, threshold: float | None) -> Decided:
    with connect() as connection:
        try:
            return decide_table(rules, seen, task, scores, threshold=threshold, connection=connection)
        except duckdb.Error as error:
            raise ConfigError(f"rules.yaml: a rule cannot be computed: {str(error).splitlines()[0]}") from error


def _columns(rules: Rules, validated: Path) -> list[str]:
    """Return the columns of the validated rows that conditions read."""
    if not rules.rules:
        return []
    first = next(iter(list_parts(validated).values()), None)
    return [] if first is None else names_read(rules, pq.read_schema(first).names)
