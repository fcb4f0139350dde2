"""A Bento, as BentoML's own tools see it."""

from __future__ import annotations

import ast
import json
import shutil
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from packaged_pipeline import CARDS, ROOT, card_rows, make_place, pack, run, serving, start

from headrace.errors import ConfigError, DataError
from headrace.packaging import package
from headrace.packaging.archive import write_archive
from headrace.service import package_folder
from headrace.storage import digest

if TYPE_CHECKING:
    from pathlib import Path

    from packaged_pipeline import Place

PRELUDE = """
from pathlib import Path
from headrace.packaging import package, sync
from packaged_pipeline import CARDS
data = Path("data/cards")
"""
CONTAINERFILE = "import sys, bentoml; print(bentoml.container.get_containerfile(sys.argv[1]))"


def names_in(folder: Path) -> set[str]:
    """Return the files of a folder, by name."""
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def said_by(place: Place, script: str) -> list[str]:
    """Return the lines that a script prints in the place's root; BentoML's store is one for a whole process."""
    command = (sys.executable, "-c", PRELUDE + script)
    return run(place.root, place.home, *command, PYTHONPATH=str(ROOT / "tests")).stdout.splitlines()


def test_a_bento_has_what_its_service_needs_and_nothing_more(packaged: Place) -> None:
    """The package, and of the code the rooms that the service stands on."""
    names = names_in(packaged.bento("cards") / "src")
    model = {name for name in names if name.startswith("data/")}
    assert model == {
        f"data/cards/package/model/{name}"
        for name in ("package.json", "history.parquet", "winner/manifest.json", "winner/model.txt")
    }
    code = {name.split("/")[1] for name in names - model - {"bentofile.yaml"}}
    rooms = {
        "access", "declaration", "features", "live", "models", "prediction_log", "rules", "service", "storage",
        "tasks",
    }  # fmt: skip
    assert code == rooms | {"__init__.py", "errors.py", "locking.py", "words.py"}


def test_the_code_of_a_bento_imports_no_room_that_is_not_in_it(packaged: Place) -> None:
    """At the top of its modules: what a function imports may be there for training alone."""
    sources = packaged.bento("cards") / "src"
    missing = set()
    for file in (sources / "headrace").rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headrace"):
                path = sources.joinpath(*str(node.module).split("."))
                missing |= set() if path.is_dir() or path.with_suffix(".py").is_file() else {node.module}
    assert missing == set()


def test_a_bento_says_where_it_comes_from(packaged: Place) -> None:
    """Its name is the pipeline's, its labels trace it back, its argument is the pipeline."""
    described = yaml.safe_load((packaged.bento("cards") / "bento.yaml").read_text())
    contents = json.loads((packaged.root / package_folder("cards") / "package.json").read_text())
    assert described["name"] == "cards"
    assert described["args"] == {"pipeline": "cards"}
    assert described["labels"]["candidate"] == "cards-first"
    assert described["labels"]["decision"] == "first"
    assert described["labels"]["model_digest"] == contents["lineage"]["model"]
    assert described["labels"]["rows_digest"] == contents["lineage"]["rows"]


def test_what_was_packaged_is_written_for_others(packaged: Place) -> None:
    """The tag, for the summary and the report; the Bento itself, for DVC."""
    folder = packaged.root / "data/cards/package"
    described = json.loads((folder / "bento.json").read_text())
    assert described == {"tag": packaged.tags[0], "pipeline": "cards", "candidate": "cards-first"}
    assert (folder / "cards.bento").stat().st_size > 10_000


def test_equal_contents_are_one_bento_and_equal_bytes(place: Place) -> None:
    """Packaging again builds nothing, and leaves every byte of its output as it was."""
    before = digest(place.root / "data/cards/package")
    built = (place.bento("cards") / "bento.yaml").stat().st_mtime_ns
    assert pack(place.root, place.home, "cards") == [place.tags[0]]
    assert digest(place.root / "data/cards/package") == before
    assert (place.bento("cards") / "bento.yaml").stat().st_mtime_ns == built


def test_other_contents_are_another_bento(place: Place) -> None:
    """A change of the code that it serves with is one, a change of other code is none."""
    script = """
Path("headrace/report/page.py").write_text("")
print(package(Path(), data, CARDS).tag)
with Path("headrace/declaration/sql.py").open("a") as file:
    file.write("# changed")
print(package(Path(), data, CARDS).tag)
"""
    same, other = said_by(place, script)
    assert same == place.tags[0]
    assert other.startswith("cards:")
    assert other != same


