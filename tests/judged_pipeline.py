"""A small pipeline with trained candidates, made by the library's own pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.declaration.modelling import Costs, Evaluation, LabelDelay, Model, PrecisionAt, RowSplit, Split, TimeSplit
from headrace.declaration.pipeline import EvaluateConfig, TrainConfig
from headrace.declaration.rules import Rule, Rules
from headrace.evaluation import evaluate, write_result
from headrace.training import train

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = [
    {"name": "amount", "type": "number", "categories": None},
    {"name": "risk", "type": "number", "categories": None},
    {"name": "kind", "type": "category", "categories": ["chip", "web"]},
]
CONSTANT = Model(
    _target_="sklearn.tree.DecisionTreeClassifier", params={"min_impurity_decrease": 1.0}, prepare="encode"
)
MODELS = {
    "good": Model(_target_="sklearn.linear_model.LogisticRegression", prepare="encode"),
    "weak": Model(_target_="sklearn.tree.DecisionTreeClassifier", params={"max_depth": 1}, prepare="encode"),
}


@dataclass(frozen=True)
class Case:
    """Where a pipeline's files are, and what it declares."""

    data: Path
    config: EvaluateConfig
    models: dict[str, str]


RULES = Rules(
    rules=[
        Rule(name="large", when="amount > 150.00", then="block"),
        Rule(name="shop_9_by_night", when='shop = 9 AND hour("at") < 6', then="review"),
        Rule(name="unsure", when="probability BETWEEN 0.1 AND 0.5 AND risk IS NOT NULL", then="review"),
        Rule(name="never", when="amount < 0", then="allow"),
    ]
)


def make_rows(days: int, per_day: int, seed: int) -> pd.DataFrame:
    """Return rows whose label follows from amount and risk, with some noise."""
    generator = np.random.default_rng(seed)
    count = days * per_day
    amount = generator.gamma(2.0, 30.0, count).round(2)
    risk = generator.integers(0, 4, count) / 4
    chance = 1 / (1 + np.exp(-(amount - 150) / 20 - 4 * (risk - 0.5)))
    rows = pd.DataFrame(
        {
            "id": np.arange(count),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(count) * 86400 // per_day, unit="s"),
            "card": generator.integers(0, 400, count),
            "fraud": (generator.random(count) < chance).astype(np.int8),
            "amount": amount,
            "risk": np.where(generator.random(count) < 0.05, np.nan, risk),
            "kind": np.where(generator.random(count) < 0.5, "chip", "web"),
        }
    )
    rows["at"] = rows["at"].astype("datetime64[us]")
    return rows


def write_features(folder: Path, rows: pd.DataFrame, timestamp: str | None) -> None:
    """Write a features table as the featurize stage does."""
    folder.mkdir(parents=True)
    if timestamp:
        for day, part in rows.groupby(rows[timestamp].dt.strftime("%Y-%m-%d")):
            part.to_parquet(folder / f"{day}.parquet", index=False)
    else:
        rows.to_parquet(folder / "all.parquet", index=False)
    manifest = {"key": "id", "timestamp": timestamp, "label": "fraud", "entities": ["card"], "features": FEATURES}
    (folder / "features.json").write_text(json.dumps(manifest))


def write_validated(folder: Path, rows: pd.DataFrame, timestamp: str | None) -> None:
    """Write the rows in declared types as the validate stage does, with a column that is no feature, in another order."""
    folder.mkdir(parents=True)
    amounts = pa.array(rows["amount"].astype(str)).cast(pa.decimal128(12, 2))
    table = pa.Table.from_pandas(rows.drop(columns="amount").assign(shop=rows["id"] % 10), preserve_index=False)
    table = table.append_column("amount", amounts).take(np.arange(len(rows))[::-1])
    if timestamp is None:
        pq.write_table(table, folder / "all.parquet")
        return
    days = pc.strftime(table[timestamp], "%Y-%m-%d")
    for day in pc.unique(days).to_pylist():
        pq.write_table(table.filter(pc.equal(days, day)), folder / f"{day}.parquet")


def write_candidates(folder: Path, features: Path, config: EvaluateConfig, models: dict[str, Model]) -> None:
    """Train each model as the train stage does."""
    for name, model in models.items():
        declared = TrainConfig(
            pipeline="cards",
            candidate=name,
            target=config.target,
            split=config.split,
            seed=0,
            evaluation=config.evaluation,
            model=model,
        )
        train(features, folder / name, declared, name)


def make_case(
    data: Path, split: Split, timestamp: str | None, evaluation: Evaluation, models: dict[str, Model] = MODELS
) -> Case:
    """Write rows, features and candidates."""
    config = EvaluateConfig(pipeline="cards", target=LabelDelay(delay="2d"), split=split, evaluation=evaluation)
    rows = make_rows(days=30, per_day=200, seed=0)
    if timestamp is None:
        rows = rows.drop(columns="at")
    write_validated(data / "validated", rows, timestamp)
    write_features(data / "features", rows, timestamp)
    write_candidates(data / "candidates", data / "features", config, models)
    return Case(data, config, dict.fromkeys(models, "model"))


def make_timed(data: Path) -> Case:
    """Make rows with time, and declare all that can be declared about judging them."""
    split = Split(time=TimeSplit(test="5d", validation="4d", folds=2, exclude_known="card", known_for="3d"))
    evaluation = Evaluation(
        metric="average_precision",
        false_positive_budget=0.02,
        precision_at=PrecisionAt(entity="card", count=5, period="1d"),
        slices=["kind", "risk", "amount"],
        costs=Costs(false_positive=5, false_negative="amount"),
        knowable="risk > 0 OR amount > 150",
    )
    case = make_case(data, split, "at", evaluation)
    case.config.rules = RULES
    return case


def make_untimed(data: Path) -> Case:
    """Make rows without time, and declare nothing that could be left out."""
    split = Split(rows=RowSplit(test_share=0.3, folds=3))
    return make_case(data, split, None, Evaluation(metric="log_loss"))


def make_hopeless(data: Path) -> Case:
    """Make rows whose only candidate scores all of them alike."""
    evaluation = Evaluation(metric="roc_auc", costs=Costs(false_positive=5, false_negative="amount"))
    split = Split(rows=RowSplit(test_share=0.3, folds=2))
    return make_case(data, split, None, evaluation, {"constant": CONSTANT})


def judge(case: Case) -> Case:
    """Evaluate the candidates, and write what the evaluate stage writes."""
    result = evaluate(
        case.data / "validated", case.data / "features", case.data / "candidates", case.models, case.config
    )
    write_result(result, case.data / "candidates", case.data)
    return case
