"""`prepare: encode`: categories, gaps and scales made fit for estimators that take plain numbers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.models.inputs import CATEGORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.models.inputs import Input

NUMBERS = "numbers"
CATEGORIES = "categories"


def make_encoder(inputs: Sequence[Input]) -> Any:
    """Return an unfitted transformer from a matrix of inputs to plain numbers.

    Numbers: gaps become the median, a column says where the gaps were, all are scaled to mean 0 and deviation 1.
    Categories: a column each; a missing or unknown category is 0 in all of them.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = _positions(inputs)
    known = [list(map(float, range(len(inputs[position].categories or ())))) for position in categories]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_hot = OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [(NUMBERS, make_pipeline(imputer, StandardScaler()), numbers), (CATEGORIES, one_hot, categories)],
        sparse_threshold=0,
    )


def trace_columns(encoder: Any, inputs: Sequence[Input]) -> list[int]:
    """Return, for each column that a fitted encoder makes, the position of the input that it comes from."""
    numbers, categories = _positions(inputs)
    origins = list(numbers)
    if numbers:
        indicator = encoder.named_transformers_[NUMBERS][0].indicator_
        origins += [numbers[position] for position in indicator.features_]
    for position in categories:
        origins += [position] * len(inputs[position].categories or ())
    return origins


def _positions(inputs: Sequence[Input]) -> tuple[list[int], list[int]]:
    numbers = [position for position, each in enumerate(inputs) if each.type != CATEGORY]
    categories = [position for position, each in enumerate(inputs) if each.type == CATEGORY]
    return numbers, categories
