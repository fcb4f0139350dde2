"""Small features folders, as featurize writes them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from headrace.declaration.modelling import LabelDelay, Model, Objective, RowSplit, Split, TimeSplit
from headrace.declaration.pipeline import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2018, 4, 1)  # noqa: DTZ001  times have no zone
DAYS = 30


def make_rows(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return rows of which about one in seven is positive; amount and kind tell, and both have gaps."""
    random = np.random.default_rng(seed)
    amount, noise = random.gamma(2, 20, rows), random.normal(size=rows)
    kind = random.choice(np.array(["home", "shop", "web"], dtype=object), rows)
    odds = (amount - 80) / 20 + 1.5 * (kind == "web") + random.logistic(size=rows)
    amount[::17] = np.nan
    kind[::13] = None
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "customer": random.integers(0, rows // 4, rows),
            "fraud": (odds > 0).astype("int8"),
            "amount": amount,
            "noise": noise,
            "kind": kind,
        }
    )


@pytest.fixture
def write_features() -> Callable[[Path, pd.DataFrame], Path]:
    """Return a function that writes rows to a features folder: in daily parts where they have a time `at`."""

    def write(folder: Path, rows: pd.DataFrame) -> Path:
        folder.mkdir(parents=True)
        timed = "at" in rows
        manifest = {
            "key": "id",
            "timestamp": "at" if timed else None,
            "label": "fraud",
            "entities": ["customer"] if timed else [],
            "features": [
                {"name": "amount", "type": "number", "categories": None},
                {"name": "noise", "type": "number", "categories": None},
                {"name": "kind", "type": "category", "categories": None},
            ],
        }
        (folder / "features.json").write_text(json.dumps(manifest))
        parts = rows.groupby(rows["at"].dt.strftime("%Y-%m-%d")) if timed else [("all", rows)]
        for name, part in parts:
            part.to_parquet(folder / f"{name}.parquet", index=False)
        return folder

    return write


@pytest.fixture
def transactions() -> pd.DataFrame:
    """Return a month of rows with time."""
    rows = make_rows(3000)
    seconds = np.sort(np.random.default_rng(1).integers(0, DAYS * 86400, len(rows)))
    return rows.assign(at=np.datetime64(START, "us") + seconds.astype("timedelta64[s]"))


@pytest.fixture
def customers() -> pd.DataFrame:
    """Return rows without time."""
    return make_rows(1500).drop(columns="customer")


@pytest.fixture
def timed_config() -> Callable[[Model], TrainConfig]:
    """Return a function from a model to what the stage reads, for rows with time."""
    split = Split(time=TimeSplit(test="5d", validation="4d", folds=2, exclude_known="customer"))
    return lambda model: make_config(split, model, "2d")


@pytest.fixture
def keyed_config() -> Callable[[Model], TrainConfig]:
    """Return a function from a model to what the stage reads, for rows without time."""
    return lambda model: make_config(Split(rows=RowSplit(folds=3)), model, "0s")


def make_config(split: Split, model: Model, delay: str) -> TrainConfig:
    """Return what the stage reads."""
    return TrainConfig(
        pipeline="fraud",
        candidate="one",
        target=LabelDelay(delay=delay),
        split=split,
        seed=3,
        evaluation=Objective(metric="average_precision"),
        model=model,
    )


def test_start() -> datetime:
    """Return the first moment that no training may see."""
    return START + timedelta(days=DAYS - 5)
