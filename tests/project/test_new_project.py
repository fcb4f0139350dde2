"""`headrace init` in a folder: a whole project, which takes nothing from what stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def call(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as a user does."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def init(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `headrace init`."""
    return call(folder, sys.executable, "-m", "headrace", "init")


def files_in(folder: Path) -> dict[str, bytes]:
    """Return what a folder's files hold, but for git's own."""
    files = [file for file in folder.rglob("*") if file.is_file() and ".git" not in file.relative_to(folder).parts]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new project; nobody writes there."""
    folder = tmp_path_factory.mktemp("laid") / "shop"
    folder.mkdir()
    done = init(folder)
    assert done.returncode == 0, done.stderr
    assert f"A new project is in {folder}." in done.stdout
    return folder


@pytest.fixture
def shop(laid: Path, tmp_path: Path) -> Path:
    """Return a copy of a new project, to change at will."""
    shutil.copytree(laid, tmp_path / "shop")
    return tmp_path / "shop"


def test_a_new_project_has_declarations_and_stock_configuration_alone(laid: Path) -> None:
    """Neither the example pipelines nor their data, no code but the file that BentoML loads; nothing runs yet."""
    names = set(files_in(laid))
    conf = {file.relative_to(ROOT).as_posix() for file in (ROOT / "conf").rglob("*.yaml")}
    plots = {file.relative_to(ROOT).as_posix() for file in (ROOT / ".dvc" / "plots").iterdir()}
    version = call(laid, "headrace", "--version").stdout.split()[1]
    workflows = {file.relative_to(ROOT).as_posix() for file in (ROOT / ".github" / "workflows").iterdir()}
    assert conf | plots | workflows <= names
    assert names - conf - plots - workflows == {
        ".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "Makefile", "README.md", "bentofile.yaml", "dvc.yaml",
        "environment.yaml", "params.yaml", "requirements.lock", "requirements.serve.lock", "service.py",
        f"wheels/headrace-{version}-py3-none-any.whl",
    }  # fmt: skip
    assert yaml.safe_load((laid / "params.yaml").read_text()) == {"pipelines": {}, "candidates": {}}


def test_a_new_project_is_one_for_git_and_dvc(shop: Path) -> None:
    """`dvc repro` of no pipeline has nothing to do, and `dvc` and `headrace show` find nothing wrong."""
    assert (shop / ".git").is_dir()
    done = call(shop, "dvc", "repro")
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
    assert call(shop, "dvc", "status").returncode == 0
    shown = call(shop, "headrace", "show")
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_version_of_headrace_in_place_of_its_code(laid: Path, name: str) -> None:
    """All else is as the repository's own dvc.yaml says."""
    ours, theirs = STAGES[name]["do"], yaml.safe_load((laid / "dvc.yaml").read_text())["stages"][name]["do"]
    code = [dep for dep in ours["deps"] if dep.split("/")[0] in {"headrace", "stages"}]
    added = ["service.py", "wheels"] if name == "package" else []
    assert theirs["deps"] == [dep for dep in ours["deps"] if dep not in code] + added
    versions = [
        key for param in theirs["params"] if isinstance(param, dict) for key in param.get("environment.yaml", [])
    ]
    assert "libraries.headrace" in versions
    assert versions == sorted(versions, key=lambda key: (key.startswith("models"), key))
    for param in theirs["params"]:
        if isinstance(param, dict) and "environment.yaml" in param:
            param["environment.yaml"].remove("libraries.headrace")
    assert [param for param in theirs["params"] if param != {"environment.yaml": []}] == ours["params"]
    rest = {"deps", "params"}
    assert {key: theirs[key] for key in theirs.keys() - rest} == {key: ours[key] for key in ours.keys() - rest}


def test_the_wheel_is_headrace_without_pipelines_and_data(laid: Path) -> None:
    """With the code and the stock configuration, equal to what is installed; pip can install it."""
    [wheel] = (laid / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert archive.read("headrace/cli/init.py") == (ROOT / "headrace/cli/init.py").read_bytes()
        assert archive.read("headrace/project/stock/dvc.yaml") == (ROOT / "dvc.yaml").read_bytes()
    code = {
        file.relative_to(ROOT).as_posix() for folder in ("headrace", "stages") for file in (ROOT / folder).rglob("*.py")
    }
    assert code <= names
    assert not [name for name in names if "/pipelines/" in name or "/data/" in name or name.endswith((".csv", ".pyc"))]


def test_a_second_init_changes_nothing(shop: Path) -> None:
    """It says so."""
    before = files_in(shop)
    done = init(shop)
    assert (done.returncode, done.stdout) == (0, f"The project in {shop} is complete and up to date.\n")
    assert files_in(shop) == before


def test_init_completes_a_project_and_notes_what_is_installed(shop: Path) -> None:
    """What is missing is written again, as is what says what is installed; what was edited stays, and is named."""
    before = files_in(shop)
    (shop / "conf/model/xgboost.yaml").unlink()
    (shop / "bentofile.yaml").write_text(edited := (shop / "bentofile.yaml").read_text() + "# ours\n")
    (shop / "params.yaml").write_text(params := "pipelines: {a: {}}\ncandidates: {}\n")
    (shop / "environment.yaml").write_text("libraries: {headrace: headrace 0.0.1}\n")
    [wheel] = (shop / "wheels").iterdir()
    wheel.rename(wheel.with_name("headrace-0.0.1-py3-none-any.whl"))
    done = init(shop)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:4] == [
        "conf/model/xgboost.yaml: written",
        "wheels/: written",
        "environment.yaml: written",
        "bentofile.yaml: is not as this Headrace lays it down, and was left as it is",
    ]
    after = files_in(shop)
    assert after == {**before, "bentofile.yaml": edited.encode(), "params.yaml": params.encode()}


