"""Answers are kept as long as declared, and no longer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from headrace.declaration.durations import microseconds
from headrace.prediction_log.database import unavailable_is_said
from headrace.prediction_log.entry import to_microseconds
from headrace.prediction_log.tables import entries

if TYPE_CHECKING:
    from headrace.prediction_log.store import Store

AT_ONCE = 2_000
"""Rows of a transaction: writers wait for no more than these."""


def apply_retention(store: Store, now: dt.datetime, keep: str) -> int:
    """Delete the answers that are older than `keep`, with their outcomes; return how many these were.

    Args:
        store: The log.
        now: With its zone.
        keep: A length of time such as `90d`.

    Raises:
        ConfigError: `keep` is none.
        LogUnavailable: The database cannot be written; run it again.
    """
    before = to_microseconds(now) - microseconds(keep)
    old = select(entries.c.request_id).where(entries.c.time < before).order_by(entries.c.time).limit(AT_ONCE)
    deleted = 0
    with unavailable_is_said(store.engine):
        while True:
            with store.engine.begin() as connection:
                found = connection.execute(delete(entries).where(entries.c.request_id.in_(old))).rowcount
            deleted += found
            if found < AT_ONCE:
                return deleted
