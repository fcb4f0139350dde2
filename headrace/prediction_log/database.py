"""The two databases that a log is kept in, and how each is spoken to."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from headrace.errors import ConfigError, LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

BUSY_SECONDS = 5.0
"""How long a writer waits for another process's turn."""
CONNECT_SECONDS = 3
PRAGMAS = (
    "journal_mode = WAL",
    # A commit survives the end of the process, whatever ends it. Where power is lost the last commits may be, since
    # they are brought to the disk at each checkpoint; the file is never broken by it.
    "synchronous = NORMAL",
    "secure_delete = ON",
    "foreign_keys = ON",
    "wal_autocheckpoint = 4000",
)
POSTGRESQL = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": 5000, "application_name": "headrace"}


def make_engine(url: str) -> Engine:
    """Return an engine; nothing is connected yet.

    Args:
        url: `sqlite:///<path>` or `postgresql+psycopg://user:password@host:port/database`.

    Raises:
        ConfigError: It is no such URL.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.get_backend_name() == "postgresql":
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"), connect_args=POSTGRESQL, pool_pre_ping=True
            )
    except (ArgumentError, NoSuchModuleError):
        parsed = None
    # Not what was found: it may hold a password.
    found = parsed.get_backend_name() if parsed is not None else "no URL"
    raise ConfigError(
        f"log.url: is {found}; write sqlite:///path/predictions.db or postgresql+psycopg://user@host/database"
    )


def is_sqlite(engine: Engine) -> bool:
    """Return whether the log is a file of this machine."""
    return engine.dialect.name == "sqlite"


def file_of(engine: Engine) -> Path:
    """Return the file of a SQLite log."""
    return Path(engine.url.database or "")


def make_file(engine: Engine) -> None:
    """Make an SQLite database's file and folder, as its owner's alone, where there are none."""
    file = file_of(engine)
    with contextlib.suppress(OSError):  # who connects is told
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)  # as are the journals that SQLite makes beside it


def identity_of(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name, its device and inode; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def unavailable_is_said(engine: Engine) -> Iterator[None]:
    """Turn what a database says into LogUnavailable, in one line."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise LogUnavailable(describe(engine, error)) from error


def describe(engine: Engine, error: Exception) -> str:
    """Return what a database said, in one line."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return f"the prediction log {engine.url.render_as_string(hide_password=True)} cannot be used now: {said}"


def reading(engine: Engine) -> Connection:
    """Return a connection whose statements stand alone: no reader holds up a writer."""
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigError("log.url: a log in memory would be lost; write sqlite:///path/predictions.db")
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "cached_statements": 300})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where they are begun below, and nowhere else
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that begins by reading could not write once another process has written.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
