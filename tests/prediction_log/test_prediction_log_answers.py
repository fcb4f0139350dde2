"""What is acknowledged is in the log, once, and can be found with what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import decimal
import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from answers import INSTANCE, KEYS, NEW, NOW, OLD, answer, append
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from headrace.errors import ConfigError, ConflictError, IntegrityError, LogUnavailable, UnknownRequestError
from headrace.prediction_log import (
    PredictionLog,
    Recorded,
    Repeated,
    apply_retention,
    erase,
    export,
    new_request_id,
    open_store,
    read_keys,
    rotate,
)
from headrace.prediction_log.database import reading
from headrace.prediction_log.erasing import _holds
from headrace.prediction_log.log import LARGEST_GROUP
from headrace.prediction_log.sealing import Sealer

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.prediction_log import Store

DAY = dt.timedelta(days=1)


def record(store: Store, request_id: str, label: Any, at: dt.datetime) -> Recorded:
    """Tell one outcome; raise what is told of it."""
    [result] = store.record_outcomes([(request_id, label)], at)
    if isinstance(result, Exception):
        raise result
    return result


def test_an_answer_is_found_as_it_was_given(log: PredictionLog) -> None:
    """What was asked and seen comes back as JSON has it: a missing number is null, a decimal its digits."""
    assert append(log, answer("a")) == [None]
    found = log.store.find("a")
    assert found.payload["instance"] == {
        "id": 1,
        "paid at": "2026-11-23",
        "amount": "12.50",
        "country": None,
    }
    assert found.payload["features"] == {"amount": 12.5, "count": None}
    assert (found.time, found.score, found.decision, found.variant) == (NOW, 0.25, "allow", "champion")
    assert (found.model_version, found.key_id, found.outcome) == ("0123456789ab", "old", None)
    assert (log.written, log.repeated, log.failures, log.backlog, log.up) == (1, 0, 0, 0, True)
    with pytest.raises(UnknownRequestError, match="'b'"):
        log.store.find("b")


def test_nothing_of_a_row_can_be_read_without_the_key(log: PredictionLog, tmp_path: Path) -> None:
    """Neither what was asked nor whose row it was is in the file."""
    append(log, answer("a", subject="a-secret-name", instance={"name": "a-secret-name"}))
    log.close()
    if log.store.engine.dialect.name == "sqlite":
        content = (tmp_path / "predictions.db").read_bytes()
        assert b"champion" in content
        assert b"a-secret-name" not in content
        assert (tmp_path / "predictions.db").stat().st_mode & 0o077 == 0


def test_a_repeated_request_gets_the_earlier_answer(log: PredictionLog) -> None:
    """Though the model would say something else by now; also where both come at once."""
    append(log, answer("a", score=0.25))
    (again,) = append(log, answer("a", score=0.75, features={}, time=NOW + DAY))
    assert isinstance(again, Repeated)
    assert again.stored.score == 0.25
    results = append(log, *(answer(name) for name in "bbcbdb"))
    assert sum(result is None for result in results) == 3
    assert [type(result) for result in results if result] == [Repeated] * 3
    assert (log.written, log.repeated) == (4, 4)


def test_a_request_id_that_is_used_for_something_else_is_refused(log: PredictionLog) -> None:
    """The others of its group are not."""
    append(log, answer("a"))
    other = answer("a", instance={**INSTANCE, "id": 2})
    first, refused, last = append(log, answer("0"), other, answer("z"))
    assert (first, last) == (None, None)
    assert isinstance(refused, ConflictError)
    assert "'a'" in str(refused)
    assert log.store.find("a").payload["instance"]["id"] == 1


def test_an_answer_that_cannot_be_stored_does_not_spoil_its_group(log: PredictionLog) -> None:
    """It is told why; a text with a surrogate fails in the database's driver, the others before."""
    wrong = [
        answer("b", instance=object()),
        answer("c\0"),
        answer(""),
        answer("d", time=dt.datetime(2026, 1, 1)),  # noqa: DTZ001
        answer("e", decision="\ud800"),
        answer("f", score=float("nan")) if log.store.engine.dialect.name == "sqlite" else answer("f", score="much"),
    ]
    first, *refused, last = append(log, answer("a"), *wrong, answer("z"))
    assert (first, last) == (None, None)
    assert all(isinstance(each, Exception) and not isinstance(each, LogUnavailable) for each in refused), refused
    assert log.up
    assert log.store.find("z").score == 0.25


