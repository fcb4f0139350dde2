"""Which estimators fit which task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from headrace.declaration.targets import locate
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from headrace.tasks import Task

MODELS = Path("conf", "model")


def fits(kind: Any, task: Task) -> bool:
    """Return whether an estimator's class says what the task asks: probabilities of classes, or numbers."""
    from sklearn.base import ClassifierMixin

    if not (isinstance(kind, type) and hasattr(kind, "fit") and hasattr(kind, "predict")):
        return False
    if task.is_classification:
        return hasattr(kind, "predict_proba")
    return not hasattr(kind, "predict_proba") and not issubclass(kind, ClassifierMixin)


def fitting_models(task: Task) -> list[str]:
    """Return the names of the models in `conf/model/` that fit a task."""
    return [file.stem for file in sorted(MODELS.glob("*.yaml")) if _located_fits(file, task)]


def _located_fits(file: Path, task: Task) -> bool:
    try:
        return fits(locate(yaml.safe_load(file.read_text())["_target_"]), task)
    except (ConfigError, KeyError, TypeError):
        return False
