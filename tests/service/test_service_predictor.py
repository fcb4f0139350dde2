"""A packaged model, asked with raw rows: the values of training, from files that nobody changed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaged_pipeline import CARDS, CUSTOMERS, ROWS_A_DAY, card_rows, customer_rows, write_validated

from headrace.declaration.pipeline import FeaturizeConfig
from headrace.declaration.serving import OnFailure
from headrace.errors import IntegrityError
from headrace.features import featurize
from headrace.live import open_windows
from headrace.models import load
from headrace.packaging.contents import write_contents
from headrace.service import package_folder, read_contents
from headrace.service.predictor import Predictor
from headrace.service.warming import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaged_pipeline import Place

LAST_DAY = card_rows()[-ROWS_A_DAY:]
TOLERANCE = 1e-9


@contextlib.contextmanager
def opened(folder: Path, state: Path) -> Iterator[Predictor]:
    """Yield the predictor of a package, with its windows filled."""
    contents = read_contents(folder)
    live = open_windows(f"lmdb:///{state / 'windows.lmdb'}", contents)
    warm(folder, contents, live)
    yield Predictor(folder, contents, live, OnFailure.refuse)
    live.close()


def write_until_yesterday(place: Place, data: Path) -> Path:
    """Package the winner with the history that there was before the last day; return the package."""
    data.mkdir()
    shutil.copytree(place.root / "data/cards/winner", data / "winner")
    shutil.copyfile(place.root / "data/cards/registration.json", data / "registration.json")
    write_validated(data / "validated", CARDS, card_rows()[:-ROWS_A_DAY])
    write_contents(data, CARDS, data / "package" / "model")
    return data / "package" / "model"


def as_asked(folder: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a request gives of rows: not the label, nor what no feature reads."""
    return [{name: row[name] for name in read_contents(folder).request} for row in rows]


def score(predictor: Predictor, rows: list[dict[str, Any]]) -> list[Any]:
    """Return what is made of rows that are asked one by one."""

    async def ask() -> list[Any]:
        return [await predictor.score(row, f"request-{place}") for place, row in enumerate(rows)]

    return asyncio.run(ask())


async def gather(predictor: Predictor, rows: list[dict[str, Any]]) -> list[Any]:
    """Return what becomes of rows whose requests came in one moment."""
    asked = [predictor.score(row, f"request-{place}") for place, row in enumerate(rows)]
    return await asyncio.gather(*asked, return_exceptions=True)


def score_at_once(predictor: Predictor, rows: list[dict[str, Any]]) -> list[Any]:
    """Return what is made of rows whose requests came in one moment."""
    return asyncio.run(gather(predictor, rows))


def score_many(predictor: Predictor, rows: list[dict[str, Any]]) -> list[Any]:
    """Return what is made of rows that are asked at once."""
    return asyncio.run(predictor.score_many(rows, [f"request-{place}" for place in range(len(rows))]))


def offline(config: Any, rows: list[dict[str, Any]], folder: Path, part: str) -> pa.Table:
    """Return the features of a part as the featurize stage computes them from all rows."""
    write_validated(folder / "all", config, rows)
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(FeaturizeConfig)}
    featurize(folder / "all", folder / "features", FeaturizeConfig(**fields))
    return pq.read_table(folder / "features" / f"{part}.parquet")


@pytest.mark.parametrize("asked", [score, score_at_once, score_many])
def test_a_new_day_is_judged_as_in_training(packaged: Place, tmp_path: Path, asked: Any) -> None:
    """Every feature and every probability: windows that reach into the history, and over rows of the day itself."""
    folder = write_until_yesterday(packaged, tmp_path / "data")
    expected = offline(CARDS, card_rows(), tmp_path, "2024-03-12").drop_columns(["fraud"])
    probabilities = load(packaged.root / "data/cards/winner").predict(expected.to_pandas())
    with opened(folder, tmp_path) as predictor:
        found = asked(predictor, as_asked(folder, LAST_DAY))
        for row, features in zip(found, expected.select(predictor.names).to_pylist(), strict=True):
            for value, right in zip(row.features, features.values(), strict=True):
                missing = value is None or (isinstance(value, float) and math.isnan(value))
                assert missing if right is None else value == right or abs(value - right) <= TOLERANCE
    np.testing.assert_allclose([row.said.score for row in found], probabilities, rtol=TOLERANCE)
    assert [row.decision for row in found] == ["block" if each >= 0.3 else "allow" for each in probabilities]
    assert len(set(probabilities)) > ROWS_A_DAY / 2


