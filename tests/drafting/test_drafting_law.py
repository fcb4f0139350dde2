"""Whatever table `headrace init` takes: what it writes passes the check, and accepts the rows that it was made from."""

from __future__ import annotations

import csv
import os
import random
import tempfile
from pathlib import Path

import pytest
from drafted_place import make_place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn", "Co", "Cf"]), min_size=1, max_size=8)
VALUES = st.sampled_from(
    [
        lambda n, r: r.randrange(-50, 50),
        lambda n, r: r.gauss(0, 1e6),
        lambda n, r: f"{r.random() * 1e5:,.2f}",
        lambda n, r: r.choice(["", " ", "NA", r.random()]),
        lambda n, r: f"{1 + n % 28:02d}.{1 + r.randrange(12):02d}.2024",
        lambda n, r: f"2024-{1 + r.randrange(12):02d}-{1 + r.randrange(28):02d} {r.randrange(24):02d}:30",
        lambda n, r: r.choice(["yes", "no", "Yes"]),
        lambda n, r: r.choice(["${a}", "a: b", '"', "\\", "#", "ü", "No"]),
        lambda n, r: r.choice([1, 2.5, "x", None]),
        lambda n, r: "word " * r.randrange(1, 9),
        lambda n, r: None,
        lambda n, r: "same",
        lambda n, r: f"{n:06d}",
    ]
)
LABELS = st.sampled_from(
    [lambda n, r: r.choice(["a", "b"]), lambda n, r: r.choice("abc"), lambda n, r: r.gauss(0, 9), lambda n, r: n % 2]
)


@pytest.mark.slow
@given(
    columns=st.dictionaries(NAMES.filter(str.strip), VALUES, min_size=1, max_size=6),
    label=LABELS,
    rows=st.integers(80, 300),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_passes_and_accepts_its_rows(columns, label, rows, seed):
    """The check has nothing against the declarations; all rows are valid, but for slips that are within the limit."""
    chance = random.Random(seed)
    table = {name: [value(n, chance) for n in range(rows)] for name, value in columns.items()}
    if len({name.lower() for name in table} | {"label", "number"}) < len(table) + 2:
        return  # SQL does not tell them apart: refused, and tested elsewhere
    table |= {"number": [chance.random() for _ in range(rows)], "label": [label(n, chance) for n in range(rows)]}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            place = make_place(Path(folder))
            with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([table.keys(), *zip(*table.values(), strict=True)])
            place.init("drawn", "--from", "rows.csv", "--label", "label")
            assert place.problems("drawn") == []
            summary = place.accept("drawn")
            assert summary.rejected <= 0.01 * summary.rows
        finally:
            os.chdir(before)


@pytest.mark.slow
def test_wide_table(place):
    """Two thousand columns are looked at, declared and accepted."""
    chance = random.Random(0)
    rows = [[f"x{k}" for k in range(2000)] + ["left"]]
    rows += [[chance.randrange(50) for _ in range(2000)] + [chance.choice(["yes", "no"])] for _ in range(120)]
    with (place.root / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    place.init("shop", "--from", "rows.csv", "--label", "left")
    assert len(place.declared("shop", "features")["columns"]) == 2000
    assert place.accept("shop").rejected == 0
