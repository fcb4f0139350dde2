"""Which columns features are computed from: those of a request, those of the rows that windows look back on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import connect, create_rows, quoted
from headrace.features.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows


def request_columns(features: Features, rows: TypedRows, target: Target) -> list[str]:
    """Return the columns that the features of a row and of later ones are computed from, its key among them, in order.

    A window with a delay does not see the row itself, and sees it later: what it takes is asked for as well. The label
    is told afterwards.
    """
    plan = Plan(features, rows, target)
    named = {rows.key, *([rows.timestamp] if rows.timestamp else []), *plan.entities, *features.columns}
    named |= _columns_in([*features.expressions.values(), *plan.arguments], rows)
    return [name for name in rows.columns if name in named and name != target.column]


def history_columns(features: Features, rows: TypedRows, target: Target) -> list[str]:
    """Return the columns that windows read of earlier rows, and those that order them, in declared order."""
    plan = Plan(features, rows, target)
    named = {rows.key, rows.timestamp, *plan.entities, *_columns_in(plan.arguments, rows)}
    return [name for name in rows.columns if name in named]


def _columns_in(expressions: Iterable[str], rows: TypedRows) -> set[str]:
    """Return the columns that expressions read: those without which they do not bind."""
    selected = ", ".join(f"({expression})" for expression in expressions)
    if not selected:
        return set()
    with connect() as connection:
        create_rows(connection, rows)
        return {name for name in rows.columns if not _binds(selected, name, connection)}


def _binds(selected: str, without: str, connection: duckdb.DuckDBPyConnection) -> bool:
    others = f"SELECT * EXCLUDE ({quoted(without)}) FROM rows"
    try:
        connection.execute(f"DESCRIBE SELECT {selected} FROM ({others})")
    except duckdb.BinderException:
        return False
    return True
