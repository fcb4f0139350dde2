"""Rows from Parquet files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.errors import SourceError
from headrace.sources import Parquet

HANDBOOK = Path("/work/shared/data/handbook_transactions.parquet")
ROWS = pa.table(
    {
        "ID": [2, 1, 3],
        "MOMENT": [
            datetime.fromisoformat("2018-04-02T09:00"),
            datetime.fromisoformat("2018-04-02T09:00"),
            datetime.fromisoformat("2018-04-01T00:00"),
        ],
    }
)
RENAME = {"ID": "id", "MOMENT": "moment"}


@pytest.mark.parametrize("kept", [0, 3, 100, -1, -8])
def test_file_cut_short_is_refused(kept: int, tmp_path: Path, run, raw):
    """A Parquet file without its end is refused with its name."""
    path = tmp_path / "rows.parquet"
    pq.write_table(ROWS, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceError, match=f"{path}: no whole Parquet file, with its \\d+ bytes"):
        run({"_target_": "headrace.sources.Parquet", "path": str(path), "rename": RENAME})
    assert not raw.exists()


def test_file_with_spoiled_content_is_refused(tmp_path: Path):
    """A file whose footer is whole and whose rows are not is refused too."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"{n} is a text" for n in range(50_000)]}), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[1000:60_000] = b"\0" * 59_000
    path.write_bytes(content)
    with pytest.raises(SourceError, match="no whole Parquet file"):
        list(Parquet(path=str(path)).read(None, None))


def test_folder_is_read_in_order_of_names(tmp_path: Path, run, raw):
    """The files of a folder are one table; a day's rows are sorted by time, then key; types are kept."""
    pq.write_table(ROWS[:1], tmp_path / "a.parquet")
    pq.write_table(ROWS[1:], tmp_path / "b.parquet")
    run({"_target_": "headrace.sources.Parquet", "path": str(tmp_path), "rename": RENAME})
    assert sorted(file.stem for file in raw.iterdir()) == ["2018-04-01", "2018-04-02"]
    second = pq.read_table(raw / "2018-04-02.parquet")
    assert second["id"].to_pylist() == [1, 2]
    assert second.schema.types == [pa.int64(), pa.timestamp("us")]


def test_files_of_different_columns_are_refused(tmp_path: Path):
    """A file of a folder that has other columns than the first is named."""
    pq.write_table(ROWS, tmp_path / "a.parquet")
    pq.write_table(ROWS.rename_columns(["ID", "WHEN"]), tmp_path / "b.parquet")
    with pytest.raises(
        SourceError, match=r"b\.parquet: the columns are ID, WHEN; those of .*a\.parquet are ID, MOMENT"
    ):
        list(Parquet(path=str(tmp_path)).read(None, None))


def test_timestamp_of_another_type_is_refused(tmp_path: Path, run):
    """A number is no timestamp: nobody knows its unit."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": [1], "moment": [1522540800]}), path)
    with pytest.raises(SourceError, match=r"column 'moment' is the timestamp in schema\.yaml, and its type is BIGINT"):
        run({"_target_": "headrace.sources.Parquet", "path": str(path)})


@pytest.mark.skipif(not HANDBOOK.exists(), reason="the handbook's rows are not here")
def test_handbook_rows_become_days(run, raw):
    """All of the handbook's 1,303,778 published rows are in 136 parts, and none on or after `until`."""
    rename = {"TRANSACTION_ID": "transaction_id", "TX_DATETIME": "tx_datetime"}
    source = {"_target_": "headrace.sources.Parquet", "path": str(HANDBOOK), "rename": rename}
    ingested = run(source, key="transaction_id", timestamp="tx_datetime")
    assert str(ingested) == "136 new days of 136, 1,303,778 rows (1,303,778 in all)"
    ingested = run(source, until="2018-04-03", key="transaction_id", timestamp="tx_datetime")
    assert [file.stem for file in sorted(raw.iterdir())] == ["2018-04-01", "2018-04-02"]
