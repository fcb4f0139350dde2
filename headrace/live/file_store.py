"""Histories in one file that the processes of a machine share (LMDB).

What was committed survives the end of a process, by kill -9 too: the pages are the kernel's. One of the
processes writes them to the disk every five seconds. A loss of power may lose the seconds since, and where a file
system orders its writes in another way even leave a file that cannot be read: remove it then, and fill it again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import lmdb

from headrace.errors import WindowsUnavailable
from headrace.live.layout import NAME_BYTES
from headrace.live.store import Place, filled, place_of
from headrace.locking import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from headrace.live.store import History, Row

SIZE = 64 * 2**20
"""Bytes of a new file. It is doubled when it is full, and its space taken from the disk: a full disk is said then."""
OPTIONS: dict[str, Any] = {
    "subdir": False, "mode": 0o600, "sync": False, "metasync": False, "writemap": True, "max_readers": 1024,
}  # fmt: skip
CHUNK = 4000
"""Bytes of the records under one key: they fill a page of their own. Smaller and larger ones took longer."""
SYNC_SECONDS = 5.0
LOAD_SECONDS = 0.004
"""How long others wait at most for one that loads many rows."""
EXPIRED_AT_ONCE = 2
"""For each row that comes so many go, if they are past the horizon: more than one, so that what is left behind ends."""
NOTED_AT_ONCE = 50
AFTER_ALL = b"\xff"
CHUNKS, KEYS, ORDERS, MARKS = b"h", b"k", b"t", b"m"
BROKEN = (lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.VersionMismatchError, lmdb.PanicError)
CLAIMED = b" claimed"
DEADLINE = struct.Struct("<d")

T = TypeVar("T")


class FileStore:
    """A file of histories: chunks of records by their first order, rows by their key, and the rows' order.

    Args:
        path: The file. Another one, its lock, is beside it.
        space: What all keys begin with.
        widths: The width of the records of each entity column, in words of 8 bytes.
        order: The bytes of an order.

    Raises:
        WindowsUnavailable: The file cannot be opened.
    """

    is_remote = False

    def __init__(self, path: Path, space: bytes, widths: bytes, order: int) -> None:
        self._file = _opened(path)
        self._chunks, self._keys, self._orders, self._marks = (space + kind for kind in (CHUNKS, KEYS, ORDERS, MARKS))
        self._widths, self._order = widths, order

    def add(self, rows: Sequence[Row]) -> list[list[bytes]]:
        """Record rows unless they are known, in one transaction, and return the histories of each one's places."""
        return self._file.write(lambda transaction: [self._add(transaction, row) for row in rows])

    def add_many(self, rows: Sequence[Row]) -> dict[bytes, bytes]:
        """Record rows unless they are known, in short transactions, and return the histories of their places.

        Rows are noted last: where a process ends before that, they are recorded again when they come again.
        """
        new = self._file.read(lambda transaction: self._unknown(transaction, rows))
        of_name: dict[bytes, tuple[bytes, list[bytes]]] = {}
        for row in rows:
            is_new = new.get(row.key) is row
            for place in row.places:
                earliest, records = of_name.get(place.name) or (place.since, [])
                of_name[place.name] = min(earliest, place.since), records
                if is_new:
                    records.append(place.record)
        histories: dict[bytes, bytes] = {}

        def record(transaction: lmdb.Transaction, of: bytes) -> None:
            since, records = of_name[of]
            chunks = self._read(transaction, of, since)
            histories[of] = _joined(self._append(transaction, of, records, chunks) if records else chunks)

        self._in_turns(sorted(of_name), record)  # neighbours are in one page
        # The first rows see what is past the horizon of the last ones: nothing goes that any of them sees.
        horizon = min((row.horizon for row in rows), default=b"")
        noted = list(new.values())
        some = (noted[start : start + NOTED_AT_ONCE] for start in range(0, len(noted), NOTED_AT_ONCE))
        self._in_turns(some, partial(self._note_many, horizon=horizon))
        return histories

    def replace(self, row: Row) -> None:
        """Put the records of a known row in the place of those that it has."""

        def replaced(transaction: lmdb.Transaction) -> None:
            for place in row.places:
                chunks = self._read(transaction, place.name, row.order)
                if any(_has(records, row.order, len(place.record)) for _, records in chunks):
                    self._insert(transaction, place, chunks)

        self._file.write(replaced)

    def facts(self, key: bytes) -> bytes | None:
        """Return what is kept of a row."""
        return self._file.read(lambda transaction: _bytes(transaction.get(self._keys + key)))

    def load(self, histories: Iterable[History], rows: Iterable[Row]) -> None:
        """Merge many records, then many rows, in short transactions."""
        self._in_turns(histories, self._merge)
        self._in_turns(rows, self._note)

    def history(self, name: bytes) -> bytes:
        """Return a whole history."""
        return self._file.read(lambda transaction: _joined(self._read(transaction, name, b"")))

    def forget(self, name: bytes) -> int:
        """Drop a history and what is kept of its rows."""
        return self._file.write(lambda transaction: self._forget(transaction, name))

    def marked(self, mark: bytes) -> bool:
        """Return whether a mark was set."""
        return self._file.read(lambda transaction: transaction.get(self._marks + mark)) is not None

    def mark(self, mark: bytes) -> None:
        """Set a mark: what a file holds does not go."""
        self._file.write(lambda transaction: transaction.put(self._marks + mark, b""))

    def claim(self, mark: bytes, seconds: float) -> bool:
        """Return whether this caller alone may work on something for so long."""

        def claimed(transaction: lmdb.Transaction) -> bool:
            key, now = self._marks + mark + CLAIMED, time.time()
            until = transaction.get(key)
            if until is not None and now < DEADLINE.unpack(until)[0] <= now + seconds:
                return False
            return bool(transaction.put(key, DEADLINE.pack(now + seconds)))

        return self._file.write(claimed)

    def renew(self, mark: bytes, seconds: float) -> None:
        """Go on to work on something alone for so long from now."""
        key = self._marks + mark + CLAIMED
        self._file.write(lambda transaction: transaction.put(key, DEADLINE.pack(time.time() + seconds)))

    def give_up(self, mark: bytes) -> None:
        """Let others work on something that was not done."""
        self._file.write(lambda transaction: transaction.delete(self._marks + mark + CLAIMED))

    def check(self) -> None:
        """Do nothing but reach it."""
        self._file.write(lambda _: None)

    def close(self) -> None:
        """Let go of the file."""
        self._file.release()

    def _add(self, transaction: lmdb.Transaction, row: Row) -> list[bytes]:
        new = self._note(transaction, row)
        if new:
            self._expire(transaction, row.horizon, EXPIRED_AT_ONCE)
        histories = []
        for place in row.places:
            chunks = self._read(transaction, place.name, place.since)
            histories.append(_joined(self._insert(transaction, place, chunks) if new else chunks))
        return histories

    def _unknown(self, transaction: lmdb.Transaction, rows: Sequence[Row]) -> dict[bytes, Row]:
        """Return the rows that are not known, by their key; of two with one key the first."""
        new = {row.key: row for row in reversed(rows)}
        with transaction.cursor() as cursor:
            known: Iterable[Any] = cursor.getmulti([self._keys + key for key in new])
            for key, _ in known:
                del new[key[len(self._keys) :]]
        return {row.key: row for row in rows if new.get(row.key) is row}

    def _note_many(self, transaction: lmdb.Transaction, rows: Sequence[Row], horizon: bytes) -> None:
        """Keep what is to be kept of rows themselves, unless others have done so meanwhile."""
        with transaction.cursor() as cursor:
            cursor.putmulti([(self._keys + row.key, row.facts) for row in rows], overwrite=False)
            orders = [(self._orders + row.order, b"".join([place.name for place in row.places])) for row in rows]
            cursor.putmulti(orders)
        self._expire(transaction, horizon, EXPIRED_AT_ONCE * len(rows))

    def _note(self, transaction: lmdb.Transaction, row: Row) -> bool:
        """Keep what is to be kept of a row itself; return whether it is new."""
        if not transaction.put(self._keys + row.key, row.facts, overwrite=False):
            return False
        transaction.put(self._orders + row.order, b"".join(place.name for place in row.places))
        return True

    def _read(self, transaction: lmdb.Transaction, name: bytes, since: bytes) -> list[tuple[bytes, bytes]]:
        """Return the chunks of a history, the newest first, back to the one that has an order in it."""
        of = self._chunks + name
        oldest = of + since
        chunks: list[tuple[bytes, bytes]] = []
        cursor = transaction.cursor()  # it ends with the transaction
        there = cursor.prev() if cursor.set_range(of + AFTER_ALL * 9) else cursor.last()
        while there:
            key, records = _item(cursor)
            if not key.startswith(of):
                break
            chunks.append((key, records))
            if key <= oldest:
                break
            there = cursor.prev()
        return chunks

    def _append(
        self, transaction: lmdb.Transaction, name: bytes, records: list[bytes], chunks: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Write records, in their order, to the chunks that they belong to, and return the chunks with them."""
        if chunks:
            (key, before), more = chunks[0], b"".join(records)
            later = before[-len(records[0]) :][: self._order] < records[0][: self._order]
            if later and len(before) + len(more) <= CHUNK:
                transaction.put(key, before + more)
                return [(key, before + more), *chunks[1:]]
        for record in records:
            chunks = self._insert(transaction, Place(name, record, b""), chunks)
        return chunks

    def _insert(
        self, transaction: lmdb.Transaction, place: Place, chunks: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Write a record to the chunk that it belongs to, and return the chunks with it."""
        of, record = self._chunks + place.name, place.record
        order, width = record[: self._order], len(record)
        at = next((at for at, (key, _) in enumerate(chunks) if key <= of + order), len(chunks) - 1)
        if at < 0:
            return self._put(transaction, of, [record], [])
        key, records = chunks[at]
        if records[-width : self._order - width or None] < order:
            if at == 0 and len(records) + width <= CHUNK:
                transaction.put(key, records + record)
                return [(key, records + record), *chunks[1:]]
            full = len(records) + width > CHUNK
            changed = [records, record] if full else [records + record]
        else:
            begin = place_of(records, order, width)
            end = begin + width if records[begin : begin + self._order] == order else begin
            changed = _halves(records[:begin] + record + records[end:], width)
        return chunks[:at] + self._put(transaction, of, changed, [(key, records)]) + chunks[at + 1 :]

    def _put(
        self, transaction: lmdb.Transaction, of: bytes, changed: list[bytes], before: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Write chunks in the place of others; return them, the newest first."""
        chunks = [(of + records[: self._order], records) for records in changed]
        kept = {key for key, _ in chunks}
        for key, _ in before:
            if key not in kept:
                transaction.delete(key)
        there = dict(before)
        for key, records in chunks:
            if there.get(key) != records:
                transaction.put(key, records)
        return chunks[::-1]

    def _expire(self, transaction: lmdb.Transaction, horizon: bytes, most: int) -> None:
        """Drop the first rows that are past the horizon, and the chunks that end with them."""
        ends: dict[bytes, bytes] = {}
        cursor = transaction.cursor()
        there = cursor.set_range(self._orders)
        while there and most:
            key, names = _item(cursor)
            order = key[len(self._orders) :]
            if not key.startswith(self._orders) or order >= horizon:
                break
            transaction.delete(self._keys + order[8:])
            ends |= {names[at : at + NAME_BYTES]: order for at in range(0, len(names), NAME_BYTES)}
            there, most = cursor.delete(), most - 1  # it is at the next one then
        for name, order in ends.items():
            self._drop_first_chunk(transaction, name, order)

    def _drop_first_chunk(self, transaction: lmdb.Transaction, name: bytes, until: bytes) -> None:
        of, width = self._chunks + name, self._width(name)
        cursor = transaction.cursor()
        if cursor.set_range(of):
            key, records = _item(cursor)
            if key.startswith(of) and records[-width:][: self._order] <= until:
                cursor.delete()

    def _merge(self, transaction: lmdb.Transaction, history: History) -> None:
        width = self._width(history.name)
        first = min(some[: self._order] for some in (history.told, history.untold) if some)
        chunks = self._read(transaction, history.name, first)
        records = filled(_joined(chunks), history, width, self._order)
        size = CHUNK // width * width
        parts = [records[at : at + size] for at in range(0, len(records), size)]
        self._put(transaction, self._chunks + history.name, parts, chunks)

    def _forget(self, transaction: lmdb.Transaction, name: bytes) -> int:
        width, count = self._width(name), 0
        for key, records in self._read(transaction, name, b""):
            transaction.delete(key)
            for at in range(0, len(records), width):
                order = records[at : at + self._order]
                transaction.delete(self._orders + order)
                transaction.delete(self._keys + order[8:])
                count += 1
        return count

    def _width(self, name: bytes) -> int:
        return self._widths[name[0]] * 8

    def _in_turns(self, items: Iterable[Any], write: Callable[[lmdb.Transaction, Any], Any]) -> None:
        """Write items some milliseconds at a time, so that others have their turns between."""
        waiting = iter(items)
        more = True
        while more:
            some: list[Any] = []
            more = self._file.write(partial(_write_some, waiting=waiting, some=some, write=write))
            time.sleep(0.0002)


def _write_some(
    transaction: lmdb.Transaction,
    waiting: Iterator[Any],
    some: list[Any],
    write: Callable[[lmdb.Transaction, Any], Any],
) -> bool:
    """Write items for some milliseconds; `some` has those that were taken, to be written again if the file was full."""
    until = time.perf_counter() + LOAD_SECONDS
    for item in some:
        write(transaction, item)
    for item in waiting:
        some.append(item)
        write(transaction, item)
        if time.perf_counter() > until:
            return True
    return False


def _bytes(value: Any) -> bytes | None:
    """Return what was read: bytes, as no transaction is begun with buffers."""
    return value  # type: ignore[no-any-return]


def _item(cursor: lmdb.Cursor) -> tuple[bytes, bytes]:
    """Return the key and the value that a cursor is at."""
    return cursor.item()  # type: ignore[return-value]


def _joined(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Return the records of chunks, the newest of which comes first, in their order."""
    return chunks[0][1] if len(chunks) == 1 else b"".join([records for _, records in reversed(chunks)])


def _has(records: bytes, order: bytes, width: int) -> bool:
    return records.startswith(order, place_of(records, order, width))


def _halves(records: bytes, width: int) -> list[bytes]:
    if len(records) <= CHUNK or len(records) == width:
        return [records]
    middle = len(records) // width // 2 * width
    return [records[:middle], records[middle:]]


class _File:
    """An open file, of which a process has one however often it is used."""

    opened: dict[Path, _File] = {}  # noqa: RUF012  the one list of the process
    opening = threading.Lock()

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.users = path, 0
        # Pages are changed in the map, not written one by one by system calls: a third of the time. So LMDB makes the
        # file as long as the map, and a shorter one would end the processes that have the pages past it.
        with alone(path):
            size = max(SIZE, path.stat().st_size if path.exists() else 0)
            self._environment = lmdb.open(str(path), map_size=size, **OPTIONS)
            self._reserve(self._environment.info()["map_size"])
        self._lock = threading.Lock()
        self._turn = path.open("rb")
        self._closed = threading.Event()
        self._syncing = threading.Thread(target=self._keep_synced, name="headrace-windows", daemon=True)
        self._syncing.start()

    def write(self, do: Callable[[lmdb.Transaction], T]) -> T:
        """Do something in a transaction of its own, in a larger file if this one is full."""
        with _said(self.path), self._lock:
            while True:
                try:
                    with self._environment.begin(write=True) as transaction:
                        found = do(transaction)
                except (lmdb.MapFullError, lmdb.MapResizedError):
                    self._grow()
                else:
                    return found

    def read(self, do: Callable[[lmdb.Transaction], T]) -> T:
        """Do something in a transaction that writes nothing."""
        with _said(self.path), self._lock:
            while True:
                try:
                    with self._environment.begin() as transaction:
                        return do(transaction)
                except lmdb.MapResizedError:
                    self._grow()

    def release(self) -> None:
        """Close the file if nobody else in this process uses it."""
        with self.opening:
            self.users -= 1
            if not self.users:
                self.opened.pop(self.path, None)
                self._closed.set()
                self._syncing.join()
                with self._lock, self._turn:
                    self._environment.sync(True)  # noqa: FBT003  it takes no name
                    self._environment.close()

    def _grow(self) -> None:
        """Map all of the file, which is made longer unless another process has done so."""
        with alone(self.path):
            mapped, size = self._environment.info()["map_size"], self.path.stat().st_size
            # What a process that was killed was reading is kept for it until it is seen to be gone.
            if size <= mapped and not self._environment.reader_check():
                size = 2 * mapped
                self._reserve(size)
            self._environment.set_mapsize(size)

    def _reserve(self, size: int) -> None:
        """Take space from the disk: a page of the map that the disk has no room for would end the process."""
        file = os.open(self.path, os.O_RDWR)
        try:
            os.posix_fallocate(file, 0, size)
        finally:
            os.close(file)

    def _keep_synced(self) -> None:
        synced = 0
        while not self._closed.wait(SYNC_SECONDS):
            with contextlib.suppress(lmdb.Error):
                with self._lock:
                    last = self._environment.info()["last_txnid"]
                if last != synced and self._has_turn():
                    self._environment.sync(True)  # noqa: FBT003  it takes no name
                    synced = last

    def _has_turn(self) -> bool:
        """Return whether this process writes for all: after each time every process has to fault its pages in again."""
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without such locks: each process writes for itself
            return True
        return True


def _opened(path: Path) -> _File:
    path = path.absolute()
    with _File.opening, _said(path):
        if path not in _File.opened:
            _File.opened[path] = _File(path)
        _File.opened[path].users += 1
        return _File.opened[path]


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        said = str(error).removeprefix(f"{path}: ")
        raise WindowsUnavailable(
            f"{path}: the file of the windows is broken ({said}); stop the service, remove the file, and start again: "
            "it is filled from the history in the package"
        ) from error
    except (lmdb.Error, OSError) as error:
        raise WindowsUnavailable(f"{path}: the windows cannot be read or written ({error})") from error
