"""The SQL of `evaluation`, held against the features that it is computed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.features import feature_names
from headrace.declaration.sql import beyond_one_row, connect, create_rows, parse, quoted
from headrace.declaration.types import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Evaluation
    from headrace.declaration.pipeline import Pipeline


def check_expressions(config: Pipeline) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, as its key and a message; nothing where the features themselves cannot be computed."""
    with connect() as connection:
        try:
            create_rows(connection, config.schema)
            connection.execute(f"CREATE TEMP TABLE features AS SELECT {_selected(config)} FROM rows")
        except duckdb.Error:
            return  # the check of features says what is wrong
        for key, expression, kind in _declared(config.evaluation):
            beyond = beyond_one_row(parse(expression, connection))
            if beyond:
                yield f"evaluation.{key}", f"'{expression}' {beyond}"
                continue
            try:
                connection.execute(f"SELECT ({expression})::{kind} FROM features")
            except duckdb.Error as error:
                yield f"evaluation.{key}", f"'{expression}' cannot be computed from the features: {_words(error)}"


def _selected(config: Pipeline) -> str:
    """Return the features as SQL over a row, with their types: what a window or a ratio gives is a number."""
    features: Features = config.features
    columns = [f"{quoted(name)}::{_type(config, name)} AS {quoted(name)}" for name in features.columns]
    expressions = [f"({sql}) AS {quoted(name)}" for name, sql in features.expressions.items()]
    others = [name for name in feature_names(features) if name not in {*features.columns, *features.expressions}]
    return ", ".join([*columns, *expressions, *(f"NULL::DOUBLE AS {quoted(name)}" for name in others)])


def _type(config: Pipeline, column: str) -> str:
    declared = config.schema.columns.get(column)
    return "VARCHAR" if declared is not None and declared.type in TEXTS else "DOUBLE"


def _declared(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    if evaluation.costs:
        yield "costs.false_negative", evaluation.costs.false_negative, "DOUBLE"
    if evaluation.knowable:
        yield "knowable", evaluation.knowable, "BOOLEAN"


def _words(error: duckdb.Error) -> str:
    return str(error).split("\n", 1)[0]
