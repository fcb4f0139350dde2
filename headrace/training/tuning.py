"""Tuning: parameters are tried on the validation folds, and on nothing later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.console import track
from headrace.metrics import GREATER_IS_BETTER, METRICS
from headrace.models import fit
from headrace.training.searching import make_study, starts, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.declaration.modelling import Model
    from headrace.models import TrainingRows
    from headrace.tasks import Task


@dataclass(frozen=True)
class FoldRows:
    """A fold, read and prepared once for all trials."""

    train: TrainingRows
    validation: Any
    """The validation rows, prepared as those of `train`."""
    labels: NDArray[Any]
    """The labels of the validation rows."""


@dataclass
class Attempt:
    """Parameters, and what they gave."""

    params: dict[str, Any]
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    """For each fold, the scores of its validation rows; fewer where the attempt was given up."""
    values: list[float] = field(default_factory=list)
    """For each fold, the metric."""

    @property
    def value(self) -> float:
        """The metric, averaged over the folds."""
        return float(np.mean(self.values))

    def describe(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return {"params": self.params, "value": self.value, "folds": len(self.values)}


@dataclass(frozen=True)
class Tuning:
    """All attempts and the best of them."""

    best: Attempt
    attempts: list[Attempt]


@dataclass(frozen=True)
class Tuner:
    """Tries a model's parameters on folds."""

    model: Model
    folds: Sequence[FoldRows]
    task: Task
    metric: str
    """A name in `headrace.metrics.METRICS`, of the task."""
    seed: int

    def tune(self, name: str) -> Tuning:
        """Try as many sets of parameters as declared; `name` is the candidate's, for whoever watches."""
        if not self.model.trials:
            attempt = self._attempt({**self.model.params, **starts(self.model)}, lambda _: False)
            return Tuning(attempt, [attempt])
        from optuna.trial import TrialState

        maximize = GREATER_IS_BETTER[self.metric]
        study = make_study(self.model, self.seed, maximize=maximize)
        attempts, whole = [], []
        for _ in track(range(self.model.trials), f"train {name}: trials", self.model.trials):
            trial = study.ask()

            def give_up(attempt: Attempt, trial: Any = trial) -> bool:
                trial.report(attempt.value, len(attempt.values) - 1)
                return bool(trial.should_prune())

            attempt = self._attempt(suggest(trial, self.model), give_up)
            attempts.append(attempt)
            if len(attempt.values) < len(self.folds):
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, attempt.value)
                whole.append(attempt)
        best = (max if maximize else min)(whole, key=lambda attempt: attempt.value)
        return Tuning(best, attempts)

    def _attempt(self, params: dict[str, Any], give_up: Callable[[Attempt], bool]) -> Attempt:
        attempt = Attempt(params)
        for fold in self.folds:
            scores = fit(self.model, params, fold.train, self.seed).predict(fold.validation)
            attempt.scores.append(scores)
            attempt.values.append(METRICS[self.task.name][self.metric](fold.labels, scores))
            if len(attempt.values) < len(self.folds) and give_up(attempt):
                break
        return attempt
