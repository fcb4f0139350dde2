"""The features table, a part at a time: what is new is computed, what stands keeps its bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.declaration.sql import quoted
from headrace.errors import ConfigError, DataError
from headrace.features.checking import check_features
from headrace.features.database import database
from headrace.features.forms import lookup_sql, window_sql
from headrace.features.manifest import NAME, declaration_digest, describe, read_manifest
from headrace.features.plan import POSITION, Plan
from headrace.features.positions import in_order, visible_later, with_frames, with_positions
from headrace.features.writing import cut, pick, write_parts
from headrace.storage import WHOLE, digest, link_or_copy, list_parts, part_path, write_beside, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from headrace.declaration.pipeline import FeaturizeConfig

DAY = 86_400_000_000
BATCH = 100_000
ROWS_AT_ONCE = 3_000_000
FEW = 0.2
"""Up to this share of the rows that are read, a join costs less than window functions over all of them."""


@dataclass(frozen=True)
class Featurized:
    """What was done."""

    parts: int
    new_parts: int
    rows: int
    features: int
    unlabelled: int
    """Rows that were left out because their label is missing."""


def featurize(validated: Path, out: Path, config: FeaturizeConfig) -> Featurized:
    """Bring a features folder up to date with the validated parts.

    Parts whose rows, and all rows before them, are as they were are kept by their bytes. From the first part that is
    new or differs all is computed, with as much of the earlier rows as the longest window needs.

    Args:
        validated: A folder of validated parts, in declared types.
        out: The features folder; replaced as a whole when all is computed.
        config: The declaration.

    Raises:
        ConfigError: The declaration is wrong.
        DataError: A part lacks a declared column.
    """
    problems = check_features(config.features, config.schema, config.target)
    if problems:
        raise ConfigError("\n".join(f"features.yaml: {key}: {message}" for key, message in problems))
    plan = Plan(config.features, config.schema, config.target)
    parts = list_parts(validated)
    if not parts:
        raise DataError(f"{validated}: holds no rows (not one .parquet file); run the validate stage first")
    digests = {name: digest(path) for name, path in parts.items()}
    kept = _kept(plan, out, digests)
    new = [name for name in parts if name not in kept]
    with write_beside(out) as beside:
        beside.mkdir()
        for name in kept:
            link_or_copy(part_path(out, name), part_path(beside, name))
        with database(beside) as connection:
            rows = _compute(connection, plan, _needed(plan, parts, new), new, beside) if new else 0
        write_json(beside / NAME, describe(plan, digests))
    total = sum(pq.read_metadata(path).num_rows for path in list_parts(out).values())
    labelled = sum(pq.read_metadata(part_path(out, name)).num_rows for name in new)
    return Featurized(len(parts), len(new), total, len(describe(plan, {})["features"]), rows - labelled)


def _kept(plan: Plan, out: Path, digests: dict[str, str]) -> list[str]:
    """Return the parts that stand: the longest run from the first day on that is as it was."""
    manifest = read_manifest(out)
    if manifest.get("declaration") != declaration_digest(plan):
        return []
    before = list(manifest["parts"].items())
    kept = []
    for (name, found), was in zip(digests.items(), before, strict=False):
        if (name, found) != was or not part_path(out, name).is_file():
            break
        kept.append(name)
    return kept


def _needed(plan: Plan, parts: dict[str, Path], new: list[str]) -> dict[str, Path]:
    """Return the parts to read: the new ones, and as many before them as the longest window reaches."""
    if new[0] == WHOLE:
        return parts
    first = date.fromisoformat(new[0]) - timedelta(days=-(-plan.history // DAY))
    return {name: path for name, path in parts.items() if name >= first.isoformat()}


def _compute(
    connection: duckdb.DuckDBPyConnection, plan: Plan, needed: dict[str, Path], new: list[str], out: Path
) -> int:
    """Compute and write the new parts; return how many rows they have."""
    sizes = {name: pq.read_metadata(path).num_rows for name, path in needed.items()}
    rows = sum(int(sizes[name]) for name in new)
    start = sum(sizes.values()) - rows
    few = bool(plan.windows) and rows <= FEW * sum(sizes.values())
    _load(connection, plan, needed, sizes, frames=not few)
    if few:
        connection.execute(f"CREATE TABLE probes AS SELECT * FROM rows WHERE {POSITION} >= {start}")
        query = lookup_sql(plan)
    else:
        query = window_sql(plan)
    wanted = f"SELECT * FROM ({query}) WHERE {POSITION} >= {start} AND {quoted(plan.target.column)} IS NOT NULL"
    ends = np.cumsum([sizes[name] for name in new]) + start
    parts = dict(zip(new, ends.tolist(), strict=True))
    if rows > ROWS_AT_ONCE:
        ordered = connection.sql(f"{wanted} ORDER BY {POSITION}")
        write_parts(cut(ordered.to_arrow_reader(BATCH), parts), out)
    else:  # Arrow brings rows that fit into memory into order in half the time.
        write_parts(pick(connection.sql(wanted).to_arrow_table(), parts), out)
    return rows


def _read(paths: list[Path], columns: list[str]) -> pa.Table:
    # Not by pyarrow.dataset: importing it imports pandas, and the service imports this room.
    try:
        with ThreadPoolExecutor() as pool:
            return pa.concat_tables(pool.map(lambda path: pq.ParquetFile(path).read().select(columns), paths))
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise DataError(f"{paths[0].parent}: is not as validate writes it ({error}); run `dvc repro` again") from error


def _load(
    connection: duckdb.DuckDBPyConnection, plan: Plan, needed: dict[str, Path], sizes: dict[str, int], *, frames: bool
) -> None:
    """Fill the table `rows`, some parts at a time. Parts are days: in order one by one, they are in order together."""
    start, earlier = 0, None
    chunks = list(_some_at_once(sizes))
    for names in chunks:
        read = in_order(_read([needed[name] for name in names], list(plan.rows.columns)), plan)
        table = with_positions(read, start, plan)
        earlier = table.slice(0, 0) if earlier is None else earlier
        table = with_frames(table, earlier, plan) if frames else table
        if len(chunks) == 1:
            connection.register("rows", table)  # DuckDB reads it where it lies
            return
        connection.register("some_rows", table)
        connection.execute(f"{'INSERT INTO rows' if start else 'CREATE TABLE rows AS'} SELECT * FROM some_rows")
        connection.unregister("some_rows")
        start, earlier = start + table.num_rows, visible_later(table, earlier, plan)


def _some_at_once(sizes: dict[str, int]) -> Iterator[list[str]]:
    """Yield the parts in order, as many together as have some `ROWS_AT_ONCE` rows."""
    names, rows = [], 0
    for name, size in sizes.items():
        names.append(name)
        rows += size
        if rows >= ROWS_AT_ONCE:
            yield names
            names, rows = [], 0
    if names:
        yield names
