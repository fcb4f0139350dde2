"""What rules and model decide about one row of a request, in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headrace.declaration.features import feature_names
from headrace.declaration.sql import connect
from headrace.declaration.types import arrow_type
from headrace.errors import DataError
from headrace.live.rowwise import as_decimal, compile_expressions
from headrace.rules.names import names_read, visible
from headrace.rules.table import decide_table
from headrace.rules.voice import voice_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.declaration.features import Features
    from headrace.declaration.rows import TypedRows
    from headrace.declaration.rules import Rules
    from headrace.tasks import Task

    Value = float | str | None


class Decision(NamedTuple):
    """What was decided, and by which rule; None for the model."""

    decision: str
    rule: str | None


class RowRules:
    """Rules, ready for requests. Several threads may ask.

    Args:
        rules: The declaration, checked.
        rows: The columns.
        features: The features.
        task: What the label is.
        threshold: The score from which the model flags a row; None where the task has none.

    Raises:
        ConfigError: A condition is not one over the columns and the features.
    """

    def __init__(self, rules: Rules, rows: TypedRows, features: Features, task: Task, threshold: float | None) -> None:
        voice = voice_of(task)
        self._rules = rules = voice.settle(rules)
        self._task, self._threshold = task, threshold
        seen = visible(rows, features, voice.names)
        read = [name for name in names_read(rules, seen.columns) if name not in voice.names]
        places = {name: place for place, name in enumerate(feature_names(features))}
        self._columns = [name for name in read if name in rows.columns]
        self._features = [(name, places[name]) for name in read if name not in rows.columns]
        self._types = {name: seen.columns[name].type for name in read}
        self._program = compile_expressions({rule.name: rule.when for rule in rules.rules}, seen)
        self._by_rule = [(rule.name, Decision(rule.then, rule.name)) for rule in rules.rules]
        self._say, self._voice = voice.of_row(), voice
        by_model = {key: Decision(decision, None) for key, decision in rules.model.items()}
        self._alone = voice.of_row_alone(by_model, threshold)

    @property
    def compiled(self) -> list[str]:
        """Return the names of the rules that need no DuckDB for one row: those of a microsecond or two."""
        return self._program.compiled

    def __call__(self, row: Mapping[str, Any], values: Sequence[Value], score: Any) -> Decision:
        """Decide about a row.

        Args:
            row: Python values by column; one that it does not have is missing.
            values: The features in the order of `feature_names`, NaN or None for a missing one.
            score: What the model's scorer says: a number, or the probability of each class.

        Raises:
            DataError: A value is none of its column's type.
        """
        if not self._by_rule:
            return self._alone(score)
        given = self._say(score)
        for name in self._columns:
            given[name] = row.get(name)
        for name, place in self._features:
            given[name] = values[place]
        known = {name: None if value != value else value for name, value in given.items()}  # noqa: PLR0124  NaN is not
        try:
            held = self._program(known)
        except DataError as error:  # one of the conditions has an error in this row; the others are asked all the same
            return self._despite(error, row, values, score)
        for name, decision in self._by_rule:
            if held[name]:
                return decision
        return self._alone(score)

    def many(
        self, rows: Sequence[Mapping[str, Any]], values: Sequence[Sequence[Value]], scores: npt.ArrayLike
    ) -> list[Decision]:
        """Decide about many rows at once; the arguments are those of one row, for each."""
        scores = np.asarray(scores, dtype=np.float64)
        if not self._by_rule:
            by_model = [Decision(decision, None) for decision in self._rules.decisions]
            return [by_model[place] for place in self._voice.decide(scores, self._rules, self._threshold).tolist()]
        try:
            return self._by_duckdb(rows, values, scores)
        except pa.ArrowException:  # a value that is not quite of its column's type
            return [self(*each) for each in zip(rows, values, scores, strict=True)]

    def close(self) -> None:
        """Give back what DuckDB holds."""
        self._program.close()

    def _despite(self, error: DataError, row: Mapping[str, Any], values: Sequence[Value], score: Any) -> Decision:
        try:
            return self._by_duckdb([row], [values], np.asarray([score], dtype=np.float64))[0]
        except pa.ArrowException:
            raise error from None

    def _by_duckdb(
        self, rows: Sequence[Mapping[str, Any]], values: Sequence[Sequence[Value]], scores: npt.NDArray[np.float64]
    ) -> list[Decision]:
        columns = {name: [row.get(name) for row in rows] for name in self._columns}
        columns |= {name: [of_row[place] for of_row in values] for name, place in self._features}
        arrays = {name: _array(column, self._types[name]) for name, column in columns.items()}
        with connect() as connection:
            decided = decide_table(
                self._rules, pa.table(arrays), self._task, scores, threshold=self._threshold, connection=connection
            )
        by_model = [Decision(decision, None) for decision in self._rules.decisions]
        by_rule = [decision for _, decision in self._by_rule]
        return [
            by_rule[rule] if rule >= 0 else by_model[decision]
            for decision, rule in zip(decided.decisions.tolist(), decided.rules.tolist(), strict=True)
        ]


def _array(values: list[Any], declared: str) -> pa.Array:
    kind = arrow_type(declared)
    if pa.types.is_decimal(kind):
        values = [as_decimal(value) if isinstance(value, float) else value for value in values]
    return pa.array(values, kind)
