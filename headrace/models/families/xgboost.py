"""XGBoost: saved as its own UBJSON, asked through its Booster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models.families.family import FEW_ROWS, Estimator, Family

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xgboost
    from numpy.typing import NDArray

    from headrace.models.inputs import Input
    from headrace.tasks import Task

ALIASES = {
    "alpha": "reg_alpha",
    "eta": "learning_rate",
    "lambda": "reg_lambda",
    "min_split_loss": "gamma",
    "nthread": "n_jobs",
    "seed": "random_state",
}
"""The names of XGBoost's own documentation for what scikit-learn calls otherwise."""

NATIVE_ONLY = (
    "lambda_bias", "max_cached_hist_node", "normalize_type", "one_drop", "rate_drop", "refresh_leaf", "sample_type",
    "skip_drop", "updater",
)  # fmt: skip
"""Parameters that the scikit-learn wrapper passes on without knowing them."""


EXPLAINED = (
    "binary:logistic", "multi:softprob", "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror",
    "reg:quantileerror",
)  # fmt: skip
"""Objectives whose trees add up to log-odds, to the scores of classes before softmax, or to the number itself."""


class XGBoostBooster(Estimator):
    """A Booster."""

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster
        # Contributions are to the sum of the trees: to the number itself, unless that is what a function makes of it.
        objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        self.explains = objective.startswith(EXPLAINED)

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of rows, (rows,) or (rows, classes)."""
        return np.asarray(self._booster.inplace_predict(matrix, validate_features=False), np.float64)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return XGBoost's exact SHAP values, (rows, columns + 1) or (rows, classes, columns + 1)."""
        import xgboost

        rows = xgboost.DMatrix(
            matrix,
            feature_names=self._booster.feature_names,
            feature_types=self._booster.feature_types,
            enable_categorical=True,
            nthread=1,
        )
        return np.asarray(self._booster.predict(rows, pred_contribs=True), np.float64)


class XGBoost(Family):
    """`xgboost.XGBClassifier` and `XGBRegressor`."""

    file = "model.ubj"

    def versions(self) -> dict[str, str]:
        """Return XGBoost's version."""
        import xgboost

        return {"xgboost": xgboost.__version__}

    def parameters(self, kind: type[Any]) -> dict[str, str]:
        """Return the names in scikit-learn's manner and XGBoost's own."""
        return {**{name: name for name in (*kind().get_params(), *NATIVE_ONLY)}, **ALIASES}

    def defaults(self, kind: type[Any], seed: int, rows: int, *, categories: bool) -> dict[str, Any]:
        """Return a seed, one core for few rows, and categories as categories."""
        del kind
        chosen = {"random_state": seed, "verbosity": 0}
        if rows <= FEW_ROWS:
            chosen["n_jobs"] = 1
        if categories:  # not otherwise: tree_method=exact refuses even the wish
            chosen["enable_categorical"] = True
        return chosen

    def save(self, estimator: Any, folder: Path) -> None:
        """Write the Booster's bytes ourselves: XGBoost does not tell a full disk from any other mistake."""
        (folder / self.file).write_bytes(estimator.get_booster().save_raw("ubj"))

    def load(self, folder: Path, inputs: Sequence[Input] | None, task: Task) -> Estimator:
        """Return the Booster, without scikit-learn's wrapper."""
        del inputs, task
        import xgboost

        # One thread: waking the others takes longer than a request, and 50,000 rows take a quarter of a second.
        return XGBoostBooster(xgboost.Booster({"nthread": 1}, model_file=folder / self.file))

    def importance(self, estimator: Any) -> NDArray[np.float64]:
        """Return the gain of all splits by a column."""
        booster = estimator.get_booster()
        gains = booster.get_score(importance_type="total_gain")
        names = booster.feature_names or [f"f{position}" for position in range(booster.num_features())]
        return np.array([gains.get(name, 0.0) for name in names], np.float64)
