"""How a source writes what is not plain: times, numbers, and rows without a key.

Values are brought to the plain way of writing (`2024-12-31`, `1234.50`), and `schema.yaml` holds them to their types.
A value that is not written as declared stays as it is, so that the rejected rows show what the source had.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import literal, quoted
from headrace.errors import ConfigError, SourceError
from headrace.sources.columns import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

TIME_OF_DAY = re.compile("%[HIpMSfgn]")


@dataclass(kw_only=True)
class Number:
    """How a text writes a number."""

    thousands: str = ""
    """What stands between groups of three digits: `,` in `1,234.50`."""
    decimal: str = "."
    unit: str = ""
    """What stands before or after, such as `$` or `%`; it is left out."""


@dataclass(kw_only=True)
class Written:
    """What every source may say of the way in which it writes rows."""

    times: dict[str, str] = field(default_factory=dict)
    """A column of texts, and how they write a time, such as `%d/%m/%Y %H:%M`; ISO 8601 needs no line."""
    numbers: dict[str, Number] = field(default_factory=dict)
    """A column of texts, and how they write a number."""
    row_number: str | None = None
    """A column to add, which counts the rows from 1: a key for rows that have none."""

    def check_written(self) -> None:
        """Check what a type cannot say.

        Raises:
            ConfigError: its message starts with the key.
        """
        for name, form in self.times.items():
            try:
                duckdb.execute("SELECT try_strptime('', ?)", [form])
            except duckdb.Error as error:
                raise ConfigError(f"times.{name}: {form!r} is no format; write one such as %d/%m/%Y %H:%M") from error
            if "%" not in form:
                raise ConfigError(f"times.{name}: {form!r} is no format; write one such as %d/%m/%Y %H:%M")
        for name, number in self.numbers.items():
            if len(number.decimal) != 1 or len(number.thousands) > 1 or number.thousands == number.decimal:
                raise ConfigError(
                    f"numbers.{name}: thousands and decimal have to be two different characters; "
                    f"found {number.thousands!r} and {number.decimal!r}"
                )

    def plain(self, tables: Iterable[pa.Table], where: str) -> Iterator[pa.Table]:
        """Yield tables with plain values, and with their numbers.

        Raises:
            SourceError: a column that is named here is not there, or is no text.
        """
        number = 0
        for given in tables:
            table = self._rewrite(given, where) if self.times or self.numbers else given
            yield self._count(table, number, where) if self.row_number else table
            number += len(given)

    def plain_sql(self, table: str) -> str:
        """Return the query that gives the rows of a table of DuckDB with plain values."""
        forms = {name: _time(quoted(name), form) for name, form in self.times.items()}
        forms |= {name: _number(quoted(name), form) for name, form in self.numbers.items()}
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in forms.items())
        return f"SELECT * {f'REPLACE ({columns}) ' if forms else ''}FROM {table}"

    def _rewrite(self, table: pa.Table, where: str) -> pa.Table:
        named = [*self.times, *self.numbers]
        require(named, table.column_names, where)
        _refuse_others(named, table, where)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")  # a time that names its zone is the same one on every machine
            connection.register("given", table)
            return connection.sql(self.plain_sql("given")).to_arrow_table()

    def _count(self, table: pa.Table, before: int, where: str) -> pa.Table:
        import pyarrow as pa

        assert self.row_number is not None
        if self.row_number in table.column_names:
            raise SourceError(
                f"{where}: row_number: there is a column '{self.row_number}' already; choose another name"
            )
        numbers = pa.array(range(before + 1, before + 1 + len(table)), pa.int64())
        return table.append_column(self.row_number, numbers)


def _refuse_others(names: Iterable[str], table: pa.Table, where: str) -> None:
    import pyarrow as pa

    for name in names:
        kind = table.schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
            raise SourceError(f"{where}: column '{name}' is {kind}; times and numbers say how texts are written")


def _time(value: str, form: str) -> str:
    plain = "%Y-%m-%d %H:%M:%S.%f" if TIME_OF_DAY.search(form) or "%c" in form else "%Y-%m-%d"
    return f"coalesce(strftime(try_strptime({value}, {literal(form)}), {literal(plain)}), {value})"


def _number(value: str, form: Number) -> str:
    bare = f"trim(replace({value}, {literal(form.unit)}, ''))" if form.unit else f"trim({value})"
    mark, group = re.escape(form.decimal), re.escape(form.thousands)
    whole = rf"(\d{{1,3}}({group}\d{{3}})+|\d+)" if form.thousands else r"\d+"
    shape = rf"[+-]?({whole}({mark}\d*)?|{mark}\d+)([eE][+-]?\d+)?"
    joined = f"replace({bare}, {literal(form.thousands)}, '')" if form.thousands else bare
    dotted = f"replace({joined}, {literal(form.decimal)}, '.')" if form.decimal != "." else joined
    return f"CASE WHEN regexp_full_match({bare}, {literal(shape)}) THEN {dotted} ELSE {value} END"
