"""What rules change: what they and the model decide about the test rows, beside the model alone."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

from headrace.errors import ConfigError
from headrace.evaluation import curves
from headrace.evaluation.reading import read_rows_of
from headrace.metrics import DECISION_METRICS, confusion
from headrace.rules import connect, decide_table, names_read
from headrace.storage import list_parts

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from headrace.declaration.pipeline import EvaluateConfig
    from headrace.declaration.rules import Rules
    from headrace.evaluation.judging import TestRows
    from headrace.metrics.ranking import Array
    from headrace.rules import Decided

SHOWN = ("recall", "precision", "false_positive_rate")


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


def judge_rules(
    config: EvaluateConfig, test: TestRows, seen: pa.Table, scores: Array, threshold: float
) -> dict[str, Any]:
    """Measure what rules and model decide about the test rows; from `model.above` on a decision counts as flagged.

    Args:
        config: The declaration.
        test: The rows.
        seen: What conditions read of them.
        scores: The model's scores, (rows,).
        threshold: The score from which the model flags a row.

    Returns:
        Metrics of the flagged rows and their cost; the rows of each decision; the rows that each rule decided, and
        which of them the model alone would have flagged.

    Raises:
        ConfigError: A condition cannot be computed.
    """
    rules, positive = config.rules, test.rows.labels != 0
    decided = _decide(rules, seen, scores, threshold)
    flagged = decided.decisions >= rules.decisions.index(rules.model.above)
    counts, costs, cost = confusion(positive, flagged, threshold=1), config.evaluation.costs, None
    if costs is not None and test.lost is not None:
        cost = sum(curves.cost_of(flagged, positive, test.lost, costs.false_positive))
    decisions = [
        {"decision": decision, **_count(decided.decisions == number, positive)}
        for number, decision in enumerate(rules.decisions)
    ]
    by_rule = []
    for number, rule in enumerate(rules.rules):
        mask = decided.rules == number
        alone = _count(mask & (scores >= threshold), positive)
        by_rule.append({**asdict(rule), **_count(mask, positive), "model_flags": alone})
    return {
        "flagged_from": rules.model.above,
        "test": {name: DECISION_METRICS[name](counts) for name in SHOWN},
        "confusion": counts._asdict(),
        "cost": cost,
        "decisions": decisions,
        "rules": by_rule,
    }


def _decide(rules: Rules, seen: pa.Table, scores: Array, threshold: float) -> Decided:
    with closing(connect()) as connection:
        try:
            return decide_table(rules, seen, scores, threshold, connection)
        except duckdb.Error as error:
            raise ConfigError(f"rules.yaml: a rule cannot be computed: {str(error).splitlines()[0]}") from error


def _columns(rules: Rules, validated: Path) -> list[str]:
    """Return the columns of the validated rows that conditions read."""
    if not rules.rules:
        return []
    first = next(iter(list_parts(validated).values()), None)
    return [] if first is None else names_read(rules, pq.read_schema(first).names)


def _count(mask: Array, positive: Array) -> dict[str, Any]:
    rows, positives = int(np.count_nonzero(mask)), int(np.count_nonzero(mask & positive))
    return {"rows": rows, "positives": positives, "precision": positives / rows if rows else None}
