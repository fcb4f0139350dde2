"""Prometheus takes the rules; each alert fires on what it is for, and on nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from rendering import ROOT, rules

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = {rule["alert"]: rule for group in rules()["groups"] for rule in group["rules"] if "alert" in rule}
EARLIER_MINUTES, CHANGED_MINUTES = 24 * 60, 8 * 60
"""How long all is as ever, and how long it is otherwise then, where a rule compares the two."""
A_MINUTE = {
    'headrace_requests_total{route="/predict", status="200"}': 6000,
    'headrace_errors_total{kind="internal"}': 10,
    'headrace_errors_total{kind="bad_request"}': 60,
    'headrace_request_seconds_bucket{route="/predict", le="0.005"}': 5900,
    'headrace_request_seconds_bucket{route="/predict", le="0.05"}': 5990,
    'headrace_request_seconds_bucket{route="/predict", le="0.1"}': 6000,
    'headrace_request_seconds_bucket{route="/predict", le="+Inf"}': 6000,
    'headrace_score_bucket{variant="champion", le="0.1"}': 5900,
    'headrace_score_bucket{variant="champion", le="1.0"}': 6000,
    'headrace_score_bucket{variant="champion", le="+Inf"}': 6000,
    'headrace_score_count{variant="champion"}': 6000,
    'headrace_decisions_total{variant="champion", decision="allow"}': 5900,
    'headrace_decisions_total{variant="champion", decision="block"}': 100,
    'headrace_window_rows_total{result="hit"}': 11_800,
    'headrace_window_rows_total{result="miss"}': 200,
    'headrace_outcomes_total{result="recorded"}': 20,
    'headrace_refusals_total{reason="wrong_token"}': 6,
    "headrace_log_failures_total{}": 0,
    "headrace_rows_without_windows_total{}": 0,
}
"""What a service that is well counts in a minute, and below, what it is."""
IS = {
    "up{}": 1,
    "headrace_ready{}": 1,
    "headrace_log_up{}": 1,
    "headrace_windows_up{}": 1,
    "headrace_log_backlog{}": 40,
    'headrace_model_info{version="aaa", candidate="one"}': 1,
}
CASES = [
    ({}, None),
    ({"headrace_ready{}": None}, "HeadraceGone"),
    ({"up{}": 0}, "HeadraceDown"),
    ({"headrace_ready{}": 0}, "HeadraceNotReady"),
    ({'headrace_errors_total{kind="internal"}': 90}, "HeadraceErrors"),
    ({'headrace_errors_total{kind="unavailable"}': 90}, "HeadraceErrors"),
    ({'headrace_request_seconds_bucket{route="/predict", le="0.05"}': 5930}, "HeadraceSlow"),
    ({"headrace_log_up{}": 0}, "HeadraceLogDown"),
    ({"headrace_log_failures_total{}": 1}, "HeadraceUnlogged"),
    ({"headrace_log_backlog{}": 2500}, "HeadraceLogBacklog"),
    ({"headrace_windows_up{}": 0}, "HeadraceWindowsDown"),
    ({"headrace_rows_without_windows_total{}": 1}, "HeadraceWithoutWindows"),
    (
        {'headrace_window_rows_total{result="hit"}': 6000, 'headrace_window_rows_total{result="miss"}': 6000},
        "HeadraceWindowsForgotten",
    ),
    ({'headrace_refusals_total{reason="wrong_token"}': 400}, "HeadraceRefusals"),
    ({'headrace_errors_total{kind="bad_request"}': 400}, "HeadraceBadRequests"),
    ({'headrace_score_bucket{variant="champion", le="0.1"}': 4500}, "HeadraceScoreShift"),
    (
        {
            'headrace_decisions_total{variant="champion", decision="allow"}': 4500,
            'headrace_decisions_total{variant="champion", decision="block"}': 1500,
        },
        "HeadraceDecisionShift",
    ),
    (
        {
            'headrace_decisions_total{variant="champion", decision="allow"}': 6000,
            'headrace_decisions_total{variant="champion", decision="block"}': 0,
        },
        "HeadraceDecisionShift",
    ),
    ({'headrace_model_info{version="bbb", candidate="two"}': 1}, "HeadraceVersions"),
    ({'headrace_outcomes_total{result="recorded"}': 0}, "HeadraceNoOutcomes"),
]


@pytest.fixture(scope="module")
def promtool() -> str:
    """Return the command that tests rules."""
    found = shutil.which("promtool")
    if found is None:
        assert not os.environ.get("CI"), ".ci/run installs prometheus"
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the rules, as a Prometheus without operator reads them."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    return tmp_path / "rules.yaml"


def test_prometheus_takes_the_rules(promtool: str, file: Path) -> None:
    """Each expression, label and template, and no duplicate."""
    done = subprocess.run([promtool, "check", "rules", "--lint=all", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(len(group['rules']) for group in rules()['groups'])} rules found" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "alert"), CASES)
def test_an_alert_fires_on_what_it_is_for(
    promtool: str, file: Path, changes: dict[str, int | None], alert: str | None
) -> None:
    """A day all is well, then something changes: that alert is sent, no other is, and none was before."""
    last = EARLIER_MINUTES + (25 * 60 if alert == "HeadraceNoOutcomes" else CHANGED_MINUTES)
    series = [
        {"series": _placed(name), "values": _values(name, changes, last)} for name in {**A_MINUTE, **IS, **changes}
    ]
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else []
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{EARLIER_MINUTES - 1}m", "exp_samples": []},
            {"expr": firing, "eval_time": f"{last}m", "exp_samples": expected},
        ],
    }
    told = {
        "rule_files": [file.name],
        "evaluation_interval": "10m",
        "group_eval_order": [group["name"] for group in rules()["groups"]],  # any order otherwise
        "tests": [test],
    }
    (file.parent / "test.yaml").write_text(yaml.safe_dump(told))
    command = [promtool, "test", "rules", "test.yaml"]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    """None is there that never fired."""
    assert {alert for _, alert in CASES if alert} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_whom_an_alert_wakes_is_told_what_to_do(name: str) -> None:
    """How bad it is, what it is, what it means, and the place that says what to do."""
    labels, annotations = ALERTS[name]["labels"], ALERTS[name]["annotations"]
    assert labels["severity"] in {"critical", "warning"}
    assert set(annotations) == {"summary", "description", "runbook"}
    page, _, anchor = annotations["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert name in headings
    assert anchor == name.lower()


def _placed(name: str) -> str:
    """Return a series with the labels that a scrape gives it."""
    metric, _, labels = name.rstrip("}").partition("{")
    return f'{metric}{{{labels + ", " if labels else ""}namespace="here", job="headrace", instance="one:3000"}}'


def _values(name: str, changes: dict[str, int | None], last: int) -> str:
    """Return a series as promtool has it: a value, what comes on top of it each minute, and how often."""
    changed = last - EARLIER_MINUTES
    if name in A_MINUTE or name.endswith("_total}") or "_total{" in name:
        before = A_MINUTE.get(name, 0)
        after = changes.get(name, before)
        return f"0+{before}x{EARLIER_MINUTES} {EARLIER_MINUTES * before + (after or 0)}+{after}x{changed - 1}"
    before = IS.get(name)
    after = changes.get(name, before)
    first = "_x" if before is None else f"{before}+0x"
    then = f"_x{changed}" if after is None else f"{after}+0x{changed - 1}"
    # `_x3` is three values that are missing, `1+0x3` is four.
    return f"{first}{EARLIER_MINUTES + (before is None)} {then}"
