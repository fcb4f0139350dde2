"""Opening the store that a URL names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headrace.declaration.features import feature_names
from headrace.errors import ConfigError
from headrace.features.plan import Plan
from headrace.live.features import LiveFeatures
from headrace.live.layout import FORMAT
from headrace.live.records import Records

if TYPE_CHECKING:
    from headrace.declaration.features import Features
    from headrace.declaration.modelling import Target
    from headrace.declaration.rows import TypedRows
    from headrace.live.store import Store

LMDB = "lmdb://"
REDIS = ("redis://", "rediss://", "unix://")


class Declared(Protocol):
    """A pipeline, as far as its windows go."""

    @property
    def pipeline(self) -> str:
        """Its name."""

    @property
    def features(self) -> Features:
        """Its features."""

    @property
    def schema(self) -> TypedRows:
        """The rows that are asked about."""

    @property
    def target(self) -> Target:
        """Their label."""


def open_windows(url: str, declared: Declared, *, filled_with: str | None = None) -> LiveFeatures:
    """Open the features of a pipeline over a store.

    Pipelines, and versions of one that keep other things of a row, have key spaces of their own in a store: they run
    side by side. Versions that keep the same share it.

    Args:
        url: `lmdb:///path/windows.lmdb`, a file that the processes of a machine share, or `redis://host:6379/0`.
        declared: The pipeline.
        filled_with: The digest of a history, as `LiveFeatures.warm` takes it. A Redis that does not have it is
            unavailable to whoever asks: it may come back empty between two looks. None where none is needed.

    Raises:
        ConfigError: The URL names no store, or an aggregate cannot be kept live.
        WindowsUnavailable: The file cannot be opened. A Redis is not asked before it is needed.
    """
    plan = Plan(declared.features, declared.schema, declared.target)
    if not plan.windows:
        return LiveFeatures(plan, None, None)
    records = Records(plan, {name: place for place, name in enumerate(feature_names(declared.features))})
    kept = json.dumps([declared.pipeline, records.kept])
    space = hashlib.blake2b(FORMAT + kept.encode(), digest_size=8).digest()
    return LiveFeatures(plan, _store(url, space, records, filled_with), records)


def check_windows(features: Features, rows: TypedRows, target: Target) -> None:
    """Do nothing where the windows of a declaration can be kept live.

    Raises:
        ConfigError: An aggregate cannot.
    """
    plan = Plan(features, rows, target)
    if plan.windows:
        Records(plan, {name: place for place, name in enumerate(feature_names(features))})


def _store(url: str, space: bytes, records: Records, filled_with: str | None) -> Store:
    if url.startswith(LMDB):
        from headrace.live.file_store import FileStore

        return FileStore(Path(url.removeprefix(LMDB)), space, records.widths, records.order_bytes)
    if url.startswith(REDIS):
        from headrace.live.redis_store import RedisStore

        return RedisStore(
            url,
            space,
            records.widths,
            records.order_bytes,
            seconds=records.kept_seconds,
            filled_with=None if filled_with is None else filled_with.encode(),
        )
    raise ConfigError(f"windows.url: '{url}' names no store; write lmdb:///path/windows.lmdb or redis://host:6379/0")
