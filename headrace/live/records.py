"""From a row to what a store keeps of it, and back to the row."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.declaration.types import python_type
from headrace.features.database import create_rows, database
from headrace.features.rowwise import columns_read
from headrace.live.aggregating import EntityWindows
from headrace.live.layout import BIAS, NULL, TIME, Argument, Entities, Keys, argument_of, microseconds_of
from headrace.live.store import Place, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from headrace.features.plan import Plan, WindowFeature

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
        kinds = _kinds(plan)
        self.arguments = {entity: _arguments(plan, entity, kinds) for entity in plan.entities}
        self.windows: list[EntityWindows] = []
        self._packers: list[Callable[[Mapping[str, Any]], bytes]] = []
        for entity in plan.entities:
            features = [(slots[each.name], each) for each in plan.windows if each.frame.entity == entity]
            arguments = self.arguments[entity]
            self.windows.append(EntityWindows(features, arguments, self.order_bytes))
            self._packers.append(_packer([(plan.arguments[each.sql], each) for each in arguments]))
        self._kept, self._timestamp = plan.history + LATE, str(plan.rows.timestamp)
        self.widths = bytes(window.width // 8 for window in self.windows)
        self.by_label = _label_readers(plan)
        self.facts_columns = self._facts_columns()
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

    def time(self, row: Mapping[str, Any]) -> int:
        """Return when a row happened, in microseconds."""
        moment: datetime = row[self._timestamp]
        return microseconds_of(moment)

    def horizon(self, time: int) -> bytes:
        """Return the order from which on rows are kept, when the last one is of a time."""
        return TIME.pack(max(time + BIAS - self._kept, 0))

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

    def _facts_columns(self) -> list[str]:
        rows, target = self.plan.rows, self.plan.target.column
        needed = {rows.key, rows.timestamp, *self.plan.entities, *columns_read(self.by_label, rows)} - {target}
        return [name for name in rows.columns if name in needed]


def _arguments(plan: Plan, entity: str, kinds: Mapping[str, str]) -> list[Argument]:
    """Return the words of an entity's records: an argument each, in the one or two ways that aggregates need it."""
    features = [each for each in plan.windows if each.frame.entity == entity and each.aggregate.argument_sql]

    def needs(feature: WindowFeature) -> tuple[bool, bool]:
        return feature.aggregate.function == "count", not feature.aggregate.distinct

    found: dict[Argument, None] = {}
    # Those that need numbers first: a count then takes what is there.
    for feature in sorted(features, key=needs):
        sql, aggregate = str(feature.aggregate.argument_sql), feature.aggregate
        counted = aggregate.function == "count" and not aggregate.distinct
        if not (counted and any(argument.sql == sql for argument in found)):
            found[argument_of(sql, kinds[sql], aggregate.function, distinct=aggregate.distinct)] = None
    return list(found)


def _kinds(plan: Plan) -> dict[str, str]:
    """Return the DuckDB type of every argument."""
    if not plan.arguments:
        return {}
    with database() as connection:
        create_rows(connection, plan.rows)
        columns = ", ".join(f"{expression} AS {column}" for expression, column in plan.arguments.items())
        described = connection.execute(f"DESCRIBE SELECT {columns} FROM rows").fetchall()
    return {sql: str(kind) for sql, (_, kind, *_) in zip(plan.arguments, described, strict=True)}


def _label_readers(plan: Plan) -> list[str]:
    if plan.target.column not in columns_read(list(plan.arguments), plan.rows):
        return []
    return [sql for sql in plan.arguments if plan.target.column in columns_read([sql], plan.rows)]


def _packer(words: Sequence[tuple[str, Argument]]) -> Callable[[Mapping[str, Any]], bytes]:
    """Return what writes arguments by name as the words of a record."""
    packed = struct.Struct("<" + "".join("d" if argument.kind == "float" else "q" for _, argument in words)).pack
    makers = [(name, argument.word, float("nan") if argument.kind == "float" else NULL) for name, argument in words]

    def pack(values: Mapping[str, Any]) -> bytes:
        return packed(*[missing if (value := values[name]) is None else make(value) for name, make, missing in makers])

    return pack
