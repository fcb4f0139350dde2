"""The prediction log: every answer that was acknowledged, encrypted, and erasable by whose it was."""

from headrace.prediction_log.entry import Entry, Outcome, Recorded, Repeated, Stored, new_request_id
from headrace.prediction_log.erasing import Erased, count_without_subject, erase
from headrace.prediction_log.exporting import export
from headrace.prediction_log.keys import Key, read_keys
from headrace.prediction_log.log import PredictionLog
from headrace.prediction_log.retention import apply_retention
from headrace.prediction_log.rotating import Rotated, rotate
from headrace.prediction_log.store import Store, open_store

__all__ = [
    "Entry",
    "Erased",
    "Key",
    "Outcome",
    "PredictionLog",
    "Recorded",
    "Repeated",
    "Rotated",
    "Store",
    "Stored",
    "apply_retention",
    "count_without_subject",
    "erase",
    "export",
    "new_request_id",
    "open_store",
    "read_keys",
    "rotate",
]
