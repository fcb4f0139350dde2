"""A log of its own for each test: in a SQLite file, and in a real PostgreSQL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from answers import KEYS
from sqlalchemy import create_engine, text

from headrace.prediction_log import PredictionLog, Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a PostgreSQL."""
    import pgserver

    running = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield running.get_uri()
    running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a log that does not exist yet will be."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/predictions.db"
    address = str(request.getfixturevalue("server")).replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Return a log that is ready."""
    with contextlib.closing(open_store(url, KEYS, "cards")) as opened:
        yield opened


@pytest.fixture
def log(url: str) -> Iterator[PredictionLog]:
    """Return a log as a service has it."""
    with contextlib.closing(PredictionLog(url, KEYS, "cards")) as opened:
        yield opened
