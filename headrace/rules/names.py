"""What the condition of a rule may name: the columns of a request, the features, and what the model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.features import feature_names
from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.sql import connect, create_rows, nodes, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.declaration.features import Features
    from headrace.declaration.rules import Rules


def visible(rows: TypedRows, features: Features, said: Mapping[str, str]) -> TypedRows:
    """Return what a condition may name, with its types: columns as declared, a feature as a float or a string.

    Of a feature that passes a column through it is the column that is meant. A name that could mean two things means
    what the model says before the column, the column before the feature: `ambiguous` says which these are.

    Args:
        rows: The columns.
        features: The features.
        said: The names of what the model says, and the type of each.

    Raises:
        duckdb.Error: An expression of the features is not one over the columns.
        ConfigError: A column has no such type.
    """
    texts = _texts(rows, features)
    taken = {name.lower() for name in rows.columns}
    own = {
        name: Column(type="string" if name in texts else "float")
        for name in feature_names(features)
        if name.lower() not in taken
    }
    named = {name: each for name, each in {**rows.columns, **own}.items() if name.lower() not in said}
    by_model = {name: Column(type=kind) for name, kind in said.items()}
    return TypedRows(key=rows.key, timestamp=rows.timestamp, columns={**named, **by_model})


def ambiguous(rows: TypedRows, features: Features, said: Iterable[str]) -> dict[str, str]:
    """Return the names, in small letters, that mean two things, and which these are."""
    columns = {name.lower() for name in rows.columns}
    made = {name.lower() for name in feature_names(features) if name not in features.columns}
    twice = dict.fromkeys(columns & made, "a column and a feature")
    for name in said:
        if name in columns | made:
            twice[name] = f"the model's {name} and a {'column' if name in columns else 'feature'}"
    return twice


def names_read(rules: Rules, known: Iterable[str]) -> list[str]:
    """Return those of the known names that conditions read, in their order."""
    with connect() as connection:
        read = set().union(*(named_in(rule.when, connection) for rule in rules.rules))
    folded = {name.lower() for name in read}
    return [name for name in known if name.lower() in folded]


def named_in(condition: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return all that a condition names, as it is written there."""
    tree = parse(condition, connection)
    return [part for node in nodes(tree, "COLUMN_REF") for part in node["column_names"]]


def _texts(rows: TypedRows, features: Features) -> set[str]:
    """Return the features that are texts and no columns."""
    if not features.expressions:
        return set()
    selected = ", ".join(f"({expression})" for expression in features.expressions.values())
    with connect() as connection:
        create_rows(connection, rows)
        described = connection.execute(f"DESCRIBE SELECT {selected} FROM rows").fetchall()
    kinds = dict(zip(features.expressions, (kind for _, kind, *_ in described), strict=True))
    return {name for name, kind in kinds.items() if kind == "VARCHAR" or kind.startswith("ENUM")}
