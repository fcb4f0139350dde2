"""Models: declared, fitted, saved without pickles, and loaded only if unchanged."""

from headrace.models.balance import BALANCES
from headrace.models.families import family_of
from headrace.models.fitting import PREPARATIONS, REFUSES, FittedModel, TrainingRows, fit, prepare_rows
from headrace.models.inputs import Input, describe_inputs, learn_categories, read_inputs, to_matrix
from headrace.models.loading import LoadedModel, load, read_manifest
from headrace.models.saving import MANIFEST, save
from headrace.models.scoring import Contributions, Scorer

__all__ = [
    "BALANCES",
    "MANIFEST",
    "PREPARATIONS",
    "REFUSES",
    "Contributions",
    "FittedModel",
    "Input",
    "LoadedModel",
    "Scorer",
    "TrainingRows",
    "describe_inputs",
    "family_of",
    "fit",
    "learn_categories",
    "load",
    "prepare_rows",
    "read_inputs",
    "read_manifest",
    "save",
    "to_matrix",
]
