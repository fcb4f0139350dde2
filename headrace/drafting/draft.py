"""A pipeline, drafted from rows: what was understood of them, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.drafting.candidates import choose_contest
from headrace.drafting.columns import reason_to_leave_out, settle_column
from headrace.drafting.facts import count_facts, settle_types
from headrace.drafting.features import expressions_of
from headrace.drafting.gathering import gather
from headrace.drafting.guesses import guess_columns
from headrace.drafting.keys import choose_key
from headrace.drafting.leaks import find_leaks
from headrace.drafting.limits import guess_limits
from headrace.drafting.splits import split_by_days, split_by_keys
from headrace.drafting.tasks import decide_task
from headrace.drafting.times import choose_time
from headrace.drafting.windows import propose_windows
from headrace.errors import ConfigError, DataError
from headrace.sources.plain import Number
from headrace.sources.spool import spooling
from headrace.words import closest

if TYPE_CHECKING:
    import duckdb

    from headrace.declaration.rows import Limits
    from headrace.drafting.candidates import Contest
    from headrace.drafting.features import Expression
    from headrace.drafting.guesses import Guess
    from headrace.drafting.keys import Key
    from headrace.drafting.leaks import Leak
    from headrace.drafting.opening import Opened
    from headrace.drafting.splits import SplitGuess
    from headrace.drafting.tasks import Task
    from headrace.drafting.times import Time
    from headrace.drafting.windows import WindowGuess

MOST_SLICES = 2
MOST_SLICE_VALUES = 8


@dataclass(frozen=True)
class Asked:
    """What a person says beside the source; the rest is guessed."""

    label: str
    task: str | None = None
    positive: str | None = None
    time: str | None = None
    key: str | None = None


@dataclass
class Draft:
    """What was understood."""

    name: str
    opened: Opened
    rows: int
    columns: dict[str, Guess]
    unusable: dict[str, str]
    """Columns that are not declared at all, and why."""
    label: str
    task: Task
    key: Key
    time: Time | None
    no_time: str
    split: SplitGuess
    features: list[str]
    expressions: list[Expression]
    left_out: dict[str, str]
    """Columns that are declared and are no features, and why."""
    leaks: list[Leak]
    windows: list[WindowGuess]
    contest: Contest
    limits: Limits
    slices: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    """What stands under `source` in `pipeline.yaml`."""


@dataclass(frozen=True)
class Looked:
    """What is known when all rows have been looked at."""

    name: str
    opened: Opened
    asked: Asked
    columns: dict[str, Guess]
    unusable: dict[str, str]


def draft(name: str, opened: Opened, asked: Asked) -> Draft:
    """Look at the rows of a source, and return a pipeline that fits them.

    Raises:
        SourceError: the source cannot be read.
        ConfigError: what is asked for does not go with the rows.
        DataError: nothing can be learned from the rows.
    """
    with spooling() as connection:
        kinds = gather(connection, opened.source, opened.where)
        _require_label(asked.label, list(kinds), opened.where)
        unusable = {name: "no single numbers, texts or times" for name, kind in kinds.items() if kind is None}
        usable = {name: kind for name, kind in kinds.items() if kind is not None}
        if asked.label in unusable:
            raise DataError(f"label '{asked.label}': holds {unusable[asked.label]}")
        connection.execute("SET preserve_insertion_order = true")
        guesses = guess_columns(connection, usable, continental=opened.settings.get("separator") == ";")
        settle_types(connection, guesses, opened.source)
        count_facts(connection, guesses, asked.label)
        return _decide(connection, Looked(name, opened, asked, guesses, unusable))


def _decide(connection: duckdb.DuckDBPyConnection, looked: Looked) -> Draft:
    asked, columns = looked.asked, looked.columns
    label = columns[asked.label]
    for guess in columns.values():
        settle_column(guess)
    task = decide_task(label, asked.task, asked.positive)
    key = choose_key(connection, columns, asked.label, asked.key)
    if key.name in columns:
        columns[key.name].type = "string" if columns[key.name].is_text else "integer"
        columns[key.name].values = None
    time, no_time, split = _split(connection, columns, asked, key, task)
    if time is not None:
        columns[time.name].type = "timestamp"
    apart = {asked.label, key.name, *([time.name] if time else [])}
    left_out = {
        name: reason for name, guess in columns.items() if name not in apart and (reason := reason_to_leave_out(guess))
    }
    usable = [guess for name, guess in columns.items() if name not in apart and name not in left_out]
    leaks = find_leaks(connection, usable, asked.label, task)
    left_out |= {leak.column: leak.says for leak in leaks if leak.certain}
    chosen = [guess for guess in usable if guess.name not in left_out]
    times = [guess for guess in chosen if guess.is_time] + ([columns[time.name]] if time else [])
    features = [guess.name for guess in chosen if not guess.is_time]
    expressions = expressions_of(times, time, [*columns])
    if not features and not expressions:
        raise DataError(
            "no column is left to learn from: " + "; ".join(f"{name}: {why}" for name, why in left_out.items())
        )
    seen = [columns[name] for name in features]
    slices = [guess.name for guess in seen if 2 <= guess.distinct <= MOST_SLICE_VALUES and guess.type == "category"]
    return Draft(
        name=looked.name,
        opened=looked.opened,
        rows=label.rows,
        columns=columns,
        unusable=looked.unusable,
        label=asked.label,
        task=task,
        key=key,
        time=time,
        no_time=no_time,
        split=split,
        features=features,
        expressions=expressions,
        left_out=left_out,
        leaks=leaks,
        windows=propose_windows(columns, left_out, features, time, key.name),
        contest=choose_contest(seen, label.present, task),
        limits=guess_limits(connection, columns, time),
        slices=slices[:MOST_SLICES],
        settings=_settings(looked.opened, key, time, columns),
    )


def _split(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, Guess], asked: Asked, key: Key, task: Task
) -> tuple[Time | None, str, SplitGuess]:
    """Return when rows happened, or why that is of no use, and the split."""
    time, no_time = choose_time(connection, columns, asked.label, asked.time)
    if time is not None:
        split = split_by_days(connection, time, asked.label, task)
        if split is not None:
            return time, "", split
        no_time = f"'{time.name}' has too few rows of every class in its last days to judge a model on"
        if asked.time is not None:
            raise ConfigError(f"--time: {no_time}; leave --time out, and rows are split by their keys")
    return None, no_time, split_by_keys(connection, key, asked.label, task)


def _settings(opened: Opened, key: Key, time: Time | None, columns: dict[str, Guess]) -> dict[str, Any]:
    settings = dict(opened.settings)
    settings |= {"times": opened.source.times} if opened.source.times else {}
    if opened.source.numbers:
        settings["numbers"] = {name: _beyond_plain(number) for name, number in opened.source.numbers.items()}
    if key.numbered:
        settings["row_number"] = key.name
    elif time is not None and opened.daily is not None and columns[time.name].raw in ("timestamp", "date"):
        settings["query"] = opened.daily(time.name)
    return settings


def _beyond_plain(number: Number) -> dict[str, str]:
    return {key: value for key, value in vars(number).items() if value != getattr(Number(), key)}


def _require_label(label: str, columns: list[str], where: str) -> None:
    if label not in columns:
        some = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
        raise ConfigError(f"--label: {where} has no column '{label}'; {closest(label, columns)}there are: {some}")
