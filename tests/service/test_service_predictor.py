"""A packaged model, asked with raw rows: the values of training, from files that nobody changed."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaged_pipeline import CARDS, CUSTOMERS, ROWS_A_DAY, card_rows, customer_rows, write_validated

from headrace.declaration.pipeline import FeaturizeConfig
from headrace.errors import IntegrityError
from headrace.features import featurize
from headrace.models import load
from headrace.packaging.contents import write_contents
from headrace.service import package_folder, read_contents
from headrace.service.predictor import Predictor

if TYPE_CHECKING:
    from pathlib import Path

    from packaged_pipeline import Place

LAST_DAY = card_rows()[-ROWS_A_DAY:]


def write_until_yesterday(place: Place, data: Path) -> Predictor:
    """Package the winner with the history that there was before the last day; return its predictor."""
    data.mkdir()
    shutil.copytree(place.root / "data/cards/winner", data / "winner")
    shutil.copyfile(place.root / "data/cards/registration.json", data / "registration.json")
    write_validated(data / "validated", CARDS, card_rows()[:-ROWS_A_DAY])
    contents = write_contents(data, CARDS, data / "package" / "model")
    return Predictor(data / "package" / "model", contents)


def as_asked(predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a request gives of rows: not the label, nor what no feature reads."""
    return [{name: row[name] for name in predictor.contents.request} for row in rows]


def offline(config: Any, rows: list[dict[str, Any]], folder: Path, part: str) -> pa.Table:
    """Return the features of a part as the featurize stage computes them from all rows."""
    write_validated(folder / "all", config, rows)
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(FeaturizeConfig)}
    featurize(folder / "all", folder / "features", FeaturizeConfig(**fields))
    return pq.read_table(folder / "features" / f"{part}.parquet")


def test_the_features_of_a_new_day_are_those_of_training(packaged: Place, tmp_path: Path) -> None:
    """Every value, bit for bit: windows that reach into the history, and over rows of the day itself."""
    predictor = write_until_yesterday(packaged, tmp_path / "data")
    expected = offline(CARDS, card_rows(), tmp_path, "2024-03-12").drop_columns(["fraud"])
    found = predictor.features(as_asked(predictor, LAST_DAY)).select(expected.column_names)
    assert found.to_pylist() == expected.to_pylist()
    assert any(row["shop_risk_risk_4d"] for row in found.to_pylist())


def test_probabilities_are_those_of_the_model_on_the_features_of_training(packaged: Place, tmp_path: Path) -> None:
    """For a row that comes right after the history, asked alone, and for a day of rows asked at once."""
    predictor = write_until_yesterday(packaged, tmp_path / "data")
    features = offline(CARDS, card_rows(), tmp_path, "2024-03-12").to_pandas()
    expected = load(packaged.root / "data/cards/winner").predict(features)
    asked = as_asked(predictor, LAST_DAY)
    np.testing.assert_array_equal(predictor.predict(asked), expected)
    np.testing.assert_array_equal(predictor.predict(asked[:1]), expected[:1])
    assert len(set(expected)) > ROWS_A_DAY / 2


def test_rows_without_time_need_no_history(packaged: Place, tmp_path: Path) -> None:
    """A pipeline without windows packages no rows, and answers as offline."""
    folder = packaged.root / package_folder("customers")
    predictor = Predictor(folder, read_contents(folder))
    features = offline(CUSTOMERS, customer_rows(), tmp_path, "all").to_pandas()
    expected = load(packaged.root / "data/customers/winner").predict(features)
    asked = as_asked(predictor, features[["id", "months", "contract"]].to_dict("records"))
    np.testing.assert_array_equal(predictor.predict(asked), expected)
    assert not (folder / "history.parquet").exists()


def test_what_is_not_sent_is_missing(packaged: Place) -> None:
    """A nullable column that is left out, and one that is null, are the same."""
    folder = packaged.root / package_folder("cards")
    predictor = Predictor(folder, read_contents(folder))
    row = as_asked(predictor, card_rows()[:1])[0] | {"risk": None, "born": None}
    row["paid at"] = row["paid at"].replace(year=2025)
    short = {name: value for name, value in row.items() if name not in {"risk", "born", "id"}}
    assert predictor.predict([row]) == predictor.predict([short])


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
