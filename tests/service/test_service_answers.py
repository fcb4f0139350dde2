"""What a running service answers, keeps and counts, asked over HTTP as a client does."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tritonclient.http as triton
from packaged_pipeline import Server, card_rows, customer_rows, serving, start

from headrace.prediction_log import open_store, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaged_pipeline import Place

DAY = dt.datetime(2024, 3, 13)  # noqa: DTZ001  times of rows have no zone
MADE = iter(range(100_000, 200_000))


def card(**changes: Any) -> dict[str, Any]:
    """Return a payment that was not asked about before."""
    number = next(MADE)
    row = {name: value for name, value in card_rows()[number % 400].items() if name not in {"fraud", "scenario"}}
    moment = DAY + dt.timedelta(seconds=number - 100_000)
    return {**row, "id": number, "paid at": moment.isoformat(), "amount paid": float(row["amount paid"]), **changes}


@pytest.fixture(scope="module")
def cards(packaged: Place) -> Iterator[Server]:
    """Serve cards: LightGBM, with windows."""
    for [server] in serving(start(packaged.root, packaged.home, HEADRACE_VARIANT="blue")):
        yield server


@pytest.fixture(scope="module")
def customers(packaged: Place) -> Iterator[Server]:
    """Serve customers: a logistic regression, with texts for labels."""
    for [server] in serving(start(packaged.root, packaged.home, "--arg", "pipeline=customers")):
        yield server


def stored(server: Server, pipeline: str, request_id: str) -> Any:
    """Return what the prediction log has of an answer."""
    keys = read_keys(None, server.state / "log.keys")
    store = open_store(f"sqlite:///{server.state / 'predictions.db'}", keys, pipeline)
    try:
        return store.find(request_id)
    finally:
        store.close()


def test_an_answer_says_what_was_decided_and_is_in_the_log(cards: Server) -> None:
    """With the features that the model saw; by the id that the answer gives."""
    status, answer = cards.post("/predict", {"instance": (row := card())})
    assert status == 200
    assert set(answer) == {
        "prediction", "probability", "decision", "rule", "model_version", "variant", "request_id", "latency_ms",
    }  # fmt: skip
    assert answer["decision"] == ("block" if answer["probability"] >= 0.3 else "allow")
    assert (answer["variant"], answer["rule"]) == ("blue", None)
    assert 0 < answer["latency_ms"] < 10_000
    found = stored(cards, "cards", answer["request_id"])
    assert (found.score, found.decision, found.variant) == (answer["probability"], answer["decision"], "blue")
    assert found.payload["instance"]["id"] == row["id"]
    assert found.payload["features"]["card_count_1d"] >= 1


def test_a_request_that_is_repeated_gets_its_answer_again(cards: Server) -> None:
    """Even where the world has changed; another row under the same id is refused."""
    request = {"instance": card(card=5), "request_id": "payment-1"}
    first = cards.post("/predict", request)[1]
    cards.post("/predict", {"instance": card(card=5)})
    status, again = cards.post("/predict", request)
    assert status == 200
    assert {**again, "latency_ms": 0} == {**first, "latency_ms": 0}
    status, refused = cards.post("/predict", {"instance": card(), "request_id": "payment-1"})
    assert status == 409
    assert "payment-1" in refused["error"]


def test_contributions_add_up_to_the_answer(cards: Server) -> None:
    """The largest first, with the values that the model saw, in log-odds."""
    answer = cards.post("/predict", {"instance": card(**{"amount paid": 150.0, "kind": "web"}), "explain": True})[1]
    told = answer["contributions"]
    sizes = [abs(each["contribution"]) for each in told]
    assert sizes == sorted(sizes, reverse=True)
    odds = answer["base_value"] + sum(each["contribution"] for each in told)
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(answer["probability"], abs=1e-6)
    features = stored(cards, "cards", answer["request_id"]).payload["features"]
    assert {each["feature"]: each["value"] for each in told} == features


def test_a_wrong_row_does_not_spoil_a_batch(cards: Server) -> None:
    """It is named by its index, with what is wrong; the others are answered as if alone, and are in the log."""
    rows = [card(), card(kind="cash"), card(**{"amount paid": -3}), card(), card(code="AC99999999999")]
    status, answer = cards.post("/predict_batch", {"instances": rows, "request_id": "night"})
    assert status == 200
    assert [each and each["request_id"] for each in answer["predictions"]] == ["night-0", None, None, "night-3", None]
    assert answer["errors"] == [
        {"index": 1, "error": 'kind: found "cash": Input should be one of chip, web'},
        {"index": 2, "error": "amount paid: found -3: Input should be greater than or equal to 0"},
        {
            "index": 4,
            "error": "features of a row: Conversion Error: Could not convert string '99999999999' to INT32",
        },
    ]
    assert stored(cards, "cards", "night-3").score == answer["predictions"][3]["probability"]
    again = cards.post("/predict_batch", {"instances": rows, "request_id": "night"})[1]
    assert again["predictions"] == answer["predictions"]


def test_a_batch_is_answered_as_its_rows_are_one_by_one(cards: Server) -> None:
    """Each sees those before it."""
    rows = [card(card=77, **{"amount paid": 10.0 * number}) for number in range(1, 6)]
    answer = cards.post("/predict_batch", {"instances": rows})[1]
    counts = [
        stored(cards, "cards", each["request_id"]).payload["features"]["card_count_1d"]
        for each in answer["predictions"]
    ]
    assert counts == [1, 2, 3, 4, 5]


def test_every_answer_of_a_batch_can_be_told_its_outcome(cards: Server) -> None:
    """Whatever id the client gives it: the answers' own are no longer than an id may be."""
    assert cards.post("/predict_batch", {"instances": [card()], "request_id": "x" * 145})[0] == 400
    answer = cards.post("/predict_batch", {"instances": [card()], "request_id": "x" * 144})[1]
    [request_id] = [each["request_id"] for each in answer["predictions"]]
    told = cards.post("/outcomes", {"outcomes": [{"request_id": request_id, "label": 0}]})[1]
    assert [each["result"] for each in told["results"]] == ["recorded"]


