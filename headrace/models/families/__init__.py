"""Families of estimators: what differs between libraries, one file each."""

from headrace.models.families.choosing import family_of, family_of_files
from headrace.models.families.family import Family, Predict

__all__ = ["Family", "Predict", "family_of", "family_of_files"]
