"""The log as it is stored: made at first use, written in groups, read by request id."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import event, insert, select, text

from headrace.errors import ConfigError, ConflictError, LogError, LogUnavailable, UnknownRequestError
from headrace.prediction_log.database import (
    file_of,
    identity_of,
    is_sqlite,
    make_engine,
    make_file,
    reading,
    unavailable_is_said,
)
from headrace.prediction_log.entry import (
    Outcome,
    Recorded,
    Repeated,
    Stored,
    from_microseconds,
    to_microseconds,
)
from headrace.prediction_log.inserting import insert_rows
from headrace.prediction_log.sealing import Sealer, hash_subject
from headrace.prediction_log.tables import VERSION, about, entries, metadata, outcomes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from headrace.prediction_log.entry import Entry
    from headrace.prediction_log.inserting import Values
    from headrace.prediction_log.keys import Key

LOCK = 7_237_823_517_001
"""PostgreSQL's name for our turn to make the tables."""
LONGEST_ID = 200
AT_ONCE = 500
"""Request ids in a statement."""
SUBJECT_KEY, SUBJECT_KEY_ID = "subject_key", "subject_key_id"
OWN = "\0subject key"
"""The name that the subject key is sealed under; no request id has a NUL in it."""

_encode = msgspec.json.Encoder().encode
Result = Repeated | Exception | None
"""What became of an entry: it is in the log, it was there before, or it is not in the log."""


def open_store(url: str, keys: Sequence[Key], pipeline: str) -> Store:
    """Return a log that is ready; it is made where there is none.

    Raises:
        ConfigError: The URL is none, or the log is another pipeline's, or sealed with keys that are not given.
        LogError: It was written by another version of Headrace.
        LogUnavailable: The database cannot be reached, or not written.
    """
    store = Store(url, keys, pipeline)
    store.prepare()
    return store


