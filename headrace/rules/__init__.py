"""Rules beside the model: what a condition may name, whether rules are right, and what they decide about many rows.

One row of a request is for `headrace.rules.row.RowRules`, which stands on the live features: no stage does.
"""

from headrace.rules.checking import check_rules
from headrace.rules.names import PROBABILITY, names_read
from headrace.rules.table import MODEL, Decided, connect, decide_table

__all__ = ["MODEL", "PROBABILITY", "Decided", "check_rules", "connect", "decide_table", "names_read"]
