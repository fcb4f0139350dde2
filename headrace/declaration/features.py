"""`features.yaml`: what a model sees of a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional


@dataclass(kw_only=True)
class Window:
    """An entity's history up to and including a row: the rows with time in `(t - delay - span, t - delay]`."""

    spans: List[str]
    """Lengths such as `1h`, `7d`, `4w`."""
    aggregates: Dict[str, str]
    """A name and an aggregate in SQL: `count(*)`, `avg(amount)`, `quantile(amount, 0.9)`, `seconds_since_last()` ..."""
    entity: Optional[str] = None
    """The column whose equal values share a history; the window's own name where it is left out."""
    delay: str = "0s"
    """How long a row takes to be seen: at least the label's delay where an aggregate reads the label."""


@dataclass(kw_only=True)
class Features:
    """What a model sees of a row. A window feature's name is `<window>_<aggregate>_<span>`."""

    columns: List[str] = field(default_factory=list)
    """Columns that are passed through."""
    expressions: Dict[str, str] = field(default_factory=dict)
    """A name and a DuckDB SQL expression over one row."""
    windows: Dict[str, Window] = field(default_factory=dict)
    """A name and an entity's history; a feature for each span and aggregate."""
    ratios: Dict[str, str] = field(default_factory=dict)
    """A name and `a / b`, where a and b are features declared above; missing where b is zero or missing."""


def feature_names(features: Features) -> list[str]:
    """Return the names of all declared features, in the order of the training table."""
    windows = [
        f"{window}_{aggregate}_{span}"
        for window, declared in features.windows.items()
        for span in declared.spans
        for aggregate in declared.aggregates
    ]
    return [*features.columns, *features.expressions, *windows, *features.ratios]
