"""What a split is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from headrace.tasks import Task


@dataclass(frozen=True)
class Side:
    """Rows of a table that train together, or are judged together."""

    name: str
    """Such as `test`, or `training of fold 1`; errors say it."""
    mask: NDArray[np.bool_]
    """True for the table's rows that are on this side."""
    since: datetime | None = None
    """The first moment of the side; None where rows are not split by time."""
    until: datetime | None = None
    """The first moment after the side."""
    test_share: float | None = None
    """The share of keys that only judge; None where rows are split by time."""

    def describe(self, labels: NDArray[Any], task: Task) -> dict[str, Any]:
        """Return the side's period or share, its rows, and what there is to say of their labels, as plain values."""
        told: dict[str, Any] = {}
        if self.since and self.until:
            told = {"from": self.since.isoformat(), "until": self.until.isoformat()}
        elif self.test_share is not None:
            told = {"test_share": self.test_share}
        return {**told, "rows": int(self.mask.sum()), **task.count(labels[self.mask])}


@dataclass(frozen=True)
class Fold:
    """Rows to fit on, and later (or other) rows to judge the fit on."""

    train: Side
    validation: Side


@dataclass(frozen=True)
class Folds:
    """A whole split. No row of `test` is in any fold or in `train`."""

    folds: tuple[Fold, ...]
    """For tuning and the threshold; by time, the first one is the latest."""
    train: Side
    """What the final model is fitted on."""
    test: Side
    """What candidates are judged on at the very end."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every side of the split."""
        return (*(side for fold in self.folds for side in (fold.train, fold.validation)), self.train, self.test)
