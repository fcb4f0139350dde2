"""SQL expressions of the declaration, over the features of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np

from headrace.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.metrics.ranking import Array


def lost_amounts(expression: str, rows: pa.Table, labels: Array) -> Array:
    """Return what a positive row costs that is not flagged, and 0 for the negative rows.

    Raises:
        ConfigError: the expression cannot be computed.
        DataError: it is missing or negative for a positive row.
    """
    amounts = _compute("evaluation.costs.false_negative", expression, "DOUBLE", rows)
    amounts = np.where(labels != 0, amounts, 0.0)
    wrong = int(np.count_nonzero(~(amounts >= 0)))
    if wrong:
        raise DataError(
            f"evaluation.costs.false_negative: '{expression}' is missing or negative in {wrong} positive rows; "
            "it has to be an amount in each (coalesce gives one where a feature is missing)"
        )
    return amounts


def is_knowable(condition: str, rows: pa.Table) -> Array:
    """Return for each row whether it meets `evaluation.knowable`; a missing answer is a no.

    Raises:
        ConfigError: the condition cannot be computed.
    """
    return _compute("evaluation.knowable", condition, "BOOLEAN", rows).astype(bool)


def _compute(key: str, expression: str, kind: str, rows: pa.Table) -> Array:
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        # The SQL comes from pull requests: it may compute, and touch no file and no network.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            values = connection.sql(f"SELECT ({expression})::{kind} AS value FROM rows").fetchnumpy()["value"]
        except duckdb.Error as error:
            raise ConfigError(f"{key}: '{expression}' cannot be computed: {_first_line(error)}") from error
    return np.ma.filled(values, np.nan if kind == "DOUBLE" else False)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
