"""`bentoml serve` for real: from the repository's root, and from a Bento, with another process asking over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from packaged_pipeline import CARDS, Server, card_rows, customer_rows, run, serving, start

from headrace.declaration.serving import OnFailure
from headrace.live import open_windows
from headrace.service import package_folder, read_contents
from headrace.service.predictor import Predictor
from headrace.service.warming import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaged_pipeline import Place

Servers = tuple[Server, Server, Server]
ROW = {name: value for name, value in card_rows()[0].items() if name not in {"fraud", "scenario"}} | {
    "paid at": "2024-03-13T10:00:00",
    "amount paid": 93.5,
}
CUSTOMER = {name: value for name, value in customer_rows()[3].items() if name != "left"}


@pytest.fixture(scope="module")
def servers(packaged: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Serve the root as it is, the root with an argument, and a Bento from an empty folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    root = start(packaged.root, packaged.home)
    other = start(packaged.root, packaged.home, "--arg", "pipeline=customers")
    bento = start(elsewhere, packaged.home, str(packaged.bento("customers")))
    yield from serving(root, other, bento)  # type: ignore[misc]


def probability(place: Place, pipeline: str, row: dict[str, Any], state: Path) -> float:
    """Return what the packaged model says of a row, asked without any server."""
    folder = place.root / package_folder(pipeline)
    contents = read_contents(folder)
    live = open_windows(f"lmdb:///{state}/windows.lmdb", contents)
    warm(folder, contents, live)
    scored = asyncio.run(Predictor(folder, contents, live, OnFailure.refuse).score(row, "alone"))
    live.close()
    return scored.said.score


def test_the_first_pipeline_is_served_from_the_root(packaged: Place, servers: Servers, tmp_path: Path) -> None:
    """`bentoml serve` needs no argument; the answer is the model's, to the last bit."""
    [root, *_] = servers
    status, answer = root.predict(**ROW)
    row = {**card_rows()[0], "paid at": card_rows()[0]["paid at"].replace(month=3, day=13, hour=10)}
    row["amount paid"] = type(row["amount paid"])("93.5")
    expected = probability(packaged, "cards", {name: row[name] for name in ROW}, tmp_path)
    assert status == 200
    assert answer["probability"] == expected
    assert answer["prediction"] == int(expected >= 0.3)
    contents = read_contents(packaged.root / package_folder("cards"))
    assert answer["model_version"] == contents.lineage.model[:12]


def test_a_bento_serves_by_itself(packaged: Place, servers: Servers, tmp_path: Path) -> None:
    """It needs no repository, and knows which pipeline it is."""
    [*_, bento] = servers
    status, answer = bento.predict(**CUSTOMER)
    assert status == 200
    assert answer["probability"] == probability(packaged, "customers", CUSTOMER, tmp_path)
    assert answer["prediction"] in {"Yes", "No"}
    assert bento.call("/livez")[0] == 200


def test_another_pipeline_is_served_by_an_argument(servers: Servers) -> None:
    """`bentoml serve --arg pipeline=customers`."""
    [_, other, _] = servers
    assert other.predict(**CUSTOMER)[0] == 200


def test_each_service_of_a_machine_counts_its_own(servers: Servers) -> None:
    """Whichever was started last."""
    name = 'headrace_requests_total{route="/predict",status="200"}'
    for server, row in zip(servers, (ROW, CUSTOMER, CUSTOMER), strict=True):
        before = [each.metric(name) for each in servers]
        assert server.predict(**row)[0] == 200
        assert [each.metric(name) - was for each, was in zip(servers, before, strict=True)] == [
            int(each is server) for each in servers
        ]


def test_the_openapi_document_is_the_schema(servers: Servers) -> None:
    """The columns that a request has are there by name, with their ranges and sets."""
    [root, *_] = servers
    document = root.call("/docs.json")[1]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["instance"] == {"$ref": "#/components/schemas/Instance"}
    instance = document["components"]["schemas"]["Instance"]
    assert list(instance["properties"]) == list(ROW)
    assert instance["properties"]["amount paid"]["maximum"] == CARDS.schema.columns["amount paid"].maximum
    answers = document["paths"]["/predict"]["post"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"]["properties"]["prediction"]["enum"] == [0, 1]
    assert "400" in answers


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"instance": {}}', b"\xff", b'{"instance": {"kind": "\\ud800"}}'])
def test_a_bad_request_is_refused(servers: Servers, body: bytes) -> None:
    """With an error of the client, never of the server."""
    [root, *_] = servers
    status, answer = root.call("/predict", body)
    assert status == 400
    assert answer["detail"]