class Store:
    """A log in its database.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        keys: The first one seals, all of them open.
        pipeline: Whose log it is: a database holds one pipeline's.
    """

    def __init__(self, url: str, keys: Sequence[Key], pipeline: str) -> None:
        self.engine = make_engine(url)
        self.sealer = Sealer(keys)
        self.pipeline = pipeline
        self._subject_key = b""
        self._file: tuple[int, int] | None = None
        # Once the file was removed, a new connection would be to another one, and an old one would fill its journal: by
        # their names SQLite takes the journals for those of the file that is there.
        for step in ("do_connect", "checkout"):
            event.listen(self.engine, step, lambda *_: self.check_file())

    @property
    def is_ready(self) -> bool:
        """Whether `prepare` came to its end."""
        return bool(self._subject_key)

    def check_file(self, connection: Connection | None = None) -> None:
        """Do nothing where what is written, by a connection that is open, is what others read.

        Raises:
            OSError: An SQLite file was removed or replaced: it is gone on with, and nobody else sees it.
        """
        if self._file is not None and self._file != identity_of(file_of(self.engine)):
            if connection is not None:
                # SQLite would bring what is left in the journal into the file that is there when it starts again.
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            raise OSError("its file was removed or replaced; stop the service, and start it again")

    def prepare(self) -> None:
        """Make the tables where there are none, whoever else does so now, and learn the subject key.

        Raises:
            ConfigError, LogError, LogUnavailable: As `open_store`.
        """
        if is_sqlite(self.engine) and self._file is None:
            make_file(self.engine)
        with unavailable_is_said(self.engine), self.engine.begin() as connection:
            if is_sqlite(self.engine):  # its transactions take turns anyway
                self._file = identity_of(file_of(self.engine))
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            metadata.create_all(connection)
            said = {row.name: row.value for row in connection.execute(select(about))}
            if not said:
                said = self._new()
                connection.execute(insert(about), [{"name": name, "value": value} for name, value in said.items()])
        self._check(said)
        sealed = base64.b64decode(said[SUBJECT_KEY])
        self._subject_key = self.sealer.open(sealed, OWN, said[SUBJECT_KEY_ID])

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def subject_hash(self, value: Any) -> bytes:
        """Return the pseudonym of a subject."""
        return hash_subject(value, self._subject_key)

    def sealed_subject_key(self) -> dict[str, str]:
        """Return what is said in the table `prediction_log` of the subject key, sealed with the first key."""
        sealed = self.sealer.seal(self._subject_key, OWN)
        return {SUBJECT_KEY: base64.b64encode(sealed).decode(), SUBJECT_KEY_ID: self.sealer.key_id}

    def values(self, entry: Entry) -> Values:
        """Return an entry as its row.

        Raises:
            ValueError, TypeError: It cannot be stored.
        """
        name = entry.request_id
        if not 0 < len(name) <= LONGEST_ID or "\0" in name:
            raise ValueError(f"request_id: has {len(name)} characters; give 1 to {LONGEST_ID}, none of them NUL")
        payload = {
            "instance": entry.instance,
            "features": entry.features,
            "prediction": entry.prediction,
            "rule": entry.rule,
        }
        if entry.probabilities is not None:
            payload["probabilities"] = entry.probabilities
        return (
            name,
            to_microseconds(entry.time),
            None if entry.subject is None else self.subject_hash(entry.subject),
            self.sealer.seal(_encode(payload), name),
            self.sealer.key_id,
            entry.score,
            entry.decision,
            entry.variant,
            entry.model_version,
        )

    def write(self, connection: Connection, group: Sequence[Entry], rows: Sequence[Values]) -> list[Result]:
        """Commit the rows of a group; return what became of each, in order.

        Raises:
            sqlalchemy.exc.DBAPIError: None of them is known to be committed.
        """
        if insert_rows(connection, rows) == len(rows):
            return [None] * len(rows)
        names = [row[0] for row in rows]
        found = {row.request_id: row for row in connection.execute(_stored().where(entries.c.request_id.in_(names)))}
        # A sealed payload is like no other: where it stands in the log, it is this entry that was inserted.
        return [self._earlier(entry, row, found.get(row[0])) for entry, row in zip(group, rows, strict=True)]

    def find(self, request_id: str) -> Stored:
        """Return the answer that was given to a request.

        Raises:
            UnknownRequestError: There is none.
            ConfigError, IntegrityError: Its payload does not open.
            LogUnavailable: The database cannot be reached.
        """
        with unavailable_is_said(self.engine), reading(self.engine) as connection:
            row = connection.execute(_stored().where(entries.c.request_id == request_id)).one_or_none()
        if row is None:
            raise UnknownRequestError(f"request_id '{request_id}': no answer has it")
        return self._opened(row)

    def find_many(self, request_ids: Sequence[str]) -> list[Stored | None]:
        """Return the answers that were given to requests, in their order; None for those that have none.

        Raises:
            ConfigError, IntegrityError: A payload does not open.
            LogUnavailable: The database cannot be reached.
        """
        found: dict[str, Stored] = {}
        with unavailable_is_said(self.engine), reading(self.engine) as connection:
            for start in range(0, len(request_ids), AT_ONCE):
                asked = _stored().where(entries.c.request_id.in_(request_ids[start : start + AT_ONCE]))
                found |= {row.request_id: self._opened(row) for row in connection.execute(asked)}
        return [found.get(request_id) for request_id in request_ids]

    def record_outcomes(self, told: Sequence[tuple[str, Any]], at: dt.datetime) -> list[Recorded | LogError]:
        """Add the truth about answers, all of it or none; what is known already stays as it was.

        Args:
            told: Request ids and labels, which are anything that JSON takes; in any order, and repeated if need be.
            at: When they became known, with its zone.

        Returns:
            What became of each: recorded, known before, UnknownRequestError where no answer has the request id, and
            ConflictError where another label was recorded.

        Raises:
            LogUnavailable: The database cannot be reached, or not written.
        """
        labels = [json.dumps(label, sort_keys=True, allow_nan=False) for _, label in told]
        names = sorted({request_id for request_id, _ in told})
        with unavailable_is_said(self.engine), self.engine.begin() as connection:
            answered, known = self._answered(connection, names)
            before = dict(known)
            for (request_id, _), label in zip(told, labels, strict=True):
                if request_id in answered:
                    known.setdefault(request_id, label)
            fresh = [
                {
                    "request_id": name,
                    "label": known[name],
                    "at": to_microseconds(at),
                    "recorded": time.time_ns() // 1000,
                }
                for name in known
                if name not in before
            ]
            if fresh:
                connection.execute(insert(outcomes), fresh)
        with unavailable_is_said(self.engine):
            self.check_file()
        results: list[Recorded | LogError] = []
        for (request_id, _), label in zip(told, labels, strict=True):
            if request_id not in answered:
                results.append(
                    UnknownRequestError(f"request_id '{request_id}': no answer has it, so it has no outcome")
                )
            elif known[request_id] != label:
                results.append(
                    ConflictError(
                        f"request_id '{request_id}': its outcome is {known[request_id]}, found {label}; "
                        "the first one stands"
                    )
                )
            else:
                results.append(Recorded.same if request_id in before else Recorded.recorded)
                before[request_id] = label
        return results

    def _answered(self, connection: Connection, names: Sequence[str]) -> tuple[set[str], dict[str, str]]:
        """Return which of the requests have an answer, and the outcomes that are known of them.

        Their answers are locked until the end of the transaction, so that nobody else adds an outcome meanwhile.
        """
        answered: set[str] = set()
        known: dict[str, str] = {}
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            asked = select(entries.c.request_id).where(entries.c.request_id.in_(part)).order_by(entries.c.request_id)
            answered |= set(connection.scalars(asked.with_for_update()))
            of_these = select(outcomes.c.request_id, outcomes.c.label).where(outcomes.c.request_id.in_(part))
            known |= {row.request_id: row.label for row in connection.execute(of_these)}
        return answered, known

    def _new(self) -> dict[str, str]:
        self._subject_key = os.urandom(32)
        return {"version": VERSION, "pipeline": self.pipeline, **self.sealed_subject_key()}

    def _check(self, said: dict[str, str]) -> None:
        where = self.engine.url.render_as_string(hide_password=True)
        if said["version"] != VERSION:
            raise LogError(f"{where}: its tables are of version {said['version']}, this Headrace writes {VERSION}")
        if said["pipeline"] != self.pipeline:
            raise ConfigError(
                f"log.url: {where} is the log of pipeline '{said['pipeline']}'; "
                f"give '{self.pipeline}' a database of its own"
            )

    def _earlier(self, entry: Entry, row: Values, found: Row[Any] | None) -> Result:
        if found is None:
            return LogUnavailable(f"request_id '{entry.request_id}': was erased while it was written")
        if found.payload == row[3]:
            return None
        try:
            stored = self._opened(found)
        except Exception as error:  # noqa: BLE001  the waiter is told
            return error
        if stored.payload["instance"] != msgspec.json.decode(_encode(entry.instance)):
            return ConflictError(f"request_id '{entry.request_id}': was used for another request; give each its own")
        return Repeated(stored)

    def _opened(self, row: Row[Any]) -> Stored:
        payload = msgspec.json.decode(self.sealer.open(row.payload, row.request_id, row.key_id))
        outcome = None if row.at is None else Outcome(label=json.loads(row.label), at=from_microseconds(row.at))
        return Stored(
            request_id=row.request_id,
            time=from_microseconds(row.time),
            payload=payload,
            score=row.score,
            decision=row.decision,
            variant=row.variant,
            model_version=row.model_version,
            key_id=row.key_id,
            outcome=outcome,
        )


def _stored() -> Any:
    """Return the query of answers with their outcomes."""
    return select(entries, outcomes.c.label, outcomes.c.at).join_from(entries, outcomes, isouter=True)
