"""From an answer in a real log back to its model, run, commit, data, and the rows that its windows saw."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from packaged_pipeline import card_rows

from headrace.live import open_windows

if TYPE_CHECKING:
    from conftest import Desk

NOON = dt.datetime(2024, 3, 12, 23, 30)  # noqa: DTZ001  times of rows have no zone
KEY = 10_000
ROW: dict[str, Any] = {
    **card_rows()[-1],
    "id": KEY,
    "paid at": NOON,
    "card": 3,
    "code": "AC1",
    "amount paid": decimal.Decimal("99.50"),
}


def expected(entity: str, after: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
    """Return the validated rows of an entity in a window, computed from the rows themselves."""
    return [row for row in card_rows() if row[entity] == ROW[entity] and after < row["paid at"] <= until]


def test_every_step_is_found(desk: Desk) -> None:
    """The version is the one that answered, not the latest."""
    desk.answer(ROW, "r-1")
    traced = desk.trace("r-1")
    assert traced.missing == {}
    answer, model, run, commit, data = traced.answer, traced.model, traced.run, traced.commit, traced.data
    assert (answer.prediction, answer.score, answer.decision, answer.rule) == (1, 0.75, "block", "large")
    assert answer.instance["amount paid"] == "99.50"
    assert model is not None
    assert (model.name, model.version, model.aliases) == ("cards", 2, ["champion"])
    assert model.digest.startswith(answer.model_version)
    assert run is not None
    assert (run.run_id, run.candidate) == (model.run_id, "cards-first")
    assert (run.params, run.metrics) == ({"num_leaves": "7"}, {"test.roc_auc": 0.9})
    assert run.trained is not None
    assert run.trained.rows > 0
    assert commit is not None
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=desk.root, capture_output=True, text=True, check=True)
    assert (commit.id, commit.subject) == (head.stdout.strip(), "Cards, at first")
    assert commit.params == "pipelines: {cards: {}}\n"
    assert data is not None
    assert next((day.day, day.rows, day.sha256) for day in data.days) == ("2024-03-01", 40, f"{1:064x}")
    assert len(data.days) == 12


def test_windows_have_the_rows_that_the_model_saw(desk: Desk) -> None:
    """By entity, span and delay, with all that was validated of each; the answered row is the last one."""
    features = desk.answer(ROW, "r-1")
    windows = desk.trace("r-1").windows
    assert windows is not None
    assert windows.remarks == []
    found = {(each.entity, each.span): each for each in windows.windows}
    assert set(found) == {("card", "1d"), ("card", "3d"), ("code", "4d")}
    for span in ("1d", "3d"):
        window = found["card", span]
        assert (window.value, window.until) == (3, NOON)
        assert window.since == NOON - dt.timedelta(days=int(span[0]))
        *earlier, own = window.rows
        assert [row.columns for row in earlier] == expected("card", window.since, NOON)
        assert (own.key, own.time, own.columns, own.answered) == (KEY, NOON, None, True)
        assert features[f"card_count_{span}"] == len(window.rows)
        assert window.differs is None
    shop = found["code", "4d"]
    assert (shop.since, shop.until) == (NOON - dt.timedelta(days=6), NOON - dt.timedelta(days=2))
    rows = expected("code", shop.since, shop.until)
    assert [(row.key, row.columns) for row in shop.rows] == [(row["id"], row) for row in rows]
    assert features["shop_risk_risk_4d"] == sum(row["fraud"] for row in rows) / len(rows)


def test_a_request_without_a_key_is_traced_by_its_id(desk: Desk) -> None:
    """Its own row has no key."""
    desk.answer({**ROW, "id": None}, "r-1")
    windows = desk.trace("r-1").windows
    assert windows is not None
    assert [(row.key, row.answered) for row in windows.windows[0].rows][-1] == (None, True)


def test_rows_erased_since_are_told_by_the_count_that_the_model_saw(desk: Desk) -> None:
    """The windows have none of them any more."""
    features = desk.answer(ROW, "r-1")
    contents = desk.contents
    with contextlib.closing(open_windows(desk.windows, contents)) as live:
        live.forget("card", 3)
    windows = desk.trace("r-1").windows
    assert windows is not None
    window = windows.windows[0]
    assert window.rows == []
    assert window.differs is not None
    assert f"the model saw {features['card_count_1d']:g} rows, the store has 0 now" in window.differs


def test_what_is_not_here_is_said_and_the_rest_is_found(desk: Desk) -> None:
    """One thing after the other goes; no MLflow and no live store is made by asking."""
    desk.answer(ROW, "r-1")
    shutil.rmtree(desk.root / "data/cards/validated")
    (desk.root / "data/cards/ingest.json").write_text("{}")
    traced = desk.trace("r-1")
    assert set(traced.missing) == {"data"}
    assert "its SHA-256 is" in traced.missing["data"]
    assert traced.windows is not None
    assert "no such folder, so rows are shown by time and key alone" in traced.windows.remarks[0]
    assert {row.columns is None for row in traced.windows.windows[0].rows} == {True}
    shutil.rmtree(desk.root / ".git")
    (desk.root / "windows.lmdb").unlink()
    traced = desk.trace("r-1")
    assert set(traced.missing) == {"commit", "data", "windows"}
    assert "is not in the repository" in traced.missing["commit"]
    assert "on another machine" in traced.missing["windows"]
    (desk.root / "mlflow.db").unlink()
    traced = desk.trace("r-1")
    assert set(traced.missing) == {"model", "run", "commit", "data", "windows"}
    assert "no MLflow is here" in traced.missing["run"]
    assert traced.answer.request_id == "r-1"
    shutil.rmtree(desk.root / "data/cards/package")
    assert "package.json" in desk.trace("r-1").missing["windows"]
    assert not (desk.root / "mlflow.db").exists()
    assert not (desk.root / "windows.lmdb").exists()


def test_an_answer_of_another_model_does_not_borrow_a_version(desk: Desk) -> None:
    """Nobody registered it, and its features are not those of this package."""
    desk.answer(ROW, "r-1", model_version="0" * 12, features={"amount": 1})
    traced = desk.trace("r-1")
    assert "that begins with 000000000000" in traced.missing["model"]
    assert "so its run is not known" in traced.missing["run"]
    assert "whose features are not those that model 000000000000 saw" in traced.missing["windows"]


def test_an_outcome_is_told(desk: Desk) -> None:
    """With the moment at which it became known."""
    desk.answer(ROW, "r-1")
    known = dt.datetime(2024, 3, 20, tzinfo=dt.UTC)
    desk.tell("r-1", 0, known)
    assert desk.trace("r-1").answer.outcome == {"label": 0, "at": known}
