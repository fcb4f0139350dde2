"""How candidates are judged: the threshold, slices, calibration, costs, and who wins."""

from headrace.evaluation.evaluating import Result, choose_winner, evaluate
from headrace.evaluation.precision_at import period_numbers, precision_at
from headrace.evaluation.saying import describe
from headrace.evaluation.threshold import choose_threshold, recall_at_budget
from headrace.evaluation.writing import write_result

__all__ = [
    "Result",
    "choose_threshold",
    "choose_winner",
    "describe",
    "evaluate",
    "period_numbers",
    "precision_at",
    "recall_at_budget",
    "write_result",
]
