"""The winner against the champion on the same test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import DataError
from headrace.metrics import GREATER_IS_BETTER, METRICS, resample_weights, weighted
from headrace.storage import list_parts
from headrace.tasks import from_column, read_task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from headrace.declaration.pipeline import RegisterConfig
    from headrace.metrics.ranking import Array
    from headrace.models import LoadedModel
    from headrace.tasks import Task


@dataclass(frozen=True)
class Comparison:
    """By how much a winner is better than the champion: the difference is positive where it is, for every metric."""

    winner_value: float
    champion_value: float
    difference: float
    interval: tuple[float, float]


def find_obstacle(champion: Mapping[str, Any], features: Mapping[str, Any], summary: Mapping[str, Any]) -> str | None:
    """Return why the champion cannot be scored fairly on today's test rows; None if it can.

    Args:
        champion: Its manifest.
        features: `features.json`.
        summary: `evaluation.json`.
    """
    ours, theirs = read_task(features), read_task(champion)
    if (ours.name, ours.classes) != (theirs.name, theirs.classes):
        return f"the champion's target is {_words(theirs)}, that of today {_words(ours)}"
    present = {feature["name"]: feature["type"] for feature in features["features"]}
    for feature in champion["features"]:
        found = present.get(feature["name"], "not declared any more")
        if found != feature["type"]:
            return f"the champion takes the {feature['type']} {feature['name']}, which is {found} in features.json"
    trained, test = champion["periods"]["train"], summary["test"]
    until, since = trained.get("until"), test.get("from")
    if until and since and until > since:
        return f"the champion was trained on rows until {until}, the test rows begin on {since}"
    left, judges = trained.get("test_share"), test.get("test_share")
    if (left is None) != (judges is None):
        return "the champion was split in another way than today's rows, some of which it may have been trained on"
    if left is not None and left < judges:
        return f"the champion was trained on all but {left:g} of the keys, and {judges:g} of them judge now"
    return None


def compare(rows: pd.DataFrame, task: Task, winner: str, champion: Array, config: RegisterConfig) -> Comparison:
    """Compare by a paired bootstrap: both are judged on the same resampled rows, so what chance does to both cancels.

    Args:
        rows: The test rows: `label`, and a column of scores for each candidate.
        task: What the label is.
        winner: The winner's column.
        champion: The champion's scores of the same rows.
        config: The metric, the seed, the number of resamples and the confidence.
    """
    metric, declared = config.evaluation.metric, config.registration
    labels, scores = rows["label"].to_numpy(), from_column(rows[winner].to_numpy())
    sign = 1.0 if GREATER_IS_BETTER[metric] else -1.0
    ours, theirs = (weighted(task.name, metric, labels, each) for each in (scores, champion))
    weights = resample_weights(len(labels), declared.resamples, config.seed)
    gains = np.fromiter((sign * (ours(each) - theirs(each)) for each in weights), dtype=np.float64)
    outside = (1 - declared.confidence) / 2
    low, high = np.nanquantile(gains, [outside, 1 - outside])  # NaN: a resample without rows of both classes
    winner_value, champion_value = (METRICS[task.name][metric](labels, each) for each in (scores, champion))
    return Comparison(winner_value, champion_value, sign * (winner_value - champion_value), (float(low), float(high)))


def score(model: LoadedModel, rows: pd.DataFrame, features: Path, key: str) -> Array:
    """Return a model's scores of the test rows, from their features.

    Args:
        model: The model.
        rows: The test rows, with their key.
        features: The features table.
        key: The name of the key's column.

    Raises:
        DataError: A test row is not in the table.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = pa.Table.from_pandas(rows[[key]], preserve_index=False)[key]
    names = [key, *(each.name for each in model.inputs if each.name != key)]
    parts = []
    for file in list_parts(features).values():
        chosen = pc.is_in(pq.read_table(file, columns=[key])[key], value_set=wanted.combine_chunks())
        if pc.any(chosen).as_py():  # a part without test rows is read no further
            parts.append(pq.read_table(file, columns=names).filter(chosen))
    found = pa.concat_tables(parts, promote_options="permissive").to_pandas() if parts else rows[[key]][:0]
    table = found.drop_duplicates(key).set_index(key, drop=False)
    missing = ~rows[key].isin(table.index)
    if missing.any():
        raise DataError(
            f"{features}: the test row {key} = {rows.loc[missing, key].iloc[0]!r} of scores.parquet is not in the "
            "table; run `dvc repro`"
        )
    return model.predict(table.loc[rows[key]])


def _words(task: Task) -> str:
    classes = f" of {', '.join(map(str, task.classes))}" if task.classes else ""
    return f"{task.name}{classes}"
