"""A PostgreSQL of our own, and a road to it that can be closed."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from headrace.declaration.pipeline import IngestConfig
from headrace.declaration.rows import RowIdentity
from headrace.sources import ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.sources import Ingested

CHUNK = 65_536


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the URL of a PostgreSQL that runs for the tests, on a Unix socket."""
    pgserver = pytest.importorskip("pgserver")
    folder = tempfile.mkdtemp(prefix="pg-")  # pytest's own folders are too deep for a socket
    server = pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def transactions(postgres: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL with 40 rows on each of the first three days of April 2018."""
    engine = sa.create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                """CREATE TABLE transactions AS
                SELECT n AS id, TIMESTAMP '2018-04-01' + n * INTERVAL '36 minutes' AS moment,
                       (n * 1.25)::numeric(10, 2) AS amount, NULL::text AS note, n % 2 = 0 AS even
                FROM generate_series(0, 119) AS n ORDER BY n DESC"""
            )
        )
    yield postgres
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE transactions"))
    engine.dispose()


class Road(socketserver.ThreadingTCPServer):
    """A TCP port that leads to a PostgreSQL's Unix socket."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, target: str, breaks_after: int | None = None) -> None:
        """Open the port; the first connection breaks when that many bytes have come back."""
        self.target, self.breaks_after = target, breaks_after
        super().__init__(("127.0.0.1", port), Traveller)


class Traveller(socketserver.BaseRequestHandler):
    """One connection over a road."""

    server: Road

    def handle(self) -> None:
        """Carry bytes both ways until either side, or the road, has enough."""
        left, self.server.breaks_after = self.server.breaks_after, None
        with socket.socket(socket.AF_UNIX) as other, contextlib.suppress(OSError):
            other.connect(self.server.target)
            threading.Thread(target=self._carry, args=(self.request, other), daemon=True).start()
            while data := other.recv(CHUNK):
                if left is not None and (left := left - len(data)) < 0:
                    break
                self.request.sendall(data)
            other.shutdown(socket.SHUT_RDWR)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def open_road(postgres: str) -> Iterator[Callable[..., None]]:
    """Return a function that opens a port to the PostgreSQL."""
    target = str(Path(postgres.split("host=")[1], ".s.PGSQL.5432"))
    with contextlib.ExitStack() as roads:

        def opener(port: int, breaks_after: int | None = None) -> None:
            road = roads.enter_context(Road(port, target, breaks_after))
            threading.Thread(target=road.serve_forever, daemon=True).start()
            roads.callback(road.shutdown)

        yield opener


@pytest.fixture
def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ingested]:
    """Return a function that ingests into `tmp_path / "data"`."""

    def runner(
        source: dict[str, object], until: str = "all", key: str = "id", timestamp: str | None = "moment"
    ) -> Ingested:
        config = IngestConfig(
            pipeline="test", until=until, source=source, schema=RowIdentity(key=key, timestamp=timestamp)
        )
        return ingest(config, tmp_path / "data")

    return runner


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return the folder of the parts that `run` writes."""
    return tmp_path / "data" / "raw"
