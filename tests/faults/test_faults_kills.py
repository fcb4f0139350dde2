"""kill -9 under load: what was acknowledged is in the log, once, with the answer that was given."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from clients import OK, TOLD, UNAVAILABLE, Client, Load, check_log, kill, sqlite_log, wait_until, workers_of
from packaged_pipeline import Server, serving, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaged_pipeline import Place

REPEATED = 300
"""Requests of each kind that are sent again."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def server(packaged: Place) -> Iterator[Server]:
    """Serve cards with two workers."""
    for (running,) in serving(start(packaged.root, packaged.home, HEADRACE_WORKERS="2")):
        yield running


def ask_again(server: Server, load: Load) -> int:
    """Hold that requests that are repeated get the answer that they got; return how many these were."""
    client, acknowledged = Client(server.port), load.acknowledged
    some = list(acknowledged)[:: max(1, len(acknowledged) // REPEATED)]
    for request_id in some:
        status, _, body = client.ask("/predict", load.sent[request_id])
        again = json.loads(body)
        assert status == OK, body
        assert [again[name] for name in TOLD] == [acknowledged[request_id][name] for name in TOLD]
    client.close()
    return len(some)


def ask_the_lost(server: Server, load: Load) -> int:
    """Hold that requests whose connection was lost are answered when repeated, and are in the log once then."""
    before = check_log(sqlite_log(server), load.acknowledged, "before the lost ones are repeated")
    client, known, answers = Client(server.port), 0, {}
    for request_id in load.lost:
        status, _, body = client.ask("/predict", load.sent[request_id])
        assert status == OK, body
        answers[request_id] = json.loads(body)
        known += request_id in before
    client.close()
    print(f"unacknowledged={len(load.lost)}, of which {known} were in the log already")
    check_log(sqlite_log(server), load.acknowledged | answers, "after")
    return len(answers)


def test_a_worker_that_is_killed_under_load(server: Server) -> None:
    """One of two, and then both at once: the others go on, new ones take their places, and nothing is lost."""
    first = {worker.pid for worker in workers_of(server)}
    assert len(first) == 2
    with Load(lambda: server.port) as load:
        load.wait_for(300)
        victim = workers_of(server)[0]
        killed = time.monotonic()
        kill([victim])
        gone_on = load.seconds_until_answered(killed)
        wait_until(lambda: len(workers_of(server)) == 2)
        load.wait_for(300)
        killed = time.monotonic()
        kill(workers_of(server))
        again = load.seconds_until_answered(killed)
        load.wait_for(300)
    assert not first & {worker.pid for worker in workers_of(server)}
    print(f"one of two killed: answered again after {gone_on:.2f} s; both killed: after {again:.2f} s")
    assert gone_on < 2
    assert again < 20
    # A worker that has just started says so, until it knows that its windows are whole.
    print(f"refused with 503 by workers that had just started: {len(load.refused)}")
    assert {each.status for each in load.refused} <= {UNAVAILABLE}, load.refused[:3]
    assert len(load.lost) <= 3 * 8
    ask_the_lost(server, load)
    assert ask_again(server, load) >= min(REPEATED, len(load.acknowledged))


def test_a_service_that_is_killed_under_load(packaged: Place) -> None:
    """Supervisor and workers at once, twice; then it is started on the same state."""
    server = start(packaged.root, packaged.home, HEADRACE_WORKERS="2")
    load = Load(lambda: server.port)
    running = [server]
    try:
        server.wait()
        with load:
            for _ in range(2):
                load.wait_for(500)
                supervisor = psutil.Process(server.process.pid)
                killed = time.monotonic()
                kill([supervisor, *supervisor.children(recursive=True)])
                running.remove(server)
                server.process.wait(10)
                server = start(packaged.root, packaged.home, HEADRACE_WORKERS="2", HEADRACE_STATE=str(server.state))
                running.append(server)
                ready = server.wait()
                answered = load.seconds_until_answered(killed)
                print(
                    f"killed: ready {ready:.2f} s after it was started again, answered {answered:.2f} s after the kill"
                )
                assert answered < 20
            load.wait_for(300)
        assert {each.status for each in load.refused} <= {UNAVAILABLE}, load.refused[:3]
        ask_the_lost(server, load)
        print(f"repeated with the same answer: {ask_again(server, load)}")
    finally:
        for each in running:
            each.stop()
