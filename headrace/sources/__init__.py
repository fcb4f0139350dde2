"""Where rows come from, and how they become one file a day."""

from headrace.sources.building import build
from headrace.sources.cards import Drift, SimulatedCards
from headrace.sources.csv_file import Csv
from headrace.sources.ingesting import Ingested, ingest
from headrace.sources.parquet_file import Parquet
from headrace.sources.source import FunctionSource, Source
from headrace.sources.sql import Sql, holds_secret

__all__ = [
    "Csv",
    "Drift",
    "FunctionSource",
    "Ingested",
    "Parquet",
    "SimulatedCards",
    "Source",
    "Sql",
    "build",
    "holds_secret",
    "ingest",
]
