"""The databases that compute what pull requests wrote."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

from headrace.declaration.rows import Column, TypedRows
from headrace.declaration.sql import connect, create_rows
from headrace.features.database import database

if TYPE_CHECKING:
    from pathlib import Path


def columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the columns of the table `rows`."""
    return [name for name, *_ in connection.execute("DESCRIBE rows").fetchall()]


def test_connections_for_expressions_see_nothing_of_each_other() -> None:
    """They share a database; the table `rows` is each one's own, and ends with it."""
    of_one, of_other = (TypedRows(key=name, timestamp=None, columns={name: Column(type="string")}) for name in "ab")
    with connect() as one:
        create_rows(one, of_one)
        with connect() as other:
            with pytest.raises(duckdb.CatalogException):
                columns(other)
            create_rows(other, of_other)
            assert (columns(one), columns(other)) == (["a"], ["b"])
        assert columns(one) == ["a"]
    with connect() as later, pytest.raises(duckdb.CatalogException):
        columns(later)


@pytest.mark.parametrize("opened", [lambda: closing(connect()), database], ids=["expressions", "tables"])
def test_sql_of_a_pull_request_touches_no_file(tmp_path: Path, opened: object) -> None:
    """Nor can it allow itself to."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with opened() as connection:  # type: ignore[operator]
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
            f"SELECT * FROM '{tmp_path}/secret.csv'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.db'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error, match=r"disabled by configuration|configuration has been locked"):
                connection.execute(sql)
    assert [file.name for file in tmp_path.iterdir()] == ["secret.csv"]
