"""From a declared model and rows to a fitted one."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.errors import ConfigError
from headrace.models.balance import choose_rows, class_weights, negative_weight, row_weights
from headrace.models.encoding import make_encoder, trace_columns
from headrace.models.families import family_of
from headrace.models.inputs import CATEGORY, to_frame
from headrace.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headrace.declaration.modelling import Model
    from headrace.models.inputs import Input
    from headrace.tasks import Task

BINARY = read_task({})
NATIVE = "native"
ENCODE = "encode"
PREPARATIONS = (NATIVE, ENCODE)
REFUSES = "refuses its parameters:"


@dataclass(frozen=True)
class TrainingRows:
    """Rows that are ready to be fitted on, as often as parameters are tried."""

    rows: Any
    """A data frame, or a matrix of encoded numbers."""
    labels: NDArray[Any]
    weights: NDArray[np.float64] | None
    counted: Any
    """What rows counted: a negative for each positive, a row of each class; None of numbers."""
    task: Task
    encoder: Any | None
    inputs: Sequence[Input]

    def prepare(self, matrix: NDArray[np.float64]) -> Any:
        """Return other rows as these rows are."""
        return to_frame(matrix, self.inputs) if self.encoder is None else self.encoder.transform(matrix)


@dataclass(frozen=True)
class FittedModel:
    """An estimator with all that belongs to it."""

    target: str
    estimator: Any
    rows: TrainingRows

    def predict(self, prepared: Any) -> NDArray[np.float64]:
        """Return the scores of rows that `rows.prepare` returned."""
        task = self.rows.task
        return task.restore(task.ask(self.estimator, prepared), self.rows.counted)

    def importance(self) -> NDArray[np.float64] | None:
        """Return each input's share in what the model goes by, or None where the estimator cannot tell."""
        values = family_of(self.target).importance(self.estimator)
        if values is None:
            return None
        count = len(self.rows.inputs)
        if self.rows.encoder is not None:
            origins = trace_columns(self.rows.encoder, self.rows.inputs)
            values = np.bincount(origins, values, minlength=count).astype(np.float64)
        total = float(values.sum())
        return values / total if total else values


def prepare_rows(  # noqa: PLR0913  all that makes a fit what it is
    model: Model,
    inputs: Sequence[Input],
    matrix: NDArray[np.float64],
    labels: NDArray[Any],
    seed: int,
    *,
    task: Task = BINARY,
) -> TrainingRows:
    """Balance and prepare rows as a model declares."""
    counted: Any = None
    if task.name is TaskName.binary:
        chosen = choose_rows(labels, model.maximum_rows_ratio, seed)
        counted = negative_weight(labels, chosen, model)
        if len(chosen) < len(labels):
            matrix, labels = matrix[chosen], labels[chosen]
    elif task.is_classification:
        counted = class_weights(labels, model, len(task.classes))
    encoder = make_encoder(inputs).fit(matrix) if model.prepare == ENCODE else None
    rows = to_frame(matrix, inputs) if encoder is None else encoder.transform(matrix)
    weights = row_weights(labels, model.balance, len(task.classes)) if task.is_classification else None
    return TrainingRows(rows, labels, weights, counted, task, encoder, inputs)


def fit(model: Model, params: Mapping[str, Any], rows: TrainingRows, seed: int) -> FittedModel:
    """Fit an estimator.

    Raises:
        ConfigError: The estimator refuses its parameters.
    """
    estimator = build(model, params, rows, seed)
    with warnings.catch_warnings():
        # A trial that did not converge scores as it does; the same warning for each trial would bury the rest.
        warnings.filterwarnings("ignore", category=UserWarning)
        try:
            estimator.fit(rows.rows, rows.labels, **_weights(rows))
        except MemoryError:
            raise
        except Exception as error:  # each library has its own kinds of errors
            said = f"{first_line(error)}{_hint(model, rows, str(error))}"
            raise ConfigError(f"model.params: {model._target_} {REFUSES} {said}") from error
    return FittedModel(model._target_, estimator, rows)


def build(model: Model, params: Mapping[str, Any], rows: TrainingRows, seed: int) -> Any:
    """Return an unfitted estimator with its declared parameters, and its family's defaults for such rows."""
    from headrace.declaration.targets import locate  # only training builds what a config names

    kind, family = locate(model._target_), family_of(model._target_)
    names = family.parameters(kind)
    given = {names.get(name, name) for name in params}
    categories = rows.encoder is None and any(each.type == CATEGORY for each in rows.inputs)
    defaults = family.defaults(kind, seed, len(rows.labels), categories=categories)
    unset = {name: value for name, value in defaults.items() if names.get(name, name) not in given}
    return kind(**unset, **params)


def _hint(model: Model, rows: TrainingRows, said: str) -> str:
    categories = [each.name for each in rows.inputs if each.type == CATEGORY]
    if model.prepare == ENCODE or not (categories or "NaN" in said):
        return ""
    return "; if it takes no categories or missing values as they are, set prepare: encode"


def first_line(error: Exception) -> str:
    """Return what an error says, without the place in C++ that LightGBM and XGBoost add."""
    said = str(error).strip().split("\n", 1)[0]
    return re.sub(r"^\[[\d:]+\] \S+: | at \S+, line \d+ \.$", "", said) or type(error).__name__


def _weights(rows: TrainingRows) -> dict[str, Any]:
    return {} if rows.weights is None else {"sample_weight": rows.weights}
