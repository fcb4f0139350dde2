"""What keeps the histories of entities. A history is records of one width, one after the other in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from headrace.live.layout import KEYLESS, TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Place(NamedTuple):
    """A record, and the history that it belongs to."""

    name: bytes
    """Whose history: an entity column and one of its values, `NAME_BYTES` bytes."""
    record: bytes
    since: bytes
    """What older records are of no interest to the row; an order."""


class Row(NamedTuple):
    """A row as a store keeps it."""

    key: bytes
    """What it is known by."""
    order: bytes
    """Its time and its key: records and rows are ordered by it, as bytes. A record begins with it."""
    facts: bytes
    """What its records can be made from again."""
    places: Sequence[Place]
    horizon: bytes
    """Rows before this order may be dropped."""


class History(NamedTuple):
    """Records of a history that a store is filled with, in their order."""

    name: bytes
    """Whose, as of a place."""
    told: bytes
    """Each takes the place of the one with its order that is there."""
    untold: bytes
    """Those of rows whose label is missing, where it matters: one that is there stays, for its label may be told."""
    until: bytes
    """The time of the history's last row. It has all rows until then, with their keys."""


class Store(Protocol):
    """A place for rows and histories that several processes share. Every method raises WindowsUnavailable."""

    is_remote: bool
    """Whether it is reached over a network."""

    def add(self, rows: Sequence[Row]) -> list[list[bytes]]:
        """Record a few rows unless they are known, one after the other.

        Nothing comes between them, and to record what is recorded does nothing: what failed may be said again.

        Returns:
            The histories of each one's places as they are when it has been recorded, its own record in them.
        """

    def add_many(self, rows: Sequence[Row]) -> dict[bytes, bytes]:
        """Record rows unless they are known; others have their turns meanwhile.

        Args:
            rows: In their order; of two with one key the first is recorded.

        Returns:
            The histories of all their places by name, from the earliest `since` of each on.
        """

    def replace(self, row: Row) -> None:
        """Put the records of a known row in the place of those that it has."""

    def facts(self, key: bytes) -> bytes | None:
        """Return what is kept of a row; None for an unknown one."""

    def load(self, histories: Iterable[History], rows: Iterable[Row]) -> None:
        """Merge many records, then many rows without places; others are served meanwhile.

        Args:
            histories: The records.
            rows: What is kept of the rows.
        """

    def history(self, name: bytes) -> bytes:
        """Return a whole history."""

    def forget(self, name: bytes) -> int:
        """Drop a history and what is kept of its rows; return how many they were."""

    def marked(self, mark: bytes) -> bool:
        """Return whether a mark was set."""

    def mark(self, mark: bytes) -> None:
        """Set a mark, unless what was done for it may be gone: a store that was emptied has lost the caller's claim."""

    def claim(self, mark: bytes, seconds: float) -> bool:
        """Return whether this caller alone may work on something for so long."""

    def renew(self, mark: bytes, seconds: float) -> None:
        """Go on to work on something alone for so long from now."""

    def give_up(self, mark: bytes) -> None:
        """Let others work on something that was not done."""

    def check(self) -> None:
        """Do nothing but reach it."""

    def close(self) -> None:
        """Let go of it."""


def filled(records: bytes, history: History, width: int, order: int) -> bytes:
    """Return the records that are there with those of a history that a store is filled with; see `merged`.

    A row that came without its key has it in the history: there it would be another row.
    """
    keyed = records
    if KEYLESS in records:
        every = (records[at : at + width] for at in range(0, len(records), width))
        keyed = b"".join(
            each for each in every if each[: TIME.size] > history.until or not each.startswith(KEYLESS, TIME.size)
        )
    return merged(merged(history.untold, keyed, width, order), history.told, width, order)


def merged(records: bytes, more: bytes, width: int, order: int) -> bytes:
    """Return two runs of records as one; of two with the same order the second run's stays.

    Args:
        records: Records in order.
        more: Others, in order.
        width: The bytes of a record.
        order: The bytes of its order, with which it begins.
    """
    if not records or not more or records[-width:][:order] < more[:order]:
        return records + more
    by_order = {
        run[at : at + order]: run[at : at + width] for run in (records, more) for at in range(0, len(run), width)
    }
    return b"".join(by_order[each] for each in sorted(by_order))


def place_of(records: bytes, order: bytes, width: int) -> int:
    """Return where in records one of an order is, or belongs: the byte that it begins at."""
    low, high = 0, len(records) // width
    while low < high:
        middle = (low + high) // 2
        if records[middle * width : middle * width + len(order)] < order:
            low = middle + 1
        else:
            high = middle
    return low * width
