"""All that is wrong in the declarations, found at once and before any work."""

from headrace.checking.parameters import candidates_of, check_parameters
from headrace.checking.pipeline import check_pipeline

__all__ = ["candidates_of", "check_parameters", "check_pipeline"]
