"""Raw values become values of their declared types, in DuckDB; what cannot is marked, and never an exception.

A value is only taken where nothing of it is lost: `12.0` is an integer and `12.5` is not, `29.855` is no
`decimal(12,2)`. A text without a time zone is UTC, and one with a zone is brought to UTC. NaN is a missing value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from headrace.declaration.sql import literal, quoted
from headrace.declaration.types import decimal_arguments, duckdb_type, type_kind
from headrace.errors import DataError
from headrace.validation.reading import raw_kind

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.declaration.rows import Column, Schema

DAY = "day: "
"""A column beside the raw ones: the day that a row's part is named after, or null where it is named after none."""
UNCAST = "uncast: "
CONDITION = "condition: "
ON_DAY = "on day: "
RAW = "raw: "
FURTHER_DECIMALS = 9
NOISE = {"float": "1e-6", "double": "1e-12"}
"""How far, in parts of it, a binary fraction may lie beside the decimal that it stands for: what arithmetic leaves."""


def conform(connection: duckdb.DuckDBPyConnection, rows: pa.Table, schema: Schema) -> pa.Table:
    """Return the rows in declared types, in order, with boolean columns beside them.

    `uncast: <column>` says that a value is of another type (the value is then null); `condition: <name>` whether the
    row meets a declared check (null where SQL cannot say); `on day: ` whether the row belongs to the day of its part.

    Raises:
        DataError: a declared check cannot be computed.
    """
    connection.register("raw", rows)
    try:
        return connection.sql(conforming_query(rows.schema, schema)).to_arrow_table()
    except duckdb.Error as error:
        said = str(error).split("\n", 1)[0]
        raise DataError(f"schema.yaml: checks: a condition cannot be computed for every row: {said}") from error
    finally:
        connection.unregister("raw")


def conforming_query(raw: pa.Schema, schema: Schema) -> str:
    """Return the SQL over a table `raw` that `conform` runs."""
    present, parsed, judged = [], [], []
    for name, column in schema.columns.items():
        value = quoted(RAW + name)
        present.append(f"{_present(quoted(name), raw.field(name).type, column)} AS {value}")
        parsed.append(f"{value}, {_parsed(value, raw.field(name).type, column.type)} AS {quoted(name)}")
        judged.append(f"{quoted(name)}, {value} IS NOT NULL AND {quoted(name)} IS NULL AS {quoted(UNCAST + name)}")
    judged += [f"({condition}) AS {quoted(CONDITION + name)}" for name, condition in schema.checks.items()]
    if DAY in raw.names and schema.timestamp is not None:
        present.append(quoted(DAY))
        parsed.append(quoted(DAY))
        day = f"{quoted(DAY)} IS NULL OR CAST({quoted(schema.timestamp)} AS DATE) = {quoted(DAY)}"
        judged.append(f"({day}) AS {quoted(ON_DAY)}")
    return (
        f"WITH present AS (SELECT {', '.join(present)} FROM raw),\n"
        f"rows AS (SELECT {', '.join(parsed)} FROM present)\n"
        f"SELECT {', '.join(judged)} FROM rows"
    )


def _present(value: str, raw: pa.DataType, column: Column) -> str:
    """Return SQL for a raw value, or null where it stands for a missing one."""
    kind = raw_kind(raw)
    if kind == "float":
        return f"CASE WHEN NOT isnan({value}) THEN {value} END"
    if kind != "text":
        return value
    missing = [f"{value} = {literal(text)}" for text in column.null_values]
    if column.type == "float":
        missing.append(f"lower({value}) = 'nan'")
    return f"CASE WHEN NOT ({' OR '.join(missing)}) THEN {value} END" if missing else value


def _parsed(value: str, raw: pa.DataType, type_name: str) -> str:
    """Return SQL for a present raw value in its declared type, null where something of it would be lost."""
    declared, kind = type_kind(type_name), raw_kind(raw)
    cast = f"TRY_CAST({value} AS {duckdb_type(type_name)})"
    if declared == "float":
        return f"CASE WHEN isfinite({cast}) THEN {cast} END"
    if declared in ("integer", "decimal") and kind in ("text", "float", "decimal"):
        return f"CASE WHEN {_lossless_number(value, cast, raw, type_name)} THEN {cast} END"
    if declared == "boolean" and kind in ("integer", "float", "decimal"):
        return f"CASE WHEN {value} IN (0, 1) THEN {value} = 1 END"
    if declared == "timestamp" and kind == "text":
        moment = f"CAST(TRY_CAST({value} AS TIMESTAMPTZ) AS TIMESTAMP)"
        return f"CASE WHEN isfinite({moment}) THEN {moment} END"
    if declared == "date" and kind in ("text", "timestamp"):
        return f"CASE WHEN isfinite({cast}) AND TRY_CAST({value} AS TIMESTAMP) = {cast} THEN {cast} END"
    return cast


def _lossless_number(value: str, cast: str, raw: pa.DataType, type_name: str) -> str:
    kind = raw_kind(raw)
    precision, scale = decimal_arguments(type_name) or (19, 0)
    if kind == "text":
        wide = min(scale + FURTHER_DECIMALS, 38 - (precision - scale))
        return f"TRY_CAST({value} AS DECIMAL(38,{wide})) = {cast}"
    if kind == "decimal" or type_name == "integer":
        return f"{value} = {cast}"
    return (
        f"abs({value} - CAST({cast} AS DOUBLE)) <= {NOISE.get(str(raw), NOISE['double'])} * greatest(1, abs({value}))"
    )
