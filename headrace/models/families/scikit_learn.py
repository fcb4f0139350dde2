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
    from headrace.tasks import Task


class Plain(Estimator):
    """Whatever predicts probabilities or numbers."""

    def __init__(self, estimator: Any, inputs: Sequence[Input] | None, task: Task) -> None:
        self._estimator, self._inputs, self._task = estimator, inputs, task

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of rows, (rows,) or (rows, classes)."""
        rows = matrix if self._inputs is None else to_frame(matrix, self._inputs)
        return self._task.ask(self._estimator, rows)


class Linear(Plain):
    """A linear regression: what it predicts is a sum."""

    explains = True

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return coefficient times value, (rows, columns + 1); the last one is the intercept."""
        coefficients = np.ravel(self._estimator.coef_)
        return _terms(matrix, coefficients, float(np.ravel(self._estimator.intercept_)[0]))


class Logistic(Linear):
    """A logistic regression: its log-odds are a sum."""


class Multinomial(Plain):
    """A logistic regression of three or more classes: the score of each before softmax is a sum."""

    explains = True

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return coefficient times value, (rows, classes, columns + 1); the last one is the intercept."""
        of_class = zip(self._estimator.coef_, self._estimator.intercept_, strict=True)
        return np.stack([_terms(matrix, coefficients, float(rest)) for coefficients, rest in of_class], axis=1)


def _terms(matrix: NDArray[np.float64], coefficients: NDArray[np.float64], rest: float) -> NDArray[np.float64]:
    return np.hstack([matrix * coefficients, np.full((len(matrix), 1), rest)])


def _kind(estimator: Any) -> type[Plain]:
    """Return how an estimator that was fitted on plain numbers is asked."""
    from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge

    if isinstance(estimator, LogisticRegression):
        return Logistic if estimator.coef_.shape[0] == 1 else Multinomial
    return Linear if isinstance(estimator, ElasticNet | LinearRegression | Ridge) else Plain


class ScikitLearn(Family):
    """Any other classifier or regressor."""

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

    def load(self, folder: Path, inputs: Sequence[Input] | None, task: Task) -> Estimator:
        """Return the estimator."""
        estimator = archives.read(folder / self.file)
        return (_kind(estimator) if inputs is None else Plain)(estimator, inputs, task)

    def importance(self, estimator: Any) -> NDArray[np.float64] | None:
        """Return a tree's gain of purity, or the size of a linear model's coefficients."""
        if hasattr(estimator, "feature_importances_"):
            return np.asarray(estimator.feature_importances_, np.float64)
        if hasattr(estimator, "coef_"):
            of_inputs: NDArray[np.float64] = np.abs(np.atleast_2d(estimator.coef_)).mean(axis=0)
            return of_inputs
        return None
