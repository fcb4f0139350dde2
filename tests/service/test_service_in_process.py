"""The service in the process of whoever tests with it, as BentoML's documentation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from headrace.service import package_folder
from headrace.service.building import make_service

if TYPE_CHECKING:
    from packaged_pipeline import Place


def test_one_process_holds_several_services(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of one pipeline, one of another: each is made, becomes ready and answers for itself."""
    for pipeline in ("customers", "customers", "cards"):
        monkeypatch.setenv("HEADRACE_STATE", str(place.root / "state" / pipeline))
        service = make_service(place.root / package_folder(pipeline))
        with TestClient(service.to_asgi()) as client:
            assert client.get("/livez").status_code == 200
            assert client.get("/model").json()["pipeline"] == pipeline
