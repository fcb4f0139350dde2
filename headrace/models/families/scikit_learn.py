"""scikit-learn, and what keeps to its interface: saved by skops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models import archives
from headrace.models.families.family import FEW_ROWS, Family, Predict
from headrace.models.inputs import to_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from headrace.models.inputs import Input


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

    def load(self, folder: Path, inputs: Sequence[Input] | None) -> Predict:
        """Return the estimator's prediction."""
        estimator = archives.read(folder / self.file)

        def predict(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
            rows = matrix if inputs is None else to_frame(matrix, inputs)
            return np.asarray(estimator.predict_proba(rows)[:, 1], np.float64)

        return predict

    def importance(self, estimator: Any) -> NDArray[np.float64] | None:
        """Return a tree's gain of purity, or the size of a linear model's coefficients."""
        if hasattr(estimator, "feature_importances_"):
            return np.asarray(estimator.feature_importances_, np.float64)
        if hasattr(estimator, "coef_"):
            return np.abs(np.asarray(estimator.coef_, np.float64)).ravel()
        return None
