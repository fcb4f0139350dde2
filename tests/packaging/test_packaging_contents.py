"""What is packed beside the model: the columns of a request, and the rows that windows look back on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from packaged_pipeline import CARDS, CUSTOMERS, card_rows, write_validated

from headrace.declaration.features import Features, Window
from headrace.declaration.modelling import Target
from headrace.declaration.rules import Rule, Rules
from headrace.errors import DataError, IntegrityError
from headrace.packaging.columns import history_columns, request_columns
from headrace.packaging.contents import write_contents
from headrace.packaging.history import take_history
from headrace.service.contents import read_contents
from headrace.storage import digest

if TYPE_CHECKING:
    from pathlib import Path

    from packaged_pipeline import Place

ROWS, TARGET = CARDS.schema, CARDS.target


def window(aggregate: str, delay: str = "0s", entity: str = "card", span: str = "1d") -> Features:
    """Return a declaration of one window."""
    declared = Window(entity=entity, spans=[span], delay=delay, aggregates={"value": aggregate})
    return Features(windows={"window": declared})


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (CARDS.features, [name for name in ROWS.columns if name not in {"fraud", "scenario"}]),
        (Features(columns=["risk"]), ["id", "paid at", "risk"]),
        (Features(expressions={"x": 'length(code) + "amount paid"'}), ["id", "paid at", "amount paid", "code"]),
        (Features(expressions={"x": "Risk * 2", "one": "1"}), ["id", "paid at", "risk"]),
        (window("avg(risk)"), ["id", "paid at", "card", "risk"]),
        (window("share(kind = 'web')"), ["id", "paid at", "card", "kind"]),
        (window("avg(fraud)", delay="2d"), ["id", "paid at", "card"]),
        (window("avg(fraud * risk)", delay="2d"), ["id", "paid at", "card", "risk"]),
        (window("avg(risk)", delay="1us"), ["id", "paid at", "card", "risk"]),
        (window("seconds_since_last()"), ["id", "paid at", "card"]),
    ],
)
def test_a_request_has_the_columns_that_features_read(features: Features, expected: list[str]) -> None:
    """And the key; what only a delayed window reads, for later rows see it; never the label."""
    assert request_columns(features, ROWS, TARGET) == expected


def test_a_request_of_rows_without_time_has_no_time() -> None:
    """Its key comes first, as declared."""
    expected = ["id", "months", "contract"]
    assert request_columns(CUSTOMERS.features, CUSTOMERS.schema, CUSTOMERS.target) == expected


def test_the_history_has_the_columns_that_windows_read() -> None:
    """Entities, time, key and arguments, the label among them where a delayed window reads it."""
    expected = ["id", "paid at", "card", "amount paid", "code", "fraud"]
    assert history_columns(CARDS.features, ROWS, TARGET) == expected


def write_rows(folder: Path) -> None:
    """Write the rows of the cards, and an empty day after them."""
    write_validated(folder, CARDS, card_rows())
    last = pq.read_table(folder / "2024-03-12.parquet")
    pq.write_table(last.slice(0, 0), folder / "2024-03-13.parquet")


def test_the_history_reaches_as_far_back_as_the_longest_window(tmp_path: Path) -> None:
    """From the last row there is: a span of four days that is seen two days late reaches six days back."""
    write_rows(tmp_path / "validated")
    history = take_history(tmp_path / "validated", CARDS.features, ROWS, TARGET)
    assert history is not None
    begin = card_rows()[-1]["paid at"] - dt.timedelta(days=6)
    expected = [row["id"] for row in card_rows() if row["paid at"] > begin]
    assert history["id"].to_pylist() == expected
    assert len(expected) < len(card_rows())


def test_windows_need_rows(tmp_path: Path) -> None:
    """Days without one row are no history, and that is said."""
    write_rows(tmp_path / "validated")
    for day in sorted((tmp_path / "validated").iterdir())[:-1]:
        day.unlink()
    with pytest.raises(DataError, match="holds no rows"):
        take_history(tmp_path / "validated", CARDS.features, ROWS, TARGET)


def test_equal_inputs_are_equal_bytes(packaged: Place, tmp_path: Path) -> None:
    """Contents hold neither the time nor the place of their making."""
    write_contents(packaged.root / "data/cards", CARDS, tmp_path / "again")
    assert digest(tmp_path / "again") == digest(packaged.root / "data/cards/package/model")


def test_rules_are_packaged_and_a_request_gives_what_they_read(packaged: Place, tmp_path: Path) -> None:
    """A column that no feature reads is asked for where a rule reads it."""
    rules = Rules(
        rules=[Rule(name="two", when="Scenario = 2 AND probability > 0.1 AND card_count_1d > 3", then="block")]
    )
    config = dataclasses.replace(CARDS, rules=rules)
    contents = write_contents(packaged.root / "data/cards", config, tmp_path / "model")
    assert contents.request == [name for name in ROWS.columns if name != "fraud"]
    assert read_contents(tmp_path / "model").rules == rules


def test_a_model_that_was_not_registered_has_no_version(place: Place, tmp_path: Path) -> None:
    """A winner that is no better than the champion is packaged all the same, and the package says so."""
    (place.root / "data/cards/registration.json").write_text('{"decision": "not better", "version": null}')
    contents = write_contents(place.root / "data/cards", CARDS, tmp_path / "model")
    assert contents.lineage.registered == {}
    assert read_contents(tmp_path / "model").lineage.decision == "not better"


def test_a_changed_winner_is_not_packaged(place: Place, tmp_path: Path) -> None:
    """One byte suffices."""
    model = place.root / "data/cards/winner/model.txt"
    model.write_bytes(model.read_bytes() + b"\n")
    with pytest.raises(IntegrityError, match=r"winner/model\.txt: its SHA-256 is"):
        write_contents(place.root / "data/cards", CARDS, tmp_path / "model")


def test_a_label_of_another_name_is_left_out_of_requests() -> None:
    """What is predicted is no column of a request, whatever reads it."""
    target = Target(column="kind", positive="web", delay="0s")
    config = dataclasses.replace(CARDS, target=target, features=Features(columns=["risk", "country"]))
    assert "kind" not in request_columns(config.features, config.schema, config.target)


def test_a_winner_of_another_declaration_is_not_packaged(packaged: Place, tmp_path: Path) -> None:
    """Its service would start, and answer no request: the features that are gone are named."""
    config = dataclasses.replace(CARDS, features=Features(columns=["risk"]))
    said = r"data/cards/winner: takes features that features\.yaml has not: .*; run `dvc repro`"
    with pytest.raises(DataError, match=said):
        write_contents(packaged.root / "data/cards", config, tmp_path / "model")