def test_an_outcome_comes_late_repeatedly_and_in_no_order(log: PredictionLog) -> None:
    """The same one again changes nothing, a conflicting one and one of nobody are refused."""
    append(log, answer("a"), answer("b"))
    store = log.store
    assert record(store, "b", 1, NOW + 9 * DAY) is Recorded.recorded
    assert asyncio.run(log.record_outcomes([("a", 0)], NOW + 7 * DAY)) == [Recorded.recorded]
    assert record(store, "a", 0, NOW + 8 * DAY) is Recorded.same
    with pytest.raises(ConflictError, match=r"'a'.*0.*1"):
        record(store, "a", 1, NOW + 8 * DAY)
    with pytest.raises(UnknownRequestError, match="'c'"):
        record(store, "c", 1, NOW)
    outcome = log.store.find("a").outcome
    assert outcome is not None
    assert (outcome.label, outcome.at) == (0, NOW + 7 * DAY)


def test_many_outcomes_are_told_at_once(log: PredictionLog) -> None:
    """Repeated among themselves, too: the first one of a request stands."""
    append(log, *(answer(f"r{number:04}") for number in range(1200)))
    told = [(f"r{number:04}", number % 2) for number in range(1200)]
    assert set(log.store.record_outcomes(told[:700], NOW)) == {Recorded.recorded}
    results = log.store.record_outcomes([*told, ("r0001", 0), ("r1199", 1), ("nobody", 1)], NOW + DAY)
    assert results[:1200] == [Recorded.same] * 700 + [Recorded.recorded] * 500
    assert isinstance(results[1200], ConflictError)
    assert results[1201] is Recorded.same
    assert isinstance(results[1202], UnknownRequestError)
    found = log.store.find_many(["nobody", *(request_id for request_id, _ in told)])
    assert found[0] is None
    assert [each.outcome and each.outcome.label for each in found[1:] if each] == [label for _, label in told]


def test_many_answers_are_handed_over_at_once(log: PredictionLog) -> None:
    """All are committed then; one that was used for another request is told, one that was given before is given again."""
    append(log, answer("b", score=0.25), answer("c"))
    entries = [answer(f"n{number}") for number in range(1500)]
    conflict = answer("c", instance={"id": 2})
    results = asyncio.run(log.append_many([answer("a"), answer("b", score=0.75), conflict, *entries]))
    assert (results[0], results[3:]) == (None, [None] * 1500)
    assert isinstance(results[1], Repeated)
    assert results[1].stored.score == 0.25
    assert isinstance(results[2], ConflictError)
    assert all(log.store.find_many([entry.request_id for entry in entries]))
    assert (log.written, log.repeated, log.backlog) == (1503, 1, 0)
    assert asyncio.run(log.append_many([])) == []


