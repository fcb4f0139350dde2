"""What the metrics are called, and what they mean in half a line."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A metric's name for people, and what it is."""

    name: str
    meaning: str
    smaller_is_better: bool = False
    is_share: bool = False


METRICS = {
    "average_precision": Words("Average precision", "precision, averaged over all recalls"),
    "roc_auc": Words("ROC AUC", "how often a positive scores above a negative"),
    "recall_at_budget": Words("Recall at the budget", "positives found when the budget is used up", is_share=True),
    "recall": Words("Recall", "positives that are flagged", is_share=True),
    "recall_of_knowable": Words("Recall of the knowable", "the same, of those that could be known", is_share=True),
    "precision": Words("Precision", "flagged that are positive", is_share=True),
    "f1": Words("F1", "harmonic mean of precision and recall"),
    "false_positive_rate": Words(
        "False positive rate", "negatives that are flagged", smaller_is_better=True, is_share=True
    ),
    "accuracy": Words("Accuracy", "rows decided rightly", is_share=True),
    "log_loss": Words("Log loss", "of the probabilities; smaller is better", smaller_is_better=True),
    "brier": Words("Brier score", "squared error of the probabilities; smaller is better", smaller_is_better=True),
    "balanced_accuracy": Words("Balanced accuracy", "rows decided rightly, a mean over classes", is_share=True),
    "f1_macro": Words("F1, mean of classes", "harmonic mean of precision and recall of each class"),
    "roc_auc_ovr": Words("ROC AUC, one against rest", "how often a class is told from the others, mean of classes"),
    "mae": Words("Mean absolute error", "how far off, on average", smaller_is_better=True),
    "median_absolute_error": Words("Median absolute error", "half of the rows are nearer", smaller_is_better=True),
    "rmse": Words("Root mean squared error", "large errors count more", smaller_is_better=True),
    "r2": Words("R²", "share of the variance that is explained"),
    "mean_error": Words("Mean error", "predicted less actual: above 0 is too high"),
    "calibration_error": Words("Calibration error", "probability against share, over bins", smaller_is_better=True),
}
PRECISION_AT = "precision_at_"


def words_for(metric: str) -> Words:
    """Return the words for a metric of `evaluation.json`."""
    if metric.startswith(PRECISION_AT):
        top = metric.removeprefix(PRECISION_AT)
        return Words(f"Precision of the top {top}", "of those with the highest scores in each period")
    return METRICS.get(metric, Words(metric.replace("_", " "), ""))
