"""What a family of estimators answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from headrace.models.inputs import Input
    from headrace.tasks import Task

FEW_ROWS = 20_000
"""Up to here one core is faster than many that wait for each other, by far where other processes want them too."""


class Estimator(ABC):
    """A fitted estimator that was read from its file.

    Matrices have a row for each row and a column for each column that it was fitted on.
    """

    explains: bool = False
    """Whether `contributions` knows."""

    @abstractmethod
    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores: of the positive class or the number, (rows,), or of each class, (rows, classes)."""

    def of_row(self, row: NDArray[np.float64]) -> Callable[[], Any]:
        """Return what predicts the row that an array of shape (1, columns) holds when it is called.

        It is what `predict` says of that row, for one thread at a time.
        """
        return lambda: self.predict(row)[0].tolist()  # noqa: PLW0108  it is asked anew each time

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column adds to the log-odds or to the number, (rows, columns + 1); the last one is the rest.

        Of three or more classes it is what it adds to the score of each before softmax, (rows, classes, columns + 1).

        Raises:
            DataError: This kind of estimator cannot say exactly.
        """
        del matrix
        raise DataError(f"{type(self).__name__}: has no exact contributions; LightGBM, XGBoost and linear models do")


class Family(ABC):
    """Estimators of one library, which are built, asked and saved in one way."""

    file: ClassVar[str]
    """The name of the file that a model is saved to; it tells the family."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Return the versions of the libraries that a saved model depends on."""

    @abstractmethod
    def parameters(self, kind: type[Any]) -> dict[str, str]:
        """Return the names of all parameters that an estimator takes, each with the name that it stands for."""

    @abstractmethod
    def defaults(self, kind: type[Any], seed: int, rows: int, *, categories: bool) -> dict[str, Any]:
        """Return parameters that make a fit repeatable and quick; what a config says goes before them.

        Args:
            kind: The estimator's class.
            seed: For whatever the estimator draws.
            rows: How many rows there are to fit on.
            categories: Whether some of the columns are categories.
        """

    @abstractmethod
    def save(self, estimator: Any, folder: Path) -> None:
        """Write a fitted estimator to `folder / self.file`."""

    @abstractmethod
    def load(self, folder: Path, inputs: Sequence[Input] | None, task: Task) -> Estimator:
        """Read what `save` wrote. `inputs` is None where the estimator was fitted on encoded numbers."""

    @abstractmethod
    def importance(self, estimator: Any) -> NDArray[np.float64] | None:
        """Return how much each column that the estimator was fitted on counts; None where it cannot tell."""
