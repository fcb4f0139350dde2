"""Which rows train, which rows judge: by time with the label's delay kept, or by a hash of the key."""

from headrace.splits.checking import check_split
from headrace.splits.hashing import hash_keys
from headrace.splits.sides import Fold, Folds, Side
from headrace.splits.splitting import Columns, end_of_data, split_rows

__all__ = ["Columns", "Fold", "Folds", "Side", "check_split", "end_of_data", "hash_keys", "split_rows"]
