"""What a valid row is: raw rows are conformed to the schema and judged; bad ones are kept apart with their reasons."""

from headrace.validation.declared import check_schema

__all__ = ["check_schema"]