def test_an_export_is_what_was_logged_in_a_range_of_time(
    log: PredictionLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order of time, whatever the batches are; a moment with several answers is not cut."""
    monkeypatch.setattr("headrace.prediction_log.exporting.AT_ONCE", 3)
    entries = [answer(f"r{number:02}", time=NOW + number // 4 * DAY, subject=number % 2) for number in range(20)]
    append(log, *reversed(entries))
    record(log.store, "r05", "Yes", NOW + 9 * DAY)
    out = tmp_path / "out.parquet"
    out.touch(0o644)
    assert export(log.store, NOW + DAY, NOW + 4 * DAY, out) == 12
    assert out.stat().st_mode & 0o777 == 0o600  # it is not encrypted
    rows = pq.read_table(out).to_pylist()
    assert [row["request_id"] for row in rows] == [f"r{number:02}" for number in range(4, 16)]
    assert len({row["subject"] for row in rows}) == 2
    assert rows[1]["label"] == '"Yes"'
    assert rows[1]["outcome_at"] == NOW + 9 * DAY
    assert rows[0]["label"] is None
    assert rows[0]["time"] == NOW + DAY
    assert json.loads(rows[0]["payload"])["instance"]["amount"] == "12.50"
    assert export(log.store, NOW - DAY, NOW, out) == 0
    assert pq.read_table(out).num_rows == 0


def test_retention_deletes_what_is_older_and_nothing_else(log: PredictionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its outcomes, in batches."""
    monkeypatch.setattr("headrace.prediction_log.retention.AT_ONCE", 2)
    append(log, *(answer(f"r{number}", time=NOW + number * DAY) for number in range(7)))
    record(log.store, "r0", 1, NOW)
    record(log.store, "r6", 1, NOW)
    assert apply_retention(log.store, NOW + 7 * DAY, "2d") == 5
    assert apply_retention(log.store, NOW + 7 * DAY, "2d") == 0
    assert log.store.find("r5").score == 0.25
    assert log.store.find("r6").outcome is not None
    with pytest.raises(UnknownRequestError):
        log.store.find("r4")
    with log.store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM prediction_outcome")).scalar_one() == 1


def test_a_subject_is_erased_and_the_others_stay(log: PredictionLog) -> None:
    """Its text names it: 7 and '7' are the same one."""
    append(log, *(answer(f"r{number}", subject=number % 3) for number in range(30)), answer("nobody", subject=None))
    record(log.store, "r1", 1, NOW)
    record(log.store, "r2", 1, NOW)
    erased = erase(log.store, "1")
    assert (erased.entries, erased.outcomes, erased.remaining) == (10, 1, 0)
    assert erased.subject == log.store.subject_hash(1).hex()
    assert erase(log.store, 1).entries == 0
    with pytest.raises(UnknownRequestError):
        log.store.find("r1")
    assert log.store.find("r2").outcome is not None
    assert log.store.find("nobody").score == 0.25
    assert append(log, answer("r1", subject=1)) == [None]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("596", [596, 596.0, decimal.Decimal(596), decimal.Decimal("596.00"), decimal.Decimal("5.96E+2")]),
        ("0.1", [0.1, decimal.Decimal("0.10")]),
        ("0.00000012", [1.2e-7, decimal.Decimal("1.2E-7")]),
        ("0", [0, -0.0, decimal.Decimal("-0.00")]),
        ("10000000000000000000000", [10**22, 1e22]),
        ("2024-01-01T05:00:00", [dt.datetime(2024, 1, 1, 5)]),  # noqa: DTZ001  times of rows have no zone
        ("2024-01-01", [dt.date(2024, 1, 1)]),
        ("0596.0", ["0596.0"]),
    ],
)
def test_a_subject_has_one_pseudonym_however_it_is_written(store: Store, text: str, values: list[Any]) -> None:
    """A value has one text; what is a text stays as it is."""
    assert {store.subject_hash(value) for value in values} == {store.subject_hash(text)}


@pytest.mark.parametrize("draw", [0, 1])
def test_no_byte_of_an_erased_subject_stays_in_the_file(tmp_path: Path, draw: int) -> None:
    """Neither its hash nor its payloads, though pages were split and rows updated while they were there."""
    file = tmp_path / "predictions.db"
    log = PredictionLog(f"sqlite:///{file}", KEYS, "cards")
    names = [new_request_id() if draw else f"{number * 7919 % 3001:05}" for number in range(3000)]
    for start in range(0, 3000, 100):
        append(log, *(answer(name, subject=int(name[-2:], 16) % 50) for name in names[start : start + 100]))
    subject = log.store.subject_hash(7)
    with sqlite3.connect(file) as connection:
        payloads = [
            row[0] for row in connection.execute("SELECT payload FROM prediction_entry WHERE subject = ?", [subject])
        ]
    assert len(payloads) > 30
    # The old key's ciphertexts must go, too.
    rotated = open_store(f"sqlite:///{file}", (NEW, OLD), "cards")
    rotate(rotated)
    erased = erase(rotated, 7)
    assert erased.entries == len(payloads)
    assert erased.searched.endswith(str(file))
    content = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert not any(subject[start : start + 8] in content for start in range(len(subject) - 7))
    assert not any(payload[:28] in content for payload in payloads)
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    log.close()


