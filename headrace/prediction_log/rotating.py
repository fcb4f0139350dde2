"""Everything sealed with the first key, so that an older one can be retired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from headrace.prediction_log.database import reading, unavailable_is_said
from headrace.prediction_log.tables import about, entries

if TYPE_CHECKING:
    from headrace.prediction_log.store import Store

AT_ONCE = 500
"""Rows of a transaction: writers wait for no more than these."""


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What was sealed anew."""

    key_id: str
    """The key that all of it is sealed with now."""
    entries: int
    remaining: dict[str, int]
    """Answers by an older key: services wrote them meanwhile that do not have the new key first. Run it again then."""


def rotate(store: Store) -> Rotated:
    """Seal with the first key what another one sealed. Subjects' pseudonyms stay as they are.

    First give every service the new key as the first and the old one behind it, then rotate, then retire the old one.

    Raises:
        ConfigError, IntegrityError: A payload does not open.
        LogUnavailable: The database cannot be written; run it again, what is done stays done.
    """
    sealer = store.sealer
    others = entries.c.key_id != sealer.key_id
    batch = select(entries.c.request_id, entries.c.payload, entries.c.key_id).order_by(entries.c.request_id)
    change = update(entries).where(entries.c.request_id == bindparam("id"), entries.c.key_id == bindparam("old_key"))
    done, last = 0, ""
    with unavailable_is_said(store.engine):
        while True:
            with store.engine.begin() as connection:
                rows = connection.execute(batch.where(others, entries.c.request_id > last).limit(AT_ONCE)).all()
                if not rows:
                    break
                opened = [(row, sealer.open(row.payload, row.request_id, row.key_id)) for row in rows]
                changed = [
                    {
                        "id": row.request_id,
                        "old_key": row.key_id,
                        "payload": sealer.seal(plain, row.request_id),
                        "key_id": sealer.key_id,
                    }
                    for row, plain in opened
                ]
                connection.execute(change, changed)
            done, last = done + len(rows), rows[-1].request_id
        with store.engine.begin() as connection:
            for name, value in store.sealed_subject_key().items():
                connection.execute(update(about).where(about.c.name == name).values(value=value))
        with reading(store.engine) as connection:
            count = select(entries.c.key_id, func.count().label("number")).where(others).group_by(entries.c.key_id)
            remaining = {row.key_id: row.number for row in connection.execute(count)}
    return Rotated(key_id=sealer.key_id, entries=done, remaining=remaining)
