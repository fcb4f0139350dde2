"""Which family an estimator, or a saved model, belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import IntegrityError
from headrace.models.families.lightgbm import LightGBM
from headrace.models.families.scikit_learn import ScikitLearn
from headrace.models.families.xgboost import XGBoost

if TYPE_CHECKING:
    from collections.abc import Collection

    from headrace.models.families.family import Family

FAMILIES: dict[str, Family] = {"lightgbm": LightGBM(), "xgboost": XGBoost()}
OTHERS = ScikitLearn()
"""Whatever has scikit-learn's interface, and types that skops can write."""


def family_of(target: str) -> Family:
    """Return the family of a `_target_`."""
    return FAMILIES.get(target.partition(".")[0], OTHERS)


def family_of_files(files: Collection[str]) -> Family:
    """Return the family that wrote a folder with these files."""
    for family in (*FAMILIES.values(), OTHERS):
        if family.file in files:
            return family
    known = ", ".join(family.file for family in (*FAMILIES.values(), OTHERS))
    raise IntegrityError(
        f"manifest.json: files: none of {known} is listed; found {', '.join(sorted(files)) or 'nothing'}"
    )
