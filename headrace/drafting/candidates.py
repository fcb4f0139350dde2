"""Who competes, by which metric, and which share of false alarms may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.drafting.tasks import BINARY, MULTICLASS, REGRESSION

if TYPE_CHECKING:
    from headrace.drafting.guesses import Guess
    from headrace.drafting.tasks import Task

MODELS = {
    BINARY: ("logistic_regression", "lightgbm", "hist_gradient_boosting"),
    MULTICLASS: ("logistic_regression", "lightgbm", "hist_gradient_boosting"),
    REGRESSION: ("ridge", "lightgbm_regressor", "hist_gradient_boosting_regressor"),
}
MODELS_OF_PROJECT = Path("conf", "model")
LINEAR = ("logistic_regression", "ridge")
SHORT = {
    "logistic_regression": "logistic",
    "hist_gradient_boosting": "boosting",
    "lightgbm_regressor": "lightgbm",
    "hist_gradient_boosting_regressor": "boosting",
}
WIDEST = 50_000_000
"""Values of encoded rows that a linear model gets: categories are a column for each value."""
RARE = 0.2
SMALLEST_BUDGET, LARGEST_BUDGET = 0.001, 0.1


@dataclass(frozen=True)
class Contest:
    """Who competes for what."""

    models: dict[str, str]
    """A model of `conf/model/`, by the end of the candidate's name."""
    metric: str
    metric_why: str
    budget: float
    budget_why: str
    remarks: tuple[str, ...] = ()


def choose_contest(features: list[Guess], rows: int, task: Task) -> Contest:
    """Return the candidates that fit the rows, and what they are judged by."""
    wide = sum(guess.distinct if guess.type == "category" else 1 for guess in features)
    models, remarks = [], []
    for model in MODELS[task.kind]:
        if MODELS_OF_PROJECT.is_dir() and not (MODELS_OF_PROJECT / f"{model}.yaml").exists():
            continue
        if model in LINEAR and wide * rows > WIDEST:
            remarks.append(
                f"no {SHORT.get(model, model)} candidate: {rows:,} rows by {wide:,} encoded columns are too many"
            )
            continue
        models.append(model)
    metric, metric_why = _metric(task)
    budget, budget_why = _budget(task)
    return Contest(
        {SHORT.get(model, model): model for model in models}, metric, metric_why, budget, budget_why, tuple(remarks)
    )


def _metric(task: Task) -> tuple[str, str]:
    if task.kind == BINARY:
        share = 100 * task.positive_share
        if task.positive_share < RARE:
            return "average_precision", f"only {share:.3g} % are positive: it looks at these alone"
        return "roc_auc", f"{share:.3g} % are positive: both classes count"
    if task.kind == MULTICLASS:
        return "log_loss", "how sure it is of the right class"
    return "rmse", "in the unit of the label; large misses count most"


def _budget(task: Task) -> tuple[float, str]:
    if task.kind != BINARY:
        return 0.0, ""
    share = task.positive_share
    budget = float(f"{min(max(share, SMALLEST_BUDGET), LARGEST_BUDGET):.1g}")
    if budget >= LARGEST_BUDGET:
        return budget, "one in ten of the others may be flagged: what does a false alarm cost you?"
    return budget, "as many false alarms as there are positives, at most: what does one cost you?"
