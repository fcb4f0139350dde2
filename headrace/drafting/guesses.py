"""What each column is taken for, by the values that were given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.declaration.rows import Column
from headrace.declaration.sql import literal, quoted
from headrace.drafting.gathering import GIVEN, one_row
from headrace.drafting.texts import MISSING, Counted, Reading, is_missing, read_texts

if TYPE_CHECKING:
    import duckdb

    from headrace.sources.plain import Number

LOOKED_AT = 4_000_000
"""Values, in all columns together, that decide what columns are taken for; all rows are then held to it."""
FEWEST_ROWS, MOST_ROWS = 2_000, 20_000
DIFFERENT = 1_000
TYPES = {"nothing": "string", "text": "string"}
MONEY = re.compile(
    r"amount|price|cost|charge|fee|salary|wage|income|balance|payment|revenue|spend|premium|credit|debit|total_?value",
    re.IGNORECASE,
)


@dataclass
class Guess:
    """A column: what it is taken for, what its values are like, and why. Filled step by step."""

    name: str
    raw: str
    """The kind in which the source gives it."""
    type: str
    """The declared type; `string` until it is known to be a category."""
    time: str | None = None
    swapped: str | None = None
    """The form that was tried before, where day and month turned out to be the other way round."""
    number: Number | None = None
    null_values: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    mixed: str = ""

    rows: int = 0
    missing: int = 0
    rejected: int = 0
    """Values of another kind."""
    distinct: int = 0
    low: Any = None
    high: Any = None
    longest: int = 0
    words: float = 0.0
    """In a text, on average."""
    fractions: bool = False
    counts: list[tuple[Any, int]] = field(default_factory=list)
    """Values and their rows, the commonest first, where there are few."""

    values: list[Any] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def present(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing

    @property
    def is_number(self) -> bool:
        """Whether it is declared a number."""
        return self.type in ("integer", "float") or self.type.startswith("decimal")

    @property
    def is_text(self) -> bool:
        """Whether it is declared a text."""
        return self.type in ("string", "category")

    @property
    def is_time(self) -> bool:
        """Whether it is declared a moment or a day."""
        return self.type in ("timestamp", "date")

    def declared(self) -> Column:
        """Return it as `schema.yaml` has it."""
        return Column(
            type=self.type,
            nullable=self.missing > 0,
            minimum=self.minimum,
            maximum=self.maximum,
            values=self.values,
            null_values=self.null_values,
        )


def guess_columns(
    connection: duckdb.DuckDBPyConnection, kinds: dict[str, str], *, continental: bool
) -> dict[str, Guess]:
    """Return what each column is taken for.

    Args:
        connection: Its table `given` has the rows.
        kinds: The kind of each column, as `gather` returns it.
        continental: Whether a comma is rather a decimal mark.
    """
    rows = min(max(LOOKED_AT // max(len(kinds), 1), FEWEST_ROWS), MOST_ROWS)
    connection.execute(
        f"CREATE TEMP TABLE looked_at AS FROM {GIVEN} USING SAMPLE reservoir({rows} ROWS) REPEATABLE (0)"
    )
    guesses = {}
    for name, kind in kinds.items():
        if kind != "text":
            guesses[name] = _typed(connection, name, kind)
            continue
        values = _commonest(connection, name)
        guesses[name] = _read(name, read_texts(values, continental=continental))
        missing = {each.value for each in values if is_missing(each.value)}
        guesses[name].null_values = sorted({*guesses[name].null_values, *missing})
    connection.execute("DROP TABLE looked_at")
    if one_row(connection, f"SELECT count(*) FROM {GIVEN}")[0] > rows:
        _name_missing(connection, [guess for guess in guesses.values() if guess.raw == "text"])
    return guesses


def _commonest(connection: duckdb.DuckDBPyConnection, name: str) -> list[Counted]:
    value = quoted(name)
    # Equally common ones come in no order: sorted, the first thousand days of a column are all of January.
    found = connection.execute(
        f"SELECT {value}, count(*) FROM looked_at WHERE {value} IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC, hash({value}), 1 LIMIT {DIFFERENT}"
    ).fetchall()
    return [Counted(*row) for row in found]


def _read(name: str, reading: Reading) -> Guess:
    kind = TYPES.get(reading.kind, reading.kind)
    why = [reading.why] if reading.why else []
    currency = reading.number is not None and reading.number.unit not in ("", "%")
    if kind == "float" and 0 < reading.decimals <= 2 and (currency or MONEY.search(name)):
        kind = "decimal(18,2)"
        why.append("money: a decimal, so that sums are exact")
    return Guess(
        name,
        "nothing" if reading.kind == "nothing" else "text",
        kind,
        time=reading.time,
        number=reading.number,
        null_values=list(reading.placeholders),
        why=why,
        mixed=reading.mixed,
    )


def _typed(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> Guess:
    """Return a column whose type the source knows."""
    if kind != "decimal":
        return Guess(name, kind, TYPES.get(kind, kind))
    described = one_row(connection, f"SELECT typeof({quoted(name)}) FROM {GIVEN} LIMIT 1")
    scale = int(described[0].rstrip(")").rpartition(",")[2])
    return Guess(name, kind, f"decimal({max(18, min(38, 2 * scale))},{scale})" if scale else "integer")


def _name_missing(connection: duckdb.DuckDBPyConnection, guesses: list[Guess]) -> None:
    """Find all texts that stand for a missing value, as they are written, in the rows that were not looked at, too."""
    known = ", ".join(literal(text) for text in sorted(MISSING))
    for first in range(0, len(guesses), 100):
        some = guesses[first : first + 100]
        lists = ", ".join(
            f"list(DISTINCT {quoted(guess.name)}) FILTER (WHERE lower(trim({quoted(guess.name)})) IN ({known}))"
            for guess in some
        )
        found = one_row(connection, f"SELECT {lists} FROM {GIVEN}")
        for guess, texts in zip(some, found, strict=True):
            guess.null_values = sorted({*guess.null_values, *(text for text in texts or () if is_missing(text))})