def test_a_subject_of_many_answers_is_erased_in_little_time(tmp_path: Path) -> None:
    """The file is read through for all of them together."""
    with contextlib.closing(open_store(f"sqlite:///{tmp_path}/predictions.db", KEYS, "cards")) as store:
        with reading(store.engine) as connection:
            for part in range(16):
                entries = [
                    answer(f"{part}-{each}", subject=each % 4 // 3, features="0" * 1500)
                    for each in range(LARGEST_GROUP)
                ]
                store.write(connection, entries, [store.values(entry) for entry in entries])
        start = time.monotonic()
        assert erase(store, 0).entries == 6144
        assert time.monotonic() - start < 4


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_bytes_are_found_wherever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    """Across what is searched at once, too; another payload of the same process is not taken for one of these."""
    monkeypatch.setattr("headrace.prediction_log.erasing.BLOCK", 32)
    head, piece, file = bytes(range(1, 29)), b"a piece.", tmp_path / "file"
    file.write_bytes(bytes(place) + head[:16] + b"another one." + bytes(50))
    assert not _holds(file, [piece], [head])
    file.write_bytes(bytes(place) + head[:16] + head + bytes(50))
    assert _holds(file, [piece], [b"x" * 28, head])
    file.write_bytes(bytes(place) + piece)
    assert _holds(file, [piece], [])


def test_keys_are_rotated_and_the_old_one_retired(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject keeps its pseudonym, old answers stay readable, and nothing is left that the old key opens."""
    monkeypatch.setattr("headrace.prediction_log.rotating.AT_ONCE", 3)
    old = open_store(url, (OLD,), "cards")
    subject = old.subject_hash(7)
    log = PredictionLog(url, (OLD,), "cards")
    append(log, *(answer(f"r{number}", subject=7) for number in range(10)))
    log.close()
    both = PredictionLog(url, (NEW, OLD), "cards")
    append(both, answer("s", subject=7))
    assert (both.store.find("r1").key_id, both.store.find("s").key_id) == ("old", "new")
    (again,) = append(both, answer("r1", subject=7))
    assert isinstance(again, Repeated)
    rotated = rotate(both.store)
    assert (rotated.key_id, rotated.entries, rotated.remaining) == ("new", 10, {})
    both.close()
    alone = open_store(url, (NEW,), "cards")
    assert alone.subject_hash(7) == subject
    assert alone.find("r1").payload["instance"]["id"] == 1
    assert erase(alone, 7).entries == 11
    with pytest.raises(ConfigError, match="key 'new' is needed and not there; found old"):
        open_store(url, (OLD,), "cards")
    for each in (old, alone):
        each.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE prediction_entry SET request_id = 'c' WHERE request_id = 'a'",
        "UPDATE prediction_entry SET key_id = 'new' WHERE request_id = 'a'",
        "UPDATE prediction_entry SET payload = (SELECT payload FROM prediction_entry WHERE request_id = 'b')",
        "UPDATE prediction_entry SET payload = substr(payload, 1, 20) WHERE request_id = 'a'",
    ],
)
def test_what_was_altered_does_not_open(url: str, change: str) -> None:
    """A payload that is moved to another row, key or text is not taken for what was logged."""
    log = PredictionLog(url, (OLD, NEW), "cards")
    append(log, answer("a"), answer("b"))
    with log.store.engine.begin() as connection:
        connection.execute(text(change))
    with pytest.raises(IntegrityError, match="was altered"):
        log.store.find("c" if "'c'" in change else "a")
    log.close()


@settings(max_examples=200)
@given(plain=st.binary(max_size=200), name=st.text(min_size=1), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_is_found(plain: bytes, name: str, place: int, bit: int) -> None:
    """What is sealed opens as it was, and with any bit changed it does not."""
    name = name.encode("utf-8", "ignore").decode() or "a"
    sealer = Sealer(KEYS)
    sealed = sealer.seal(plain, name)
    assert sealed != sealer.seal(plain, name)
    assert Sealer((NEW, OLD)).open(sealed, name, "old") == plain
    broken = bytearray(sealed)
    broken[place % len(broken)] ^= 1 << bit
    with pytest.raises(IntegrityError):
        sealer.open(bytes(broken), name, "old")


def test_another_pipelines_log_is_refused(store: Store, url: str) -> None:
    """Retention of one would delete the other's answers."""
    with pytest.raises(ConfigError, match="is the log of pipeline 'cards'; give 'customers' a database of its own"):
        open_store(url, KEYS, "customers")


def test_another_key_of_the_same_id_is_refused(store: Store, url: str) -> None:
    """Before anything is logged with it."""
    other = read_keys("old:" + "A" * 43 + "=", url)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="key 'old' is not the one of then"):
        PredictionLog(url, other, "cards")


@pytest.mark.parametrize("url", ["mysql://host/db", "predictions.db", "sqlite://", "nothing://x"])
def test_a_url_of_no_log_is_refused(url: str) -> None:
    """In a line that says what would be right."""
    with pytest.raises(ConfigError, match=r"log\.url: .*sqlite:///"):
        open_store(url, KEYS, "cards")


def test_request_ids_are_in_order_of_time() -> None:
    """And no two are the same."""
    names = [new_request_id() for _ in range(10_000)]
    assert len(set(names)) == 10_000
    assert [name[:13] for name in names] == sorted(name[:13] for name in names)
