"""Names and texts in DuckDB's SQL."""

from __future__ import annotations


def name(text: str) -> str:
    """Return a column's name, quoted."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text, quoted."""
    return "'" + text.replace("'", "''") + "'"
