"""The two SQL forms of one declaration: window functions for a whole table, a join for few rows.

Both read a table whose rows are numbered by time and key (`_position`) and have their time in microseconds (`_time`).
For window functions the rows carry how many rows of their entity before them each frame starts and ends
(`headrace.features.positions`). Ties in time have one order: a tied row that comes later by its key is not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.declaration.durations import microseconds
from headrace.declaration.sql import quoted
from headrace.features.aggregates import scale_of
from headrace.features.plan import POSITION, TIME

if TYPE_CHECKING:
    from headrace.features.plan import Frame, Plan, WindowFeature


def window_sql(plan: Plan) -> str:
    """Return the query over the table `rows` that computes the features of all of them."""
    computed = [*_own(plan)]
    for feature in plan.windows:
        if feature.aggregate.counts_rows:
            sql = feature.frame.count_sql
        else:
            sql = _aggregate(feature, plan, f"OVER {quoted(feature.frame.name)}")
        computed.append(_named(feature, sql, quoted(feature.frame.entity)))
    looked_through = dict.fromkeys(feature.frame for feature in plan.windows if not feature.aggregate.counts_rows)
    windows = [_window(frame) for frame in looked_through]
    return _query(
        plan,
        [
            f"arguments AS (\n  SELECT {_lines(['*', *plan.argument_columns])}\n  FROM rows\n)",
            f"computed AS (\n  SELECT {_lines(computed)}\n  FROM arguments"
            + (f"\n  WINDOW {_lines(windows)}" if windows else "")
            + "\n)",
        ],
    )


def lookup_sql(plan: Plan) -> str:
    """Return the query that computes the features of the rows in the table `probes`, with their history in `rows`.

    `rows` holds the probes too: a window sees the row itself.
    """
    kept = [POSITION, TIME, *(quoted(entity) for entity in plan.entities), *plan.arguments.values()]
    parts = [
        f"arguments AS (\n  SELECT {_lines(['*', *plan.argument_columns])}\n  FROM rows\n)",
        f"history AS (\n  SELECT {', '.join(kept)}\n  FROM arguments\n)",
    ]
    joins, computed = [], [*_own(plan)]
    for number, (group, features) in enumerate(_by_entity(plan).items()):
        name = f"looked_up_{number}"
        parts.append(_looked_up(name, group, features, plan))
        joins.append(f"\n  LEFT JOIN {name} USING ({POSITION})")
        computed += [_found(f"{name}.{quoted(feature.name)}", feature) for feature in features]
    parts.append(f"computed AS (\n  SELECT {_lines(computed)}\n  FROM probes{''.join(joins)}\n)")
    return _query(plan, parts)


def _looked_up(name: str, entity: str, features: list[WindowFeature], plan: Plan) -> str:
    history = max(microseconds(feature.frame.delay) + microseconds(feature.frame.span) for feature in features)
    columns = [f"probes.{POSITION}"]
    for feature in features:
        aggregate = _aggregate(feature, plan, f"FILTER (WHERE {feature.frame.seen_sql})", "history.")
        columns.append(f"CAST({aggregate} AS DOUBLE) AS {quoted(feature.name)}")
    # An inner join, so that DuckDB builds on the few and scans the many in parallel: who has no history is not there.
    return (
        f"{name} AS (\n  SELECT {_lines(columns)}\n"
        f"  FROM history JOIN probes ON history.{quoted(entity)} = probes.{quoted(entity)}\n"
        f"    AND history.{TIME} > probes.{TIME} - {history} AND history.{TIME} <= probes.{TIME}\n"
        f"    AND history.{POSITION} <= probes.{POSITION}\n"
        f"  GROUP BY probes.{POSITION}\n)"
    )


def _found(column: str, feature: WindowFeature) -> str:
    counted = f"coalesce({column}, 0)" if feature.aggregate.function == "count" else column
    return f"{counted} AS {quoted(feature.name)}"


def _aggregate(feature: WindowFeature, plan: Plan, over: str, table: str = "") -> str:
    argument = feature.aggregate.argument_sql
    column = plan.arguments[argument] if argument else TIME
    sql = feature.aggregate.sql(
        f"{table}{column}",
        scale=scale_of(plan.kinds[argument]) if argument else None,
        over=over,
        position=f"{table}{POSITION}",
        fractions=plan.fractions(feature),
    )
    if feature.aggregate.function == "seconds_since_last":
        return f"({'any_value(probes.' + TIME + ')' if table else TIME} - {sql}) / 1e6"
    return sql


def _named(feature: WindowFeature, sql: str, entity: str) -> str:
    # Rows without the entity share no history: none of it is theirs.
    none = "0" if feature.aggregate.function == "count" else "NULL"
    return f"CAST(CASE WHEN {entity} IS NULL THEN {none} ELSE {sql} END AS DOUBLE) AS {quoted(feature.name)}"


def _own(plan: Plan) -> list[str]:
    """Return what comes of one row alone: its identity, columns and expressions."""
    identity = [
        f"{plan.label_sql()} AS {quoted(name)}" if name == plan.target.column else quoted(name)
        for name in plan.identity
    ]
    own = [*((name, quoted(name)) for name in plan.features.columns), *plan.features.expressions.items()]
    # A feature may be an entity too, or the timestamp: it is there already, under that name and in its own type.
    features = [
        f"CAST({expression} AS {'VARCHAR' if name in plan.texts else 'DOUBLE'}) AS {quoted(name)}"
        for name, expression in own
    ]
    return [POSITION, *identity, *features]


def _window(frame: Frame) -> str:
    return f"{quoted(frame.name)} AS (PARTITION BY {quoted(frame.entity)} ORDER BY {POSITION} {frame.rows_sql})"


def _by_entity(plan: Plan) -> dict[str, list[WindowFeature]]:
    groups: dict[str, list[WindowFeature]] = {}
    for feature in plan.windows:
        groups.setdefault(feature.frame.entity, []).append(feature)
    return groups


def _query(plan: Plan, parts: list[str]) -> str:
    ratios = []
    for name, ratio in plan.features.ratios.items():
        above, below = (quoted(side.strip()) for side in ratio.split("/"))
        ratios.append(f"{above} / nullif({below}, 0) AS {quoted(name)}")
    return "WITH " + ",\n".join(parts) + f"\nSELECT {_lines(['*', *ratios])}\nFROM computed"


def _lines(columns: list[str]) -> str:
    return ",\n    ".join(columns)
