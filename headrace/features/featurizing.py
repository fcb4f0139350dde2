"""The features table, a part at a time: what is new is computed, what stands keeps its bytes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import dataset

from headrace.errors import ConfigError, DataError
from headrace.features.checking import check_features
from headrace.features.database import create_rows, database
from headrace.features.forms import lookup_sql, window_sql
from headrace.features.manifest import NAME, declaration_digest, describe, read_manifest
from headrace.features.plan import POSITION, Plan
from headrace.features.positions import in_order, times_of, with_positions
from headrace.storage import WHOLE, digest, link_or_copy, list_parts, part_path, write_beside, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from headrace.declaration.pipeline import FeaturizeConfig

DAY = 86_400_000_000
BATCH = 100_000
PARTS_AT_ONCE = 16
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
            create_rows(connection, config.schema)
            categorical = plan.categorical(connection)
            rows = _compute(connection, plan, _needed(plan, parts, new), new, beside) if new else 0
        write_json(beside / NAME, describe(plan, categorical, digests))
    total = sum(pq.read_metadata(path).num_rows for path in list_parts(out).values())
    labelled = sum(pq.read_metadata(part_path(out, name)).num_rows for name in new)
    return Featurized(len(parts), len(new), total, len(describe(plan, [], {})["features"]), rows - labelled)


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
    exact, categorical = plan.exact_arguments(connection), plan.categorical(connection)
    sizes = {name: pq.read_metadata(path).num_rows for name, path in needed.items()}
    _load(connection, plan, needed, sizes)
    rows = sum(int(sizes[name]) for name in new)
    start = sum(sizes.values()) - rows
    if plan.windows and rows <= FEW * sum(sizes.values()):
        connection.execute(f"CREATE TABLE probes AS SELECT * FROM rows WHERE {POSITION} >= {start}")
        query = lookup_sql(plan, exact, categorical)
    else:
        query = window_sql(plan, exact, categorical)
    reader = connection.sql(_only_new(query, plan, start)).to_arrow_reader(BATCH)
    _write(reader, new, {list(needed).index(name): name for name in new}, out)
    return rows


def _read(paths: list[Path], columns: list[str]) -> pa.Table:
    try:
        return dataset.dataset(paths, format="parquet").to_table(columns)
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise DataError(f"{paths[0].parent}: is not as validate writes it ({error}); run `dvc repro` again") from error


def _load(connection: duckdb.DuckDBPyConnection, plan: Plan, needed: dict[str, Path], sizes: dict[str, int]) -> None:
    """Fill the table `rows`, some parts at a time. Parts are days: in order one by one, they are in order together."""
    paths, counts = list(needed.values()), list(sizes.values())
    times = np.sort(times_of(_read(paths, [plan.rows.timestamp or plan.rows.key]), plan.rows.timestamp))
    connection.execute("DROP TABLE rows")
    for begin in range(0, len(paths), PARTS_AT_ONCE):
        some = slice(begin, begin + PARTS_AT_ONCE)
        parts = np.repeat(np.arange(len(paths))[some], counts[some])
        table = _read(paths[some], list(plan.rows.columns)).append_column("_part", pa.array(parts))
        table = with_positions(in_order(table, plan), times, sum(counts[:begin]), plan)
        connection.register("some_parts", table)
        create = "INSERT INTO rows" if begin else "CREATE TABLE rows AS"
        connection.execute(f"{create} SELECT * FROM some_parts")
        connection.unregister("some_parts")


def _only_new(query: str, plan: Plan, start: int) -> str:
    labelled = f'"{plan.target.column}" IS NOT NULL'
    return f"SELECT * FROM ({query}) WHERE {POSITION} >= {start} AND {labelled} ORDER BY {POSITION}"


def _write(reader: pa.RecordBatchReader, new: list[str], names: dict[int, str], out: Path) -> None:
    """Write the rows of a result, which come in order, to their parts; a part without rows is written empty."""
    empty = reader.schema.empty_table()
    held: dict[str, list[pa.Table]] = {}
    written: set[str] = set()
    for batch in reader:
        for number, table in _by_part(pa.Table.from_batches([batch])):
            for name in [name for name in held if name != names[number]]:
                _write_part(held.pop(name), name, out)
                written.add(name)
            held.setdefault(names[number], []).append(table)
    for name in new:
        if name not in written:
            _write_part(held.get(name, [empty]), name, out)


def _by_part(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    numbers = table["_part"].to_numpy()
    cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), table.num_rows]
    for begin, end in itertools.pairwise(cuts):
        if end > begin:
            yield int(numbers[begin]), table.slice(begin, end - begin)


def _write_part(tables: list[pa.Table], name: str, out: Path) -> None:
    table = pa.concat_tables(tables).drop_columns([POSITION, "_part"]).combine_chunks()
    pq.write_table(table, part_path(out, name), compression="zstd")
