"""LightGBM: saved as its own text, asked through its Booster."""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.models.families.family import FEW_ROWS, Estimator, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import lightgbm
    from numpy.typing import NDArray

    from headrace.models.inputs import Input
    from headrace.tasks import Task

REQUEST_ROWS = 256
"""For these one thread is faster than waking the others, and leaves them to other requests."""


OF_A_FUNCTION = ("poisson", "gamma", "tweedie")
"""Objectives whose trees add up to the logarithm of what is predicted."""


class LightGBMBooster(Estimator):
    """A Booster."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self._booster = booster
        self._classes = int(booster.num_model_per_iteration())
        # Contributions are to the sum of the trees: to the number itself, unless that is what a function makes of it.
        self.explains = booster.dump_model(num_iteration=1)["objective"].split(" ")[0] not in OF_A_FUNCTION

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of rows, (rows,) or (rows, classes)."""
        return np.asarray(self._booster.predict(matrix, **_threads(matrix)), np.float64)

    def of_row(self, row: NDArray[np.float64]) -> Callable[[], Any]:
        """Return LightGBM's call for one row at a time."""
        return OneRow(self._booster, row) if self._classes == 1 else OneRowOfClasses(self._booster, row)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LightGBM's exact SHAP values, (rows, columns + 1) or (rows, classes, columns + 1)."""
        told = np.asarray(self._booster.predict(matrix, pred_contrib=True, **_threads(matrix)), np.float64)
        return told if self._classes == 1 else told.reshape(len(matrix), self._classes, -1)


class OneRow:
    """LightGBM's call for one row at a time, which its Python package does not offer.

    It takes a tenth of the time of `Booster.predict`, which makes and checks objects for each row.
    https://lightgbm.readthedocs.io/en/stable/C-API.html#c.LGBM_BoosterPredictForMatSingleRowFast

    Args:
        booster: The model.
        row: Where it finds the row, (1, columns).
    """

    def __init__(self, booster: lightgbm.Booster, row: NDArray[np.float64]) -> None:
        from lightgbm.basic import _C_API_DTYPE_FLOAT64, _C_API_PREDICT_NORMAL, _LIB, _safe_call

        self._booster, self._row = booster, row  # both have to live as long as this
        self._length = ctypes.c_int64()
        self._said = (ctypes.c_double * booster.num_model_per_iteration())()
        fast = ctypes.c_void_p()
        _safe_call(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,  # noqa: SLF001
                ctypes.c_int(_C_API_PREDICT_NORMAL),
                ctypes.c_int(0),  # from the first tree
                ctypes.c_int(booster.best_iteration),  # to the one that predict takes; -1 for all
                ctypes.c_int(_C_API_DTYPE_FLOAT64),
                ctypes.c_int32(row.shape[1]),
                ctypes.c_char_p(b"num_threads=1"),
                ctypes.byref(fast),
            )
        )
        weakref.finalize(self, _LIB.LGBM_FastConfigFree, fast)
        self._call, self._check = _LIB.LGBM_BoosterPredictForMatSingleRowFast, _safe_call
        data = row.ctypes.data_as(ctypes.c_void_p)
        self._arguments = fast, data, ctypes.byref(self._length), self._said

    def __call__(self) -> Any:
        """Return the score for what the row holds now."""
        self._check(self._call(*self._arguments))
        return self._said[0]


class OneRowOfClasses(OneRow):
    """The same where there are three or more classes."""

    def __call__(self) -> Any:
        """Return the probability of each class for what the row holds now."""
        self._check(self._call(*self._arguments))
        return self._said[:]


def _threads(matrix: NDArray[np.float64]) -> dict[str, Any]:
    return {"num_threads": 1} if len(matrix) <= REQUEST_ROWS else {}


class LightGBM(Family):
    """`lightgbm.LGBMClassifier` and `LGBMRegressor`."""

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

    def load(self, folder: Path, inputs: Sequence[Input] | None, task: Task) -> Estimator:
        """Return the Booster, without scikit-learn's wrapper."""
        del inputs, task
        import lightgbm

        return LightGBMBooster(lightgbm.Booster(model_file=folder / self.file))

    def importance(self, estimator: Any) -> NDArray[np.float64]:
        """Return the gain of all splits by a column."""
        return np.asarray(estimator.booster_.feature_importance("gain"), np.float64)
