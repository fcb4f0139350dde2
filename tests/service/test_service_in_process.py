"""The service in the process of whoever tests with it, as BentoML's documentation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from headrace.errors import ConfigError
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


def test_a_subject_that_no_request_has_is_refused_at_the_start(
    packaged: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all answers would be nobody's, and none could be erased."""
    monkeypatch.setenv("HEADRACE_LOG__SUBJECT", "crad")
    with pytest.raises(
        ConfigError, match=r"HEADRACE_LOG__SUBJECT: 'crad' is no column.*did you mean card.*amount paid"
    ):
        make_service(packaged.root / package_folder("cards"))
