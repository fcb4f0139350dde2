"""`schema.yaml`: what a valid row is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

TYPES = ("string", "integer", "float", "decimal(p,s)", "boolean", "category", "timestamp", "date")


@dataclass(kw_only=True)
class Column:
    """One column of the rows.

    `decimal(p,s)` is for money: its sums and means are exact, whatever order the rows come in.
    """

    type: str
    """One of `string`, `integer`, `float`, `decimal(digits,decimals)`, `boolean`, `category`, `timestamp`, `date`."""
    nullable: bool = False
    """Whether a value may be missing; never for the key and the timestamp."""
    minimum: Optional[float] = None
    """The smallest value, itself included."""
    maximum: Optional[float] = None
    """The largest value, itself included."""
    values: Optional[List[Any]] = None
    """The only values."""
    pattern: Optional[str] = None
    """A regular expression (RE2) that the whole text matches."""
    unique: bool = False
    """Whether of equal values the first row alone stands; missing ones may repeat."""
    null_values: List[str] = field(default_factory=list)
    """Texts that stand for a missing value in a text source, such as a blank."""
    description: str = ""
    """For people, and for the service's OpenAPI document."""


@dataclass(kw_only=True)
class Limits:
    """Past these the validate stage fails."""

    rejected_share: float = 0.01
    """The largest share of rejected rows, over all rows."""
    minimum_rows: int = 1
    """The fewest rows of a part: of a day, or of the whole table where rows have no time."""
    maximum_rows: Optional[int] = None
    """The most rows of a part."""
    null_share: Dict[str, float] = field(default_factory=dict)
    """The largest share of missing values by column, in any part."""
    mean_shift: Optional[float] = None
    """The largest distance of a day's mean from its history, in robust standard deviations of earlier days' means."""


@dataclass(kw_only=True)
class RowIdentity:
    """What tells one row from another, and when it happened."""

    key: str
    """The column that is unique to a row, and orders rows of one moment."""
    timestamp: Optional[str]
    """The column that says when; null where rows have no time."""


@dataclass(kw_only=True)
class TypedRows(RowIdentity):
    """The columns of a row."""

    columns: Dict[str, Column]
    """A column that is not declared is left out."""


@dataclass(kw_only=True)
class Schema(TypedRows):
    """What a valid row is."""

    checks: Dict[str, str] = field(default_factory=dict)
    """A name and a DuckDB SQL condition that every row meets."""
    limits: Limits = field(default_factory=Limits)
    """Past these the stage fails."""
