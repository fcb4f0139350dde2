"""All that is kept of a subject, deleted, and shown to be gone."""

from __future__ import annotations

import mmap
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from headrace.errors import LogUnavailable
from headrace.prediction_log.database import file_of, is_sqlite, reading, unavailable_is_said
from headrace.prediction_log.sealing import HEAD, SALT
from headrace.prediction_log.store import AT_ONCE
from headrace.prediction_log.tables import entries, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.prediction_log.store import Store

CHECKPOINT_SECONDS = 30.0
PIECE = 8
"""Bytes of a pseudonym that no other row has by chance; a page that SQLite reuses may keep no more of it."""
BLOCK = 1 << 20
"""Bytes that are searched at once: a core keeps them at hand."""


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was erased, and how it was made sure of."""

    subject: str
    """The subject's pseudonym, in hexadecimal."""
    entries: int
    """Answers before."""
    outcomes: int
    """Outcomes before."""
    remaining: int
    """What a search for the pseudonym finds now."""
    searched: str
    """Where else it was searched for, as were the beginnings of these answers' payloads, and not found."""


def erase(store: Store, value: Any, *, begin: Callable[[int], object] | None = None, anew: bool = False) -> Erased:
    """Delete the answers and the outcomes of a subject.

    In SQLite their bytes are overwritten, too, and the file is searched for them. PostgreSQL's dead rows are vacuumed;
    their bytes stay on its disk until the space is used again, and in its archives and in backups as long as those.

    Args:
        store: The log.
        value: The subject, as rows have it: its text counts.
        begin: Told how many answers there are, before they are deleted.
        anew: Whether an earlier run may have deleted answers without coming to its end. Nobody knows any more what
            their payloads were, to search for them: a file is written anew, with nothing in it but what is in the log.

    Raises:
        LogUnavailable: The database cannot be written, or is too busy for its old pages to be dropped, or rows of the
            subject came meanwhile; run it again.
    """
    subject = store.subject_hash(value)
    of_subject = entries.c.subject == subject
    with unavailable_is_said(store.engine):
        # No index has subjects: it would cost each answer a page of its own. They are read through, while others write.
        head = func.substr(entries.c.payload, 1, HEAD).label("head")
        with reading(store.engine) as connection:
            found = connection.execute(select(entries.c.request_id, head).where(of_subject)).all()
        if begin is not None:
            begin(len(found))
        deleted, truths = _delete(store, [row.request_id for row in found])
        if is_sqlite(store.engine):
            searched = _drop_from_file(store, _pieces(subject), [bytes(row.head) for row in found], anew=anew)
        else:
            searched = _drop_from_server(store)
        with reading(store.engine) as connection:
            remaining = connection.execute(select(func.count()).select_from(entries).where(of_subject)).scalar_one()
    if remaining:
        raise LogUnavailable(f"{remaining} answers of the subject were logged while it was erased; run it again")
    return Erased(subject=subject.hex(), entries=deleted, outcomes=truths, remaining=remaining, searched=searched)


def count_without_subject(store: Store) -> int:
    """Return how many answers are nobody's: none of them is found by whose row it was.

    Raises:
        LogUnavailable: The database cannot be read.
    """
    with unavailable_is_said(store.engine), reading(store.engine) as connection:
        nobodys = select(func.count()).select_from(entries).where(entries.c.subject.is_(None))
        return int(connection.execute(nobodys).scalar_one())


def _delete(store: Store, request_ids: Sequence[str]) -> tuple[int, int]:
    """Delete answers and their outcomes, all or none; return how many of each there were."""
    deleted = truths = 0
    with store.engine.begin() as connection:
        for start in range(0, len(request_ids), AT_ONCE):
            part = request_ids[start : start + AT_ONCE]
            truths += connection.execute(delete(outcomes).where(outcomes.c.request_id.in_(part))).rowcount
            deleted += connection.execute(delete(entries).where(entries.c.request_id.in_(part))).rowcount
    return deleted, truths


def _pieces(subject: bytes) -> list[bytes]:
    return [subject[start : start + PIECE] for start in range(len(subject) - PIECE + 1)]


def _drop_from_server(store: Store) -> str:
    with reading(store.engine) as connection:
        for table in (outcomes, entries):
            connection.exec_driver_sql(f"VACUUM {table.name}")
    return "dead rows were vacuumed"


def _drop_from_file(store: Store, pieces: Sequence[bytes], heads: Sequence[bytes], *, anew: bool) -> str:
    """Make the file free of the bytes, and the journal of its old pages."""
    _checkpoint(store)
    file = file_of(store.engine)
    # Pages that SQLite split earlier keep copies of what moved to others: it writes the whole file anew.
    anew = anew or _holds(file, pieces, heads)
    if anew:
        with reading(store.engine) as connection:
            connection.exec_driver_sql("VACUUM")
        _checkpoint(store)
        if _holds(file, pieces, heads):
            raise LogUnavailable(f"{file}: still holds bytes of the subject; rows came meanwhile: run it again")
    return f"the {file.stat().st_size} bytes of {file}{', which was written anew' if anew else ''}"


def _checkpoint(store: Store) -> None:
    """Bring all that is in the journal into the file, and empty it."""
    until = time.monotonic() + CHECKPOINT_SECONDS
    with reading(store.engine) as connection:
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > until:
                raise LogUnavailable(f"{file_of(store.engine)}: is too busy to drop its old pages; run it again")
            time.sleep(0.05)


def _holds(file: Path, pieces: Sequence[bytes], heads: Sequence[bytes]) -> bool:
    """Return whether a file has any of some bytes in it: pieces of a pseudonym, or the beginnings of payloads.

    A subject may have very many payloads. Those that one process sealed begin with the same salt: it alone is searched
    for, and what follows it is looked up.
    """
    nonces: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for head in heads:
        nonces[head[:SALT]].add(head[SALT:])
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start in range(0, len(content), BLOCK):
            block = content[start : start + BLOCK + HEAD - 1]  # what begins in this block may end in the next one
            if any(piece in block for piece in pieces):
                return True
            if any(_has_head(block, salt, of_salt) for salt, of_salt in nonces.items()):
                return True
    return False


def _has_head(block: bytes, salt: bytes, nonces: set[bytes]) -> bool:
    place = block.find(salt)
    while place >= 0:
        if block[place + SALT : place + HEAD] in nonces:
            return True
        place = block.find(salt, place + 1)
    return False
