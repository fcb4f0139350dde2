"""From a declaration to a source."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from omegaconf import OmegaConf

from headrace.config import allowed_targets
from headrace.errors import ConfigError
from headrace.sources import Drift, SimulatedCards, build

CONF = Path(__file__).parents[2] / "conf/source"
OWN = '''
"""A user's own sources."""
from __future__ import annotations
from datetime import date, datetime, timedelta

def daily(since, until, *, first: str = "2018-04-01", note: str | None = None) -> list[dict]:
    start = since or date.fromisoformat(first)
    days = [start + timedelta(n) for n in range((until - start).days)]
    return [{"id": day.toordinal(), "moment": datetime(day.year, day.month, day.day, 12), "note": note} for day in days]

def whole(names: list[str], first: int = 0):
    import polars
    for name in names:
        yield polars.DataFrame({"id": [first + len(name)], "name": [name]})

def nothing(since, until):
    return []

def wrong(since, until):
    return 7

def anything(**arguments):
    return [arguments]
'''


@pytest.fixture
def own_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a module of a user's own sources, which the list of targets allows."""
    (tmp_path / "conf").mkdir()
    names = ["daily", "whole", "nothing", "wrong", "anything"]
    (tmp_path / "conf" / "targets.yaml").write_text(yaml.safe_dump([f"own_sources_of_a_test.{name}" for name in names]))
    (tmp_path / "own_sources_of_a_test.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_sources_of_a_test", raising=False)
    monkeypatch.chdir(tmp_path)
    allowed_targets.cache_clear()
    yield
    allowed_targets.cache_clear()


CARDS = "headrace.sources.SimulatedCards"
WRONG = {
    "unknown key": ({"_target_": CARDS, "custmers": 3}, "source.custmers: unknown key; did you mean customers"),
    "unknown key within": (
        {"_target_": CARDS, "drift": {"start": "2018-07-01", "inflatoin": 2}},
        "source.drift.inflatoin: unknown key; did you mean inflation",
    ),
    "wrong type": (
        {"_target_": CARDS, "customers": "many"},
        "source.customers: 'many' is no whole number; write one such as 10",
    ),
    "wrong type within": ({"_target_": CARDS, "drift": 3}, "source.drift: "),
    "missing": ({"_target_": "headrace.sources.Csv"}, "source.path: missing"),
    "missing within": ({"_target_": CARDS, "drift": {}}, "source.drift.start: missing"),
    "wrong value": ({"_target_": CARDS, "customers": 0}, "source.customers: must be 1 or more, found 0"),
    "wrong value within": ({"_target_": CARDS, "drift": {"start": "x"}}, "source.drift.start: 'x' is no day"),
    "no target": ({"path": "x"}, "source._target_: missing; choose a source"),
    "target that is not allowed": ({"_target_": "os.system", "command": "true"}, "'os.system' is not allowed"),
}


@pytest.mark.parametrize(("source", "said"), WRONG.values(), ids=WRONG)
def test_wrong_declaration_is_refused(source: dict[str, object], said: str):
    """What was found, where, and what would be right, before a row is read."""
    with pytest.raises(ConfigError) as caught:
        build(source)
    assert said in str(caught.value)


def test_messages_name_the_file():
    """Whoever knows where a key was written has it named."""
    with pytest.raises(ConfigError, match=r"^conf/x\.yaml: source\.custmers: unknown key"):
        build({"_target_": CARDS, "custmers": 3}, lambda key: f"conf/x.yaml: {key}")


@pytest.mark.parametrize("file", sorted(CONF.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_option_becomes_a_source(file: Path, monkeypatch: pytest.MonkeyPatch):
    """Each file of conf/source/ is complete but for what it leaves to the pipeline, and its keys are all known."""
    monkeypatch.setenv("HEADRACE_DATABASE", "postgresql://host/database")
    option = OmegaConf.load(file)
    for key in OmegaConf.missing_keys(option):
        option[key] = "SELECT 1 AS id"
    built = build(OmegaConf.to_container(option, resolve=True))
    assert set(vars(built)) == set(option) - {"_target_"}


def test_arguments_become_what_the_source_asks_for():
    """Numbers are converted, and a dataclass within is one."""
    built = build({"_target_": CARDS, "radius": 7, "drift": {"start": "2018-07-01"}})
    assert built == SimulatedCards(radius=7.0, drift=Drift(start="2018-07-01"))


@pytest.mark.usefixtures("own_sources")
def test_function_that_takes_days_is_asked_for_new_ones(run, raw):
    """A plain function is a source; with `since` and `until` among its parameters only missing days are asked for."""
    source = {"_target_": "own_sources_of_a_test.daily"}
    assert str(run(source, until="2018-04-04")) == "3 new days of 3, 3 rows (3 in all)"
    assert str(run(source, until="2018-04-06")) == "2 new days of 5, 2 rows (5 in all)"
    assert len(run({**source, "note": "x"}, until="2018-04-06").new) == 5
    assert pq.read_table(raw / "2018-04-05.parquet")["note"].to_pylist() == ["x"]


@pytest.mark.usefixtures("own_sources")
def test_changed_code_of_a_users_source_reads_all_again(run, tmp_path: Path):
    """Other code may make other rows."""
    source = {"_target_": "own_sources_of_a_test.daily"}
    run(source, until="2018-04-04")
    with (tmp_path / "own_sources_of_a_test.py").open("a") as file:
        file.write("# changed\n")
    assert len(run(source, until="2018-04-04").new) == 3


@pytest.mark.usefixtures("own_sources")
def test_generator_of_data_frames_is_a_source(run, raw):
    """A function may yield several tables, of any library that speaks Arrow; types that differ are widened."""
    run({"_target_": "own_sources_of_a_test.whole", "names": ["ab", "a"], "first": 5}, timestamp=None)
    assert pq.read_table(raw / "all.parquet").to_pylist() == [{"id": 7, "name": "ab"}, {"id": 6, "name": "a"}]


@pytest.mark.usefixtures("own_sources")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"_target_": "own_sources_of_a_test.daily", "last": 3}, "source.last: unknown key; .*known are: first, note"),
        ({"_target_": "own_sources_of_a_test.daily", "first": [1]}, "source.first: "),
        ({"_target_": "own_sources_of_a_test.whole"}, "source.names: missing"),
        ({"_target_": "own_sources_of_a_test.whole", "names": "ab"}, "source.names: "),
    ],
)
def test_arguments_of_a_function_are_checked(source: dict[str, object], said: str):
    """A function's parameters are checked by name and type, like a dataclass's fields."""
    with pytest.raises(ConfigError, match=said):
        build(source)


@pytest.mark.usefixtures("own_sources")
def test_function_may_take_anything():
    """With `**arguments` every key is known."""
    assert build({"_target_": "own_sources_of_a_test.anything", "x": 1}).arguments == {"x": 1}


@pytest.mark.usefixtures("own_sources")
@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing", "returned no rows, and no columns"), ("wrong", "returned int; a source returns tables")],
)
def test_what_a_function_may_not_return(name: str, said: str, run):
    """What is no table is refused in a line."""
    with pytest.raises(Exception, match=said):
        run({"_target_": f"own_sources_of_a_test.{name}"}, until="2018-04-04")
