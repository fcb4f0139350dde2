"""Families of estimators: what differs between libraries, one file each."""

from headrace.models.families.choosing import family_of, family_of_files
from headrace.models.families.family import Estimator, Family

__all__ = ["Estimator", "Family", "family_of", "family_of_files"]
