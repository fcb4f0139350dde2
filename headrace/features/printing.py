"""The SQL of a declaration, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.features.forms import window_sql
from headrace.features.plan import Plan

if TYPE_CHECKING:
    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows

LEGEND = """\
-- The table `rows` has the validated rows, numbered by time and then by key (_position). A row says for each frame how
-- many rows of its entity before it the frame starts and ends (_<entity>_start_<span>_<delay>, _<entity>_end_<delay>):
-- it sees those with time in (t - delay - span, t - delay], and of its own moment those before it by their key.
"""


def training_sql(features: Features, rows: TypedRows, target: Target) -> str:
    """Return the query that the featurize stage runs over all rows.

    Raises:
        ConfigError: A span or an aggregate is not written as it should be.
    """
    return LEGEND + window_sql(Plan(features, rows, target))
