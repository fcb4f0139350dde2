"""What a family of estimators answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.models.inputs import Input

Predict = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From a matrix of inputs, (rows, inputs), to probabilities of the positive class, (rows,)."""


FEW_ROWS = 20_000
"""Up to here one core is faster than many that wait for each other, by far where other processes want them too."""


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
    def load(self, folder: Path, inputs: Sequence[Input] | None) -> Predict:
        """Read what `save` wrote. `inputs` is None where the estimator was fitted on encoded numbers."""

    @abstractmethod
    def importance(self, estimator: Any) -> NDArray[np.float64] | None:
        """Return how much each column that the estimator was fitted on counts; None where it cannot tell."""
