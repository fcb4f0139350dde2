"""What an ingest reads, keeps, writes, and leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.declaration.pipeline import IngestConfig
from headrace.declaration.rows import RowIdentity
from headrace.errors import ConfigError, HeadraceError, SourceError
from headrace.sources import ingest
from headrace.storage import digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIMULATED = {"_target_": "headrace.sources.SimulatedCards", "customers": 200, "terminals": 300, "radius": 10.0}
IDENTITY = {"key": "transaction_id", "timestamp": "tx_datetime"}
CSV = "headrace.sources.Csv"


@pytest.fixture
def simulate(run: Callable) -> Callable:
    """Return a function that ingests simulated cards until a day."""
    return lambda until, **changes: run({**SIMULATED, **changes}, until=until, **IDENTITY)


def inodes(raw: Path) -> dict[str, int]:
    """Return the files of the parts: an unchanged part is the same file, whatever folder holds it."""
    return {file.stem: file.stat().st_ino for file in raw.iterdir()}


def test_manifest_says_rows_and_checksum_of_each_part(simulate, raw):
    """`ingest.json` agrees with the parts, and holds no path, time or host."""
    simulate("2018-04-06")
    manifest = json.loads((raw.parent / "ingest.json").read_text())
    assert set(manifest) == {"source", "parts"}
    assert sorted(manifest["parts"]) == [f"2018-04-0{day}" for day in range(1, 6)]
    for name, part in manifest["parts"].items():
        assert part == {
            "rows": pq.read_metadata(raw / f"{name}.parquet").num_rows,
            "sha256": digest(raw / f"{name}.parquet"),
        }


def test_moving_until_forward_writes_the_new_days_alone(simulate, raw):
    """Days that stand are the same files; the result is byte for byte that of one ingest."""
    simulate("2018-04-06")
    before = inodes(raw)
    assert simulate("2018-04-09").new == {"2018-04-06", "2018-04-07", "2018-04-08"}
    after = inodes(raw)
    assert {name: after[name] for name in before} == before
    grown = digest(raw), digest(raw.parent / "ingest.json")
    shutil.rmtree(raw.parent)
    simulate("2018-04-09")
    assert (digest(raw), digest(raw.parent / "ingest.json")) == grown


def test_moving_until_back_takes_later_days_away(simulate, raw):
    """Only days before `until` are left, as they were, and none is read."""
    simulate("2018-04-06")
    before = inodes(raw)
    ingested = simulate("2018-04-04")
    assert ingested.new == frozenset()
    assert inodes(raw) == {name: before[name] for name in ("2018-04-01", "2018-04-02", "2018-04-03")}
    assert len(ingested.manifest.parts) == 3


def test_nothing_new_changes_nothing(simulate, raw):
    """A second ingest leaves the folder as it is."""
    simulate("2018-04-04")
    before = raw.stat().st_ino, inodes(raw)
    assert str(simulate("2018-04-04")).startswith("0 new days of 3, 0 rows")
    assert (raw.stat().st_ino, inodes(raw)) == before


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"drift": {"start": "2018-04-02", "inflation": 2.0}}, {"start": "2018-03-31"}]
)
def test_changed_declaration_reads_all_again(changes: dict[str, object], simulate):
    """Another seed, say, makes other rows: no day of before may stay among them."""
    simulate("2018-04-04")
    ingested = simulate("2018-04-04", **changes)
    assert ingested.new == set(ingested.manifest.parts)


@pytest.mark.parametrize("name", ["2018-04-01", "2018-04-03", "2018-04-05"])
@pytest.mark.parametrize("fault", ["one byte", "cut short", "gone"])
def test_spoiled_part_is_read_again(name: str, fault: str, simulate, raw):
    """A part that is not as it was written, be it the first, one amid or the last, is replaced by the right one."""
    simulate("2018-04-06")
    right = digest(raw)
    path = raw / f"{name}.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.unlink()
    if fault != "gone":
        path.write_bytes(content if fault == "one byte" else content[:50])
    assert simulate("2018-04-06").new == {name}
    assert digest(raw) == right


def test_files_that_share_their_content_with_a_cache_are_never_written_to(simulate, raw, tmp_path: Path):
    """DVC may have linked the parts to its cache, read-only: a new run replaces them, and the cache stays whole."""
    simulate("2018-04-06")
    cache = tmp_path / "cache"
    cache.mkdir()
    for file in [*raw.iterdir(), raw.parent / "ingest.json"]:
        os.link(file, cache / file.name)
        file.chmod(0o444)
    right = digest(cache)
    simulate("2018-04-08")
    simulate("2018-04-08", seed=3)
    simulate("2018-04-03")
    assert digest(cache) == right


def test_strange_files_and_a_lost_manifest_are_no_obstacle(simulate, raw):
    """What no manifest knows of is not taken for a part: without a manifest all is read."""
    simulate("2018-04-04")
    right = digest(raw)
    (raw / "2018-04-09.parquet").write_bytes(b"PAR1")
    simulate("2018-04-04")
    assert digest(raw) == right
    (raw.parent / "ingest.json").write_text("{")
    assert len(simulate("2018-04-04").new) == 3
    assert digest(raw) == right


def test_interrupted_ingest_is_taken_up(simulate, raw):
    """Leftovers of a run that was killed, or a folder that is newer than its manifest, do no harm."""
    simulate("2018-04-04")
    manifest = (raw.parent / "ingest.json").read_bytes()
    simulate("2018-04-08")
    right = digest(raw)
    (raw.parent / "ingest.json").write_bytes(manifest)
    shutil.copytree(raw, raw.parent / ".raw.writing")
    raw.rename(raw.parent / ".raw.replaced")
    simulate("2018-04-08")
    assert digest(raw) == right
    assert sorted(file.name for file in raw.parent.iterdir()) == ["ingest.json", "raw"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(2, 20), st.integers(0, 19)), min_size=1, max_size=5))
def test_any_history_ends_where_one_ingest_does(steps: list[tuple[int, int]], tmp_path: Path):
    """However `until` moved and whatever was lost on the way, the parts are those of a single run."""
    histories, single = tmp_path / "histories", tmp_path / "single"
    shutil.rmtree(histories, ignore_errors=True)
    for until, lost in steps:
        (histories / "raw" / f"2018-04-{lost:02}.parquet").unlink(missing_ok=True)
        config = IngestConfig(
            pipeline="test",
            until=f"2018-04-{until:02}",
            source={**SIMULATED, "customers": 20},
            schema=RowIdentity(**IDENTITY),
        )
        ingest(config, histories)
    shutil.rmtree(single, ignore_errors=True)
    ingest(config, single)
    assert digest(histories) == digest(single)


def test_rows_of_a_file_are_cut_into_days(tmp_path: Path, run, raw):
    """Days follow from UTC, and not from a column `day`; a row at `until` is left out, one without a time `undated`."""
    path = tmp_path / "rows.csv"
    times = [
        "2018-04-03T00:00:00Z",
        "soon",
        "2018-04-01 23:59:59.999",
        "2018-04-02 01:00:00+02:00",
        "",
        "2018-04-03 10:00",
    ]
    path.write_text("id,moment,day\n" + "".join(f"{number},{time},7\n" for number, time in enumerate(times)))
    ingested = run({"_target_": CSV, "path": str(path)}, until="2018-04-03")
    parts = {file.stem: pq.read_table(file)["id"].to_pylist() for file in raw.iterdir()}
    assert parts == {"2018-04-01": ["3", "2"], "2018-04-02": [], "undated": ["1", "4"]}
    assert str(ingested) == "2 new days of 2, 4 rows (4 in all, 2 of them without a time that can be read)"


def test_late_row_of_a_file_is_seen(tmp_path: Path, run, raw):
    """A file is read whole: a row that has come to an earlier day changes that day's part, and no other's bytes."""
    path = tmp_path / "rows.csv"
    path.write_text("id,moment\n1,2018-04-01\n2,2018-04-02\n")
    run({"_target_": CSV, "path": str(path)}, until="2018-04-03")
    before = {file.stem: digest(file) for file in raw.iterdir()}
    path.write_text("id,moment\n1,2018-04-01\n2,2018-04-02\n3,2018-04-01\n")
    run({"_target_": CSV, "path": str(path)}, until="2018-04-03")
    after = {file.stem: digest(file) for file in raw.iterdir()}
    assert before["2018-04-02"] == after["2018-04-02"]
    assert pq.read_table(raw / "2018-04-01.parquet")["id"].to_pylist() == ["1", "3"]


def test_parts_do_not_depend_on_how_many_cores_there_are(tmp_path: Path):
    """One processor writes the bytes that many write."""
    code = (
        "import sys; from pathlib import Path; from headrace.declaration.pipeline import IngestConfig;"
        "from headrace.declaration.rows import RowIdentity; from headrace.sources import ingest;"
        f"ingest(IngestConfig(pipeline='t', until='2018-04-08', source={SIMULATED!r}, schema=RowIdentity(**{IDENTITY!r})), Path(sys.argv[1]))"
    )
    pin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
    for name, prefix in {"one": pin, "many": ""}.items():
        subprocess.run([sys.executable, "-c", prefix + code, str(tmp_path / name)], check=True)
    assert digest(tmp_path / "one") == digest(tmp_path / "many")


def test_a_slip_in_a_year_is_refused(tmp_path: Path, run):
    """One row of the year 18 would make seven hundred thousand empty days: it is named instead."""
    path = tmp_path / "rows.csv"
    path.write_text("id,moment\n1,0018-04-01\n2,2018-04-02\n")
    with pytest.raises(
        SourceError, match=r"rows go from 0018-04-01 \(1\) to 2018-04-02 \(1\), and only 2 of the 730487 days"
    ):
        run({"_target_": CSV, "path": str(path)})


@pytest.mark.parametrize(
    ("until", "timestamp", "said"),
    [
        ("2018-02-30", "tx_datetime", "until: '2018-02-30' is no day"),
        ("tomorrow", "tx_datetime", "until: 'tomorrow' is no day"),
        ("2018-04-03", None, "rows without a time need until: all"),
    ],
)
def test_wrong_until_is_refused(until: str, timestamp: str | None, said: str, run, raw):
    """`until` is a day, or `all`; and a day only where rows have a time."""
    with pytest.raises(ConfigError, match=said):
        run(SIMULATED, until=until, key="transaction_id", timestamp=timestamp)
    assert not raw.exists()


def test_until_before_the_first_day_is_refused(simulate, raw):
    """No day at all is an error, on the first run and on a later one, which leaves what stands."""
    with pytest.raises(SourceError, match="there are no rows before 2018-04-01"):
        simulate("2018-04-01")
    simulate("2018-04-04")
    before = inodes(raw)
    with pytest.raises(SourceError, match="there are no rows before 2018-03-01; the first are of 2018-04-01"):
        simulate("2018-03-01")
    assert inodes(raw) == before


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounting a file system takes root")
def test_full_disk_leaves_what_stood(tmp_path: Path, simulate, raw):
    """On a disk too small for the new days the error says so in a line, and the old days stand whole."""
    raw.parent.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", raw.parent], check=False)
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        simulate("2018-04-03")
        right = digest(raw.parent)
        with pytest.raises(HeadraceError, match="raw: the disk is full; free some space"):
            simulate("2018-08-01", customers=200)
        assert digest(raw.parent) == right
        assert sorted(file.name for file in raw.parent.iterdir()) == ["ingest.json", "raw"]
        assert simulate("2018-04-04").new == {"2018-04-03"}
    finally:
        subprocess.run(["umount", raw.parent], check=True)
