"""scikit-learn, and what keeps to its interface: saved by skops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models import archives
from headrace.models.families.family import FEW_ROWS, Estimator, Family
from headrace.models.inputs import to_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from headrace.models.inputs import Input


class Classifier(Estimator):
    """Whatever predicts probabilities."""

    def __init__(self, estimator: Any, inputs: Sequence[Input] | None) -> None:
        self._estimator, self._inputs = estimator, inputs

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the positive class for each row, (rows,)."""
        rows = matrix if self._inputs is None else to_frame(matrix, self._inputs)
        return np.asarray(self._estimator.predict_proba(rows)[:, 1], np.float64)


class Logistic(Classifier):
    """A logistic regression: its log-odds are a sum."""

    explains = True

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator, None)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return coefficient times value, (rows, columns + 1); the last one is the intercept."""
        intercept = np.full((len(matrix), 1), float(self._estimator.intercept_[0]))
        return np.hstack([matrix * self._estimator.coef_[0], intercept])


def _is_logistic(estimator: Any) -> bool:
    from sklearn.linear_model import LogisticRegression

    return isinstance(estimator, LogisticRegression) and estimator.coef_.shape[0] == 1


class ScikitLearn(Family):
    """Any other classifier."""

    file = "model.skops"

    def versions(self) -> dict[str, str]:
        """Return the versions of scikit-learn and of skops."""
        import sklearn
        import skops

        return {"scikit-learn": sklearn.__version__, "skops": skops.__version__}

    def parameters(self, kind: type[Any]) -> dict[str, str]:
        """Return the names that the estimator's constructor takes."""
        return {name: name for name in kind._get_param_names()}  # noqa: SLF001  get_params() would need an instance

    def defaults(self, kind: type[Any], seed: int, rows: int, *, categories: bool) -> dict[str, Any]:
        """Return a seed, and all cores for ensembles: others have no use for them, or warn about them."""
        del categories
        everything = {"random_state": seed}
        if kind.__module__.startswith("sklearn.ensemble"):
            everything["n_jobs"] = 1 if rows <= FEW_ROWS else -1
        return {name: value for name, value in everything.items() if name in self.parameters(kind)}

    def save(self, estimator: Any, folder: Path) -> None:
        """Write a skops archive."""
        archives.write(estimator, folder / self.file)

    def load(self, folder: Path, inputs: Sequence[Input] | None) -> Estimator:
        """Return the estimator."""
        estimator = archives.read(folder / self.file)
        if _is_logistic(estimator) and inputs is None:
            return Logistic(estimator)
        return Classifier(estimator, inputs)

    def importance(self, estimator: Any) -> NDArray[np.float64] | None:
        """Return a tree's gain of purity, or the size of a linear model's coefficients."""
        if hasattr(estimator, "feature_importances_"):
            return np.asarray(estimator.feature_importances_, np.float64)
        if hasattr(estimator, "coef_"):
            return np.abs(np.asarray(estimator.coef_, np.float64)).ravel()
        return None
