"""Whether a log that was away takes rows again: what is written, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from headrace.prediction_log.database import is_sqlite
from headrace.prediction_log.inserting import insert_rows
from headrace.prediction_log.tables import about

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from headrace.prediction_log.inserting import Values

SIZE = 65_536
"""Characters: a full disk may have room for a few when it has none for answers."""
ANSWER: Values = ("", 0, None, b"", "", 0.0, "", "", "")
"""No answer has an empty request id."""


def probe(connection: Connection) -> None:
    """Write and take back.

    Raises:
        sqlalchemy.exc.DBAPIError: The log takes nothing.
    """
    if is_sqlite(connection.engine):  # its file may have room for an answer and none for its journal
        name = f"probe {id(connection)}"
        connection.execute(insert(about), {"name": name, "value": "0" * SIZE})
        connection.execute(delete(about).where(about.c.name == name))
    # The right to write may be taken away, or the table changed.
    connection.exec_driver_sql("BEGIN")
    insert_rows(connection, [ANSWER])
    connection.rollback()