def test_a_refusal_says_what_is_wrong_and_is_logged_in_a_line(servers: Servers) -> None:
    """The client is told the column, what was found and what would be right; the log has no traceback."""
    [root, *_] = servers
    before = len(root.log.read_text())
    status, answer = root.predict(**{**ROW, "amount paid": -3, "kind": "cash"})
    assert status == 400
    assert {(each["loc"][-1], each["msg"]) for each in answer["detail"]} == {
        ("amount paid", "found -3: Input should be greater than or equal to 0"),
        ("kind", 'found "cash": Input should be one of chip, web'),
    }
    logged = root.log.read_text()[before:]
    assert "refused 'instance.amount paid': greater_than_equal, 'instance.kind': one_of" in logged
    assert "Traceback" not in logged


def refused(folder: Path, place: Place, *arguments: str, **variables: str) -> str:
    """Return what `bentoml serve` says that does not start."""
    server = start(folder, place.home, *arguments, **variables)
    try:
        assert server.process.wait(60) == 1
    finally:
        server.process.kill()
    return server.log.read_text()


@pytest.mark.parametrize("of_bento", [True, False])
def test_a_changed_model_does_not_start(place: Place, of_bento: bool, tmp_path: Path) -> None:
    """One byte of the model is another one: a line says so, and the process ends with code 1."""
    sources = place.bento("cards") / "src" if of_bento else place.root
    model = sources / package_folder("cards") / "winner" / "model.txt"
    content = bytearray(model.read_bytes())
    content[-100] ^= 1
    model.write_bytes(content)
    said = refused(tmp_path, place, str(place.bento("cards"))) if of_bento else refused(place.root, place)
    assert "winner/model.txt: its SHA-256 is" in said
    assert "Traceback" not in said


def test_a_broken_windows_file_is_said_before_anything_starts(packaged: Place, tmp_path: Path) -> None:
    """With what mends it, and not by each worker again and again."""
    (tmp_path / "windows.lmdb").write_bytes(b"none" * 4096)
    said = refused(packaged.root, packaged, HEADRACE_STATE=str(tmp_path))
    assert f"{tmp_path}/windows.lmdb: the file of the windows is broken" in said
    assert "remove the file, and start again" in said
    assert "Traceback" not in said


def test_a_state_folder_that_is_none_is_said(packaged: Place, tmp_path: Path) -> None:
    """In a line."""
    (tmp_path / "state").write_text("")
    said = refused(packaged.root, packaged, HEADRACE_STATE=str(tmp_path / "state"))
    assert f"HEADRACE_STATE: {tmp_path}/state cannot be made: File exists" in said
    assert "Traceback" not in said


def test_what_was_not_packaged_is_not_served(place: Place) -> None:
    """A pipeline that does not exist, or that has not run."""
    said = refused(place.root, place, "--arg", "pipeline=nothing")
    assert "data/nothing/package/model/package.json: no such file; restore it with `dvc checkout`, or make it" in said
    (place.root / "params.yaml").write_text("pipelines: {}\n")
    assert "name the pipeline, such as --arg pipeline=fraud: params.yaml names none" in refused(place.root, place)


def test_nobody_is_told_of_its_use(packaged: Place, servers: Servers) -> None:
    """`bentoml serve` and `bentoml build`, typed as they are, send nothing to the makers of BentoML."""
    for server in servers:
        assert "Starting production HTTP BentoServer" in server.log.read_text()
        assert "Tracking" not in server.log.read_text()
    built = run(packaged.root, packaged.home, sys.executable, "-m", "bentoml", "build", "--version", "by-hand")
    assert "Successfully built" in built.stdout
    assert "Tracking" not in built.stdout + built.stderr


def test_a_request_of_another_type_is_told_so(servers: Servers) -> None:
    """A row instead of a request is an error of the client, too."""
    [root, *_] = servers
    status, answer = root.call("/predict", json.dumps(ROW, default=str).encode())
    assert status == 400
    assert {"type": "missing", "loc": ["instance"], "msg": "missing; it has to be given"} in answer["detail"]
