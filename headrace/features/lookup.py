"""The features of few rows against their history: a request's, or a new day's."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.declaration.types import arrow_schema
from headrace.features.database import database
from headrace.features.forms import lookup_sql
from headrace.features.past import Past
from headrace.features.plan import POSITION, Plan
from headrace.features.positions import in_order, with_positions

if TYPE_CHECKING:
    import duckdb

    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows

ASKED = "_asked"


class Lookup:
    """Features by the same declaration as in training, for rows that come after a history.

    Several threads may ask at once.

    Args:
        features, rows, target: The declaration.
        history: Validated rows, or those of their columns that windows read; in any order. They are kept in memory.
    """

    def __init__(self, features: Features, rows: TypedRows, target: Target, history: pa.Table | None = None) -> None:
        self._plan = Plan(features, rows, target)
        self._schema = arrow_schema(rows.columns)
        past = self._complete(history) if history is not None else self._schema.empty_table()
        self._past = Past(with_positions(in_order(past, self._plan), 0, self._plan), self._plan)
        self._stack = contextlib.ExitStack()
        self._database = self._stack.enter_context(database())
        self._sql = lookup_sql(self._plan)
        self._of_thread = threading.local()

    def features(self, rows: pa.Table) -> pa.Table:
        """Return the features of rows, in their order; each sees the history, itself, and those that come before it.

        Args:
            rows: Columns as declared; one that is not there, such as the label, is taken as missing. A row of the same
                moment as a row of the history comes after it.
        """
        complete = self._complete(rows).append_column(ASKED, pa.array(np.arange(rows.num_rows)))
        ordered = in_order(complete, self._plan)
        asked = ordered[ASKED].to_numpy()
        probes = with_positions(ordered.drop_columns(ASKED), self._past.rows, self._plan)
        computed = self._prepared().ask(probes, pa.concat_tables([self._past.of(probes), probes]))
        place = np.empty(len(asked), dtype=np.int64)
        place[asked[computed[POSITION].to_numpy() - self._past.rows]] = np.arange(len(asked))
        return computed.drop_columns(POSITION).take(pa.array(place))

    def close(self) -> None:
        """Give back the memory of the database."""
        self._stack.close()

    def _prepared(self) -> _Prepared:
        if not hasattr(self._of_thread, "query"):
            self._of_thread.query = _Prepared(self._database.cursor(), self._sql, self._past.table)
        query: _Prepared = self._of_thread.query
        return query

    def _complete(self, rows: pa.Table) -> pa.Table:
        columns = [
            rows[field.name].cast(field.type)
            if field.name in rows.column_names
            else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        ]
        return pa.table(columns, schema=self._schema)


class _Stream:
    """A table under one name for DuckDB, which reads what it holds at that moment."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class _Prepared:
    """A query that is planned once, which takes longer than to answer it, and asked with other rows each time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, sql: str, like: pa.Table) -> None:
        self._cursor = cursor
        self._probes, self._rows = _Stream(like.slice(0, 0)), _Stream(like.slice(0, 0))
        cursor.register("probes", self._probes)
        cursor.register("rows", self._rows)
        cursor.execute(f"PREPARE features AS {sql}")

    def ask(self, probes: pa.Table, rows: pa.Table) -> pa.Table:
        """Return the features of the probes, with their positions."""
        self._probes.table, self._rows.table = probes, rows
        computed: pa.Table = self._cursor.sql("EXECUTE features").to_arrow_table()
        return computed