def test_what_a_killed_init_left_is_completed(shop: Path) -> None:
    """A folder is a project when all the rest is there: `dvc.yaml` is written last, beside and then renamed."""
    before = files_in(shop)
    for name in ("dvc.yaml", "environment.yaml", "conf/targets.yaml"):
        (shop / name).unlink()
    (shop / ".dvc.yaml.writing").write_text("half")
    done = init(shop)
    assert done.returncode == 0, done.stderr
    assert f"A new project is in {shop}." in done.stdout
    assert files_in(shop) == before


def test_init_leaves_what_stands_in_a_folder(tmp_path: Path) -> None:
    """A README, a table, a git repository and a DVC project from elsewhere; ignore files get the lines that they lack."""
    call(tmp_path, "git", "init", "-q")
    call(tmp_path, "dvc", "init", "-q")
    own = {"README.md": "# Ours\n", "rows.csv": "a,b\n1,2\n", ".gitignore": "secret.txt\n__pycache__/"}
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    done = init(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "It is a git repository now" not in done.stdout
    assert "README.md: stood there, and was left as it is" in done.stdout
    assert ".gitignore: lines were added" in done.stdout
    assert (tmp_path / "README.md").read_text() == "# Ours\n"
    assert (tmp_path / "rows.csv").read_text() == own["rows.csv"]
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["secret.txt", "__pycache__/"]
    assert lines.count("__pycache__/") == 1
    assert "/mlflow.db" in lines
    assert "/data/*/candidates/.gitignore" in (tmp_path / ".dvcignore").read_text().splitlines()
    assert init(tmp_path).stdout == f"The project in {tmp_path} is complete and up to date.\n"
    assert "up to date" in call(tmp_path, "dvc", "repro").stdout


def test_a_project_below_the_top_of_a_repository_has_no_workflows(tmp_path: Path) -> None:
    """GitHub would not see them; it is no repository of its own."""
    call(tmp_path, "git", "init", "-q")
    folder = tmp_path / "shop"
    folder.mkdir()
    done = subprocess.run(["headrace", "init"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "dvc.yaml").is_file()
    assert not (folder / ".git").exists()
    assert not (folder / ".github").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dvc.yaml", "stages: {a: {cmd: b}}\n", "dvc.yaml: has stages of another project; use another folder"),
        ("dvc.yaml", "stages: [\n", "dvc.yaml:2:1: not valid YAML"),
        ("params.yaml", "lr: 1\npipelines: {}\n", "params.yaml: candidates: missing; write `candidates: {}`"),
        (
            "params.yaml",
            "pipelines: [a]\ncandidates: {}\n",
            "params.yaml: pipelines: found ['a']; it has to be a name and",
        ),
        ("stages/__init__.py", "", "stages/__init__.py: Python would import this in place of Headrace's own"),
        ("headrace.py", "", "headrace.py: Python would import this in place of Headrace's own"),
        ("conf", "text", "conf: is a file, and has to be a folder"),
        ("wheels", "text", "wheels: is a file, and has to be a folder"),
        ("params.yaml/x", "text", "params.yaml: is a folder, and has to be a file"),
    ],
)
def test_a_folder_that_cannot_become_a_project_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    """In a line, and nothing is written."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    done = call(tmp_path, "headrace", "init")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert files_in(tmp_path) == {name: text.encode()}
    assert not (tmp_path / ".git").exists()


def test_what_is_installed_otherwise_than_locked_is_said(shop: Path) -> None:
    """The stages would run with other libraries than those of a colleague."""
    lock = shop / "requirements.lock"
    installed = next(line.split()[0] for line in lock.read_text().splitlines() if line.startswith("polars=="))
    lock.write_text(lock.read_text().replace(installed, "polars==0.0.1"))
    said = init(shop).stdout
    assert (
        f"Installed are other versions than requirements.lock has (in parentheses): polars {installed[8:]} (0.0.1)."
        in said
    )
