"""What a model sees of a row: one declaration, computed by DuckDB for a table and for a single row alike."""

from headrace.features.checking import check_features
from headrace.features.featurizing import Featurized, featurize
from headrace.features.lookup import Lookup
from headrace.features.manifest import read_manifest
from headrace.features.printing import training_sql

__all__ = ["Featurized", "Lookup", "check_features", "featurize", "read_manifest", "training_sql"]
