"""Which column tells one row from another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.declaration.sql import quoted
from headrace.drafting.facts import ROWS
from headrace.drafting.gathering import one_row
from headrace.drafting.naming import free_name
from headrace.errors import ConfigError
from headrace.words import known

if TYPE_CHECKING:
    import duckdb

    from headrace.drafting.guesses import Guess

IDENTITY = re.compile(r"(^|[_\W])(id|uuid|guid|key|pk|rowid|rownum|rownames|index)$", re.IGNORECASE)
NUMBER = re.compile(r"(^|[_\W])((no|nr)\.?|number)$|nummer$|番号$", re.IGNORECASE)
"""Of an account, and then an identity; or of a week or of votes, and then a quantity."""
CAMEL_IDENTITY = re.compile(r"[a-z](ID|Id)$")
CAMEL_NUMBER = re.compile(r"[a-z](Number|No|Nr)$")
PERSON = (
    "customer", "user", "client", "patient", "person", "subject", "member", "account", "card", "passenger", "employee",
    "kunde", "konto", "顧客", "会員", "口座",
)  # fmt: skip
THING = (
    "order", "invoice", "policy", "contract", "ticket", "phone", "device", "serial", "terminal", "merchant",
    "auftrag", "rechnung", "vertrag", "注文", "契約",
)  # fmt: skip
COUNTERS = {"unnamed", "unnamed: 0", "row", "rownames", "no", "nr", "no.", "number", "#"}
TOKEN = re.compile(r"\S{1,64}")


@dataclass(frozen=True)
class Key:
    """The key of the rows."""

    name: str
    why: str
    numbered: bool = False
    """Whether the source has to add it, as the number of the row."""


def looks_like_identity(name: str) -> bool:
    """Return whether a column is named like an identity: `id`, `customer_id`, `customerID`, `Kunde Nr.`, `MemberNo`."""
    return _is_named_identity(name) or bool(NUMBER.search(name) or CAMEL_NUMBER.search(name))


def says_who_it_is(guess: Guess) -> bool:
    """Return whether a column's values are identities: numbers of somebody or something, not such as `week_number`."""
    has_owner = any(word in guess.name.lower() for word in (*PERSON, *THING))
    return _is_named_identity(guess.name) or (looks_like_identity(guess.name) and (guess.is_text or has_owner))


def _is_named_identity(name: str) -> bool:
    return bool(IDENTITY.search(name) or CAMEL_IDENTITY.search(name) or name.lower() in COUNTERS)


def choose_key(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], label: str, asked: str | None) -> Key:
    """Return the key: what is asked for, a unique column that is one by its looks, or a number for each row.

    Raises:
        ConfigError: what is asked for is no column, or not unique.
    """
    if asked is not None:
        return _asked(connection, guesses, asked)
    unique = [guess for name, guess in guesses.items() if name != label and _is_unique(guess)]
    named = [guess for guess in unique if says_who_it_is(guess)]
    if named:
        return Key(named[0].name, "unique to a row")
    first = next(iter(guesses.values()))
    is_key = _counts_up(first) or looks_like_identity(first.name) or (first.is_text and first.words < 1.5)
    if first in unique and is_key:
        return Key(first.name, "the first column, and unique to a row")
    return Key(free_name("row", guesses), "no column is a key: the rows are counted as they are read", numbered=True)


def _asked(connection: duckdb.DuckDBPyConnection, guesses: dict[str, Guess], asked: str) -> Key:
    guess = guesses.get(asked)
    if guess is None:
        raise ConfigError(f"--key: there is no column '{asked}'; {known(asked, guesses)}")
    if guess.missing or guess.rejected:
        raise ConfigError(f"--key: '{asked}' is missing in {guess.missing + guess.rejected:,} rows; a key never is")
    if guess.type not in ("integer", "string", "category"):
        raise ConfigError(f"--key: '{asked}' is a {guess.type}; a key is a whole number or a text")
    if not _is_unique(guess):
        value = quoted(asked)
        found = one_row(
            connection,
            f"SELECT {value}, count(*) FROM {ROWS} GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 1",
        )
        raise ConfigError(f"--key: '{asked}' is {found[0]!r} in {found[1]:,} rows; a key is unique to its row")
    return Key(asked, "as --key says")


def _is_unique(guess: Guess) -> bool:
    usable = guess.type in ("integer", "string", "category")
    return usable and not guess.missing and not guess.rejected and guess.distinct == guess.rows


def _counts_up(guess: Guess) -> bool:
    return guess.type == "integer" and guess.high - guess.low + 1 == guess.rows
