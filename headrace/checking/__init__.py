"""All that is wrong in the declarations, found at once and before any work."""

from headrace.checking.declarations import Checked, check_declarations
from headrace.checking.problem import Problem

__all__ = ["Checked", "Problem", "check_declarations"]
