"""Training: a candidate from its declaration and the features, tuned on rows before the test period only."""

from headrace.training.checking import check_model
from headrace.training.training import Trained, train

__all__ = ["Trained", "check_model", "train"]
