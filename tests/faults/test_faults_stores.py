"""Redis, PostgreSQL or room on the disk away for ten seconds under load: what was declared for that happens, and it passes."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from clients import OK, TOLD, UNAVAILABLE, Client, Load, check_log, payment, sqlite_log, wait_until
from databases import Database, go_on, hang
from packaged_pipeline import Server, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaged_pipeline import Place

AWAY = 10.0
"""Seconds."""
NOTICED = 7.0
"""Seconds after which a store that says nothing is known to be away: five of patience, and a look each second."""
WHOLE = 8.0
"""Seconds after which all is well again."""
LONGEST = 12.0
"""Seconds for which the slowest request waits."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
ways = pytest.mark.parametrize("way", ["stopped", "hanging"])
policies = pytest.mark.parametrize("policy", ["refuse", "serve"])


@contextlib.contextmanager
def served(place: Place, folder: Path, **variables: str) -> Iterator[Server]:
    """Serve cards with two workers."""
    server = start(place.root, place.home, HEADRACE_WORKERS="2", HEADRACE_STATE=str(folder / "state"), **variables)
    try:
        server.wait()
        wait_until(lambda: is_ready(server))
        yield server
    finally:
        server.stop()


def away(database: Database, way: str) -> None:
    """Take a database away."""
    database.stop() if way == "stopped" else hang(database)


def back(database: Database, way: str) -> None:
    """Bring it back."""
    database.start() if way == "stopped" else go_on(database)


def is_ready(server: Server) -> bool:
    """Return whether all workers say that all is well: many times, as connections go to one or another."""
    said = [server.call("/readyz") for _ in range(12)]
    return all(status == OK and {state["windows"], state["prediction_log"]} == {"ok"} for status, state in said)


def readiness(server: Server, store: str) -> Counter[tuple[int, str]]:
    """Return the statuses of `/readyz` with what is said there of a store: of every worker, whoever is asked by others."""
    said = [server.call("/readyz") for _ in range(24)]
    found = Counter((status, state[store]) for status, state in said)
    print(f"/readyz while {store} is away: {dict(found)}")
    return found


def hold(load: Load, begin: float, end: float, store: str, policy: str) -> None:
    """Hold that what was declared happened while a store was away, from when it was known until it came back."""
    while_away = load.between(begin + NOTICED, end)
    statuses = {each.status for each in while_away}
    slowest = max(each.seconds for each in load.told)
    print(
        f"{len(while_away)} answers while {store} was known to be away, of status {statuses}; slowest {slowest:.2f} s"
    )
    assert while_away
    assert statuses == ({UNAVAILABLE} if policy == "refuse" else {OK})
    assert {each.status for each in load.told} <= {OK, UNAVAILABLE}
    assert slowest < LONGEST
    assert not load.lost, dict(list(load.lost.items())[:3])
    for each in load.refused:
        assert set(each.body) <= {"error", "request_id"}
        assert each.body.get("request_id", each.request_id) == each.request_id
        assert "127.0.0.1" not in str(each.body)


