"""SQLite's journal, brought into the file beside the writer's back.

A writer that does so itself, as SQLite has it, keeps its group waiting for megabytes to be copied and synced: some
forty milliseconds on a plain disk. What is left to the writer is the little that came meanwhile.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from headrace.prediction_log.database import reading

if TYPE_CHECKING:
    import threading

    from sqlalchemy import Engine

SECONDS = 0.25


def keep_journal_short(engine: Engine, closing: threading.Event) -> None:
    """Copy what was committed, again and again, until the log is closed."""
    while not closing.wait(SECONDS):
        with contextlib.suppress(DBAPIError, OSError), reading(engine) as connection:  # the writer says what is wrong
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
