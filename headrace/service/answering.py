"""From a request to an answer that is in the prediction log: the one path that every route takes."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import time
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool

from headrace.declaration.serving import OnFailure
from headrace.errors import ConflictError, DataError, HeadraceError, LogUnavailable, WindowsUnavailable
from headrace.prediction_log import Entry, new_request_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.live import LiveFeatures
    from headrace.prediction_log import PredictionLog, Recorded, Repeated, Stored
    from headrace.service.contents import Contents
    from headrace.service.metrics import Metrics
    from headrace.service.predictor import Predictor, Row, Scored, Values
    from headrace.service.settings import Settings

MILLISECONDS = 1000.0
AT_ONCE = 512
"""Rows of a batch that are logged together: more than the event loop writes itself, so that a thread does."""


class Contribution(msgspec.Struct, frozen=True, gc=False):
    """What a feature adds to the log-odds of the positive class, the score of the predicted one, or the number."""

    feature: str
    value: float | str | None
    contribution: float


class Prediction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is answered about a row."""

    prediction: Any
    probability: float | msgspec.UnsetType = msgspec.UNSET
    """Of the positive class, or of the class that is predicted; a number has none."""
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """Of each class, where there are three or more."""
    decision: str
    rule: str | None
    model_version: str
    variant: str
    request_id: str


class Answer(Prediction, frozen=True, kw_only=True):
    """The answer of `/predict`."""

    latency_ms: float
    base_value: float | msgspec.UnsetType = msgspec.UNSET
    contributions: list[Contribution] | msgspec.UnsetType = msgspec.UNSET


