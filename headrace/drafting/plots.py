"""How `dvc plots show` draws what `evaluate` writes: what there is follows from the task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headrace.drafting.tasks import BINARY, MULTICLASS, REGRESSION


class Plot(NamedTuple):
    """A file of points, and its axes."""

    title: str
    file: str
    template: str
    x: str
    y: str
    x_label: str = ""
    y_label: str = ""


CONFUSION = Plot("confusion", "confusion", "candidate_confusion", "predicted", "actual")
IMPORTANCE = Plot("importance", "importance", "candidate_bars", "importance", "feature")
CALIBRATION = Plot(
    "calibration",
    "calibration",
    "candidate_points",
    "predicted",
    "observed",
    "predicted probability",
    "share of positives",
)
PLOTS = {
    BINARY: (
        Plot("precision and recall", "precision_recall", "candidate_curves", "recall", "precision"),
        Plot("ROC", "roc", "candidate_curves", "false_positive_rate", "recall", "false positive rate"),
        CALIBRATION,
        CONFUSION,
        IMPORTANCE,
    ),
    MULTICLASS: (
        Plot("precision and recall", "precision_recall", "candidate_class_curves", "recall", "precision"),
        CONFUSION,
        IMPORTANCE,
    ),
    REGRESSION: (
        Plot("predicted and actual", "predictions", "candidate_scatter", "actual", "predicted"),
        Plot("error", "deciles", "candidate_points", "predicted", "mae", "predicted", "mean absolute error"),
        IMPORTANCE,
    ),
}


def plot_lines(pipeline: str, task: str) -> list[str]:
    """Return the entries of `plots` in a pipeline's `dvc.yaml`."""
    return [line for plot in PLOTS[task] for line in _entry(pipeline, plot)]


def _entry(pipeline: str, plot: Plot) -> Iterator[str]:
    yield f"  - {pipeline}, {plot.title}:"
    yield f"      template: {plot.template}"
    yield f"      x: {plot.x}"
    yield f"      y: {{../../data/{pipeline}/plots/{plot.file}.csv: {plot.y}}}"
    if plot.x_label:
        yield f"      x_label: {plot.x_label}"
    if plot.y_label:
        yield f"      y_label: {plot.y_label}"
