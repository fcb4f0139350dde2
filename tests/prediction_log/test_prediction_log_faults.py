"""Whatever ends a writer, a disk or a database: what was acknowledged is there, once, and what is not is refused."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from answers import KEYS, answer, append
from sqlalchemy import create_engine

from headrace.errors import LogUnavailable
from headrace.prediction_log import PredictionLog, Repeated, open_store, read_keys
from headrace.prediction_log import log as writing

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITER = """
import asyncio, os, sys
from answers import KEYS, answer
from headrace.prediction_log import PredictionLog, Repeated
url, prefix, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = PredictionLog(url, KEYS, "cards")
acknowledged = os.open(prefix + ".txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
numbers = iter(range(last))
name = os.path.basename(prefix)
async def client():
    for number in numbers:
        result = await log.append(answer(f"{name}-{number}", subject=number))
        os.write(acknowledged, f"{name}-{number} {type(result).__name__}\\n".encode())
async def main():
    await asyncio.gather(*(client() for _ in range(32)))
asyncio.run(main())
log.close()
"""


def writer(url: str, prefix: Path, last: int = 10**9) -> subprocess.Popen[bytes]:
    """Start a process that appends and notes what was acknowledged."""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    command = [sys.executable, "-c", WRITER, url, str(prefix), str(last)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})


def acknowledged(prefix: Path) -> list[str]:
    """Return the request ids that were acknowledged."""
    file = prefix.with_suffix(".txt")
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def wait_for(prefix: Path, count: int) -> None:
    """Wait until that many were acknowledged."""
    until = time.monotonic() + 30
    while len(acknowledged(prefix)) < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def logged(url: str) -> list[str]:
    """Return all request ids in the log."""
    store = open_store(url, KEYS, "cards")
    with store.engine.connect() as connection:
        found = [row[0] for row in connection.exec_driver_sql("SELECT request_id FROM prediction_entry")]
    store.close()
    return found


def test_what_was_acknowledged_survives_the_end_of_its_writers(url: str, tmp_path: Path) -> None:
    """SIGKILL to two processes that write at once, three times over: no acknowledged answer is missing or there twice."""
    first, second = tmp_path / "first", tmp_path / "second"
    for generation in range(3):
        places = [first.with_name(f"{each.name}{generation}") for each in (first, second)]
        running = [writer(url, place) for place in places]
        for place in places:
            wait_for(place, 300)
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            process.wait()
    given = [name for file in tmp_path.glob("*.txt") for name in acknowledged(file.with_suffix(""))]
    there = logged(url)
    assert len(given) >= 1800
    assert len(there) == len(set(there))
    assert set(given) <= set(there)
    # What was written and not acknowledged is at most what was under way: a group or two of each process.
    assert len(there) - len(given) <= 6 * 64


def test_the_same_requests_in_two_processes_are_logged_once(url: str, tmp_path: Path) -> None:
    """Whoever comes second is told the earlier answer."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    places = [tmp_path / "one" / "same", tmp_path / "two" / "same"]
    for process in [writer(url, place, 1500) for place in places]:
        assert process.wait(60) == 0
    lines = [line.split() for place in places for line in place.with_suffix(".txt").read_text().splitlines()]
    assert len(lines) == 3000
    assert sum(kind == "NoneType" for _, kind in lines) == 1500
    assert len(logged(url)) == 1500


def test_many_that_start_at_once_make_one_log_and_one_key(tmp_path: Path) -> None:
    """Of a new folder; all read what all wrote."""
    url, file = f"sqlite:///{tmp_path}/new/predictions.db", tmp_path / "new" / "log.keys"
    command = (
        "import sys; from pathlib import Path; from answers import answer, append\n"
        "from headrace.prediction_log import PredictionLog, read_keys\n"
        "url, file, name = sys.argv[1:]\n"
        "log = PredictionLog(url, read_keys(None, Path(file)), 'cards')\n"
        "assert append(log, answer(name)) == [None], log.why_down\n"
        "log.close()\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", command, url, str(file), f"r{number}"], env={**os.environ, "PYTHONPATH": path}
        )
        for number in range(6)
    ]
    assert [process.wait(60) for process in started] == [0] * 6
    assert file.stat().st_mode & 0o777 == 0o600
    store = open_store(url, read_keys(None, file), "cards")
    assert [store.find(f"r{number}").score for number in range(6)] == [0.25] * 6
    assert sorted(each.name for each in file.parent.iterdir() if "predictions" not in each.name) == ["log.keys"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_refuses_and_recovers_by_itself(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged before is there; once there is room again it goes on, and nobody has to tell it."""
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.05)
    log = PredictionLog(f"sqlite:///{small_disk}/predictions.db", KEYS, "cards")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2_000_000))
    good: list[str] = []
    refused = 0
    for number in range(400):
        names = [f"{number}-{each}" for each in range(20)]
        for name, result in zip(names, append(log, *(answer(name) for name in names)), strict=True):
            assert result is None or isinstance(result, LogUnavailable), result
            good += [name] if result is None else []
            refused += result is not None
        if refused:
            break
    assert refused
    assert log.failures == refused
    assert "full" in log.why_down
    with pytest.raises(LogUnavailable):
        log.check()
    filler.unlink()
    until = time.monotonic() + 10
    while not log.up:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert append(log, answer("after")) == [None]
    log.close()
    there = logged(f"sqlite:///{small_disk}/predictions.db")
    assert {*good, "after"} <= set(there)
    assert len(there) == len(set(there))


@pytest.fixture
def own_server() -> Iterator[tuple[str, Path]]:
    """Return the URL of a PostgreSQL that may be stopped, and its folder.

    It is not root's, and any other pytest that starts takes the folder of all of them for root.
    """
    import pgserver

    above = Path(tempfile.mkdtemp(prefix="headrace-postgresql-"))
    above.chmod(0o755)
    folder = above / "data"
    running = pgserver.get_server(folder)
    yield running.get_uri(), folder
    with contextlib.suppress(Exception):
        running.cleanup()
    shutil.rmtree(above, ignore_errors=True)


def control(folder: Path, *arguments: str) -> None:
    """Stop or start a PostgreSQL, as its administrator does."""
    import pgserver

    binaries = Path(pgserver.__file__).parent / "pginstall" / "bin"
    command = [str(binaries / "pg_ctl"), "-D", str(folder), "-w", *arguments]
    user = folder.owner()
    if os.getuid() == 0 and user != "root":
        command = ["su", user, "-s", "/bin/sh", "-c", " ".join(command)]
    until = time.monotonic() + 30
    # After an immediate stop the processes of connections may hold the shared memory for a moment.
    while subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=60).returncode:
        assert time.monotonic() < until, f"{command} failed; see {folder / 'log'}"
        time.sleep(0.5)


def test_a_database_that_is_stopped_and_started(
    own_server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load: nothing hangs, requests are refused at once while it is away, and it goes on by itself."""
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.1)
    url, folder = own_server
    options = (folder / "postmaster.opts").read_text()
    socket = options.partition('"-k"')[2].split('"')[1] if '"-k"' in options else str(folder)
    log = PredictionLog(url, KEYS, "cards")
    good: list[str] = []
    slowest = 0.0
    refused = 0
    running = True

    async def client(name: str) -> None:
        nonlocal slowest, refused
        number = 0
        while running:
            number += 1
            start = time.monotonic()
            try:
                await log.append(answer(f"{name}-{number}"))
                good.append(f"{name}-{number}")
            except LogUnavailable:
                refused += 1
                await asyncio.sleep(0.01)
            slowest = max(slowest, time.monotonic() - start)

    async def main() -> int:
        nonlocal running
        clients = [asyncio.create_task(client(f"c{number}")) for number in range(16)]
        await asyncio.sleep(0.5)
        before = len(good)
        await asyncio.to_thread(control, folder, "stop", "-m", "immediate")
        await asyncio.sleep(1)
        assert not log.up
        assert len(good) >= before > 0
        await asyncio.to_thread(control, folder, "start", "-l", str(folder / "log"), "-o", f'"-h \\"\\" -k {socket}"')
        until = time.monotonic() + 20
        while not log.up:
            assert time.monotonic() < until, log.why_down
            await asyncio.sleep(0.05)
        back = len(good)
        await asyncio.sleep(0.5)
        running = False
        await asyncio.gather(*clients)
        return back

    back = asyncio.run(main())
    assert len(good) > back
    assert refused > 0
    assert slowest < 4
    log.close()
    there = logged(url)
    assert set(good) <= set(there)
    assert len(there) == len(set(there))


def test_a_database_that_says_nothing_is_not_waited_for(
    own_server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes are stopped, as they are on a machine that hangs; afterwards the log goes on."""
    monkeypatch.setattr(writing, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.1)
    url, folder = own_server
    log = PredictionLog(url, KEYS, "cards")
    assert append(log, answer("a")) == [None]
    postmaster = (folder / "postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (postmaster, *children):
        os.kill(int(process), signal.SIGSTOP)
    try:
        start = time.monotonic()
        results = append(log, answer("b"), answer("c"))
        took = time.monotonic() - start
    finally:
        for process in (*children, postmaster):
            os.kill(int(process), signal.SIGCONT)
    assert all(isinstance(result, LogUnavailable) for result in results)
    assert took < 2
    assert not log.up or log.store.find("b")
    until = time.monotonic() + 10
    while not log.up:
        assert time.monotonic() < until
        time.sleep(0.02)
    # It may have been written after all: who asks again is told so, and it is there once.
    again, after = append(log, answer("b"), answer("d"))
    assert again is None or isinstance(again, Repeated)
    assert after is None
    log.close()


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        ("REVOKE ALL ON prediction_entry FROM serving", "GRANT ALL ON prediction_entry TO serving"),
        ("ALTER TABLE prediction_entry RENAME TO away", "ALTER TABLE away RENAME TO prediction_entry"),
        ("ALTER TABLE prediction_entry RENAME variant TO arm", "ALTER TABLE prediction_entry RENAME arm TO variant"),
    ],
)
def test_a_database_that_takes_no_answers_is_away(
    server: str, monkeypatch: pytest.MonkeyPatch, spoil: str, mend: str
) -> None:
    """No entry is to blame: the log is down, stays so though its other tables take rows, and goes on by itself."""
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.05)
    address = server.replace("postgresql://", "postgresql+psycopg://")
    administrator = create_engine(address, isolation_level="AUTOCOMMIT").connect()
    for statement in (
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "DO $$ BEGIN CREATE ROLE serving LOGIN; EXCEPTION WHEN duplicate_object THEN END $$",
        "GRANT ALL ON SCHEMA public TO serving",
    ):
        administrator.exec_driver_sql(statement)
    open_store(address, KEYS, "cards").close()
    administrator.exec_driver_sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO serving")
    log = PredictionLog(address.replace("postgres:", "serving:"), KEYS, "cards")
    assert append(log, answer("a")) == [None]
    administrator.exec_driver_sql(spoil)
    results = append(log, answer("b"), answer("c"))
    assert [type(result) for result in results] == [LogUnavailable] * 2
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert not log.up
        time.sleep(0.02)
    assert "prediction_entry" in log.why_down
    administrator.exec_driver_sql(mend)
    until = time.monotonic() + 10
    while not log.up:
        assert time.monotonic() < until, log.why_down
        time.sleep(0.02)
    assert append(log, answer("b")) == [None]
    assert administrator.exec_driver_sql("SELECT count(*) FROM prediction_entry").scalar_one() == 2
    log.close()
    administrator.close()


@pytest.mark.parametrize("change", ["file", "file and journals", "folder", "replaced"])
@pytest.mark.parametrize("asked", [True, False])
def test_nothing_is_acknowledged_into_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, asked: bool
) -> None:
    """Who removes or replaces the log of a running service is told, until it is started again with what is there."""
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.05)
    file, url = tmp_path / "log" / "predictions.db", f"sqlite:///{tmp_path}/log/predictions.db"
    other = PredictionLog(f"sqlite:///{tmp_path}/other.db", KEYS, "cards")
    assert append(other, answer("of another one")) == [None]
    other.close()
    log = PredictionLog(url, KEYS, "cards")
    assert append(log, answer("a"), answer("b")) == [None] * 2
    if change == "folder":
        shutil.rmtree(file.parent)
    elif change == "replaced":
        (tmp_path / "other.db").replace(file)
    else:
        for each in file.parent.glob("*" if "journals" in change else file.name):
            each.unlink()
    if asked:
        results = append(log, answer("c"), answer("d"))
        assert [type(result) for result in results] == [LogUnavailable] * 2
        assert "removed or replaced" in str(results[0])
    else:
        until = time.monotonic() + 10
        while log.up:
            assert time.monotonic() < until
            time.sleep(0.01)
    time.sleep(0.3)
    assert "removed or replaced; stop the service" in log.why_down
    with pytest.raises(LogUnavailable, match="removed or replaced"):
        log.store.record_outcomes([("a", 1)], dt.datetime.now(dt.UTC))
    log.close()
    log = PredictionLog(url, KEYS, "cards")
    assert append(log, answer("e")) == [None]
    log.close()
    assert sorted(logged(url)) == ["e", *(["of another one"] if change == "replaced" else [])]
    assert change == "replaced" or file.stat().st_mode & 0o077 == 0


LOSE = """
import os, sys, time
from datetime import UTC, datetime
from answers import KEYS, answer, append
from headrace.errors import LogUnavailable
from headrace.prediction_log import PredictionLog
log = PredictionLog(f"sqlite:///{sys.argv[1]}", KEYS, "cards")
append(log, *(answer(f"old {number}") for number in range(60)))
time.sleep(1)  # by then all its threads have connections
os.replace(sys.argv[2], sys.argv[1])
while log.up:
    time.sleep(0.01)
for number in range(60):
    try:
        log.store.record_outcomes([(f"old {number}", 1)], datetime.now(UTC))
        raise SystemExit("an outcome was taken")
    except LogUnavailable:
        pass
os._exit(7)  # as a kill does: nothing is closed
"""


def test_a_log_that_was_replaced_leaves_the_new_file_alone(tmp_path: Path) -> None:
    """SQLite would bring what the old one's journal has into it."""
    file, other = tmp_path / "predictions.db", tmp_path / "other.db"
    log = PredictionLog(f"sqlite:///{other}", KEYS, "cards")
    assert append(log, *(answer(f"new {number}") for number in range(200))) == [None] * 200
    log.close()
    ran = subprocess.run(
        [sys.executable, "-c", LOSE, str(file), str(other)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)}, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 7
    log = PredictionLog(f"sqlite:///{file}", KEYS, "cards")
    assert append(log, answer("last")) == [None]
    log.close()
    assert sorted(logged(f"sqlite:///{file}")) == sorted([*(f"new {number}" for number in range(200)), "last"])


def test_a_log_starts_while_its_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses, and takes answers as soon as the database is there."""
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.05)
    place = tmp_path / "later"
    place.mkdir()
    (place / "predictions.db").mkdir()
    log = PredictionLog(f"sqlite:///{place}/predictions.db", KEYS, "cards")
    (refused,) = append(log, answer("a"))
    assert isinstance(refused, LogUnavailable)
    (place / "predictions.db").rmdir()
    until = time.monotonic() + 10
    while not log.up:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert append(log, answer("a")) == [None]
    log.close()


def test_a_queue_that_is_full_refuses_at_once(tmp_path: Path) -> None:
    """The rest of it is written."""
    log = PredictionLog(f"sqlite:///{tmp_path}/predictions.db", KEYS, "cards", longest_queue=10)
    results = append(log, *(answer(f"r{number}") for number in range(50)))
    refused = [result for result in results if isinstance(result, LogUnavailable)]
    assert len(refused) == 40
    assert "10 entries waiting" in str(refused[0])
    assert append(log, answer("after")) == [None]
    assert (log.written, log.failures, log.backlog) == (11, 40, 0)
    log.close()
