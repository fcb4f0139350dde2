"""Rows from any database that SQLAlchemy speaks to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from headrace.errors import ConfigError, SourceError, SourceUnavailable
from headrace.sources.plain import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import URL, Engine, TextClause
    from sqlalchemy.exc import DBAPIError

ROWS_AT_A_TIME = 50_000
CONNECT_SECONDS = 10
DAYS = {"since": date.min, "until": date.max}
LARGEST_PRECISION = 38
SECRET = re.compile(r"pass(?!file)|pwd|secret|token|(?<!ssl)key(?!_?(path|file|store))", re.IGNORECASE)
"""Names of options that are secrets themselves, not where one lies."""
EXAMPLE = "postgresql+psycopg://user:password@host:5432/database"

# SQLSTATE classes and codes: connection exceptions, shutting down or starting up, too many connections, serialization
# failure, deadlock, lock not available.
PASSING_STATES = ("08", "57P01", "57P02", "57P03", "53300", "40001", "40P01", "55P03")
# Drivers raise what goes wrong before there is a session without a state.
PASSING_WORDS = re.compile(
    r"connection refused|time[d ]?-?out|starting up|shutting down|server closed|connection reset|broken pipe|"
    r"no such file or directory.*is the server running|temporary failure in name resolution|network is unreachable|"
    r"no route to host|too many (clients|connections)|lost connection|can't connect|database is locked",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(kw_only=True)
class Sql(Written):
    """What a query returns, with the types of the database.

    Where the query has `:since` and `:until` (days, the second one left out) only the days that are not there yet are
    asked for; without them it is run whole each time.
    """

    url: str = field(repr=False)
    """An SQLAlchemy URL; `postgresql://` takes the driver psycopg."""
    query: str
    """With `:since` and `:until` in it, or with neither."""
    attempts: int = 5
    """How often it is tried while the database cannot be reached."""
    wait_seconds: float = 1.0
    """Before the second attempt; each further wait is twice as long, up to a minute."""

    def __post_init__(self) -> None:
        """Check what a type cannot say."""
        if self.attempts < 1:
            raise ConfigError(f"attempts: must be 1 or more, found {self.attempts}")
        if self.wait_seconds < 0:
            raise ConfigError(f"wait_seconds: must be 0 or more, found {self.wait_seconds}")
        others = sorted(self._parameters - set(DAYS))
        if others or len(self._parameters) == 1:
            raise ConfigError(f"query: takes :since and :until, or none; found :{', :'.join(sorted(self._parameters))}")
        if self.row_number and self._parameters:
            raise ConfigError("row_number: counts the rows of a query that is run whole; leave :since and :until out")
        self.check_written()
        self._engine()

    @property
    def daily(self) -> bool:
        """Whether the query takes days."""
        return bool(self._parameters)

    def identity(self) -> dict[str, Any]:
        """Return the query and where it is run; not as whom, nor how patiently."""
        url = self._parsed_url()
        options = {key: value for key, value in url.query.items() if not SECRET.search(key)}
        database = [url.get_backend_name(), url.host, url.port, url.database, options]
        written = {name: each for name, each in vars(self).items() if name in {each.name for each in fields(Written)}}
        return {"query": self.query, "database": database, **written}

    def read(self, since: date | None, until: date | None) -> Iterator[pa.Table]:
        """Yield the rows in chunks, from a cursor of the server where it has them.

        Raises:
            SourceUnavailable: the database cannot be reached now.
            SourceError: the database refuses the user or the query.
        """
        yield from self.plain(self._tables(since, until), "source.query")

    def _tables(self, since: date | None, until: date | None) -> Iterator[pa.Table]:
        from sqlalchemy.exc import DBAPIError

        days = {"since": since or DAYS["since"], "until": until or DAYS["until"]}
        engine = self._engine()
        try:
            with engine.connect() as connection:
                streaming = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_A_TIME)
                result = streaming.execute(self._statement(), {name: days[name] for name in self._parameters})
                names = _distinct(list(result.keys()))
                yield _table(names, [])
                for rows in result.partitions(ROWS_AT_A_TIME):
                    yield _table(names, rows)
        except DBAPIError as error:
            raise self._refusal(error) from error
        finally:
            engine.dispose()

    @property
    def _parameters(self) -> set[str]:
        return set(self._statement().compile().params)

    def _statement(self) -> TextClause:
        from sqlalchemy import Date, bindparam, text

        statement = text(self.query)
        present = set(statement.compile().params) & set(DAYS)
        return statement.bindparams(*(bindparam(name, type_=Date()) for name in sorted(present)))

    def _parsed_url(self) -> URL:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(self.url)
        except (ArgumentError, ValueError) as error:  # the text stays out of the message: it may hold a password
            raise ConfigError(f"url: this is no database URL; write one such as {EXAMPLE}") from error
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")  # the driver that Headrace brings along
        return url

    def _engine(self) -> Engine:
        from sqlalchemy import NullPool, create_engine
        from sqlalchemy.exc import ArgumentError

        url = self._parsed_url()
        if url.drivername == "postgresql+psycopg" and "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
        try:
            return create_engine(url, poolclass=NullPool)
        except (ArgumentError, ImportError) as error:
            raise ConfigError(
                f"url: no driver for '{url.drivername}' is installed; write a URL such as {EXAMPLE}"
            ) from error

    def _refusal(self, error: DBAPIError) -> SourceError:
        where = self._parsed_url().set(query={}).render_as_string(hide_password=True)
        said = " ".join(str(error.orig).split()).rstrip(" .?")
        if _can_pass(error):
            return SourceUnavailable(f"{where}: {said}")
        return SourceError(f"{where}: the database refuses: {said}. See source.url and source.query.")


def holds_secret(url: str) -> bool:
    """Return whether a URL has a password, or an option that is one: `?password=...`, `?odbc_connect=...PWD%3D...`."""
    try:
        parts = urlsplit(url)
    except ValueError:  # whoever opens it says what is wrong
        return False
    options = parse_qs(parts.query)
    return bool(parts.password or SECRET.search(" ".join([*options, *options.get("odbc_connect", [])])))


def _can_pass(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    if state:
        return state.startswith(PASSING_STATES)
    return error.connection_invalidated or bool(PASSING_WORDS.search(str(error.orig)))


def _distinct(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"source.query: returns two columns named {', '.join(twice)}; rename one with AS")
    return names


def _table(names: list[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    import pyarrow as pa

    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table({name: _column(list(column)) for name, column in zip(names, values, strict=True)})


def _column(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        column = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Values of several types, or of one that no column holds, such as UUIDs: as text.
        column = pa.array([value if value is None else str(value) for value in values])
    if pa.types.is_decimal(column.type):  # inferred from the longest value; other chunks have longer ones
        column = column.cast(pa.decimal128(LARGEST_PRECISION, column.type.scale))
    return column
