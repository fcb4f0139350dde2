"""A real Prometheus scrapes a service that was asked all sorts of things: every rule and every panel has something to say."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml
from packaged_pipeline import Server, serving, start
from rendering import DEPLOY, ROOT, rules

from headrace.access import Scope, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaged_pipeline import Place

RULES = [(rule.get("record") or rule["alert"], rule) for group in rules()["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana" / "headrace.json").read_text())
PANELS = [
    (f"{panel['title']}: {target['refId']}", target["expr"])
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
LARGEST = 50_000
LAST = """
count_over_time(headrace_refusals_total{reason="too_many_requests"}[1m]) > 4
  and on (namespace, job) max by (namespace, job) (count_over_time(headrace:score_shift:6h[1m])) > 4
"""
"""What was counted last was scraped a few times, and looked at by the rules."""
GRAFANA = {"$__rate_interval": "1m", "$namespace": ".*", "$job": ".*"}
"""What Grafana puts in, where all are chosen."""

pytestmark = pytest.mark.slow


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, port: int) -> None:
        self._api = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **asked: str) -> Any:
        """Ask its API."""
        with urlopen(f"{self._api}{path}?{urlencode(asked)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        """Return what an expression is now."""
        return self.get("/query", query=expression)["result"]


@pytest.fixture(scope="module")
def server(packaged: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve cards to those who have tokens."""
    state = tmp_path_factory.mktemp("state")
    told = {"HEADRACE_ACCESS__ENABLED": "true", "HEADRACE_ACCESS__LARGEST_BODY": str(LARGEST), "HEADRACE_WORKERS": "2"}
    for [running] in serving(start(packaged.root, packaged.home, HEADRACE_STATE=str(state), **told)):
        yield running


@pytest.fixture(scope="module")
def tokens(server: Server) -> dict[str, str]:
    """Return a token for each scope, and one that may ask seldom; the service takes them within a second."""
    file = server.state / "tokens.json"
    found = {scope: create(file, scope, [scope])[1] for scope in Scope}
    seldom = create(file, "seldom", [Scope.predict], requests_per_second=1)[1]
    time.sleep(1)
    return {**found, "seldom": seldom}


@pytest.fixture(scope="module")
def prometheus(
    server: Server, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Run Debian's, with the rules of deploy/, and ask the service all sorts of things; alerts do not wait."""
    if shutil.which("prometheus") is None:
        assert not os.environ.get("CI"), ".ci/run installs prometheus"
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    at_once = [
        {**group, "rules": [{**rule, **_no_wait(rule)} for rule in group["rules"]]} for group in rules()["groups"]
    ]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": at_once}))
    target = {"targets": [f"127.0.0.1:{server.port}"], "labels": {"namespace": "here"}}
    told = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "headrace", "static_configs": [target]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(told))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    running = Prometheus(port)
    try:
        _wait_for(running, "headrace_ready", folder / "log")
        ask_all_sorts(server, tokens)
        _wait_for(running, LAST, folder / "log")
        yield running
    finally:
        process.terminate()
        process.wait(20)


