"""LightGBM: saved as its own text, asked through its Booster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models.families.family import FEW_ROWS, Family, Predict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from headrace.models.inputs import Input

REQUEST_ROWS = 256
"""For these one thread is faster than waking the others, and leaves them to other requests."""


class LightGBM(Family):
    """`lightgbm.LGBMClassifier`."""

    file = "model.txt"

    def versions(self) -> dict[str, str]:
        """Return LightGBM's version."""
        import lightgbm

        return {"lightgbm": lightgbm.__version__}

    def parameters(self, kind: type[Any]) -> dict[str, str]:
        """Return the names in scikit-learn's manner, LightGBM's own and their aliases."""
        from lightgbm.basic import _ConfigAliases  # the library's own list; it offers no public one

        aliases = _ConfigAliases._get_all_param_aliases()  # noqa: SLF001
        names = {alias: name for name, all_names in aliases.items() for alias in all_names}
        return {name: names.get(name, name) for name in (*kind().get_params(), *names)}

    def defaults(self, kind: type[Any], seed: int, rows: int, *, categories: bool) -> dict[str, Any]:
        """Return a fit that does not depend on the number of threads: LightGBM's FAQ asks for these two together."""
        del kind, categories
        threads = 1 if rows <= FEW_ROWS else 0  # 0: all cores that this process may use
        return {
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads,
            "random_state": seed,
            "verbosity": -1,
        }

    def save(self, estimator: Any, folder: Path) -> None:
        """Write the Booster's text ourselves: LightGBM does not tell a full disk from any other mistake."""
        (folder / self.file).write_text(estimator.booster_.model_to_string())

    def load(self, folder: Path, inputs: Sequence[Input] | None) -> Predict:
        """Return the Booster's prediction, without scikit-learn's wrapper."""
        del inputs
        import lightgbm

        booster = lightgbm.Booster(model_file=folder / self.file)

        def predict(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
            threads = {"num_threads": 1} if len(matrix) <= REQUEST_ROWS else {}
            return np.asarray(booster.predict(matrix, **threads), np.float64)

        return predict

    def importance(self, estimator: Any) -> NDArray[np.float64]:
        """Return the gain of all splits by a column."""
        return np.asarray(estimator.booster_.feature_importance("gain"), np.float64)
