"""The features of a row, from what was recorded before it."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.declaration.features import feature_names
from headrace.declaration.sql import quoted
from headrace.errors import WindowsUnavailable
from headrace.live.many import ManyRows
from headrace.live.rowwise import compile_expressions
from headrace.live.warming import histories_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from headrace.errors import DataError
    from headrace.features.plan import Plan
    from headrace.live.records import Records
    from headrace.live.store import Row, Store

MISSING = math.nan
CLAIM = 30.0
"""Seconds for which a worker that fills a store is waited for since it last said so; then it is taken for dead."""
PAUSE = 0.1

Value = float | str | None
Asked = tuple["Mapping[str, Any]", str | None]
"""A row, and what it is known by if it has no key."""


class _Begun(NamedTuple):
    """A row whose windows are still to be looked through."""

    values: list[Any]
    row: Row | None
    """As a store keeps it; None where no window looks back."""
    entities: list[int]


class LiveFeatures:
    """Declared features, one row at a time; the rows are recorded in a store that workers share.

    Several threads may ask.

    Args:
        plan: The resolved declaration.
        store: Where histories are kept; None where no window looks back.

    Attributes:
        names: What is returned, in its order.
        is_remote: Whether asking waits for a network.
        hits: Entities that had a history when a row of theirs came.
        misses: Those that had none.
    """

    def __init__(self, plan: Plan, store: Store | None, records: Records | None) -> None:
        features = plan.features
        self._plan, self._store, self._records = plan, store, records
        self.is_remote = store is not None and store.is_remote
        self.hits = self.misses = 0
        self.names = feature_names(features)
        own = {name: quoted(name) for name in features.columns} | features.expressions
        arguments = {name: sql for sql, name in plan.arguments.items()}
        self._program = compile_expressions(own | arguments, plan.rows)
        relabelled = records.by_label if records else []
        self._of_label = compile_expressions({plan.arguments[sql]: sql for sql in plan.arguments}, plan.rows)
        self._reads_label = bool(relabelled)
        self._own = [(name, name in plan.texts) for name in own]
        slots = {name: place for place, name in enumerate(self.names)}
        sides = ([slots[side.strip()] for side in ratio.split("/")] for ratio in features.ratios.values())
        self._ratios = [
            (slots[name], above, below) for name, (above, below) in zip(features.ratios, sides, strict=True)
        ]
        self._blank = [MISSING] * len(self.names)
        self._many = ManyRows(
            self._program,
            own=self._own,
            ratios=self._ratios,
            features=len(self.names),
            records=records,
            store=store,
        )

    def ask(self, row: Mapping[str, Any], request: str | None = None) -> list[Value]:
        """Record a row, and return its features in the order of `names`.

        A row that is recorded already stays as it is; its features are what they are at its own time.

        Args:
            row: Python values by column; one that it does not have, such as the label, is missing.
            request: What a row without a key is known by.

        Returns:
            Numbers, NaN for a missing one; texts, None for a missing one.

        Raises:
            WindowsUnavailable: The store cannot be reached now. The row may be recorded; asking again is safe.
            DataError: The row has no time, or an expression does not take it.
        """
        [values] = self.ask_each([(row, request)])
        if isinstance(values, Exception):
            raise values
        return values

    def ask_each(self, asked: Sequence[Asked]) -> list[list[Value] | Exception]:
        """Record a few rows together, and return the features of each: those of `ask` for one after the other.

        Args:
            asked: Rows and requests, as `ask` takes them.

        Returns:
            Features in the order of `names`, or what is wrong with a row: `DataError`, and it is not recorded.

        Raises:
            WindowsUnavailable: As `ask`, of all of them.
        """
        begun = [self._begun(*each) for each in asked]
        histories = iter(self._record([each.row for each in begun if isinstance(each, _Begun) and each.row]))
        return [
            each if isinstance(each, Exception) else self._finished(each, next(histories) if each.row else [])
            for each in begun
        ]

    def ask_many(
        self, rows: Sequence[Mapping[str, Any]], requests: Sequence[str | None]
    ) -> list[list[Value] | DataError]:
        """Record rows, and return the features of each, or what is wrong with it, in their order.

        They are recorded in the order of their times and keys: each sees those before it.

        Args:
            rows: Rows as `ask` takes them.
            requests: What each is known by if it has no key.

        Raises:
            WindowsUnavailable: As `ask`; some of the rows may be recorded then.
        """
        found = self._many(rows, requests)
        self.hits, self.misses = self.hits + found.hits, self.misses + found.misses
        return found.values

    def without_windows(self, row: Mapping[str, Any]) -> list[Value]:
        """Return the features of a row as if nothing had ever been recorded: what looks back is missing.

        Raises:
            DataError: An expression does not take the row.
        """
        values = self._own_values(self._program(row))
        self._fill_ratios(values)
        return values

    def _begun(self, row: Mapping[str, Any], request: str | None) -> _Begun | Exception:
        """Return what needs no history."""
        try:
            program = self._program(row)
            values = self._own_values(program)
            if self._records is None:
                return _Begun(values, None, [])
            key = self._records.keys.of(row.get(self._plan.rows.key), request)
            return _Begun(values, *self._records.row(row, program, key))
        except Exception as error:  # noqa: BLE001  whatever is wrong with a row does not spoil the others
            return error

    def _record(self, rows: Sequence[Row]) -> list[list[bytes]]:
        return self._store.add(rows) if self._store is not None and rows else []

    def _finished(self, begun: _Begun, histories: Sequence[bytes]) -> list[Value] | Exception:
        """Return all features, or what went wrong."""
        try:
            if begun.row is not None:
                self._fill_windows(begun, begun.row.order, dict(zip(begun.entities, histories, strict=True)))
            self._fill_ratios(begun.values)
        except Exception as error:  # noqa: BLE001  as above
            return error
        return begun.values

    def _fill_windows(self, begun: _Begun, order: bytes, found: Mapping[int, bytes]) -> None:
        records, _ = self._held()
        for number, windows in enumerate(records.windows):
            history = found.get(number, b"")
            if len(history) > windows.width:
                self.hits += 1
            else:
                self.misses += 1
            windows.fill(begun.values, history, order)

    def _own_values(self, program: Mapping[str, Any]) -> list[Any]:
        values: list[Any] = self._blank.copy()
        for place, (name, text) in enumerate(self._own):
            value = program[name]
            if text:
                values[place] = value
            elif value is not None:
                values[place] = float(value)
        return values

    def _fill_ratios(self, values: list[Any]) -> None:
        for place, above, below in self._ratios:
            if values[below]:
                values[place] = values[above] / values[below]

    def tell(self, row: Mapping[str, Any], label: Any, request: str | None = None) -> bool:
        """Say the label of a row that was recorded; saying it again, or another one, replaces it.

        Args:
            row: The row, or its key alone under the key's name.
            label: The label column's value.
            request: What a row without a key is known by.

        Returns:
            Whether the row is known.

        Raises:
            WindowsUnavailable: The store cannot be reached now.
        """
        if self._store is None:
            return False
        records, store = self._held()
        key = records.keys.of(row.get(self._plan.rows.key), request)
        facts = store.facts(key)
        if facts is None:
            return False
        if self._reads_label:
            known = {**row, **records.read_facts(facts), self._plan.target.column: label}
            store.replace(records.row(known, self._of_label(known), key)[0])
        return True

    def tell_many(
        self, rows: Sequence[Mapping[str, Any]], labels: Sequence[Any], requests: Sequence[str | None]
    ) -> list[bool]:
        """Say the labels of rows that were recorded; as `tell` for each.

        Raises:
            WindowsUnavailable: The store cannot be reached now; saying all of it again is safe.
        """
        return [self.tell(*each) for each in zip(rows, labels, requests, strict=True)]

    def warm(self, history: pa.Table, digest: str) -> None:
        """Fill the store with validated rows, unless it has them. Workers may do so at once, and others ask meanwhile.

        Args:
            history: The columns that windows read, with labels.
            digest: What tells this history from others: a new one adds to what is there.

        Raises:
            WindowsUnavailable: The store cannot be reached now; what is filled by then stays.
        """
        if self._store is None:
            return
        records, store = self._held()
        mark = digest.encode()
        while not store.marked(mark):
            if store.claim(mark, CLAIM):
                with _renewed(store, mark):
                    store.load(histories_of(history, records), rows_of(history, records))
                    store.mark(mark)
            else:
                time.sleep(PAUSE)

    def is_warm(self, digest: str) -> bool:
        """Return whether the store was filled with a history.

        Raises:
            WindowsUnavailable: The store cannot be reached now.
        """
        return self._store is None or self._store.marked(digest.encode())

    def seen(self, row: Mapping[str, Any]) -> dict[str, list[bytes]]:
        """Return the orders of the records of a row's entities, by entity column, oldest first."""
        if self._store is None:
            return {}
        records, store = self._held()
        found = {}
        for number, entity in enumerate(records.entities.columns):
            if row.get(entity) is not None:
                history, width = (
                    store.history(records.entities.name(number, row[entity])),
                    records.windows[number].width,
                )
                found[entity] = [history[at : at + records.order_bytes] for at in range(0, len(history), width)]
        return found

    def forget(self, column: str, value: Any) -> int:
        """Drop the history of an entity, and what is kept of its rows; return how many they were.

        Raises:
            DataError: No window has this column as its entity.
            WindowsUnavailable: The store cannot be reached now.
        """
        if self._store is None:
            return 0
        records, store = self._held()
        return store.forget(records.entities.name(records.entities.number(column), value))

    def check(self) -> None:
        """Do nothing if the store can be reached.

        Raises:
            WindowsUnavailable: It cannot.
        """
        if self._store is not None:
            self._store.check()

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
        self._program.close()
        self._of_label.close()

    def _held(self) -> tuple[Records, Store]:
        assert self._records is not None
        assert self._store is not None
        return self._records, self._store


@contextlib.contextmanager
def _renewed(store: Store, mark: bytes) -> Iterator[None]:
    """Hold a claim as long as the work takes; where it fails the next one need not wait for the claim's end."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(CLAIM / 3):
            with contextlib.suppress(WindowsUnavailable):  # whoever loads finds out
                store.renew(mark, CLAIM)

    renewing = threading.Thread(target=renew, name="headrace-filling", daemon=True)
    renewing.start()
    worked = False
    try:
        yield
        worked = True
    finally:
        done.set()
        renewing.join()
        if not worked:
            with contextlib.suppress(WindowsUnavailable):
                store.give_up(mark)