@pytest.mark.parametrize("wrong", [{"paid at": None}, {"paid at": "noon"}])
def test_a_wrong_row_does_not_spoil_those_of_its_moment(packaged: Place, tmp_path: Path, wrong: dict[str, Any]) -> None:
    """It alone is told, and the rows beside it see one another as if it had not come."""
    folder = write_until_yesterday(packaged, tmp_path / "data")
    rows = as_asked(folder, LAST_DAY)
    with opened(folder, tmp_path / "whole") as predictor:
        expected = [each.said.score for each in score_at_once(predictor, rows)]
    with opened(folder, tmp_path / "spoilt") as predictor:
        before, error, *after = score_at_once(predictor, [rows[0], {**rows[0], **wrong}, *rows[1:]])
    assert isinstance(error, Exception)
    assert [each.said.score for each in (before, *after)] == expected


def test_who_leaves_does_not_keep_others_waiting(packaged: Place, tmp_path: Path) -> None:
    """A request that is given up before its turn leaves those of its moment their answers."""
    folder = write_until_yesterday(packaged, tmp_path / "data")
    rows = as_asked(folder, LAST_DAY)

    async def leave(predictor: Predictor) -> Any:
        leaving, staying = (asyncio.ensure_future(predictor.score(row, str(row))) for row in rows[:2])
        await asyncio.sleep(0)
        leaving.cancel()
        return await asyncio.wait_for(staying, 10)

    with opened(folder, tmp_path) as predictor:
        assert asyncio.run(leave(predictor)).decision in {"allow", "block"}


def test_rows_without_time_need_no_history(packaged: Place, tmp_path: Path) -> None:
    """A pipeline without windows packages no rows, and answers as offline."""
    folder = packaged.root / package_folder("customers")
    features = offline(CUSTOMERS, customer_rows(), tmp_path, "all").to_pandas()
    expected = load(packaged.root / "data/customers/winner").predict(features)
    asked = as_asked(folder, features[["id", "months", "contract"]].to_dict("records"))
    with opened(folder, tmp_path) as predictor:
        found = [row.said.score for row in score_many(predictor, asked)]
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE)
        np.testing.assert_allclose([row.said.score for row in score(predictor, asked)], expected, rtol=TOLERANCE)
    assert not (folder / "history.parquet").exists()


def test_what_is_not_sent_is_missing(packaged: Place, tmp_path: Path) -> None:
    """A nullable column that is left out, and one that is null, are the same."""
    folder = packaged.root / package_folder("cards")
    row = as_asked(folder, card_rows()[:1])[0] | {"risk": None, "born": None}
    row["paid at"] = row["paid at"].replace(year=2025)
    short = {name: value for name, value in row.items() if name not in {"risk", "born"}}
    with opened(folder, tmp_path) as predictor:
        [first, second] = score(predictor, [row, short])
    assert (first.said.score, first.decision) == (second.said.score, second.decision)


def test_contents_are_read_as_they_were_declared(packaged: Place) -> None:
    """The declaration comes back from JSON as the dataclasses that it was."""
    contents = read_contents(packaged.root / package_folder("cards"))
    assert (contents.schema, contents.features, contents.target) == (CARDS.schema, CARDS.features, CARDS.target)
    assert list(contents.files) == ["history.parquet", "winner/manifest.json", "winner/model.txt"]
    assert contents.lineage.registered == {"name": "cards", "version": "1"}


@pytest.mark.parametrize("name", ["history.parquet", "winner/manifest.json", "winner/model.txt"])
def test_one_changed_byte_is_found(place: Place, name: str) -> None:
    """Whichever file it is in; the message names the file and what mends it."""
    folder = place.root / package_folder("cards")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=rf"{name}: its SHA-256 is .*, package.json says .*; restore it with"):
        read_contents(folder)


def test_a_missing_file_is_found(place: Place) -> None:
    """Of the model, or the list of files itself."""
    folder = place.root / package_folder("cards")
    (folder / "winner" / "model.txt").unlink()
    with pytest.raises(IntegrityError, match=r"model\.txt: no such file, though package\.json lists it"):
        read_contents(folder)
    (folder / "package.json").unlink()
    with pytest.raises(IntegrityError, match=r"package\.json: no such file; restore it"):
        read_contents(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "package.json: JSON: Invalid JSON"), ("{}", "package.json: pipeline: Field required")],
)
def test_a_broken_list_of_files_is_found(place: Place, content: str, said: str) -> None:
    """It is said where it is broken."""
    folder = place.root / package_folder("cards")
    (folder / "package.json").write_text(content)
    with pytest.raises(IntegrityError, match=said):
        read_contents(folder)
