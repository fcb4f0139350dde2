"""Saved models: the same predictions, refused if changed, and never a pickle."""

from __future__ import annotations

import errno
import json
import os
import pickletools
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skops.io
from fitted_models import INPUTS, MODELS, fit_rows, made_rows

from headrace.errors import DataError, IntegrityError
from headrace.models import load, save, to_matrix
from headrace.models.families import family_of
from headrace.storage import digest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Return rows with gaps, a quarter of them positive."""
    return made_rows()


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_predicts_bit_for_bit_what_it_predicted(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Saving changes no probability, and few rows are answered as many are."""
    fitted = fit_rows(MODELS[name], rows)
    before = fitted.predict(fitted.rows.prepare(to_matrix(rows, INPUTS)))
    save(fitted, tmp_path, {})
    loaded = load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(rows), before)
    np.testing.assert_array_equal(loaded.predict(rows[:5]), before[:5])
    np.testing.assert_array_equal(loaded.predict(rows[5:6]), before[5:6])
    assert before.dtype == np.float64


@pytest.mark.parametrize("name", MODELS)
def test_equal_fits_are_equal_files(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Two fits of the same rows write the same bytes, wherever in memory they were and whenever it was."""
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        save(fit_rows(MODELS[name], rows), folder, {})
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_pickled(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """No file, and no file in an archive, is a pickle."""
    save(fit_rows(MODELS[name], rows), tmp_path, {})
    contents = []
    for file in tmp_path.iterdir():
        if file.suffix == ".skops":
            with zipfile.ZipFile(file) as archive:
                contents += [archive.read(inner) for inner in archive.namelist()]
        else:
            contents.append(file.read_bytes())
    assert contents
    for content in contents:
        assert not content.startswith(b"\x80")
        with pytest.raises((ValueError, UnicodeDecodeError)):
            pickletools.dis(content, out=open("/dev/null", "w"))  # noqa: PTH123, SIM115


@pytest.mark.parametrize("name", MODELS)
def test_a_full_disk_is_an_error_of_the_system(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """What cannot be written is never a model, in whatever way the model's library writes files itself."""
    fitted = fit_rows(MODELS[name], rows)
    (tmp_path / family_of(fitted.target).file).symlink_to("/dev/full")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as error:
        save(fitted, tmp_path, {})
    assert error.value.errno == errno.ENOSPC


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "logistic"])
def test_a_file_with_one_byte_changed_is_refused(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """The message names the file, both digests and what to do."""
    manifest = save(fit_rows(MODELS[name], rows), tmp_path, {})
    for file in manifest["files"]:
        content = bytearray((tmp_path / file).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / file).write_bytes(content)
        with pytest.raises(IntegrityError) as error:
            load(tmp_path)
        message = str(error.value)
        assert file in message
        assert manifest["files"][file] in message
        assert digest(tmp_path / file) in message
        assert "dvc checkout" in message
        content[len(content) // 2] ^= 1
        (tmp_path / file).write_bytes(content)
    load(tmp_path)


def test_a_missing_file_or_manifest_is_refused(rows: pd.DataFrame, tmp_path: Path) -> None:
    """A folder that is not whole is no model."""
    save(fit_rows(MODELS["lightgbm"], rows), tmp_path, {})
    (tmp_path / "model.txt").unlink()
    with pytest.raises(IntegrityError, match=r"model\.txt: no such file"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text('{"features"')
    with pytest.raises(IntegrityError, match="not a model's manifest"):
        load(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(IntegrityError, match=r"manifest\.json: no such file"):
        load(tmp_path)


class Foreign:
    """Stands for a type that someone smuggled into a model file."""


def test_an_archive_with_a_foreign_type_is_refused(rows: pd.DataFrame, tmp_path: Path) -> None:
    """Even where the digests are right, only classes of scikit-learn and NumPy are read."""
    fitted = fit_rows(MODELS["logistic"], rows)
    manifest = save(fitted, tmp_path, {})
    fitted.estimator.classes_ = Foreign()
    skops.io.dump(fitted.estimator, tmp_path / "model.skops")
    manifest["files"]["model.skops"] = digest(tmp_path / "model.skops")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(IntegrityError, match=r"Foreign; only classes of sklearn and numpy"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "logistic", "histogram"])
def test_an_unknown_category_counts_as_missing(name: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    """A category that training did not know is answered like a gap."""
    save(fit_rows(MODELS[name], rows), tmp_path, {})
    loaded = load(tmp_path)
    unknown, missing = rows[:50].assign(kind="phone"), rows[:50].assign(kind=None)
    np.testing.assert_array_equal(loaded.predict(unknown), loaded.predict(missing))
    known = rows[:50].assign(kind="web")
    assert (loaded.predict(known) != loaded.predict(missing)).any()


def test_rows_may_have_their_columns_in_any_order(rows: pd.DataFrame, tmp_path: Path) -> None:
    """Columns are found by name; others are passed over, and categories may come as pandas' own."""
    save(fit_rows(MODELS["lightgbm"], rows), tmp_path, {})
    loaded = load(tmp_path)
    other = rows[rows.columns[::-1]].astype({"kind": "category"})
    np.testing.assert_array_equal(loaded.predict(other), loaded.predict(rows))


def test_a_missing_or_wrong_feature_is_named(rows: pd.DataFrame, tmp_path: Path) -> None:
    """The message says which feature is wrong, and which there should be."""
    save(fit_rows(MODELS["lightgbm"], rows), tmp_path, {})
    with pytest.raises(DataError, match="lack the features age, kind; the model takes: amount"):
        load(tmp_path).predict(rows[["amount [EUR]"]])
    with pytest.raises(DataError, match="feature age: it has to be a number"):
        load(tmp_path).predict(rows.assign(age="old"))


def test_loading_imports_no_more_than_it_needs(rows: pd.DataFrame, tmp_path: Path) -> None:
    """A service that loads a LightGBM model starts without the pipeline's libraries."""
    save(fit_rows(MODELS["lightgbm"], rows), tmp_path, {})
    code = "import sys; from pathlib import Path; from headrace.models import load; load(Path(sys.argv[1])); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    heavy = {"mlflow", "optuna", "dvc", "hydra", "polars", "xgboost", "skops", "matplotlib", "duckdb", "omegaconf"}
    assert heavy.isdisjoint(done.stdout.split())
