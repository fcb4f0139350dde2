"""What a valid row is: raw rows are conformed to the schema and judged; bad ones are kept apart with their reasons."""

from headrace.validation.declared import check_schema
from headrace.validation.summary import Summary
from headrace.validation.validating import validate

__all__ = ["Summary", "check_schema", "validate"]
