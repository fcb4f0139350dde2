"""The service takes JSON, and says so to what sends something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from packaged_pipeline import CUSTOMERS, customer_rows
from starlette.testclient import TestClient

from headrace.service import package_folder
from headrace.service.building import make_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaged_pipeline import Place

ROW = {name: value for name, value in customer_rows()[3].items() if name != CUSTOMERS.target.column}
BODY = json.dumps({"instance": ROW}, default=str).encode()


@pytest.fixture(scope="module")
def client(packaged: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of the service, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_STATE", str(tmp_path_factory.mktemp("state")))
        service = make_service(packaged.root / package_folder("customers"))
        with TestClient(service.to_asgi()) as client:
            yield client


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"],
)
def test_what_is_not_json_is_refused(client: TestClient, kind: str) -> None:
    """A form, even a broken one, is an error of the client: the answer names what would be right."""
    answer = client.post("/predict", content=BODY, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json() == {"error": f"found Content-Type: {kind}; send application/json"}


@pytest.mark.parametrize("headers", [{"Content-Type": "Application/JSON; charset=utf-8"}, {}])
def test_json_may_name_its_character_set_or_nothing(client: TestClient, headers: dict[str, str]) -> None:
    """As many clients do."""
    assert client.post("/predict", content=BODY, headers=headers).status_code == 200


def test_the_pages_of_the_service_need_no_json(client: TestClient) -> None:
    """A browser asks for them, and what watches over the service."""
    assert [client.get(path).status_code for path in ("/", "/docs.json", "/livez", "/readyz")] == [200] * 4