class BatchError(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with one of many."""

    index: int
    error: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer of `/predict_batch`."""

    predictions: list[Prediction | None]
    errors: list[BatchError]
    latency_ms: float


class OutcomeResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an outcome."""

    request_id: str
    result: str
    error: str | None = None


class OutcomesAnswer(msgspec.Struct, frozen=True):
    """The answer of `/outcomes`."""

    results: list[OutcomeResult]


def to_ask_again(error: LogUnavailable | WindowsUnavailable, request_id: str) -> LogUnavailable | WindowsUnavailable:
    """Return an error, which is that of all whose turn it was, as that of one request.

    Windows may have its rows: when it comes again by this id they count once.
    """
    own = type(error)(*error.args)
    own.request_id = request_id
    return own


class Answering:
    """Answers requests: predicts, logs, and only then gives the answer away.

    Args:
        contents: What is served.
        settings: What the service was told.
        predictor: What is made of a row.
        log: Where answers are kept.
        live: Where labels that become known are told.
        metrics: Where it is counted.
    """

    def __init__(  # noqa: PLR0913  all that an answer takes
        self,
        contents: Contents,
        settings: Settings,
        *,
        predictor: Predictor,
        log: PredictionLog,
        live: LiveFeatures,
        metrics: Metrics,
    ) -> None:
        self.predictor = predictor
        self._has_probability = contents.task.is_classification
        self._subject = settings.log.subject
        self._version, self._variant = contents.version, settings.variant
        self._key, self._target = contents.schema.key, contents.target.column
        self._log, self._live, self._metrics = log, live, metrics
        self._log_on_failure = settings.log.on_failure

    async def answer(self, row: Row, request_id: str | None, *, explain: bool, since: float) -> Answer:
        """Answer one request.

        Args:
            row: Python values by column.
            request_id: The client's own; None to make one.
            explain: Whether to tell what each feature contributes.
            since: When the request arrived, `time.perf_counter()`.

        Raises:
            WindowsUnavailable, LogUnavailable: A store cannot be reached; nothing was acknowledged.
            ConflictError: The request id was used for another row.
            DataError: The row cannot be answered, or the model cannot be explained.
        """
        if explain and not self.predictor.explains:
            raise DataError("explain: this model has no exact contributions; leave it out, or give false")
        request_id = request_id or new_request_id()
        try:
            scored = await self.predictor.score(row, request_id)
            repeated = await self._write(self._entry(row, request_id, scored, dt.datetime.now(dt.UTC)))
        except (LogUnavailable, WindowsUnavailable) as error:
            raise to_ask_again(error, request_id) from error
        if repeated is None:
            answer, features = self._fresh(request_id, scored), scored.features
            self._metrics.count(scored.said.score, scored.decision)
        else:
            answer = self._again(repeated.stored)
            features = self._features_of(repeated.stored) if explain else []
        said: dict[str, Any] = {}
        if explain:
            found = self.predictor.contributions(features)
            said = {"base_value": found.base, "contributions": [Contribution(*each) for each in found.of]}
        return Answer(**answer, latency_ms=(time.perf_counter() - since) * MILLISECONDS, **said)

    async def answer_many(
        self, rows: Sequence[Row], request_ids: Sequence[str]
    ) -> list[Prediction | ConflictError | DataError]:
        """Answer rows, in their order.

        One that cannot be answered, or whose request id was used for another row, does not spoil the rest.

        Raises:
            WindowsUnavailable, LogUnavailable: A store cannot be reached; nothing was acknowledged.
        """
        scored = await self.predictor.score_many(rows, request_ids)
        answers: list[Prediction | ConflictError | DataError] = []
        # Some at a time: those who ask about one row have their turns between, here and in the log.
        for start in range(0, len(rows), AT_ONCE):
            end = start + AT_ONCE
            answers += await self._log_and_say(rows[start:end], request_ids[start:end], scored[start:end])
        return answers

    async def _log_and_say(
        self, rows: Sequence[Row], request_ids: Sequence[str], scored: Sequence[Scored | DataError]
    ) -> list[Prediction | ConflictError | DataError]:
        now = dt.datetime.now(dt.UTC)
        entries = [
            self._entry(row, request_id, each, now)
            for row, request_id, each in zip(rows, request_ids, scored, strict=True)
            if not isinstance(each, DataError)
        ]
        results = iter(await self._write_many(entries))
        answers: list[Prediction | ConflictError | DataError] = []
        fresh: list[Scored] = []
        for request_id, each in zip(request_ids, scored, strict=True):
            if isinstance(each, DataError):
                answers.append(each)
                continue
            result = next(results)
            if isinstance(result, ConflictError):
                answers.append(result)
            elif isinstance(result, Exception):
                raise result
            elif result is None:
                answers.append(Prediction(**self._fresh(request_id, each)))
                fresh.append(each)
            else:
                answers.append(Prediction(**self._again(result.stored)))
        self._metrics.count_many([each.said.score for each in fresh], [each.decision for each in fresh])
        return answers

    async def record_outcomes(self, outcomes: Sequence[tuple[str, Any]]) -> OutcomesAnswer:
        """Record the truth about earlier answers, and tell it to the windows that read labels.

        Args:
            outcomes: Request ids and labels.

        Raises:
            WindowsUnavailable, LogUnavailable: A store cannot be reached; saying all of it again is safe.
        """
        now = dt.datetime.now(dt.UTC)
        recorded = await self._log.record_outcomes([(each, _as_json(label)) for each, label in outcomes], now)
        # What was recorded before is told again: the windows may have been away then.
        kept = [place for place, result in enumerate(recorded) if not isinstance(result, HeadraceError)]
        stored = await self._log.find_many([outcomes[place][0] for place in kept])
        known = [(each, outcomes[place]) for place, each in zip(kept, stored, strict=True) if each is not None]
        await run_in_threadpool(
            self._live.tell_many,
            [self._key_of(each) for each, _ in known],
            [label for _, (_, label) in known],
            [request_id for _, (request_id, _) in known],
        )
        results = [_result(*each) for each in zip(outcomes, recorded, strict=True)]
        for result in results:
            self._metrics.outcome(result.result)
        return OutcomesAnswer(results)

    async def _write(self, entry: Entry) -> Repeated | None:
        try:
            return await self._log.append(entry)
        except LogUnavailable:
            if self._log_on_failure is OnFailure.refuse:
                raise
            return None

    async def _write_many(self, entries: Sequence[Entry]) -> Sequence[Repeated | HeadraceError | None]:
        try:
            return await self._log.append_many(entries)
        except LogUnavailable:
            if self._log_on_failure is OnFailure.refuse:
                raise
            return [None] * len(entries)

    def _entry(self, row: Row, request_id: str, scored: Scored, now: dt.datetime) -> Entry:
        return Entry(
            request_id=request_id,
            time=now,
            subject=None if self._subject is None else row.get(self._subject),
            instance=row,
            features=dict(zip(self.predictor.names, scored.features, strict=True)),
            prediction=scored.said.prediction,
            probabilities=scored.said.probabilities,
            score=scored.said.score,
            decision=scored.decision,
            rule=scored.rule,
            variant=self._variant,
            model_version=self._version,
        )

    def _key_of(self, stored: Stored) -> Row:
        """Return what windows know a row by. The rest they have kept themselves."""
        return {name: value for name, value in stored.payload["instance"].items() if name == self._key}

    def _features_of(self, stored: Stored) -> Values:
        if stored.model_version != self._version:
            raise ConflictError(
                f"request_id '{stored.request_id}': was answered by model {stored.model_version}, which is served no "
                "more; leave out explain to get that answer again"
            )
        features = stored.payload["features"]
        return [math.nan if features[name] is None else features[name] for name in self.predictor.names]

    def _fresh(self, request_id: str, scored: Scored) -> dict[str, Any]:
        return {
            "prediction": scored.said.prediction,
            **self._probabilities(scored.said.score, scored.said.probabilities),
            "decision": scored.decision,
            "rule": scored.rule,
            "model_version": self._version,
            "variant": self._variant,
            "request_id": request_id,
        }

    def _again(self, stored: Stored) -> dict[str, Any]:
        """Return an answer that was given before, whichever model gave it."""
        return {
            "prediction": stored.payload.get("prediction"),
            **self._probabilities(stored.score, stored.payload.get("probabilities")),
            "decision": stored.decision,
            "rule": stored.payload.get("rule"),
            "model_version": stored.model_version,
            "variant": stored.variant,
            "request_id": stored.request_id,
        }

    def _probabilities(self, score: float, probabilities: dict[str, float] | None) -> dict[str, Any]:
        if not self._has_probability:
            return {}
        return {"probability": score, **({"probabilities": probabilities} if probabilities else {})}


def _as_json(label: Any) -> Any:
    return float(label) if isinstance(label, decimal.Decimal) else label


def _result(outcome: tuple[str, Any], recorded: Recorded | HeadraceError) -> OutcomeResult:
    request_id, _ = outcome
    if isinstance(recorded, ConflictError):
        return OutcomeResult(request_id, "conflict", str(recorded))
    if isinstance(recorded, HeadraceError):
        return OutcomeResult(request_id, "unknown", str(recorded))
    return OutcomeResult(request_id, recorded.value)
