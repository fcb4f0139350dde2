"""Headrace as others have it: a wheel in an environment of its own, and a project that knows no repository of ours."""

from __future__ import annotations

import csv
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from packaged_pipeline import run, serving, start

ROOT = Path(__file__).resolve().parents[2]
PARAMS = """
pipelines:
  churn: {source: csv, until: all, tracking: file}
candidates:
  churn-logistic: {pipeline: churn, model: logistic_regression}
"""
WHERE = "import headrace; print(headrace.__file__)"

pytestmark = pytest.mark.slow


def install(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment with what pip finds under these names; return its Python."""
    python = folder / "bin" / "python"
    run(folder.parent, folder.parent, "uv", "venv", "-q", "--python", sys.executable, str(folder))
    command = ("uv", "pip", "install", "-q", "--compile-bytecode", "--python", str(python))
    run(folder.parent, folder.parent, *command, *requirements)
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built of the repository."""
    folder = tmp_path_factory.mktemp("built")
    run(ROOT, folder, "uv", "build", "-q", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("*.whl"))


def one_customer() -> dict[str, object]:
    """Return the first row of the table, as a client sends it."""
    with (ROOT / "data/churn/source/telco_churn.csv").open() as file:
        row = next(csv.DictReader(file))
    del row["Churn"]
    whole, decimals = ("SeniorCitizen", "tenure"), ("MonthlyCharges", "TotalCharges")
    return {**row, **{name: int(row[name]) for name in whole}, **{name: float(row[name]) for name in decimals}}


def test_the_built_wheel_has_code_and_stock_configuration_alone(wheel: Path) -> None:
    """Neither the example pipelines nor data, nor tests."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    stock = {name.split("/")[3] for name in names if name.startswith("headrace/project/stock/")}
    assert stock == {
        ".dvc", ".dvcignore", ".github", ".gitignore", "bentofile.yaml", "conf", "dvc.yaml", "requirements.project.lock",
        "requirements.serve.lock",
    }  # fmt: skip
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"headrace", "stages"}
    assert not [name for name in names if "/pipelines/" in name or "/data/" in name or name.endswith((".csv", ".pyc"))]


@pytest.mark.timeout(1800)
def test_a_project_from_an_installed_wheel_runs_serves_and_packs(wheel: Path, tmp_path: Path) -> None:
    """In an empty folder: `headrace init`, `dvc repro`, `bentoml serve`, `bentoml build`; the Bento serves without it all."""
    home, shop = tmp_path / "bentoml", tmp_path / "shop"
    shop.mkdir()
    venv = tmp_path / "venv"
    python = str(install(venv, "-r", str(ROOT / "requirements.project.lock"), str(wheel)))
    path = {"PATH": f"{venv / 'bin'}:/usr/bin:/bin", "DVC_NO_ANALYTICS": "1"}
    assert str(venv) in run(tmp_path, home, python, "-c", WHERE, **path).stdout
    run(shop, home, "headrace", "init", **path)
    shutil.copytree(ROOT / "pipelines/churn", shop / "pipelines/churn")
    shutil.copytree(ROOT / "data/churn/source", shop / "data/churn/source")
    (shop / "params.yaml").write_text(PARAMS)

    assert "package churn: churn:" in run(shop, home, "dvc", "repro", **path).stdout
    assert "Running stage" not in run(shop, home, "dvc", "repro", **path).stdout
    assert "up to date" in run(shop, home, "headrace", "init", **path).stdout
    for [server] in serving(start(shop, home, python=python, **path)):
        assert server.predict(**one_customer())[0] == 200

    built = run(shop, home, "bentoml", "build", "-o", "tag", **path).stdout.strip().removeprefix("__tag__:")
    bento = home.joinpath("bentos", *built.split(":"))
    bare = install(tmp_path / "bare", "-r", str(bento / "env/python/requirements.txt"))
    shop.rename(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    for tag in (built, "churn:latest"):
        for [server] in serving(start(tmp_path / "elsewhere", home, tag, python=str(bare))):
            assert server.predict(**one_customer())[0] == 200
    with pytest.raises(AssertionError, match="No module named 'headrace'"):
        run(tmp_path, home, str(bare), "-c", WHERE)


def test_another_machine_installs_a_project_from_what_git_holds(wheel: Path, tmp_path: Path) -> None:
    """`make .venv/.synced` in a clone, as the workflows say it: the locked libraries and the Headrace of the project."""
    shop, clone = tmp_path / "shop", tmp_path / "clone"
    shop.mkdir()
    python = install(tmp_path / "venv", "-r", str(ROOT / "requirements.project.lock"), str(wheel))
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    run(shop, tmp_path, "headrace", "init", **path)
    run(shop, tmp_path, "git", "add", ".")
    run(shop, tmp_path, "git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "first")
    run(tmp_path, tmp_path, "git", "clone", "-q", str(shop), str(clone))
    run(clone, tmp_path, "make", ".venv/.synced", f"PYTHON={sys.executable}")
    there = {"PATH": f"{clone / '.venv/bin'}:/usr/bin:/bin"}
    assert run(clone, tmp_path, "headrace", "--version", **there).stdout.startswith("headrace ")
    assert str(clone) in run(tmp_path, tmp_path, str(clone / ".venv/bin/python"), "-c", WHERE).stdout
    assert "complete and up to date" in run(clone, tmp_path, "headrace", "init", **there).stdout
    assert run(clone, tmp_path, "git", "status", "--short").stdout == ""
