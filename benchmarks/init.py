"""How long `headrace init` takes on 300,000 rows of 20 columns: `python -m benchmarks.init`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROWS = 300_000
REPOSITORY = Path(__file__).parents[1]
PARAMS = "pipelines: {}\ncandidates: {}\n"
COLUMNS = """
    i AS id,
    strftime(TIMESTAMP '2024-01-01' + to_seconds(i * 60), '%d/%m/%Y %H:%M') AS paid_at,
    (random() * 5000)::INTEGER AS customer_id,
    format('{:,.2f}', random() * 5000) AS amount,
    CASE WHEN random() < 0.1 THEN ' ' ELSE (random() * 100)::DECIMAL(6,2)::VARCHAR END AS share,
    ['red', 'green', 'blue', 'No'][1 + (random() * 3)::INTEGER] AS colour,
    'town ' || (random() * 150)::INTEGER AS town,
    'a note of some length, number ' || i AS note,
    random() < 0.5 AS member,
    (random() * 2)::INTEGER % 2 AS zero_or_one,
    (DATE '1960-01-01' + (random() * 15000)::INTEGER)::VARCHAR AS born_on,
    random() AS a, random() AS b, random() * 1e6 AS c, random() - 0.5 AS d,
    (random() * 100)::INTEGER AS e, (random() * 1000)::INTEGER AS f, (random() * 10000)::INTEGER AS g,
    'EU' AS always,
    CASE WHEN random() < 0.03 THEN 'yes' ELSE 'no' END AS fraud
"""


def main() -> None:
    """Print the seconds of three runs, CSV and Parquet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix, options in (("csv", "HEADER"), ("parquet", "FORMAT parquet")):
            duckdb.sql(f"COPY (SELECT {COLUMNS} FROM range({ROWS}) r(i)) TO '{folder}/rows.{suffix}' ({options})")
        for suffix in ("csv", "parquet"):
            seconds = [measure(folder, folder / f"rows.{suffix}") for _ in range(3)]
            print(f"headrace init, {ROWS:,} rows of 20 columns, {suffix}: {', '.join(f'{s:.1f}' for s in seconds)} s")


def measure(folder: Path, rows: Path) -> float:
    """Return the seconds of one run of the command in an empty project."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(REPOSITORY / "conf", project / "conf")
    shutil.copyfile(REPOSITORY / "dvc.yaml", project / "dvc.yaml")
    (project / "params.yaml").write_text(PARAMS)
    command = [sys.executable, "-m", "headrace", "init", "payments", "--from", str(rows), "--label", "fraud"]
    start = time.perf_counter()
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
