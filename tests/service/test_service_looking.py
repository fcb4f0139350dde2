"""What a worker does about its stores while it serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from headrace.service import package_folder
from headrace.service.building import make_service
from headrace.service.contents import HISTORY

if TYPE_CHECKING:
    import pytest
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


def _ready(client: TestClient, status: int) -> dict[str, object]:
    until = time.monotonic() + 30
    while (answer := client.get("/readyz")).status_code != status or answer.json()["windows"] == "being filled":
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)
    return dict(answer.json())