def test_a_number_that_json_does_not_have_is_not_taken_for_a_missing_one(cards: Server) -> None:
    """Neither of one row nor of many."""
    for number in (float("inf"), float("nan")):
        assert cards.post("/predict", {"instance": card(risk=number)})[0] == 400
        status, answer = cards.post("/predict_batch", {"instances": [card(), card(risk=number)]})
        assert (status, answer["error"][:36]) == (422, "instances: JSON has no NaN and no In")


@pytest.mark.parametrize("body", [{}, {"instances": {}}, {"instances": [], "more": 1}, {"instances": None}, []])
def test_a_batch_that_is_none_is_refused(cards: Server, body: Any) -> None:
    """With what is wrong."""
    status, answer = cards.post("/predict_batch", body)
    assert status == 400
    assert answer["detail"]


def test_outcomes_may_be_late_repeated_and_out_of_order(cards: Server) -> None:
    """Saying the same again changes nothing; another truth is refused, and the first one stands."""
    answers = [cards.predict(**card())[1]["request_id"] for _ in range(3)]
    told = [{"request_id": request_id, "label": 1} for request_id in reversed(answers)]
    results = cards.post("/outcomes", {"outcomes": told})[1]["results"]
    assert [each["result"] for each in results] == ["recorded"] * 3
    status, answer = cards.post(
        "/outcomes",
        {"outcomes": [told[0], {**told[1], "label": 0}, {"request_id": "nobody", "label": 1}, told[0]]},
    )
    assert status == 200
    assert [each["result"] for each in answer["results"]] == ["same", "conflict", "unknown", "same"]
    assert "the first one stands" in answer["results"][1]["error"]
    assert stored(cards, "cards", answers[0]).outcome.label == 1


@pytest.mark.parametrize("outcome", [{"label": 1}, {"request_id": "a", "label": 7}, {"request_id": "a", "label": None}])
def test_an_outcome_that_is_none_is_refused(cards: Server, outcome: Any) -> None:
    """A label has to be one that the schema knows."""
    status, answer = cards.post("/outcomes", {"outcomes": [outcome]})
    assert status == 400
    assert answer["detail"][0]["loc"][:2] == ["outcomes", 0]