def ask_again(server: Server, load: Load) -> None:
    """Hold that each of some acknowledged requests gets its answer again, and that refused ones are taken now."""
    client = Client(server.port)
    acknowledged = load.acknowledged
    for request_id in [
        *list(acknowledged)[:: max(1, len(acknowledged) // 50)],
        *[each.request_id for each in load.refused[:50]],
    ]:
        status, _, body = client.ask("/predict", load.sent[request_id])
        assert status == OK, body
        if request_id in acknowledged:
            assert [json.loads(body)[name] for name in TOLD] == [acknowledged[request_id][name] for name in TOLD]
    client.close()


def wait_until_whole(server: Server, load: Load, since: float, what: str) -> None:
    """Hold that it recovers by itself, and print how soon."""
    answered = load.seconds_until_answered(since)
    wait_until(lambda: is_ready(server))
    whole = time.monotonic() - since
    print(f"{what}: answered {answered:.2f} s and ready {whole:.2f} s after it was back")
    assert whole < WHOLE
    load.wait_for(200)


@policies
@ways
def test_a_log_in_postgresql(packaged: Place, tmp_path: Path, postgresql: Any, way: str, policy: str) -> None:
    """`refuse`: 503, not ready, nothing acknowledged that is not in the log. `serve`: 200, and counted."""
    told = {"HEADRACE_LOG__URL": postgresql.url, "HEADRACE_LOG__ON_FAILURE": policy}
    with served(packaged, tmp_path, **told) as server, Load(lambda: server.port, pause=0.01) as load:
        load.wait_for(200)
        begin = time.monotonic()
        away(postgresql, way)
        wait_until(lambda: server.call("/readyz")[1]["prediction_log"] == "unavailable", NOTICED + 2)
        time.sleep(max(0.0, NOTICED - (time.monotonic() - begin)))
        said = readiness(server, "prediction_log")
        log_up = server.metric("headrace_log_up")
        time.sleep(max(0.0, AWAY - (time.monotonic() - begin)))
        end = time.monotonic()
        given = set(load.acknowledged)
        back(postgresql, way)
        since = time.monotonic()
        wait_until_whole(server, load, since, f"PostgreSQL {way}, {policy}")
        time.sleep(1.5)
        counted, known = server.metric("headrace_log_failures_total"), set(load.acknowledged)
        assert server.metric("headrace_log_up") >= 1
    with served(packaged, tmp_path, **told) as server:
        hold(load, begin, end, "PostgreSQL", policy)
        print(f"headrace_log_failures_total {counted:g}, refused {len(load.refused)}")
        if policy == "refuse":
            check_log(postgresql.url, load.acknowledged, f"PostgreSQL {way}, {policy}")
            assert counted >= len(load.refused)
            ask_again(server, load)
        else:
            assert not load.refused
            unlogged = set(load.acknowledged) - there(postgresql.url)
            print(f"served without being logged: {len(unlogged)} of {len(load.acknowledged)}")
            assert 0 < len(unlogged) <= counted
            assert unlogged <= known
            assert given
        # What was given outside of that time is in the log.
        outside = {
            each.request_id: each.body
            for each in load.told
            if each.status == OK and (each.at < begin or each.at - each.seconds > since + WHOLE)
        }
        check_log(postgresql.url, outside, "before it was away, and after it was back")
    assert set(said) == {(UNAVAILABLE if policy == "refuse" else OK, "unavailable")}
    assert log_up == 0


def there(url: str) -> set[str]:
    """Return the request ids in a log."""
    return set(check_log(url, {}, "log"))


@policies
@ways
def test_windows_in_redis(packaged: Place, tmp_path: Path, redis: Any, way: str, policy: str) -> None:
    """`refuse`: 503, not ready. `serve`: 200 with window features missing, and counted. What is answered is logged."""
    told = {"HEADRACE_WINDOWS__URL": redis.url, "HEADRACE_WINDOWS__ON_FAILURE": policy}
    with served(packaged, tmp_path, **told) as server, Load(lambda: server.port, pause=0.01) as load:
        load.wait_for(200)
        begin = time.monotonic()
        away(redis, way)
        wait_until(lambda: server.call("/readyz")[1]["windows"] == "unavailable", NOTICED)
        time.sleep(max(0.0, NOTICED - (time.monotonic() - begin)))
        said = readiness(server, "windows")
        windows_up = server.metric("headrace_windows_up")
        time.sleep(max(0.0, AWAY - (time.monotonic() - begin)))
        end = time.monotonic()
        back(redis, way)
        since = time.monotonic()
        wait_until_whole(server, load, since, f"Redis {way}, {policy}")
        time.sleep(1.5)
        counted = server.metric("headrace_rows_without_windows_total")
        assert server.metric("headrace_windows_up") >= 1
    with served(packaged, tmp_path, **told) as server:
        hold(load, begin, end, "Redis", policy)
        print(f"headrace_rows_without_windows_total {counted:g}, refused {len(load.refused)}")
        check_log(sqlite_log(server), load.acknowledged, f"Redis {way}, {policy}")
        assert (counted > 0) == (policy == "serve")
        if policy == "serve":
            assert not load.refused
            assert counted >= len(load.between(begin + NOTICED, end)) - 8
        ask_again(server, load)
    assert set(said) == {(UNAVAILABLE if policy == "refuse" else OK, "unavailable")}
    assert windows_up == 0


def test_a_redis_that_comes_back_without_what_it_had(packaged: Place, tmp_path: Path, redis: Any) -> None:
    """It is filled anew before it is used: no answer rests on empty windows, not even the next one."""
    from redis import Redis as Asking

    def seen(server: Server, number: int) -> float | None:
        row = {**payment(number), "card": 5, "paid at": "2024-03-13T00:00:00"}
        status, answer = server.post("/predict", {"instance": row, "explain": True})
        if status == UNAVAILABLE:
            return None
        assert status == OK, answer
        return next(each["value"] for each in answer["contributions"] if each["feature"] == "card_count_3d")

    with served(packaged, tmp_path, HEADRACE_WINDOWS__URL=redis.url) as server:
        before = seen(server, 1)
        assert before is not None
        assert before > 2
        with Asking.from_url(redis.url) as asking:
            asking.flushall()
        after = [seen(server, 2)]
        while after[-1] is None and len(after) < 1000:
            time.sleep(0.01)
            after.append(seen(server, 2))
        assert after[0] is None
        assert after[-1] == before
        wait_until(lambda: is_ready(server))


@policies
def test_a_log_on_a_full_disk(packaged: Place, tmp_path: Path, small_disk: Path, policy: str) -> None:
    """As with a database that is away; once there is room it goes on."""
    url = f"sqlite:///{small_disk}/predictions.db"
    filler = small_disk / "filler"
    told = {"HEADRACE_LOG__URL": url, "HEADRACE_LOG__ON_FAILURE": policy}
    with served(packaged, tmp_path, **told) as server, Load(lambda: server.port, pause=0.01) as load:
        load.wait_for(100)
        begin = time.monotonic()
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as opened:
            while opened.write(bytes(4096)):
                pass
        said: list[tuple[int, Any]] = []
        while time.monotonic() - begin < AWAY:
            said.append(server.call("/readyz"))
            time.sleep(0.1)
        full = {status for status, state in said if state["prediction_log"] == "unavailable"}
        assert full == {UNAVAILABLE if policy == "refuse" else OK}
        end = time.monotonic()
        filler.unlink()
        since = time.monotonic()
        wait_until_whole(server, load, since, f"full disk, {policy}")
        time.sleep(1.5)
        counted = server.metric("headrace_log_failures_total")
    while_full = Counter(each.status for each in load.between(begin, end))
    print(f"answers by status while the disk was full: {dict(while_full)}")
    # SQLite's journal has room of its own, so that some are taken all the while.
    assert set(while_full) <= {OK, UNAVAILABLE}
    assert (UNAVAILABLE in while_full) == (policy == "refuse")
    assert not load.lost
    assert counted > 0
    if policy == "refuse":
        check_log(url, load.acknowledged, "full disk, refuse")
    else:
        assert not load.refused
        unlogged = set(load.acknowledged) - there(url)
        print(f"served without being logged: {len(unlogged)} of {len(load.acknowledged)}, counted {counted:g}")
        assert 0 < len(unlogged) <= counted
