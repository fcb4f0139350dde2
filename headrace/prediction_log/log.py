"""The log as a service writes it: an answer is given once the group that holds it is committed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import IntegrityError as BrokenRule

from headrace.errors import ConflictError, HeadraceError, LogUnavailable
from headrace.prediction_log.checkpointing import keep_journal_short
from headrace.prediction_log.database import describe, is_sqlite, reading
from headrace.prediction_log.entry import Repeated
from headrace.prediction_log.probing import probe
from headrace.prediction_log.store import Store

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from headrace.errors import LogError
    from headrace.prediction_log.entry import Entry, Recorded, Stored
    from headrace.prediction_log.inserting import Values
    from headrace.prediction_log.keys import Key
    from headrace.prediction_log.store import Result

    Waiter = tuple[Sequence[Entry], asyncio.Future[list[Result]]]
    """Entries that were handed over together, and who waits for what became of each."""

LARGEST_GROUP = 512
LARGEST_AT_ONCE = 64
"""Entries that the event loop writes itself."""
IMPATIENT = ("PRAGMA busy_timeout = 0", "PRAGMA wal_autocheckpoint = 0")
LONGEST_QUEUE = 20_000
RETRY_SECONDS = 0.5
"""Between attempts to reach a database that is away."""
SECONDS_BETWEEN_LOOKS = 1.0
"""At a database that nothing is written to."""
PATIENCE_SECONDS = 5.0
"""From then on a database that says nothing is away."""
_logger = logging.getLogger(__name__)


class PredictionLog:
    """One for each process.

    Into a file the event loop itself writes what its requests of one moment gave it: that takes a tenth of a
    millisecond, and less than to hand it to a thread and back. Whatever could keep it waiting (another process's turn,
    a large group, a database elsewhere) is left to a thread of its own.

    It starts where the database is away, too, and reaches it as soon as that is back.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        keys: What `read_keys` returns.
        pipeline: Whose log it is.
        longest_queue: How many entries may wait; further ones are refused at once.

    Raises:
        ConfigError, LogError: As `open_store`, but not where the database is away.

    Attributes:
        up: Whether the last write succeeded.
        why_down: What the database said, in a line; empty where `up`.
        written: Entries that are in the log by this process.
        repeated: Entries that were there before.
        failures: Entries that were refused because the log was unavailable.
        backlog: Entries that wait to be committed.
    """

    def __init__(self, url: str, keys: Sequence[Key], pipeline: str, *, longest_queue: int = LONGEST_QUEUE) -> None:
        self.store = Store(url, keys, pipeline)
        self.longest_queue = longest_queue
        self.up = False
        self.why_down = "it was not reached yet"
        self.written = self.repeated = self.failures = 0
        self._queue: queue.SimpleQueue[Waiter | None] = queue.SimpleQueue()
        self.backlog = 0
        self._waiting: dict[asyncio.Future[list[Result]], int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing_since: float | None = None
        self._watched = False
        self._closing = threading.Event()
        self._gathered: list[Waiter] = []
        self._nearby: Connection | None = None
        try:
            self.store.prepare()
            self.up, self.why_down = True, ""
        except LogUnavailable as error:
            self._mark_down(str(error))
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()
        if is_sqlite(self.store.engine):
            threading.Thread(
                target=keep_journal_short,
                args=(self.store.engine, self._closing),
                name="prediction-log-journal",
                daemon=True,
            ).start()

    async def append(self, entry: Entry) -> Repeated | None:
        """Return when the entry is committed; the earlier answer where its request was answered before.

        Raises:
            LogUnavailable: It is not known to be in the log.
            ConflictError: Its request id was used for another request.
            ValueError, TypeError: It cannot be stored.
        """
        [result] = await self._hand_over([entry])
        if isinstance(result, Exception):
            raise result
        return result

    async def append_many(self, entries: Sequence[Entry]) -> list[Repeated | HeadraceError | None]:
        """Return when all entries are committed, and what became of each; as `append` for the exceptions of one.

        Raises:
            LogUnavailable: One of them is not known to be in the log.
            ValueError, TypeError: One of them cannot be stored.
        """
        results: list[Repeated | HeadraceError | None] = []
        for result in await self._hand_over(entries) if entries else []:
            if isinstance(result, Exception) and not isinstance(result, ConflictError):
                raise result
            results.append(result)
        return results

    async def record_outcomes(self, told: Sequence[tuple[str, Any]], at: dt.datetime) -> list[Recorded | LogError]:
        """As `Store.record_outcomes`."""
        return await asyncio.to_thread(self.store.record_outcomes, told, at)

    async def find_many(self, request_ids: Sequence[str]) -> list[Stored | None]:
        """As `Store.find_many`."""
        return await asyncio.to_thread(self.store.find_many, request_ids)

    def look(self) -> None:
        """Take a database for away that has said nothing for long; to be called now and then from any thread."""
        since = self._writing_since
        if self.up and since is not None and time.monotonic() - since > PATIENCE_SECONDS:
            self._mark_down(f"the prediction log has said nothing for {PATIENCE_SECONDS:g} seconds")

    def check(self) -> None:
        """Do nothing where the log takes entries.

        Raises:
            LogUnavailable: It does not.
        """
        if not self.up:
            raise LogUnavailable(self.why_down)

    def close(self) -> None:
        """Write what waits, and end."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(PATIENCE_SECONDS)
        if self._nearby is not None:
            self._nearby.close()
        self.store.close()

    # The event loop.

    async def _hand_over(self, entries: Sequence[Entry]) -> list[Result]:
        if not self.up:
            self.failures += len(entries)
            raise LogUnavailable(self.why_down)
        if self.backlog >= self.longest_queue:
            self.failures += len(entries)
            raise LogUnavailable(f"the prediction log has {self.longest_queue} entries waiting, and takes no more")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Result]] = loop.create_future()
        self._waiting[future] = len(entries)
        self.backlog += len(entries)
        if not self._watched or self._loop is not loop:
            self._loop, self._watched = loop, True
            loop.call_later(PATIENCE_SECONDS / 5, self._watch)
        if is_sqlite(self.store.engine) and len(entries) <= LARGEST_AT_ONCE:
            self._gathered.append((entries, future))
            if len(self._gathered) == 1:
                loop.call_soon(self._write_gathered)
        else:
            self._queue.put((entries, future))
        try:
            return await future
        finally:
            self.backlog -= self._waiting.pop(future)

    def _write_gathered(self) -> None:
        """Write what came since the event loop's last turn."""
        group, self._gathered = self._gathered, []
        entries = [entry for of_waiter, _ in group for entry in of_waiter]
        if self.up and len(entries) <= LARGEST_AT_ONCE:
            # What goes wrong is for the thread to find out: it may wait.
            with contextlib.suppress(DBAPIError, OSError):
                if self._nearby is None:
                    self._nearby = reading(self.store.engine)
                    for pragma in IMPATIENT:
                        self._nearby.exec_driver_sql(pragma)
                self._settle(group, self._write(self._nearby, entries))
                return
        for waiter in group:
            self._queue.put(waiter)

    def _watch(self) -> None:
        """Let nobody wait for a database that says nothing."""
        since = self._writing_since
        if since is not None and time.monotonic() - since > PATIENCE_SECONDS:
            self._mark_down(f"the prediction log has said nothing for {PATIENCE_SECONDS:g} seconds")
            for future, number in list(self._waiting.items()):
                self._tell(future, [LogUnavailable(self.why_down)] * number)
        self._watched = bool(self._waiting)
        if self._watched and self._loop is not None:
            self._loop.call_later(PATIENCE_SECONDS / 5, self._watch)

    def _settle(self, group: list[Waiter], results: list[Result]) -> None:
        start = 0
        for entries, future in group:
            self._tell(future, results[start : start + len(entries)])
            start += len(entries)

    def _tell(self, future: asyncio.Future[list[Result]], results: list[Result]) -> None:
        if future.done():
            return
        for result in results:
            self.written += result is None
            self.repeated += isinstance(result, Repeated)
            self.failures += isinstance(result, LogUnavailable)
        future.set_result(results)

    # The thread.

    def _run(self) -> None:
        while True:
            try:
                self.store.check_file()
                if not self.store.is_ready:
                    self.store.prepare()
                with reading(self.store.engine) as connection:
                    if not self.up:
                        probe(connection)
                        self._mark_up()
                    self._write_while_up(connection)
            except (DBAPIError, OSError) as error:
                self._mark_down(describe(self.store.engine, error))
            except HeadraceError as error:
                self._mark_down(str(error))
            self._refuse_all()
            if self._closing.wait(RETRY_SECONDS):
                return

    def _write_while_up(self, connection: Connection) -> None:
        while (group := self._next_group()) is not None:
            self._writing_since = time.monotonic()
            try:
                if not group:
                    connection.execute(select(1))
                    self.store.check_file(connection)
                results = self._write(connection, [entry for entries, _ in group for entry in entries])
            except (DBAPIError, OSError) as error:
                self._mark_down(describe(self.store.engine, error))
                self._answer(group, self._unavailable(group))
                connection.invalidate()
                return
            finally:
                self._writing_since = None
            self._answer(group, results)
            if not self.up:  # it had been silent, and is not any more
                self._mark_up()

    def _next_group(self) -> list[Waiter] | None:
        """Return what waits, as soon as something does; an empty list from time to time, and None at the end."""
        group: list[Waiter] = []
        number = 0
        with contextlib.suppress(queue.Empty):
            waiter = self._queue.get(timeout=SECONDS_BETWEEN_LOOKS)
            if waiter is None:
                return None
            while waiter is not None:
                group.append(waiter)
                number += len(waiter[0])
                if number >= LARGEST_GROUP:
                    break
                waiter = self._queue.get_nowait()
            if waiter is None and group:
                self._queue.put(None)  # the end comes after this group
        return group

    def _write(self, connection: Connection, entries: Sequence[Entry]) -> list[Result]:
        """Return what became of each entry. One that cannot be stored does not spoil the others."""
        results: list[Result] = [None] * len(entries)
        sealed: list[tuple[int, Entry, Values]] = []
        for place, entry in enumerate(entries):
            try:
                sealed.append((place, entry, self.store.values(entry)))
            except Exception as error:  # noqa: BLE001  the waiter is told
                results[place] = error
        # In the order of their ids: two processes that insert the same ones wait for each other, never both.
        sealed.sort(key=lambda each: each[2][0])
        if not sealed:
            return results
        try:
            written = self.store.write(connection, [each[1] for each in sealed], [each[2] for each in sealed])
            self.store.check_file(connection)
        except (DataError, BrokenRule, ValueError, TypeError) as error:  # else the log is at fault, not an entry
            if len(entries) == 1:
                return [error]
            return [result for entry in entries for result in self._write(connection, [entry])]
        for (place, _, _), result in zip(sealed, written, strict=True):
            results[place] = result
        return results

    def _unavailable(self, group: list[Waiter]) -> list[Result]:
        return [LogUnavailable(self.why_down) for entries, _ in group for _ in entries]

    def _refuse_all(self) -> None:
        """Answer who came before the log was known to be down."""
        with contextlib.suppress(queue.Empty):
            while (waiter := self._queue.get_nowait()) is not None:
                self._answer([waiter], self._unavailable([waiter]))

    def _answer(self, group: list[Waiter], results: list[Result]) -> None:
        if not group:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            group[0][1].get_loop().call_soon_threadsafe(self._settle, group, results)

    def _mark_up(self) -> None:
        _logger.warning("the prediction log takes answers again")
        self.up, self.why_down = True, ""

    def _mark_down(self, why: str) -> None:
        if why != self.why_down:
            _logger.error("%s", why)
        self.up, self.why_down = False, why
