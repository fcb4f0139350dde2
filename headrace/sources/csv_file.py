"""Rows from a CSV file."""

from __future__ import annotations

import codecs
import contextlib
import csv
import re
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import literal
from headrace.errors import ConfigError, SourceError
from headrace.sources.columns import rename_all
from headrace.sources.files import existing, said_by_duckdb, tables
from headrace.sources.plain import Written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pyarrow as pa

FAULTS_SHOWN = 3
CONVERT = "name its encoding, such as `encoding: cp1252` under source in pipeline.yaml"
UTF_8 = ("utf-8", "utf-8-sig")


@dataclass(kw_only=True)
class Csv(Written):
    """A CSV file (RFC 4180) with a line of names; all values are text, an empty one is missing.

    The file is read whole each time, and has to be whole: one broken line refuses it.
    """

    path: str
    """Relative to the repository; `data/<pipeline>/source/` is the folder that DVC watches."""
    rename: dict[str, str] = field(default_factory=dict)
    """A name in the file, and the name that the column gets."""
    separator: str = ","
    """One character."""
    encoding: str = "utf-8"
    """By one of Python's names, such as `cp1252`, `latin-1`, `utf-16` or `shift_jis`."""

    def __post_init__(self) -> None:
        """Check what a type cannot say."""
        if len(self.separator) != 1:
            raise ConfigError(f"separator: must be one character, found {self.separator!r}")
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise ConfigError(f"encoding: {self.encoding!r} is none; write one such as utf-8 or cp1252") from error
        self.check_written()

    @property
    def daily(self) -> bool:
        """A file is read whole."""
        return False

    def read(self, since: date | None, until: date | None) -> Iterator[pa.Table]:  # noqa: ARG002  a file has all days
        """Yield all rows, as text.

        Raises:
            SourceError: the file is missing, empty or in another encoding, or a line of it is broken: the message names
                the line.
        """
        path = existing(self.path)
        if path.is_dir():
            raise SourceError(f"{path}/: is a folder; name the CSV file in it")
        with _in_utf_8(path, self.encoding) as file:
            yield from self.plain(self._tables(path, file), str(path))

    def _tables(self, path: Path, file: Path) -> Iterator[pa.Table]:
        """Yield the rows of `file`, which has in UTF-8 what `path` has."""
        names = rename_all(_read_header(path, file, self.separator), self.rename, str(path))
        columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
        query = (
            f"SELECT * FROM read_csv({literal(str(file))}, auto_detect=false, header=true, columns={{{columns}}}, "
            f"delim={literal(self.separator)}, quote='\"', escape='\"', strict_mode=true, store_rejects=true)"
        )
        rows = 0
        with duckdb.connect() as connection:
            try:
                for table in tables(connection, query):
                    rows += len(table)
                    yield table
            except (duckdb.Error, OSError) as error:  # Arrow's reader says OSError for what DuckDB finds on the way
                raise SourceError(f"{path}: this is not CSV in {self._encoding}: {said_by_duckdb(error)}") from error
            _refuse_broken_lines(path, file, connection)
        if not rows:
            raise SourceError(f"{path}: there are no rows below the line of column names")

    @property
    def _encoding(self) -> str:
        return "UTF-8" if self.encoding.lower() in UTF_8 else self.encoding


@contextlib.contextmanager
def _in_utf_8(path: Path, encoding: str) -> Iterator[Path]:
    """Yield a file in UTF-8: the file itself, or a copy that goes when it has been read.

    Raises:
        SourceError: the file has bytes that the encoding does not know.
    """
    if codecs.lookup(encoding).name in UTF_8:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        copy = Path(folder, path.name)
        try:
            with path.open(encoding=encoding, newline="") as text, copy.open("w", encoding="utf-8", newline="") as file:
                shutil.copyfileobj(text, file, 1 << 20)
        except UnicodeError as error:
            raise SourceError(f"{path}: this is not text in {encoding}: {error}; {CONVERT}") from error
        yield copy


def _read_header(path: Path, file: Path, separator: str) -> list[str]:
    # What is not UTF-8 below the header is found by DuckDB, with its line.
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        try:
            header = next(csv.reader(lines, delimiter=separator, strict=True), [])
        except csv.Error as error:
            raise SourceError(f"{path}: line 1: the line of column names is broken: {error}") from error
    if not header:
        raise SourceError(f"{path}: the file is empty; it needs a line of column names, and rows")
    if any(character == "\0" or unicodedata.category(character) == "Cs" for character in "".join(header)):
        raise SourceError(f"{path}: line 1: the column names are not text in UTF-8; {CONVERT}")
    controlled = [name for name in header if any(unicodedata.category(character) == "Cc" for character in name)]
    if controlled:
        raise SourceError(
            f"{path}: line 1: the column name {controlled[0]!r} holds a line break or another control character; "
            "write it without one"
        )
    return header


def _refuse_broken_lines(path: Path, file: Path, connection: duckdb.DuckDBPyConnection) -> None:
    rejects = connection.execute(
        "SELECT line_byte_position, error_type, error_message FROM reject_errors "
        "ORDER BY line_byte_position, byte_position"
    ).fetchall()
    if not rejects:
        return
    content = file.read_bytes()
    faults: dict[int, str] = {}
    for position, kind, message in rejects:
        # DuckDB counts rows; a reader's editor counts lines, of which a quoted value may hold several.
        faults.setdefault(content.count(b"\n", 0, max(position - 1, 0)) + 1, _explain(kind, message))
    shown = "; ".join(f"line {line}: {fault}" for line, fault in list(faults.items())[:FAULTS_SHOWN])
    more = f"; and {len(faults) - FAULTS_SHOWN} lines more" if len(faults) > FAULTS_SHOWN else ""
    raise SourceError(f"{path}: {shown}{more}. Mend the file, or have it written again.")


def _explain(kind: str, message: str) -> str:
    if kind in ("TOO MANY COLUMNS", "MISSING COLUMNS"):
        expected, found = re.findall(r"\d+", message)[:2]
        return f"{found} values for {expected} columns"
    if kind == "UNQUOTED VALUE":
        return 'a quote (") is not closed, or is followed by more text'
    if kind == "INVALID ENCODING":
        return f"not UTF-8; {CONVERT}"
    return f"{kind.lower()}: {message}".split("\n", 1)[0]
