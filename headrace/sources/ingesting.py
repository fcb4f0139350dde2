"""Bring rows from a source to `raw/`: one Parquet file a day, of which only missing ones are read and written."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.console import track
from headrace.errors import ConfigError, SourceError
from headrace.sources.building import build
from headrace.sources.days import parse_day
from headrace.sources.manifest import UNDATED, Manifest, Part, describe_parts, digest_of, read_manifest
from headrace.sources.planning import Plan, Range, calendar, plan_all, plan_missing
from headrace.sources.retries import ATTEMPTS, WAIT_SECONDS, persist
from headrace.sources.source import Source, identity
from headrace.sources.spool import Spool, describe_columns, spooling
from headrace.storage import WHOLE, link_or_copy, list_parts, part_path, write_beside

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from headrace.declaration.pipeline import IngestConfig
    from headrace.declaration.rows import RowIdentity

ALL = "all"
RAW = "raw"
MANIFEST = "ingest.json"


@dataclass(frozen=True)
class Ingested:
    """What an ingest did."""

    manifest: Manifest
    new: frozenset[str]
    """The parts that were written; the others stood already."""

    def __str__(self) -> str:
        """Return it as a person would say it."""
        rows = sum(self.manifest.parts[name].rows for name in self.new)
        if WHOLE in self.manifest.parts:
            return f"{rows:,} rows"
        days, new = (len(set(names) - {UNDATED}) for names in (self.manifest.parts, self.new))
        undated = self.manifest.parts.get(UNDATED)
        more = f", {undated.rows:,} of them without a time that can be read" if undated else ""
        return f"{new} new day{'s' * (new != 1)} of {days}, {rows:,} rows ({self.manifest.rows:,} in all{more})"


def ingest(config: IngestConfig, folder: Path) -> Ingested:
    """Write `raw/` and `ingest.json` in `folder`, so that they hold the source's rows before `config.until`.

    Days that stand there with the right checksum are not read again, unless the source's declaration has changed or
    the source cannot be asked for days (a file, which is read and written whole). Nothing is changed in place: a file
    may share its content with DVC's cache.

    Raises:
        ConfigError: the source's declaration is wrong.
        SourceError: the source cannot be read. What stood in `folder` stands there still.
    """
    until = read_until(config.until, config.schema)
    source = build(config.source)
    declared = digest_of([config.source["_target_"], identity(source), config.schema.key, config.schema.timestamp])
    earlier = read_manifest(folder / MANIFEST)
    plan = plan_all(until)
    if until and source.daily and earlier and earlier.source == declared:
        plan = plan_missing(earlier, folder / RAW, until)
    if not plan.ranges and set(list_parts(folder / RAW)) == set(plan.kept):
        parts, written = plan.kept, set[str]()
    else:
        parts, written = _write_parts(source, config, plan, folder / RAW)
    manifest = Manifest(declared, parts)
    manifest.write(folder / MANIFEST)
    return Ingested(manifest, frozenset(written))


def read_until(until: str, rows: RowIdentity) -> date | None:
    """Return the day before which rows are read, or None for all.

    Raises:
        ConfigError: it is no day; or rows have no time, so that none is before it.
    """
    if until == ALL:
        return None
    if rows.timestamp is None:
        raise ConfigError(
            f"until: found '{until}', and schema.yaml says `timestamp: null`; rows without a time need until: all"
        )
    return parse_day(until, "until")


def _write_parts(source: Source, config: IngestConfig, plan: Plan, raw: Path) -> tuple[dict[str, Part], set[str]]:
    where = f"source {config.source.get('path') or config.source['_target_']}"
    rows: dict[str, int] = {}
    with spooling() as connection, write_beside(raw) as new:
        new.mkdir()
        for name in plan.kept:
            link_or_copy(part_path(raw, name), part_path(new, name))
        known = describe_columns(connection, list_parts(new))
        for days in plan.ranges:
            spool = _collect(source, days, Spool(connection, config.schema, where))
            spool.settle(known)
            rows |= _write_range(spool, days, new) if config.schema.timestamp else _write_whole(spool, new)
        parts = plan.kept | describe_parts(new, rows)
    return parts, set(rows)


def _collect(source: Source, days: Range, spool: Spool) -> Spool:
    """Return the spool with the rows of a range; a failure that can pass has it read again from its start."""

    def read() -> None:
        spool.clear()
        for table in source.read(*days):
            spool.add(table)

    persist(read, getattr(source, "attempts", ATTEMPTS), getattr(source, "wait_seconds", WAIT_SECONDS))
    return spool


def _write_range(spool: Spool, days: Range, folder: Path) -> dict[str, int]:
    found = spool.count_days(*days)
    if not found and days[0] is None:
        raise SourceError(f"{spool.where}: there are no rows{f' before {days[1]}' if days[1] else ''}")
    names = calendar(found, *days, spool.where)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = pool.map(lambda name: spool.write_day(name, part_path(folder, name)), names)
        rows = dict(zip(names, track(written, "ingest: days written", len(names)), strict=True))
    if spool.count_undated():
        rows[UNDATED] = spool.write_undated(part_path(folder, UNDATED))
    return rows


def _write_whole(spool: Spool, folder: Path) -> dict[str, int]:
    rows = spool.write_whole(part_path(folder, WHOLE))
    if not rows:
        raise SourceError(f"{spool.where}: there are no rows")
    return {WHOLE: rows}
