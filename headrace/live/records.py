"""From a row to what a store keeps of it, and back to the row."""

from __future__ import annotations

import struct
import time as clock
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from headrace.declaration.types import python_type
from headrace.errors import DataError
from headrace.features.aggregates import scale_of
from headrace.live.aggregating import EntityWindows
from headrace.live.layout import BIAS, NULL, TIME, Argument, Entities, Keys, argument_of, microseconds_of
from headrace.live.rowwise import columns_read
from headrace.live.store import Place, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.features.aggregates import Aggregate
    from headrace.features.plan import Plan

LATE = 7 * 86_400_000_000
"""Microseconds that rows are kept longer than a window reaches: a row that comes so late still sees all of its own."""


class Records:
    """How the rows of a declaration are kept: a record for each entity, and what it takes to make them again.

    Args:
        plan: The resolved declaration.
        slots: The place of each window feature among all features.
    """

    def __init__(self, plan: Plan, slots: Mapping[str, int]) -> None:
        self.plan = plan
        self.keys, self.entities = Keys(plan.rows.columns[plan.rows.key]), Entities(plan)
        self.order_bytes = TIME.size + self.keys.bytes
        arguments = _arguments(plan)
        self.arguments: dict[str, list[Argument]] = {}
        self.windows: list[EntityWindows] = []
        self._words: list[list[tuple[str, Argument]]] = []
        self._packers: list[Callable[[Mapping[str, Any]], bytes]] = []
        for entity in self.entities.columns:
            features = [
                (slots[each.name], each, argument)
                for each, argument in zip(plan.windows, arguments, strict=True)
                if each.frame.entity == entity
            ]
            # In an order of their own: declared in another one they are the same.
            words = sorted({argument for *_, argument in features if argument}, key=attrgetter("sql", "kind"))
            self.arguments[entity] = words
            self.windows.append(EntityWindows(features, words, self.order_bytes))
            self._words.append([(plan.arguments[each.sql], each) for each in words])
            self._packers.append(_packer(self._words[-1]))
        self._kept, self._timestamp = plan.history + LATE, str(plan.rows.timestamp)
        self.widths = bytes(window.width // 8 for window in self.windows)
        read = columns_read(plan.arguments, plan.rows)
        self.by_label = [sql for sql, columns in read.items() if plan.target.column in columns]
        # A label that is told writes a record anew: all of its words are made from what is kept of the row.
        self.facts_columns = self._facts_columns(set().union(*read.values()) if self.by_label else set())
        columns = plan.rows.columns
        types = tuple(python_type(columns[name].type) | None for name in self.facts_columns)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple.__class_getitem__(types), strict=False).decode

    def row(self, row: Mapping[str, Any], arguments: Mapping[str, Any], key: bytes) -> tuple[Row, list[int]]:
        """Return what a store keeps of a row, and the numbers of the entities that it has.

        Args:
            row: Its columns.
            arguments: The window arguments.
            key: What it is known by.
        """
        time = self.time(row)
        order = TIME.pack(time + BIAS) + key
        places, present = [], []
        for number, entity in enumerate(self.entities.columns):
            value = row.get(entity)
            if value is not None:
                since = TIME.pack(max(time + BIAS - self.windows[number].reach, 0))
                record = order + self._packers[number](arguments)
                places.append(Place(self.entities.name(number, value), record, since))
                present.append(number)
        return Row(
            key, order, self.facts([row.get(name) for name in self.facts_columns]), places, self.horizon(time)
        ), present

    def many(
        self, rows: Sequence[Mapping[str, Any]], arguments: Sequence[Mapping[str, Any]], requests: Sequence[str | None]
    ) -> list[Row]:
        """Return what a store keeps of rows; as `row` for each."""
        times = [self.time(row) for row in rows]
        keys = [self.keys.of(row.get(self.plan.rows.key), request) for row, request in zip(rows, requests, strict=True)]
        orders = [TIME.pack(time + BIAS) + key for time, key in zip(times, keys, strict=True)]
        places: list[list[Place]] = [[] for _ in rows]
        for number, entity in enumerate(self.entities.columns):
            words = _packed_many(self._words[number], arguments)
            earliest = _earlier(times, self.windows[number].reach)
            names: dict[Any, bytes] = {}
            for own, row, order, word, since in zip(places, rows, orders, words, earliest, strict=True):
                value = row.get(entity)
                if value is not None:
                    name = names.get(value)
                    if name is None:
                        name = names[value] = self.entities.name(number, value)
                    own.append(Place(name, order + word, since))
        now = clock.time_ns() // 1000
        horizons = _earlier([min(time, now) for time in times], self._kept)
        facts = map(self._encode, zip(*([row.get(name) for row in rows] for name in self.facts_columns), strict=True))
        return list(map(Row, keys, orders, facts, places, horizons))

    def time(self, row: Mapping[str, Any]) -> int:
        """Return when a row happened, in microseconds.

        Raises:
            DataError: It has no time.
        """
        self.check(row)
        return microseconds_of(row[self._timestamp])

    def check(self, row: Mapping[str, Any]) -> None:
        """Do nothing if a row can be kept.

        Raises:
            DataError: It has no time.
        """
        if row.get(self._timestamp) is None:
            raise DataError(f"a row has no {self._timestamp}: its windows have no end")

    def horizon(self, time: int) -> bytes:
        """Return the order from which on rows are kept, when the last one is of a time.

        Where that is yet to come, some clock is wrong: the present is not forgotten for it.
        """
        return TIME.pack(max(min(time, clock.time_ns() // 1000) + BIAS - self._kept, 0))

    @property
    def kept(self) -> list[Any]:
        """All that a store's records and facts depend on, but for the rows and how they are written."""
        types = {name: column.type for name, column in self.plan.rows.columns.items()}
        order = [(name, types[name]) for name in (self.plan.rows.key, self._timestamp)]
        words = [
            (entity, types[entity], [(each.sql, each.kind, each.scale) for each in words])
            for entity, words in self.arguments.items()
        ]
        return [
            order,
            words,
            self.plan.target.column,
            self.by_label,
            [(name, types[name]) for name in self.facts_columns],
            self._kept,
        ]

    @property
    def kept_seconds(self) -> int:
        """How long a row is kept, in seconds."""
        return self._kept // 1_000_000 + 1

    def facts(self, values: Sequence[Any]) -> bytes:
        """Write the values of `facts_columns`."""
        return self._encode(values)

    def read_facts(self, facts: bytes) -> dict[str, Any]:
        """Return the row that facts were written of, as far as they hold it."""
        return dict(zip(self.facts_columns, self._decode(facts), strict=True))

    def _facts_columns(self, read: set[str]) -> list[str]:
        rows, target = self.plan.rows, self.plan.target.column
        needed = {rows.key, rows.timestamp, *self.plan.entities, *read} - {target}
        return [name for name in rows.columns if name in needed]


def _arguments(plan: Plan) -> list[Argument | None]:
    """Return how the argument of each window feature is kept; None for one without an argument."""
    taken = [_argument(feature.aggregate, plan.kinds) for feature in plan.windows]
    # A plain count takes what is kept for others.
    kept = {argument.sql: argument for argument in taken if argument and argument.kind != "code"}
    plain = [each.aggregate.function == "count" and not each.aggregate.distinct for each in plan.windows]
    return [
        kept.get(argument.sql, argument) if argument and counts else argument
        for argument, counts in zip(taken, plain, strict=True)
    ]


def _argument(aggregate: Aggregate, kinds: Mapping[str, str]) -> Argument | None:
    sql, written = aggregate.argument_sql, aggregate.argument
    if sql is None or written is None:
        return None
    # A share is the mean of a truth value, and a quantile the double of an exact number: both are kept as they are
    # where another aggregate needs them so.
    kind = kinds.get(written, "")
    if (aggregate.function == "share" and kind == "BOOLEAN") or (aggregate.is_quantile and scale_of(kind) is not None):
        sql = written
    return argument_of(sql, kinds[sql], aggregate.function, distinct=aggregate.distinct)


def _packer(words: Sequence[tuple[str, Argument]]) -> Callable[[Mapping[str, Any]], bytes]:
    """Return what writes arguments by name as the words of a record."""
    packed = struct.Struct("<" + "".join("d" if argument.kind == "float" else "q" for _, argument in words)).pack
    makers = [(name, argument.word, float("nan") if argument.kind == "float" else NULL) for name, argument in words]

    def pack(values: Mapping[str, Any]) -> bytes:
        return packed(*[missing if (value := values[name]) is None else make(value) for name, make, missing in makers])

    return pack


def _packed_many(words: Sequence[tuple[str, Argument]], rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return what `_packer` writes of each row."""
    packed = np.empty((len(rows), len(words)), "<i8")
    for place, (name, argument) in enumerate(words):
        make, is_float = argument.word, argument.kind == "float"
        missing = float("nan") if is_float else NULL
        column = [missing if (value := row[name]) is None else make(value) for row in rows]
        packed[:, place] = np.array(column, "<f8" if is_float else "<i8").view("<i8")
    joined, width = packed.tobytes(), 8 * len(words)
    return [joined[width * place : width * (place + 1)] for place in range(len(rows))]


def _earlier(times: Sequence[int], by: int) -> list[bytes]:
    """Return the orders that begin so many microseconds before times."""
    return [TIME.pack(max(time - by + BIAS, 0)) for time in times]