def test_outcomes_feed_the_windows_that_read_labels(cards: Server) -> None:
    """A fraud at a shop is seen by those who ask when its delay has passed, and not before."""
    fraud = card(code="ZZ1", **{"paid at": "2024-03-20T10:00:00"})
    request_id = cards.predict(**fraud)[1]["request_id"]
    assert cards.post("/outcomes", {"outcomes": [{"request_id": request_id, "label": 1}]})[0] == 200
    seen = []
    for moment in ("2024-03-22T09:59:59", "2024-03-22T10:00:01"):
        answer = cards.predict(**card(code="ZZ1", **{"paid at": moment}))[1]
        seen.append(stored(cards, "cards", answer["request_id"]).payload["features"]["shop_risk_risk_4d"])
    assert seen == [None, 1.0]


def test_the_model_is_described(cards: Server) -> None:
    """Its version, what it was trained on, its figures and where it comes from."""
    status, told = cards.call("/model")
    assert status == 200
    assert told["pipeline"] == "cards"
    assert told["version"] == cards.predict(**card())[1]["model_version"]
    assert told["registered"] == {"name": "cards", "version": "1"}
    assert told["decision"] == "first"
    assert told["threshold"] == 0.3
    assert told["explains"] is True


def test_what_happens_is_counted(cards: Server) -> None:
    """Requests by route and status, decisions, scores, batches, outcomes; from all workers."""
    names = [
        'headrace_requests_total{route="/predict",status="200"}',
        'headrace_requests_total{route="/predict",status="400"}',
        'headrace_errors_total{kind="bad_request"}',
        'headrace_score_count{variant="blue"}',
        'headrace_request_seconds_count{route="/predict"}',
    ]
    before = [cards.metric(name) for name in names]
    cards.predict(**card())
    cards.predict(**card(kind="cash"))
    assert [cards.metric(name) - was for name, was in zip(names, before, strict=True)] == [1, 1, 1, 1, 2]
    assert cards.metric("headrace_log_up") == cards.metric("headrace_windows_up") == 1


def test_it_is_ready_when_its_stores_are(cards: Server) -> None:
    """Each is named."""
    assert cards.call("/readyz") == (200, {"ready": True, "windows": "ok", "prediction_log": "ok"})
    assert cards.call("/livez")[0] == cards.call("/healthz")[0] == 200


def test_labels_that_are_texts_are_answered_and_told_as_such(customers: Server) -> None:
    """And a linear model explains itself."""
    row = {name: value for name, value in customer_rows()[3].items() if name != "left"}
    answer = customers.post("/predict", {"instance": row, "explain": True})[1]
    assert answer["prediction"] in {"Yes", "No"}
    assert {each["feature"] for each in answer["contributions"]} == {"months", "contract"}
    told = {"outcomes": [{"request_id": answer["request_id"], "label": "Yes"}]}
    assert customers.post("/outcomes", told)[1]["results"][0]["result"] == "recorded"


