"""From what a person names (a file, a folder, a database) to a source, and what `pipeline.yaml` says of it."""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.drafting.naming import free_name
from headrace.errors import ConfigError, SourceError
from headrace.sources import Csv, Parquet, Sql, holds_secret
from headrace.sources.files import existing

if TYPE_CHECKING:
    from headrace.sources.plain import Written

DATABASE = "HEADRACE_DATABASE"
"""The variable that `conf/source/sql.yaml` takes the URL from."""
SEPARATORS = ",;\t|"
PEEK = 1 << 20
URL = re.compile(r"[A-Za-z][\w+.-]*://")


@dataclass(frozen=True)
class Opened:
    """Rows that can be read."""

    option: str
    """A file in `conf/source/`."""
    source: Written
    settings: dict[str, Any]
    """What stands under `source` in `pipeline.yaml`; without the path of a file."""
    comments: dict[str, str]
    """Why, by setting."""
    path: Path | None = None
    """The file or folder; None for a database."""
    where: str = ""
    """The source as messages name it: without a password."""
    secret: bool = False
    """Whether the database's URL has to be put into the environment."""
    daily: Callable[[str], str] | None = None
    """The query that asks for days, given the column of the time; None for files."""


def open_source(text: str, table: str | None, query: str | None, encoding: str | None) -> Opened:
    """Return the source that a text names.

    Raises:
        ConfigError: it is no source, or an option does not go with it.
        SourceError: there is no such file, or it is empty.
    """
    if URL.match(text):
        return _database(text, table, query)
    if table or query:
        raise ConfigError(
            f"--{'table' if table else 'query'}: goes with a database; {text!r} is no URL such as sqlite:///shop.db"
        )
    path = existing(text)
    if path.is_dir() or path.suffix.lower() in (".parquet", ".pq"):
        return Opened("parquet", Parquet(path=str(path)), {}, {}, path, str(path))
    if path.suffix.lower() in (".xlsx", ".xls", ".json", ".feather", ".gz", ".zip"):
        raise SourceError(f"{path}: a {path.suffix} file; save it as CSV or Parquet and name that")
    return _csv(path, encoding)


def _csv(path: Path, encoding: str | None) -> Opened:
    with path.open("rb") as file:
        start = file.read(PEEK)
    if not start.strip():
        raise SourceError(f"{path}: the file is empty; it needs a line of column names, and rows")
    settings: dict[str, Any] = {}
    comments = {}
    found, why = (encoding, "as --encoding says") if encoding else _encoding(path, start)
    if found != "utf-8":
        settings["encoding"], comments["encoding"] = found, why
    try:
        head = codecs.getincrementaldecoder("utf-8-sig" if found == "utf-8" else found)("replace").decode(start)
    except LookupError as error:
        raise ConfigError(f"--encoding: {encoding!r} is none; write one such as cp1252 or shift_jis") from error
    separator = _separator(head)
    if separator != ",":
        settings["separator"] = separator
    names = next(csv.reader(head.splitlines(), delimiter=separator), [])
    if names.count("") == 1:
        settings["rename"] = {"": free_name("unnamed", names)}
        comments["rename"] = "the file gives this column no name"
    return Opened("csv", Csv(path=str(path), **settings), settings, comments, path, str(path))


def _encoding(path: Path, start: bytes) -> tuple[str, str]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "by the mark at its beginning"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(PEEK):
                decoder.decode(block)
    except UnicodeDecodeError:
        return "cp1252", "it is not UTF-8: a guess; where letters look wrong, say --encoding, such as shift_jis"
    return "utf-8", ""


def _separator(head: str) -> str:
    """Return the character that parts the names, and parts the lines below in as many values."""
    lines = head.splitlines()[:20]

    def agreement(separator: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        return sum(count == counts[0] for count in counts) if counts and counts[0] > 1 else 0, counts[
            0
        ] if counts else 0

    return max(SEPARATORS, key=agreement)


def _database(url: str, table: str | None, query: str | None) -> Opened:
    from sqlalchemy import make_url

    if (table is None) == (query is None):
        raise ConfigError("--table, --query: name one of the two for a database, such as --table customers")
    quote = _quoting(url)
    named = ".".join(quote(part) for part in table.split(".")) if table else f"({_bare(query or '')}) AS given"
    sql = f"SELECT * FROM {named}" if table else _bare(query or "")
    source = Sql(url=url, query=sql, attempts=1)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        existing(str(parsed.database))  # SQLite would make an empty file
    known = os.environ.get(DATABASE) == url
    secret = known or parsed.password is not None or holds_secret(url)
    settings: dict[str, Any] = {"query": sql} if secret else {"url": url, "query": sql}
    comments = {} if secret else {"url": "it has no password; one that has belongs in the environment"}
    where = parsed.set(query={}).render_as_string(hide_password=True)

    def daily(time: str) -> str:
        return f"SELECT * FROM {named} WHERE {quote(time)} >= :since AND {quote(time)} < :until"

    return Opened("sql", source, settings, comments, None, where, secret and not known, daily)


def _bare(query: str) -> str:
    return query.strip().rstrip(";").rstrip()


def _quoting(url: str) -> Callable[[str], str]:
    """Return how the database writes names."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError

    try:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    except (ArgumentError, ImportError, ValueError) as error:  # the text stays out: it may hold a password
        raise ConfigError("--from: no driver is installed for this database URL, or it is none") from error
    return engine.dialect.identifier_preparer.quote
