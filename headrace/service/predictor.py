"""From a row to its score and its decision: the features of training, the model that won, the rules beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool

from headrace.declaration.serving import OnFailure
from headrace.errors import DataError, WindowsUnavailable
from headrace.models import load
from headrace.rules.row import RowRules
from headrace.service.contents import WINNER
from headrace.service.gathering import Gathering
from headrace.service.saying import Said, saying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headrace.live import LiveFeatures
    from headrace.models import Contributions
    from headrace.service.contents import Contents

Row = dict[str, Any]
Values = list[float | str | None]


class Scored(NamedTuple):
    """A row, and what was made of it."""

    features: Values
    """In the order of `Predictor.names`."""
    said: Said
    decision: str
    rule: str | None


class Predictor:
    """A packaged pipeline, asked with raw rows from one event loop.

    Args:
        folder: The package.
        contents: What `read_contents` says of it.
        live: Its features, current.
        on_failure: What is done while their store cannot be reached.

    Raises:
        IntegrityError: A file of the model is not the one that was written.
    """

    def __init__(self, folder: Path, contents: Contents, live: LiveFeatures, on_failure: OnFailure) -> None:
        model = load(folder / WINNER)
        self.names = live.names
        self.manifest = model.manifest
        self.threshold: float | None = model.manifest["threshold"]
        self.missed = 0
        """Rows that were served without windows."""
        self._live, self._on_failure = live, on_failure
        self._ask = Gathering(live.ask_each, in_thread=live.is_remote)
        self._score = model.scorer(live.names)
        self._say = saying(contents.task, self.threshold)
        self._decide = RowRules(contents.rules, contents.schema, contents.features, contents.task, self.threshold)

    @property
    def windows_found(self) -> tuple[int, int]:
        """How many entities had a history when a row of theirs came, and how many had none."""
        return self._live.hits, self._live.misses

    @property
    def explains(self) -> bool:
        """Whether the model can say what each feature contributes."""
        return bool(self._score.explains)

    async def score(self, row: Row, request_id: str) -> Scored:
        """Record a row, and say what is made of it.

        Raises:
            WindowsUnavailable: Windows cannot be reached, and the row is not to be served without.
            DataError: An expression does not take the row.
        """
        values = await self._features(row, request_id)
        score = self._score(values)
        decision, rule = self._decide(row, values, score)
        return Scored(values, self._say(score), decision, rule)

    async def score_many(self, rows: Sequence[Row], request_ids: Sequence[str]) -> list[Scored | DataError]:
        """Record rows and say what is made of each, or what is wrong with it, in their order.

        Raises:
            WindowsUnavailable: As `score`.
        """
        return await run_in_threadpool(self._score_many, rows, request_ids)

    def contributions(self, values: Values) -> Contributions:
        """Return what each feature adds to the log-odds, to the score of the predicted class, or to the number.

        Raises:
            DataError: The model cannot say.
        """
        return self._score.contributions(values)

    async def _features(self, row: Row, request_id: str) -> Values:
        try:
            return await self._ask((row, request_id))
        except WindowsUnavailable:
            if self._on_failure is OnFailure.refuse:
                raise
            self.missed += 1
            return self._live.without_windows(row)

    def _score_many(self, rows: Sequence[Row], request_ids: Sequence[str]) -> list[Scored | DataError]:
        found = self._features_of_many(rows, request_ids)
        right = [(row, values) for row, values in zip(rows, found, strict=True) if not isinstance(values, DataError)]
        scored = self._score_right([row for row, _ in right], [values for _, values in right]) if right else iter(())
        return [values if isinstance(values, DataError) else next(scored) for values in found]

    def _score_right(self, rows: Sequence[Row], values: Sequence[Values]) -> Iterator[Scored]:
        scores = self._score.many(values)
        decisions = self._decide.many(rows, values, scores)
        told = scores.tolist() if scores.ndim == 1 else scores
        for own, score, (decision, rule) in zip(values, told, decisions, strict=True):
            yield Scored(own, self._say(score), decision, rule)

    def _features_of_many(self, rows: Sequence[Row], request_ids: Sequence[str]) -> Sequence[Values | DataError]:
        try:
            return self._live.ask_many(rows, request_ids)
        except WindowsUnavailable:
            if self._on_failure is OnFailure.refuse:
                raise
            self.missed += len(rows)
            return [self._without_windows(row) for row in rows]

    def _without_windows(self, row: Row) -> Values | DataError:
        try:
            return self._live.without_windows(row)
        except DataError as error:
            return error