@pytest.mark.parametrize("binary", [True, False])
def test_triton_s_client_asks_by_the_open_inference_protocol(cards: Server, binary: bool) -> None:
    """Unchanged, in its own bytes and in JSON; with the same answers as /predict gives."""
    client = triton.InferenceServerClient(f"127.0.0.1:{cards.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("cards")
    metadata = client.get_model_metadata("cards")
    rows = [card(country="FR", risk=0.5, born="1950-05-17", tries=2) for _ in range(3)]
    of_type = {"INT64": np.int64, "FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}
    inputs = []
    for described in metadata["inputs"]:
        name, datatype = described["name"], described["datatype"]
        values = np.array([row[name] for row in rows], dtype=of_type[datatype])
        tensor = triton.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    result = client.infer("cards", inputs)
    for place, request_id in enumerate(result.as_numpy("request_id")):
        text = request_id.decode() if isinstance(request_id, bytes) else request_id
        assert stored(cards, "cards", text).score == result.as_numpy("probability")[place]
    with pytest.raises(triton.InferenceServerException, match="there is no model"):
        client.get_model_metadata("nobody")
    with pytest.raises(triton.InferenceServerException, match="as many values of each column"):
        client.infer("cards", [*inputs[:-1], _short(inputs[-1])])
    client.close()


def _short(tensor: Any) -> Any:
    shorter = triton.InferInput(tensor.name(), [1], tensor.datatype())
    shorter.set_data_from_numpy(np.array([1], dtype=np.int64), binary_data=False)
    return shorter


def test_a_wrong_tensor_is_told_so(cards: Server) -> None:
    """Nothing is answered then."""
    body = {"inputs": [{"name": "id", "shape": [1], "datatype": "INT64", "data": [1]}]}
    status, answer = cards.post("/v2/models/cards/infer", body)
    assert status == 400
    assert "row 0: paid at: missing" in answer["error"]
    status, answer = cards.post("/v2/models/cards/infer", {"inputs": [{**body["inputs"][0], "name": "nobody"}]})
    assert (status, "there is no 'nobody'" in answer["error"]) == (400, True)
    assert cards.call("/v2/models/cards/infer", b"{")[0] == 400


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ([2], [1]),
        ([1, 2], [1, 2]),
        ([2, 2], [1, 2]),
        ([1], [[1, 2]]),
        ([1], [[[1]]]),
        ([1], 700 * "[" + "1" + 700 * "]"),
    ],
)
def test_a_tensor_of_another_shape_than_a_column_is_refused(cards: Server, shape: list[int], data: Any) -> None:
    """However deep it is nested: it is the client's error."""
    row = card(country="FR", risk=0.5, born="1950-05-17", tries=2)
    metadata = cards.call("/v2/models/cards")[1]
    inputs = [{**each, "shape": [1], "data": [row[each["name"]]]} for each in metadata["inputs"]]
    assert cards.post("/v2/models/cards/infer", {"inputs": inputs})[0] == 200
    inputs[2] = {**inputs[2], "shape": shape, "data": data}
    body = json.dumps({"inputs": inputs}).replace('"[', "[").replace(']"', "]").encode()
    status, answer = cards.call("/v2/models/cards/infer", body)
    assert status == 400
    assert answer["error"].startswith(("inputs: card: has", "row 0: card: found"))


def test_tensors_of_too_many_rows_or_an_infinite_number_are_the_client_s_error(cards: Server) -> None:
    """NaN is a missing number: a tensor has no other."""
    row = card(country="FR", risk=0.5, born="1950-05-17", tries=2)
    metadata = cards.call("/v2/models/cards")[1]
    inputs = {each["name"]: {**each, "shape": [1], "data": [row[each["name"]]]} for each in metadata["inputs"]}
    client = triton.InferenceServerClient(f"127.0.0.1:{cards.port}")
    for number, said in ((np.nan, ""), (np.inf, "an infinite number")):
        risk = triton.InferInput("risk", [1], "FP64")
        risk.set_data_from_numpy(np.array([number]))
        others = []
        for name, each in inputs.items():
            if name != "risk":
                others.append(triton.InferInput(name, [1], each["datatype"]))
                kind = {"INT64": np.int64, "FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}[each["datatype"]]
                others[-1].set_data_from_numpy(np.array(each["data"], dtype=kind))
        if said:
            with pytest.raises(triton.InferenceServerException, match=said):
                client.infer("cards", [*others, risk])
        else:
            assert client.infer("cards", [*others, risk]).as_numpy("probability")[0] >= 0
    client.close()
    many = {**inputs["id"], "shape": [100_001], "data": [1] * 100_001}
    status, answer = cards.post("/v2/models/cards/infer", {"inputs": [many]})
    assert (status, answer["error"]) == (400, "inputs: have 100001 rows; send 100000 at most")


def test_what_the_gate_refuses_is_counted_with_the_rest(cards: Server) -> None:
    """By route and status, and by kind of error."""
    names = ['headrace_requests_total{route="/predict",status="413"}', 'headrace_errors_total{kind="too_large"}']
    before = [cards.metric(name) for name in names]
    assert cards.call("/predict", b"{}", content_length="9000000")[0] == 413
    assert [cards.metric(name) - was for name, was in zip(names, before, strict=True)] == [1, 1]


@pytest.mark.parametrize("path", ["/predict", "/predict_batch", "/outcomes"])
def test_the_routes_are_in_the_openapi_document(cards: Server, path: str) -> None:
    """With their bodies and answers."""
    document = cards.call("/docs.json")[1]
    route = document["paths"][path]["post"]
    assert route["requestBody"]["content"]["application/json"]["schema"]
    assert route["responses"]["200"]["content"]["application/json"]["schema"]