def test_what_a_killed_build_left_is_made_whole(place: Place) -> None:
    """A Bento in the store that lacks a file, or has a half of one, is built again."""
    bento = place.bento("cards")
    history = bento / "src" / package_folder("cards") / "history.parquet"
    history.write_bytes(history.read_bytes()[:1000])
    (bento / "env/docker/Dockerfile").unlink()
    before = digest(place.bento("customers"))
    assert pack(place.root, place.home, "cards") == [place.tags[0]]
    assert history.read_bytes() == (place.root / package_folder("cards") / "history.parquet").read_bytes()
    assert (bento / "env/docker/Dockerfile").is_file()
    assert digest(place.bento("customers")) == before


def test_an_exported_bento_is_brought_to_another_machine(place: Place) -> None:
    """Where no stage ran; what is there is left alone, what is there in part is brought again."""
    expected = digest(place.bento("cards"))
    shutil.rmtree(place.home)
    script = f"""
print(sync(data))
print(sync(data))
Path({str(place.bento("cards") / "bento.yaml")!r}).unlink()
print(sync(data))
"""
    assert said_by(place, script) == [place.tags[0], "None", place.tags[0]]
    assert digest(place.bento("cards")) == expected


def test_a_broken_export_is_refused(place: Place) -> None:
    """In a line that says what mends it."""
    shutil.rmtree(place.home)
    archive = place.root / "data/cards/package/cards.bento"
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(AssertionError, match=r"DataError: data/cards/package/cards.bento: no Bento .*`dvc checkout`"):
        said_by(place, "sync(data)")


def test_an_archive_does_not_depend_on_times_and_owners(tmp_path: Path) -> None:
    """Equal files are equal bytes."""
    for number, name in enumerate(("one", "two")):
        (tmp_path / name / "inner").mkdir(parents=True)
        for file in ("b", "a", "inner/c"):
            (tmp_path / name / file).write_text(file)
            (tmp_path / name / file).chmod(0o600 + 0o44 * number)
        write_archive(tmp_path / name, tmp_path / f"{name}.bento")
    assert (tmp_path / "one.bento").read_bytes() == (tmp_path / "two.bento").read_bytes()


def test_the_dockerfile_fits_the_service(packaged: Place) -> None:
    """BentoML renders it without Docker: the Python, the locked requirements, a user who is not root."""
    file = run(packaged.root, packaged.home, sys.executable, "-c", CONTAINERFILE, packaged.tags[0]).stderr
    assert "FROM python:3.11-slim" in file
    assert "libgomp1" in file
    assert "uv --directory $INSTALL_ROOT pip install -r $BENTO_PATH/env/python/requirements.txt" in file
    assert file.index("USER bentoml") < file.index("ENTRYPOINT [")
    assert "BENTOML_DO_NOT_TRACK=True" in file


