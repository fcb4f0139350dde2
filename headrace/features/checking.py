"""A declaration of features, held against the rows: all that is wrong, before any row is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.durations import microseconds
from headrace.declaration.features import feature_names
from headrace.declaration.sql import beyond_one_row, connect, create_rows, nodes, parse
from headrace.errors import ConfigError
from headrace.features.aggregates import parse_aggregate
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.declaration.features import Features, Window
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows

Problem = tuple[str, str]
NUMERIC = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN", "U")


def check_features(features: Features, rows: TypedRows, target: Target) -> list[Problem]:
    """Return what is wrong, as the key within `features.yaml` and a message that says what would be right."""
    problems = [*_names(features, rows, target), *_columns(features, rows)]
    for name, window in features.windows.items():
        problems += _window(name, window, rows, target)
    with connect() as connection:
        try:
            create_rows(connection, rows)
        except ConfigError:
            return problems  # A wrong type is the schema's matter, and said there.
        problems += _expressions(features, target, connection)
        for name, window in features.windows.items():
            problems += _aggregates(name, window, target, connection)
    # A name that is wrong above would be wrong in a ratio once more.
    return problems or list(_ratios(features))


def _names(features: Features, rows: TypedRows, target: Target) -> Iterator[Problem]:
    names = feature_names(features)
    entities = {window.entity or name for name, window in features.windows.items()}
    taken = {rows.key: "the key", rows.timestamp: "the timestamp", target.column: "the label"}
    taken |= dict.fromkeys(entities, "an entity of a window")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield _place(name, features), f"'{name}' is declared {names.count(name)} times; a feature's name is its own"
        if name in taken:
            yield "columns", f"'{name}' is {taken[name]}, and cannot be a feature"
    if not names:
        yield "columns", "no feature is declared; name a column, an expression or a window"


def _place(name: str, features: Features) -> str:
    """Return a key that declares a feature, the last of several."""
    for section in ("ratios", "expressions"):
        if name in getattr(features, section):
            return f"{section}.{name}"
    return "columns" if features.columns.count(name) > 1 else "windows"


def _columns(features: Features, rows: TypedRows) -> Iterator[Problem]:
    for name in features.columns:
        if name not in rows.columns:
            yield "columns", f"'{name}' is no column of schema.yaml; {known(name, rows.columns)}"
        elif rows.columns[name].type in {"timestamp", "date"}:
            yield (
                "columns",
                f"'{name}' is a {rows.columns[name].type}; a feature is a number or a text: use an expression",
            )


def _expressions(features: Features, target: Target, connection: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    for name, expression in features.expressions.items():
        key = f"expressions.{name}"
        kind, problem = _bind_row(expression, connection)
        if problem:
            yield key, problem
        elif not kind.startswith((*NUMERIC, "VARCHAR", "ENUM")):
            yield key, f"'{expression}' is a {kind}; a feature is a number, a truth value or a text"
        elif _reads(expression, target.column, connection):
            yield key, f"'{expression}' reads the label {target.column}: a model would see what it has to predict"


def _window(name: str, window: Window, rows: TypedRows, target: Target) -> Iterator[Problem]:
    key, entity = f"windows.{name}", window.entity or name
    if rows.timestamp is None:
        yield key, "a window needs a time, and schema.yaml has none (timestamp: null)"
    if entity not in rows.columns:
        yield key, f"its entity '{entity}' is no column of schema.yaml; {known(entity, rows.columns)}"
    if entity == target.column:
        yield key, f"its entity '{entity}' is the label: a model would see what it has to predict"
    for length in window.spans:
        yield from _length(f"{key}.spans", length)
    if not window.spans:
        yield f"{key}.spans", "none is given; write one or more, such as [1d, 7d]"
    yield from _length(f"{key}.delay", window.delay, least=0)


def _aggregates(name: str, window: Window, target: Target, connection: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    leak = _leak(window.delay, target)
    for label, written in window.aggregates.items():
        for problem in _aggregate(written, target.column, leak, connection):
            yield f"windows.{name}.aggregates.{label}", problem


def _aggregate(written: str, label: str, leak: str, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    try:
        aggregate = parse_aggregate(written)
    except ConfigError as error:
        yield str(error)
        return
    if aggregate.argument is None:
        return
    _, problem = _bind_row(aggregate.argument, connection)
    if not problem:
        # The aggregate itself has to take the type: there is no avg of a text.
        sql = aggregate.sql(f"({aggregate.argument_sql})", scale=None, over="", position="0")
        problem = _bind(sql, connection)[1]
    if problem:
        yield problem
    elif leak and _reads(aggregate.argument, label, connection):
        yield f"'{written}' {leak}"


def _leak(delay: str, target: Target) -> str:
    """Return what is wrong with a window of this delay that reads the label; nothing where it may."""
    try:
        if microseconds(delay) >= max(microseconds(target.delay), 1):
            return ""
    except ConfigError:
        return ""  # One of the two is no length of time, and that is said where it stands.
    return (
        f"reads the label {target.column}, which is known {target.delay} late; the window's delay is {delay}: "
        f"it has to be longer than nothing, and {target.delay} or more"
    )


def _ratios(features: Features) -> Iterator[Problem]:
    declared = [name for name in feature_names(features) if name not in features.ratios]
    for name, ratio in features.ratios.items():
        sides = [side.strip() for side in ratio.split("/")]
        if len(sides) != 2:
            yield f"ratios.{name}", f"'{ratio}' is no ratio; write two features, such as tx_amount / customer_id_avg_7d"
            continue
        for side in sides:
            if side not in declared:
                yield f"ratios.{name}", f"'{side}' is no feature declared above; {known(side, declared)}"


def _length(key: str, length: str, least: int = 1) -> Iterator[Problem]:
    try:
        if microseconds(length) < least:
            yield key, f"'{length}' is too short; write a length such as 7d"
    except ConfigError as error:
        yield key, str(error)


def _bind_row(expression: str, connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Return the type of what is computed from one row, and what is wrong with it."""
    beyond = beyond_one_row(parse(expression, connection))
    return ("", f"'{expression}' {beyond}") if beyond else _bind(expression, connection)


