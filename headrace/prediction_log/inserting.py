"""A group of rows in one statement, which commits itself.

While a busy event loop holds Python's lock, every further call into a database would wait for it.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from headrace.prediction_log.tables import entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

Values = tuple[str, int, bytes | None, bytes, str, float, str, str, str]
"""A row of `prediction_entry`, in its columns' order."""

NAMES = ", ".join(column.name for column in entries.columns)
AT_ONCE = 512
"""Rows of a statement of SQLite, which is a transaction: a page of an index is written once for all of them."""
ARRAYS = (
    "%s::text[], %s::bigint[], %s::bytea[], %b::bytea[], %s::text[], %s::float8[], %s::text[], %s::text[], %s::text[]"
)


def insert_rows(connection: Connection, rows: Sequence[Values]) -> int:
    """Insert the rows whose request id is new, and commit; return how many these were."""
    if connection.dialect.name == "postgresql":
        columns = tuple(map(list, zip(*rows, strict=True)))
        return _execute(connection, _postgresql(), columns)
    inserted = 0
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        values: tuple[Any, ...] = tuple(chain.from_iterable(part))
        inserted += _execute(connection, _sqlite(len(part)), values)
    return inserted


def _execute(connection: Connection, statement: str, values: tuple[Any, ...]) -> int:
    # The driver itself: at a thousand small groups a second SQLAlchemy's part of a statement is a tenth of a core.
    driver: Any = connection.connection.driver_connection
    try:
        return int(driver.execute(statement, values).rowcount)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, connection.dialect.loaded_dbapi.Error) from error


@cache
def _sqlite(count: int) -> str:
    row = f"({', '.join('?' * len(entries.columns))})"
    return f"INSERT INTO {entries.name} ({NAMES}) VALUES {', '.join([row] * count)} ON CONFLICT DO NOTHING"


@cache
def _postgresql() -> str:
    return f"INSERT INTO {entries.name} ({NAMES}) SELECT * FROM unnest({ARRAYS}) ON CONFLICT DO NOTHING"
