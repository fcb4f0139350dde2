"""The features of few rows against their history: a request's, or a new day's."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.declaration.types import arrow_schema
from headrace.features.database import create_rows, database
from headrace.features.forms import lookup_sql
from headrace.features.plan import POSITION, Plan
from headrace.features.positions import in_order, with_positions

if TYPE_CHECKING:
    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows

ASKED = "_asked"


class Lookup:
    """Features by the same declaration as in training, for rows that come after a history.

    Args:
        features, rows, target: The declaration.
        history: Validated rows, or those of their columns that windows read; in any order.
    """

    def __init__(self, features: Features, rows: TypedRows, target: Target, history: pa.Table | None = None) -> None:
        self._plan = Plan(features, rows, target)
        self._stack = contextlib.ExitStack()
        self._database = self._stack.enter_context(database())
        create_rows(self._database, rows)
        exact = self._plan.exact_arguments(self._database)
        self._sql = lookup_sql(self._plan, exact, self._plan.categorical(self._database))
        self._schema = arrow_schema(rows.columns)
        past = in_order(self._complete(history), self._plan) if history is not None else self._schema.empty_table()
        self._rows = past.num_rows
        self._database.execute("DROP TABLE rows")
        self._database.register("arrow_history", with_positions(past, 0, self._plan))
        self._database.execute("CREATE TABLE past AS SELECT * FROM arrow_history")
        self._database.unregister("arrow_history")

    def features(self, rows: pa.Table) -> pa.Table:
        """Return the features of rows, in their order; each sees the history, itself, and those that come before it.

        Args:
            rows: Columns as declared; one that is not there, such as the label, is taken as missing. No row is earlier
                than the history's end.
        """
        complete = self._complete(rows).append_column(ASKED, pa.array(np.arange(rows.num_rows)))
        ordered = in_order(complete, self._plan)
        probes = with_positions(ordered, self._rows, self._plan)
        cursor = self._database.cursor()
        try:
            cursor.register("probes", probes)
            cursor.register("rows", cursor.sql("SELECT * FROM past UNION ALL BY NAME SELECT * FROM probes"))
            computed: pa.Table = cursor.sql(self._sql).to_arrow_table()
        finally:
            cursor.close()
        asked = ordered[ASKED].to_numpy()
        names = [name for name in computed.column_names if name != POSITION]
        return computed.select(names).take(pa.array(np.argsort(asked)))

    def close(self) -> None:
        """Give back the memory of the history."""
        self._stack.close()

    def _complete(self, rows: pa.Table) -> pa.Table:
        columns = [
            rows[field.name].cast(field.type)
            if field.name in rows.column_names
            else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        ]
        return pa.table(columns, schema=self._schema)
