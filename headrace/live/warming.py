"""A whole history as a store keeps it, column by column."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.declaration.types import arrow_schema
from headrace.features.database import database
from headrace.features.positions import in_order, times_of
from headrace.live.layout import BIAS, NULL, TIME, Argument, code
from headrace.live.store import History, Place, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from headrace.live.records import Records


def histories_of(history: pa.Table, records: Records) -> Iterator[History]:
    """Yield the records of each entity in a history."""
    table = _complete(history, records)
    orders = _orders(table, records)
    untold, until = _untold(table, records), orders[-1:, : TIME.size].tobytes()
    arguments = _arguments(table, records)
    for number, entity in enumerate(records.entities.columns):
        words = [_word(arguments[records.plan.arguments[each.sql]], each) for each in records.arguments[entity]]
        width = records.windows[number].width
        packed = np.empty((table.num_rows, width), dtype=np.uint8)
        packed[:, : records.order_bytes] = orders
        for place, word in enumerate(words):
            begin = records.order_bytes + 8 * place
            packed[:, begin : begin + 8] = word.view(np.uint8).reshape(-1, 8)
        encoded = table[entity].combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        rows = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[rows], np.arange(len(encoded.dictionary) + 1)).tolist()
        for value, begin, end in zip(encoded.dictionary.to_pylist(), ends, ends[1:], strict=False):
            if value is not None:
                own = rows[begin:end]
                without = untold[own]
                name = records.entities.name(number, value)
                yield History(name, packed[own[~without]].tobytes(), packed[own[without]].tobytes(), until)


def rows_of(history: pa.Table, records: Records) -> Iterator[Row]:
    """Yield what is kept of each row of a history."""
    table = _complete(history, records)
    orders = _orders(table, records).tobytes()
    size = records.order_bytes
    of_entities = [
        _by_value(table[entity], partial(_place, records, number))
        for number, entity in enumerate(records.entities.columns)
    ]
    facts = zip(*(table[name].to_pylist() for name in records.facts_columns), strict=True)
    for begin, own, *places in zip(range(0, len(orders), size), facts, *of_entities, strict=True):
        order = orders[begin : begin + size]
        yield Row(order[TIME.size :], order, records.facts(own), [place for place in places if place], b"")


def _untold(table: pa.Table, records: Records) -> NDArray[np.bool_]:
    """Return which rows have records that their label would change, and no label, (rows,)."""
    missing: NDArray[np.bool_] = table[records.plan.target.column].is_null().to_numpy()
    return missing if records.by_label else np.zeros_like(missing)


def _place(records: Records, number: int, value: Any) -> Place:
    """Return the history of an entity, for a row whose record is there already."""
    return Place(records.entities.name(number, value), b"", b"")


def _complete(history: pa.Table, records: Records) -> pa.Table:
    """Return rows in order and in declared types; a column that is not there is missing."""
    columns = [
        history[field.name].cast(field.type)
        if field.name in history.column_names
        else pa.nulls(len(history), field.type)
        for field in arrow_schema(records.plan.rows.columns)
    ]
    return in_order(pa.table(columns, names=list(records.plan.rows.columns)), records.plan).combine_chunks()


def _orders(table: pa.Table, records: Records) -> NDArray[np.uint8]:
    """Return the orders of rows, (rows, order bytes)."""
    times = times_of(table, records.plan.rows.timestamp).astype(np.uint64) + np.uint64(BIAS)
    keys = b"".join(_by_value(table[records.plan.rows.key], records.keys.of))
    return np.concatenate(
        [
            times.astype(">u8").view(np.uint8).reshape(-1, 8),
            np.frombuffer(keys, dtype=np.uint8).reshape(-1, records.keys.bytes),
        ],
        axis=1,
    )


def _arguments(table: pa.Table, records: Records) -> pa.Table:
    """Return the window arguments of rows, a column each."""
    plan = records.plan
    if not plan.arguments:
        return table
    with database() as connection:
        connection.register("rows", table)
        found: Any = connection.sql(f"SELECT {', '.join(plan.argument_columns)} FROM rows").to_arrow_table()
        return found


def _word(column: pa.ChunkedArray, argument: Argument) -> NDArray[Any]:
    """Return a column as the words of records."""
    if argument.kind == "float":
        return np.ascontiguousarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), dtype="<f8")
    if argument.kind == "code":
        return np.array([NULL if word is None else word for word in _by_value(column, code)], dtype="<i8")
    if pa.types.is_decimal(column.type):
        wide = column.cast(pa.decimal128(38, argument.scale)).combine_chunks()
        # The lower half of the 128 bits: these have 18 digits at most.
        words = np.frombuffer(wide.buffers()[1], dtype="<i8")[2 * wide.offset :: 2][: len(wide)].copy()
        words[column.is_null().to_numpy()] = NULL
        return words
    return np.ascontiguousarray(column.cast(pa.int64()).fill_null(NULL).to_numpy(), dtype="<i8")


def _by_value(column: pa.ChunkedArray, write: Callable[[Any], Any]) -> list[Any]:
    """Return what is written of each value, once for equal ones; None for a missing one."""
    encoded = column.combine_chunks().dictionary_encode()
    written = [*(None if value is None else write(value) for value in encoded.dictionary.to_pylist()), None]
    return [written[place] for place in encoded.indices.fill_null(len(written) - 1).to_pylist()]
