"""Answers with their outcomes as one Parquet file, for those who hold the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from headrace.prediction_log.database import reading, unavailable_is_said
from headrace.prediction_log.entry import to_microseconds
from headrace.prediction_log.tables import entries, outcomes
from headrace.storage import open_private, write_beside

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from sqlalchemy import Row

    from headrace.prediction_log.store import Store

AT_ONCE = 10_000
"""Rows in memory."""


def export(store: Store, since: dt.datetime, until: dt.datetime, out: Path) -> int:
    """Write the answers of a range of time, oldest first; return how many these are.

    A row has `request_id`, `time`, `subject` (the pseudonym, hexadecimal), `payload` (JSON: `instance`, `features` and
    so on), `score`, `decision`, `variant`, `model_version`, and of its outcome `label` (JSON) and `outcome_at`.

    Args:
        store: The log.
        since: The first moment, with its zone.
        until: The moment after the last.
        out: The file; it takes its name when it is whole, and is its owner's alone.

    Raises:
        ConfigError, IntegrityError: A payload does not open.
        LogUnavailable: The database cannot be read.
        HeadraceError: The disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, written = _schema(), 0
    with (
        unavailable_is_said(store.engine),
        write_beside(out) as beside,
        # What is decrypted is for whoever asked for it, and for nobody else of the machine.
        open_private(beside) as opened,
        pq.ParquetWriter(opened, schema) as writer,
    ):
        for rows in _batches(store, to_microseconds(since), to_microseconds(until)):
            writer.write_table(pa.Table.from_pylist([_record(store, row) for row in rows], schema=schema))
            written += len(rows)
    return written


def _batches(store: Store, since: int, until: int) -> Iterator[list[Row[Any]]]:
    """Yield rows in short reads: a long one would keep old pages and dead rows from being dropped."""
    place = tuple_(entries.c.time, entries.c.request_id)
    query = (
        select(entries, outcomes.c.label, outcomes.c.at)
        .join_from(entries, outcomes, isouter=True)
        .where(entries.c.time < until)
        .order_by(entries.c.time, entries.c.request_id)
        .limit(AT_ONCE)
    )
    last = (since, "")
    while True:
        with reading(store.engine) as connection:
            rows = list(connection.execute(query.where(entries.c.time >= last[0], place > tuple_(*last))))
        if rows:
            yield rows
        if len(rows) < AT_ONCE:
            return
        last = (rows[-1].time, rows[-1].request_id)


def _record(store: Store, row: Row[Any]) -> dict[str, Any]:
    return {
        **{
            name: getattr(row, name) for name in ("request_id", "time", "score", "decision", "variant", "model_version")
        },
        "subject": None if row.subject is None else row.subject.hex(),
        "payload": store.sealer.open(row.payload, row.request_id, row.key_id).decode(),
        "label": row.label,
        "outcome_at": row.at,
    }


def _schema() -> pa.Schema:
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("request_id", pa.string()),
            ("time", time),
            ("subject", pa.string()),
            ("payload", pa.string()),
            ("score", pa.float64()),
            ("decision", pa.string()),
            ("variant", pa.string()),
            ("model_version", pa.string()),
            ("label", pa.string()),
            ("outcome_at", time),
        ]
    )