def test_the_requirements_are_locked_and_name_no_index(packaged: Place) -> None:
    """Every version and hash of the lock is in the Bento; it installs from wherever its machine is told to."""
    lock = (ROOT / "requirements.serve.lock").read_text()
    requirements = (packaged.bento("cards") / "env/python/requirements.txt").read_text()
    pinned = {line.split()[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    hashes = {word for word in lock.split() if word.startswith("--hash=")}
    assert pinned <= set(requirements.replace(";", " ").split())
    assert hashes <= set(requirements.split())
    for text in (lock, requirements):
        assert "://" not in text
        assert "index" not in text


def test_bentoml_build_works_by_hand(place: Place) -> None:
    """As BentoML's documentation says, with an argument for another pipeline than the first."""
    command = (sys.executable, "-m", "bentoml", "build", "-o", "tag")
    first = run(place.root, place.home, *command).stdout
    other = run(place.root, place.home, *command, "--arg", "pipeline=customers", "--version", "1").stdout
    assert first.startswith("__tag__:cards:")
    assert other.strip() == "__tag__:customers:1"
    names = names_in(place.home / "bentos/customers/1/src")
    assert "data/customers/package/model/winner/model.skops" in names
    assert not any(name.endswith((".bento", "validation.json")) or "validated" in name for name in names)


def test_a_missing_bentofile_or_lock_is_named(place: Place) -> None:
    """And the last package stands."""
    before = digest(place.root / "data/cards/package")
    (place.root / "requirements.serve.lock").unlink()
    with pytest.raises(ConfigError, match=r"requirements_txt: requirements.serve.lock: no such file; `git checkout"):
        package(place.root, place.root / "data/cards", CARDS)
    (place.root / "bentofile.yaml").unlink()
    with pytest.raises(ConfigError, match=r"bentofile.yaml: no such file"):
        package(place.root, place.root / "data/cards", CARDS)
    (place.root / "data/cards/registration.json").unlink()
    with pytest.raises(DataError, match=r"registration.json: no such file"):
        package(place.root, place.root / "data/cards", CARDS)
    assert digest(place.root / "data/cards/package") == before


def test_a_wrong_bentofile_is_refused(place: Place) -> None:
    """In a line, and the last package stands."""
    before = digest(place.root / "data/cards/package")
    wrong = [
        ("envs:", "env:"),
        ("python_version: ", "python: "),
        ("entry:Service", "entry:Server"),
        ("include:", "in:"),
    ]
    script = f"""
from headrace.errors import ConfigError
bentofile = Path("bentofile.yaml")
right = bentofile.read_text()
for old, new in {wrong}:
    bentofile.write_text(right.replace(old, new))
    try:
        package(Path(), data, CARDS)
    except ConfigError as error:
        print(error)
"""
    extra, deep, missing, incomplete = said_by(place, script)
    assert extra == "bentofile.yaml: Extra fields in constructor for BentoBuildConfig: env"
    assert deep == "bentofile.yaml: Extra fields in constructor for DockerOptions: python"
    assert missing.startswith("bentofile.yaml: Failed to load bento or import service 'headrace.service.entry:Server'")
    assert incomplete == "bentofile.yaml: 'include': missing; it names `include` and `python.requirements_txt`"
    assert digest(place.root / "data/cards/package") == before


@pytest.mark.slow
def test_a_bento_serves_where_nothing_but_its_requirements_is_installed(tmp_path: Path) -> None:
    """A fresh environment has neither the repository nor MLflow, DVC or Hydra."""
    place = make_place(tmp_path / "place")
    python = tmp_path / "venv" / "bin" / "python"
    requirements = place.bento("cards") / "env/python/requirements.txt"
    uv = shutil.which("uv")
    assert uv, "uv is among the development requirements"
    run(tmp_path, place.home, uv, "venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    run(tmp_path, place.home, uv, "pip", "install", "-q", "--python", str(python), "-r", str(requirements))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(place.root)  # the Bentos are all that is left
    for [server] in serving(start(elsewhere, place.home, str(place.bento("customers")), python=str(python))):
        assert server.predict(months=3, contract="short")[0] == 200

    cards = place.bento("cards")
    row = {**card_rows()[-1], "id": 90_000, "paid at": "2024-04-01T00:00:00"}
    asked = {name: value for name, value in row.items() if name not in {"fraud", "scenario"}}
    for [server] in serving(start(elsewhere, place.home, str(cards), python=str(python))):
        status, answer = server.post("/predict", {"instance": asked, "request_id": "first", "explain": True})
        assert status == 200, answer
        _, described = server.call("/model")
        assert (described["pipeline"], described["version"]) == ("cards", answer["model_version"])
        seen = {each["feature"]: each["value"] for each in answer["contributions"]}
        assert seen["shop_risk_risk_4d"] is None  # nothing happened there in the last days,
        assert seen["card_count_3d"] == 1
        earlier = {**asked, "id": 90_001, "paid at": "2024-03-13T00:00:00"}
        _, answer = server.post("/predict", {"instance": earlier, "explain": True})
        seen = {each["feature"]: each["value"] for each in answer["contributions"]}
        assert seen["card_count_3d"] > 1  # and before the history of the package was
        assert (
            server.post("/outcomes", {"outcomes": [{"request_id": "first", "label": 1}]})[1]["results"][0]["result"]
            == "recorded"
        )
        assert server.metric("headrace_windows_up") == 1
        state = server.state
    with sqlite3.connect(state / "predictions.db") as log:
        assert log.execute("SELECT count(*) FROM prediction_entry").fetchone() == (2,)
    imports = "import importlib.util as u; print([n for n in ('mlflow', 'dvc', 'hydra', 'headrace') if u.find_spec(n)])"
    assert run(tmp_path, place.home, str(python), "-c", imports).stdout.strip() == "[]"
