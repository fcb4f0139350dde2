"""Judge all candidates on the same rows, and choose the winner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.console import track
from headrace.evaluation.choosing import judge_of
from headrace.evaluation.judging import Judge, Rows, TestRows
from headrace.evaluation.plotting import plot_points
from headrace.evaluation.reading import candidate_folder, check_features, read_parquet
from headrace.evaluation.ruling import judge_rules, rows_seen
from headrace.evaluation.table import FeatureTable
from headrace.metrics import GREATER_IS_BETTER
from headrace.models import load
from headrace.storage import digest
from headrace.tasks import as_column, from_column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from headrace.declaration.pipeline import EvaluateConfig
    from headrace.metrics.ranking import Array

LABEL = "label"
FIT_FACTS = ("params", "prepare", "library", "seed", "rows")


@dataclass(frozen=True)
class Result:
    """What evaluation found out."""

    summary: dict[str, Any]
    """The content of `evaluation.json`."""
    scores: pd.DataFrame
    """The test rows' identity and label, and a column of scores for each candidate."""
    plots: dict[str, pd.DataFrame]
    """The points of each plot, by the plot's name."""


def evaluate(
    validated: Path, features: Path, candidates: Path, models: Mapping[str, str], config: EvaluateConfig
) -> Result:
    """Judge candidates on the test rows, which no candidate has seen, each at the threshold that validation gave it.

    The winner is the best on validation rows: the test rows choose nothing, so what they say of the winner is not luck.

    What the rules make of the winner's scores is measured beside it, and chooses nothing either.

    Args:
        validated: The folder of validated rows, whose columns rules may read.
        features: The features table, with `features.json` in it.
        candidates: The folder of the trained candidates' folders; those that `models` does not name are ignored.
        models: The model's name by candidate, as `candidates.json` has it.
        config: What the pipeline declares.

    Raises:
        DataError: a candidate is missing or was trained on other features, or test rows lack a class.
        IntegrityError: a model file was changed.
        ConfigError: an SQL expression of `evaluation`, or a rule, cannot be computed.
    """
    table = FeatureTable.read(features, config)
    test, judge = table.test_rows(config.evaluation), judge_of(table.task, config.evaluation)
    scores: dict[str, Array] = {}
    judged: dict[str, dict[str, Any]] = {}
    importances: dict[str, dict[str, float]] = {}
    for name in track(sorted(models), "candidates judged", len(models)):
        folder = candidate_folder(candidates, name)
        model = load(folder)
        check_features(folder, model.manifest, table.manifest)
        scores[name] = model.predict(test.table.select(table.features).to_pandas())
        judged[name] = {"model": models[name], "digest": digest(folder), "fit": _fit(model.manifest)}
        judged[name] |= _judge_validation(folder, table, judge)
        judged[name] |= judge.test(test, scores[name], judged[name]["threshold"])
        importances[name] = model.manifest["importance"]
    summary = _summarise(judged, table, test, judge)
    winner, threshold = scores[summary["winner"]], judged[summary["winner"]]["threshold"]
    seen = rows_seen(config.rules, test.table, validated, table.manifest["key"])
    summary["hybrid"] = judge_rules(config.rules, judge, test, seen, winner, threshold=threshold)
    identity = test.table.select(table.identity).to_pandas()
    return Result(
        summary,
        identity.assign(**{LABEL: test.rows.labels}, **{name: as_column(each) for name, each in scores.items()}),
        plot_points(judge, test, scores, judged, importances),
    )


def choose_winner(validation: Mapping[str, float], metric: str) -> str:
    """Return the candidate with the best value; the first by name among equals."""
    best = (max if GREATER_IS_BETTER[metric] else min)(validation.values())
    return min(name for name, value in validation.items() if value == best)


def _fit(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a candidate came to be, but for the many numbers."""
    facts = {name: manifest[name] for name in FIT_FACTS}
    tuning = manifest["tuning"]
    return {
        **facts,
        "features": len(manifest["features"]),
        "train": manifest["periods"]["train"],
        "tuning": tuning and {"metric": tuning["metric"], "best": tuning["best"], "trials": len(tuning["trials"])},
    }


def _judge_validation(folder: Path, table: FeatureTable, judge: Judge) -> dict[str, Any]:
    validation = read_parquet(folder / "validation.parquet")
    rows = Rows.of(validation, LABEL, table.manifest["timestamp"], judge.evaluation)
    return judge.validation(rows, from_column(validation["score"].to_numpy()), validation["fold"].to_numpy())


def _summarise(judged: dict[str, dict[str, Any]], table: FeatureTable, test: TestRows, judge: Judge) -> dict[str, Any]:
    knowable = None if test.knowable is None else int((test.knowable & (test.rows.labels != 0)).sum())
    metric, task = judge.evaluation.metric, table.task
    return {
        "winner": choose_winner({name: one["validation"][metric] for name, one in judged.items()}, metric),
        "metric": metric,
        "greater_is_better": GREATER_IS_BETTER[metric],
        "task": task.describe(),
        **judge.facts(),
        "test": {**table.folds.test.describe(table.labels, task), "knowable_positives": knowable, "known": table.known},
        "validation": [fold.validation.describe(table.labels, task) for fold in table.folds.folds],
        "candidates": judged,
    }
