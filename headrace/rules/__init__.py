"""Rules beside the model: what a condition may name, whether rules are right, and what they decide about many rows.

One row of a request is for `headrace.rules.row.RowRules`, which stands on the live features: no stage does.
"""

from headrace.rules.checking import check_rules
from headrace.rules.names import names_read
from headrace.rules.table import MODEL, Decided, decide_table
from headrace.rules.voice import ABOVE, settle

__all__ = ["ABOVE", "MODEL", "Decided", "check_rules", "decide_table", "names_read", "settle"]