def test_every_rule_was_evaluated_without_an_error(prometheus: Prometheus) -> None:
    """And none of them is missing."""
    found = [rule for group in prometheus.get("/rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in found} == {name for name, _ in RULES}
    assert {(rule["health"], rule.get("lastError")) for rule in found} == {("ok", None)}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_rule_has_something_to_look_at(prometheus: Prometheus, name: str, rule: dict[str, Any]) -> None:
    """What an alert compares is there, and its labels are those of what it is compared with."""
    assert prometheus.query(compared(rule["expr"])), name


@pytest.mark.parametrize(("name", "expression"), PANELS)
def test_a_panel_has_something_to_show(prometheus: Prometheus, name: str, expression: str) -> None:
    """Whatever it asks for."""
    assert prometheus.query(filled_in(expression)), name


def test_what_a_dashboard_lets_one_choose_is_there(prometheus: Prometheus) -> None:
    """Namespaces and services; alerts that fire are drawn into every panel."""
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            assert prometheus.get(f"/label/{label}/values", **{"match[]": filled_in(metric)}) != []
    [drawn] = DASHBOARD["annotations"]["list"]
    fired = {each["metric"]["alertname"] for each in prometheus.query(drawn["expr"])}
    assert {"HeadraceBadRequests"} <= fired <= {"HeadraceBadRequests", "HeadraceRefusals"}


def test_what_is_counted_is_what_was_asked(prometheus: Prometheus, server: Server) -> None:
    """The figures of the whole service, whichever worker answered."""

    def counted(metric: str, label: str) -> dict[str, float]:
        found = prometheus.query(f"sum by ({label}) ({metric})")
        return {each["metric"][label]: float(each["value"][1]) for each in found}

    assert counted("headrace_outcomes_total", "result") == {"recorded": 2, "same": 1, "conflict": 1, "unknown": 1}
    errors = counted("headrace_errors_total", "kind")
    assert {kind: number for kind, number in errors.items() if number} == {
        "bad_request": 3, "conflict": 1, "not_allowed": 1, "not_found": 1, "not_json": 1,
        "unauthorized": 2, "forbidden": 1, "too_large": 1, "too_many": errors["too_many"],
    }  # fmt: skip
    refusals = counted("headrace_refusals_total", "reason")
    assert refusals.pop("too_many_requests") == errors["too_many"] >= 1
    assert refusals == {"no_token": 1, "wrong_token": 1, "missing_scope": 1, "body_too_large": 1}
    assert counted("headrace_score_count", "variant")["champion"] == sum(
        counted("headrace_decisions_total", "decision").values()
    )
    assert counted("headrace_requests_total", "route")["/v2"] == 1


def test_every_metric_is_described(prometheus: Prometheus) -> None:
    """What the service exports is in docs/deploying.md, and what is there is exported."""
    exported = {name for name in prometheus.get("/metadata") if name.startswith("headrace_")}
    described = re.findall(r"^\| `(headrace_\w+)", (ROOT / "docs" / "deploying.md").read_text(), re.MULTILINE)
    assert {re.sub(r"_total$", "", name) for name in described} == {re.sub(r"_total$", "", name) for name in exported}
    assert len(described) == len(set(described))


def compared(expression: str) -> str:
    """Return an expression whose comparisons say 0 or 1 instead of leaving out what they are not true of."""
    return re.sub(r" (==|!=|>=|<=|>|<) ", r" \1 bool ", re.sub(r"^absent\((.*)\)$", r"\1", expression))


def filled_in(expression: str) -> str:
    """Return a dashboard's expression as Grafana sends it."""
    for name, value in GRAFANA.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def ask_all_sorts(server: Server, tokens: dict[str, str]) -> None:
    """Send rows, batches, outcomes, errors of each kind and what is refused; each is answered as it should be."""

    def post(path: str, content: Any, token: str = Scope.predict, **headers: str) -> tuple[int, Any]:
        return server.post(path, content, Authorization=f"Bearer {tokens[token]}", **headers)

    for number in range(30):
        content = {"instance": payment(number), "request_id": f"row-{number}", "explain": number == 0}
        assert post("/predict", content)[0] == 200
    assert post("/predict", {"instance": payment(0), "request_id": "row-0"})[0] == 200
    rows = [payment(number) for number in range(100, 150)]
    assert post("/predict_batch", {"instances": [*rows, {"id": 1}]})[0] == 200
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [value]} for name, value in payment(200).items()
    ]
    assert post("/v2/models/cards/infer", {"inputs": inputs})[0] == 200
    for told in ([["row-1", 0], ["row-2", 1]], [["row-1", 0], ["row-2", 0], ["nobody", 0]]):
        outcomes = [{"request_id": request_id, "label": label} for request_id, label in told]
        assert post("/outcomes", {"outcomes": outcomes}, Scope.outcomes)[0] == 200

    for wrong in (
        {},
        {"instance": {**payment(9), "kind": "cash"}},
        {"instance": {**payment(9), "amount paid": "much"}},
    ):
        assert post("/predict", wrong)[0] == 400
    assert post("/predict", {"instance": payment(5), "request_id": "row-0"})[0] == 409
    assert post("/predict", {}, Content_Type="text/plain")[0] == 415
    for path, status in (("/predict", 405), ("/nowhere", 404)):
        token = Scope.predict if path == "/predict" else Scope.admin
        assert get(server, path, tokens[token]) == status
    assert server.post("/predict", {})[0] == 401
    assert server.post("/predict", {}, Authorization="Bearer hr_00000000_x")[0] == 401
    assert post("/outcomes", {})[0] == 403
    assert post("/predict", {"instance": " " * LARGEST})[0] == 413
    assert 429 in [post("/predict", {"instance": payment(300 + n)}, "seldom")[0] for n in range(12)]
    for path in ("/livez", "/readyz", "/healthz"):
        assert server.call(path)[0] == 200


def get(server: Server, path: str, token: str) -> int:
    """Return the status of what is answered in words."""
    request = Request(f"http://127.0.0.1:{server.port}{path}", headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=20)
    return refused.value.code


def payment(number: int) -> dict[str, Any]:
    """Return a row of cards, later than all that was learned from."""
    return {
        "id": 10_000 + number, "paid at": f"2024-04-01T{number // 60:02}:{number % 60:02}:00", "card": number % 20,
        "amount paid": 5.0 + number, "kind": "web" if number % 2 else "chip", "country": "FR", "abroad": False,
        "risk": 0.1, "born": "1980-05-17", "code": "AC1", "tries": 1,
    }  # fmt: skip


def _no_wait(rule: dict[str, Any]) -> dict[str, str]:
    return {"for": "0s"} if "for" in rule else {}


def _wait_for(prometheus: Prometheus, expression: str, log: Path) -> None:
    """Wait until an expression says something."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if prometheus.query(expression):
                return
        time.sleep(0.2)
    raise AssertionError(f"nothing was found of {expression}:\n{log.read_text()}")