def _bind(expression: str, connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Return the type of an expression over a row, and what DuckDB has against it."""
    try:
        described = connection.execute(f"DESCRIBE SELECT ({expression}) AS value FROM rows").fetchall()
    except duckdb.ParserException as error:
        return "", f"'{expression}': {_wrong_syntax(error, expression, connection)}"
    except duckdb.Error as error:
        return "", f"'{expression}': {_first_sentence(error)}"
    return (str(described[0][1]), "") if len(described) == 1 else ("", f"'{expression}' is more than one expression")


def _wrong_syntax(error: duckdb.Error, expression: str, connection: duckdb.DuckDBPyConnection) -> str:
    alone = _by_itself(expression, connection)
    if alone is None and "--" in expression:
        return "a comment would hide what follows the expression; write it as a comment of YAML, behind #"
    return _first_sentence(alone or error)


def _by_itself(expression: str, connection: duckdb.DuckDBPyConnection) -> duckdb.Error | None:
    """Return what DuckDB has against the syntax with nothing behind it: nobody wrote the word that follows."""
    try:
        connection.extract_statements(f"SELECT {expression}")
    except duckdb.ParserException as error:
        return error
    return None


def _reads(expression: str, column: str, connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether an expression reads a column, or may read any."""
    tree = parse(expression, connection)
    named = {node["column_names"][-1].lower() for node in nodes(tree, "COLUMN_REF")}
    return column.lower() in named or any(True for _ in nodes(tree, "STAR"))


def _first_sentence(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("LINE")]
    return " ".join(line for line in lines[:2] if not set(line) <= {"^", " "})
