"""Requests as they are read first: by types that msgspec is given once, in microseconds.

What is read here pydantic reads too, and to the same values. What is refused here is left to pydantic, which knows how
to say what is wrong with it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from headrace.declaration.types import decimal_arguments, python_type, type_kind
from headrace.service.fields import exact, integer_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.declaration.rows import Column
    from headrace.service.contents import Contents

LONGEST_ID = 150
REQUEST_ID = rf"\A[!-~]{{1,{LONGEST_ID}}}\Z"
"""Characters that are seen, so that an id can be read in a log and typed into a command."""
BATCH_ID = rf"\A[!-~]{{1,{LONGEST_ID - len('-99999')}}}\Z"
"""With the place of an instance behind it, it is a request id."""
MOMENT = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?\Z"
"""A time as nearly everybody writes it; pydantic reads the other forms that there are."""
WRONG = (ValueError, RecursionError)
"""What msgspec raises: its errors are ValueErrors, and a body that is nested too deeply has Python's own."""
UNNAMEABLE = re.compile(r'[\\"\x00-\x1f]')
"""What msgspec takes in no name; with a column that has it in its name, every request is left to pydantic."""
NOTHING = Annotated[int, msgspec.Meta(ge=1, le=0)]
"""A value that no request has."""
RequestId = Annotated[str, msgspec.Meta(pattern=REQUEST_ID)] | None
BatchId = Annotated[str, msgspec.Meta(pattern=BATCH_ID)] | None
Row = dict[str, Any]


class Unread(Exception):  # noqa: N818  it is no failure: pydantic reads the request
    """A body is not what is read here."""


class Single(NamedTuple):
    """The request of `/predict`."""

    row: Row
    request_id: str | None
    explain: bool


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request of `/predict_batch`."""

    instances: msgspec.Raw
    request_id: BatchId = None


class Reader:
    """Reads the requests of a pipeline.

    Args:
        contents: Its declaration.
    """

    def __init__(self, contents: Contents) -> None:
        rows = contents.schema
        columns = {name: rows.columns[name] for name in contents.request}
        # Columns have names of any kind, fields of a struct have Python's: they are told apart by their place.
        fields = [
            (f"c{place}", NOTHING) if UNNAMEABLE.search(name) else _field(f"c{place}", column, is_key=name == rows.key)
            for place, (name, column) in enumerate(columns.items())
        ]
        instance = msgspec.defstruct(
            "Instance",
            fields,
            rename={f"c{place}": name for place, name in enumerate(columns) if not UNNAMEABLE.search(name)},
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._names = tuple(columns)
        self._checks = [
            (name, check)
            for name, column in columns.items()
            for check in _checks(column, contents.history_until if name == rows.timestamp else None)
        ]
        self._key = rows.key if rows.key in columns else None
        single = msgspec.defstruct(
            "PredictRequest",
            [("instance", instance), ("request_id", RequestId, None), ("explain", bool, False)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._single = msgspec.json.Decoder(single).decode
        self._batch = msgspec.json.Decoder(Batch).decode
        self._instances = msgspec.json.Decoder(list[instance]).decode  # type: ignore[valid-type]
        self._instance = msgspec.json.Decoder(instance).decode

    def single(self, body: bytes) -> Single:
        """Read the body of `/predict`.

        Raises:
            Unread: It is not what is read here.
        """
        try:
            request: Any = self._single(body)
            return Single(self._row(request.instance), request.request_id, request.explain)
        except WRONG as error:
            raise Unread from error

    def batch(self, body: bytes) -> Batch:
        """Read the body of `/predict_batch`, its instances not yet.

        Raises:
            Unread: It is not what is read here.
        """
        try:
            return self._batch(body)
        except WRONG as error:
            raise Unread from error

    def rows(self, instances: bytes) -> list[Row]:
        """Read a list of instances.

        Raises:
            Unread: One of them is not what is read here.
        """
        try:
            return [self._row(instance) for instance in self._instances(instances)]
        except WRONG as error:
            raise Unread from error

    def row(self, instance: bytes | msgspec.Raw) -> Row:
        """Read one instance.

        Raises:
            Unread: It is not what is read here.
        """
        try:
            return self._row(self._instance(instance))
        except WRONG as error:
            raise Unread from error

    def _row(self, instance: Any) -> Row:
        row = dict(zip(self._names, msgspec.structs.astuple(instance), strict=True))
        if self._key is not None and row[self._key] is msgspec.UNSET:
            del row[self._key]
        for name, check in self._checks:
            value = row.get(name)
            if value is not None:
                row[name] = check(value)
        return row


def _field(name: str, column: Column, *, is_key: bool) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind = _type(column)
    if column.nullable:
        return (name, kind | None, msgspec.UNSET if is_key else None)
    return (name, kind | msgspec.UnsetType, msgspec.UNSET) if is_key else (name, kind)


def _type(column: Column) -> Any:
    kind = type_kind(column.type)
    if kind == "integer":
        low, high = integer_bounds(column)
        return Annotated[int, msgspec.Meta(ge=low, le=high)]
    if kind == "float":
        return Annotated[float, msgspec.Meta(ge=column.minimum, le=column.maximum)]
    if kind == "timestamp":
        return Annotated[str, msgspec.Meta(pattern=MOMENT)]
    return int | float if kind == "decimal" else python_type(column.type)


def _checks(column: Column, after: dt.datetime | None) -> list[Callable[[Any], Any]]:
    """Return what a value goes through, one after the other: each returns the value, or raises ValueError."""
    found: list[Callable[[Any], Any]] = []
    arguments = decimal_arguments(column.type)
    if arguments:
        found.append(_decimal(*arguments, exact(column.minimum, column), exact(column.maximum, column)))
    if column.type == "timestamp":
        found.append(_moment)
    if after is not None:
        found.append(_later_than(after))
    if column.values is not None:
        found.append(_one_of([exact(value, column) for value in column.values]))
    if column.pattern is not None:
        found.append(_matching(column.pattern))
    return found


def _decimal(digits: int, decimals: int, least: Any, most: Any) -> Callable[[Any], Any]:
    limit = 10 ** (digits - decimals)

    def check(value: float) -> decimal.Decimal:
        exact = decimal.Decimal(value if isinstance(value, int) else repr(value))
        if -int(exact.as_tuple().exponent) > decimals or abs(exact) >= limit:
            raise ValueError
        if (least is not None and exact < least) or (most is not None and exact > most):
            raise ValueError
        return exact

    return check


def _moment(value: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value)
    try:
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError as error:
        raise ValueError from error


def _later_than(after: dt.datetime) -> Callable[[Any], Any]:
    def check(value: dt.datetime) -> dt.datetime:
        if value <= after:
            raise ValueError
        return value

    return check


def _one_of(values: Sequence[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError
        return value

    return check


def _matching(pattern: str) -> Callable[[Any], Any]:
    def refuse(value: str) -> str:
        raise ValueError(value)

    try:
        matches = re.compile(pattern).fullmatch
    except re.error:  # RE2 and Python differ in some words of their languages
        return refuse

    def check(value: str) -> str:
        if not matches(value):
            raise ValueError
        return value

    return check
