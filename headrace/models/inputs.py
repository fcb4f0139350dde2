"""What a model takes: columns of numbers and of categories, in one order."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

CATEGORY = "category"
FEW_ROWS = 64
"""A request's worth: for so few a dictionary is ten times faster than pandas' index."""


class Input(NamedTuple):
    """One feature."""

    name: str
    type: str
    """`number` or `category`."""
    categories: tuple[str, ...] | None = None
    """What a category may be; any other value is taken as missing. None for numbers, and until it is learned."""


def read_inputs(features: Sequence[dict[str, Any]]) -> tuple[Input, ...]:
    """Read the `features` list of a manifest."""
    return tuple(
        Input(each["name"], each["type"], tuple(each["categories"]) if each.get("categories") is not None else None)
        for each in features
    )


def describe_inputs(inputs: Sequence[Input]) -> list[dict[str, Any]]:
    """Return inputs as the `features` list of a manifest."""
    return [
        {"name": each.name, "type": each.type, "categories": None if each.categories is None else list(each.categories)}
        for each in inputs
    ]


def learn_categories(inputs: Sequence[Input], rows: pd.DataFrame) -> tuple[Input, ...]:
    """Return inputs whose categories are all known: those that the schema does not list are the values in `rows`."""
    return tuple(
        each._replace(categories=tuple(sorted(rows[each.name].dropna().unique())))
        if each.type == CATEGORY and each.categories is None
        else each
        for each in inputs
    )


def to_matrix(rows: pd.DataFrame, inputs: Sequence[Input]) -> NDArray[np.float64]:
    """Return the inputs as numbers, (rows, inputs): a category is its position, what is missing or unknown is NaN.

    They are doubles, as features are everywhere else: a rounded value could fall on the other side of a tree's
    threshold in a request than in training.

    Raises:
        DataError: An input is not among the columns, or holds something that is no number.
    """
    missing = [each.name for each in inputs if each.name not in rows]
    if missing:
        raise DataError(
            f"rows lack the features {', '.join(missing)}; the model takes: {', '.join(i.name for i in inputs)}"
        )
    matrix = np.empty((len(rows), len(inputs)))
    for column, each in enumerate(inputs):
        matrix[:, column] = _codes(rows[each.name], each) if each.type == CATEGORY else _numbers(rows[each.name])
    return matrix


def to_frame(matrix: NDArray[np.float64], inputs: Sequence[Input]) -> pd.DataFrame:
    """Return a matrix with named columns and categories as pandas has them, for estimators that know those."""
    import pandas as pd  # a request has no frame

    columns: dict[str, Any] = {}
    for column, (name, each) in enumerate(zip(safe_names(inputs), inputs, strict=True)):
        values = matrix[:, column]
        if each.type == CATEGORY:
            codes = np.where(np.isnan(values), -1, values).astype(np.int32)
            columns[name] = pd.Categorical.from_codes(codes, categories=list(each.categories or ()))  # type: ignore[arg-type]
        else:
            columns[name] = values
    return pd.DataFrame(columns, copy=False)


def safe_names(inputs: Sequence[Input]) -> list[str]:
    """Return names that LightGBM and XGBoost take: they refuse brackets, quotes, commas and the like."""
    names: list[str] = []
    for position, each in enumerate(inputs):
        name = re.sub(r"\W", "_", each.name, flags=re.ASCII)
        names.append(f"{name}_{position}" if name in names else name)
    return names


def _codes(values: pd.Series[Any], each: Input) -> NDArray[np.float64]:
    if len(values) <= FEW_ROWS:
        lookup = codes_of(each.categories or ())
        return np.array([lookup.get(value, np.nan) for value in values.tolist()], np.float64)
    import pandas as pd

    codes = pd.Index(each.categories or (), dtype=object).get_indexer(pd.Index(values, dtype=object)).astype(np.float64)
    codes[codes < 0] = np.nan
    return codes


@cache
def codes_of(categories: tuple[str, ...]) -> dict[Any, float]:
    """Return what each category is in a matrix."""
    return {category: float(position) for position, category in enumerate(categories)}


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    try:
        return values.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"feature {values.name}: it has to be a number: {error}") from error
