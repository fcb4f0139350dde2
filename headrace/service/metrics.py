"""What the service counts, in Prometheus' terms. BentoML gathers it from all workers and answers `/metrics`."""

from __future__ import annotations

import collections
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.multiprocess import mark_process_dead

from headrace.declaration.modelling import TaskName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.access import Gate
    from headrace.prediction_log import PredictionLog
    from headrace.service.contents import Contents
    from headrace.service.predictor import Predictor

SECONDS = (
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05,
    0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip
ROWS = (1, 10, 100, 1_000, 10_000, 100_000)
SCORES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SCORE = {
    TaskName.binary: "Probability of the positive class",
    TaskName.multiclass: "Probability of the class that is predicted",
    TaskName.regression: "What is predicted; a bucket for each tenth of the labels that were trained on",
}
KINDS = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "not_allowed", 409: "conflict",
    413: "too_large", 415: "not_json", 422: "bad_request", 429: "too_many", 503: "unavailable", 504: "timeout",
}  # fmt: skip
INTERNAL = "internal"
"""Every status that KINDS has not."""
RESULTS = ("recorded", "same", "conflict", "unknown")
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Counts what one worker does. One for each process.

    Args:
        contents: What is served.
        variant: What its answers are told apart by.
        manifest: That of the model.
    """

    def __init__(self, contents: Contents, variant: str, manifest: Mapping[str, Any]) -> None:
        _forget_the_dead()
        # BentoML gathers from the files of its workers, not from a registry: in one, a second service would collide.
        counter, gauge = partial(Counter, registry=None), partial(Gauge, registry=None)
        histogram = partial(Histogram, registry=None)
        self._requests = counter("headrace_requests", "Requests that were answered", ["route", "status"])
        self._errors = counter("headrace_errors", "Answers that are errors", ["kind"])
        self._seconds = histogram(
            "headrace_request_seconds", "From a request's arrival to its answer", ["route"], buckets=SECONDS
        )
        self._rows = histogram("headrace_batch_size", "Instances in a batch", buckets=ROWS)
        score = histogram(
            "headrace_score", SCORE[contents.task.name], ["variant"], buckets=_score_buckets(contents, manifest)
        )
        decided = counter("headrace_decisions", "Decisions", ["decision", "variant"])
        windows = counter("headrace_window_rows", "Rows by whether their entities had a history", ["result"])
        self._outcomes = counter("headrace_outcomes", "Outcomes by what became of them", ["result"])
        self._refusals = counter("headrace_refusals", "Requests that were not admitted", ["reason"])
        self._log_failures = counter("headrace_log_failures", "Answers that could not be logged")
        self._without_windows = counter("headrace_rows_without_windows", "Rows that were served without windows")
        self._backlog = gauge("headrace_log_backlog", "Answers that wait to be logged", multiprocess_mode="livesum")
        self._ready = gauge("headrace_ready", "Whether requests are answered", multiprocess_mode="livemin")
        self._log_up = gauge("headrace_log_up", "Whether the prediction log takes answers", multiprocess_mode="livemin")
        self._windows_up = gauge(
            "headrace_windows_up", "Whether entity windows can be reached", multiprocess_mode="livemin"
        )
        gauge("headrace_model_info", "What is served", ["version", "candidate"], multiprocess_mode="livemax").labels(
            contents.version, contents.lineage.candidate
        ).set(1)
        # Finding a child by its labels takes longer than counting: the frequent ones are found once.
        self._score = score.labels(variant)
        self._decisions = {each: decided.labels(each, variant) for each in contents.decisions}
        self._windows = {result: windows.labels(result) for result in ("hit", "miss")}
        # What has not happened yet is 0: a rate sees the first one, and an alert need not wait for a second.
        for kind in (*KINDS.values(), INTERNAL):
            self._errors.labels(kind)
        for result in RESULTS:
            self._outcomes.labels(result)
        self._answered: dict[tuple[str, int], Counter] = {}
        self._took: dict[str, Histogram] = {}
        self._told: dict[Counter, int] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        counter = self._answered.get((route, status))
        if counter is None:
            counter = self._answered[route, status] = self._requests.labels(route, str(status))
            self._took[route] = self._seconds.labels(route)
        counter.inc()
        self._took[route].observe(seconds)
        if status >= 400:
            self._errors.labels(KINDS.get(status, INTERNAL)).inc()

    def count(self, score: float, decision: str) -> None:
        """Count a row that was answered for the first time."""
        self._score.observe(score)
        self._decisions[decision].inc()

    def count_many(self, scores: Sequence[float], decisions: Sequence[str]) -> None:
        """Count rows that were answered for the first time."""
        for score in scores:
            self._score.observe(score)
        for decision, rows in collections.Counter(decisions).items():
            self._decisions[decision].inc(rows)

    def batch(self, rows: int) -> None:
        """Count a batch."""
        self._rows.observe(rows)

    def outcome(self, result: str) -> None:
        """Count an outcome."""
        self._outcomes.labels(result).inc()

    def look(self, log: PredictionLog, gate: Gate, predictor: Predictor, *, windows_up: bool, ready: bool) -> None:
        """Take over what others count for themselves: to be called every second or so."""
        self._backlog.set(log.backlog)
        self._log_up.set(log.up)
        self._windows_up.set(windows_up)
        self._ready.set(ready)
        self._catch_up(self._log_failures, log.failures)
        self._catch_up(self._without_windows, predictor.missed)
        for reason, number in list(gate.refusals.items()):  # requests add to them meanwhile
            self._catch_up(self._refusals.labels(reason), number)
        for result, number in zip(("hit", "miss"), predictor.windows_found, strict=True):
            self._catch_up(self._windows[result], number)

    def _catch_up(self, counter: Counter, number: int) -> None:
        counter.inc(number - self._told.get(counter, 0))
        self._told[counter] = number


def _score_buckets(contents: Contents, manifest: Mapping[str, Any]) -> Sequence[float]:
    if contents.task.is_classification:
        return SCORES
    return sorted(set(manifest["periods"]["train"]["deciles"]))


def _forget_the_dead() -> None:
    """Drop the gauges of workers that were killed: they could not do so themselves."""
    folder = os.environ.get(DIRECTORY)
    for file in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
