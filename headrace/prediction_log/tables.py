"""The tables of the log. A change of them is a new VERSION, and a step from the one before."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, LargeBinary, MetaData, Table, Text

VERSION = "1"

metadata = MetaData()

about = Table(
    "prediction_log",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What is said once of the log: its version, its pipeline, its sealed subject key."""

entries = Table(
    "prediction_entry",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("time", BigInteger, nullable=False),  # microseconds since 1970, UTC
    Column("subject", LargeBinary),
    Column("payload", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("decision", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("model_version", Text, nullable=False),
)
Index("prediction_entry_time", entries.c.time)

outcomes = Table(
    "prediction_outcome",
    metadata,
    # An outcome goes with its answer.
    Column("request_id", Text, ForeignKey(entries.c.request_id, ondelete="CASCADE"), primary_key=True),
    Column("label", Text, nullable=False),  # JSON
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
)
