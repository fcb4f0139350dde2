"""Rows of the past, found by the entities of the rows that look back at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.features.plan import TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.features.plan import Plan


class Past:
    """A history in memory.

    Args:
        table: Rows in order, with their positions and times.
        plan: The resolved declaration.
    """

    def __init__(self, table: pa.Table, plan: Plan) -> None:
        self.table = table.combine_chunks()
        self._plan = plan
        self._times = self.table[TIME].to_numpy()
        self._places = {entity: _Places(self.table[entity]) for entity in plan.entities}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def of(self, probes: pa.Table) -> pa.Table:
        """Return, in order, the rows of the probes' entities that are no older than a window of a probe looks back."""
        since = probes[TIME].to_numpy() - self._plan.history
        found = [np.empty(0, dtype=np.int64)]
        for entity, places in self._places.items():
            for own, oldest in zip(places.of(probes[entity]), since, strict=True):
                found.append(own[np.searchsorted(self._times[own], oldest, side="right") :])
        return self.table.take(pa.array(np.unique(np.concatenate(found))))


class _Places:
    """The places of the rows of each value of a column."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        encoded = column.combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        self._values = encoded.dictionary
        self._rows = np.argsort(codes, kind="stable")
        self._begins = np.searchsorted(codes[self._rows], np.arange(len(self._values) + 1))

    def of(self, values: pa.ChunkedArray) -> list[NDArray[np.int64]]:
        """Return the places of each value, in order; none for a missing or an unknown one."""
        import pyarrow.compute as pc  # as in `in_order`

        codes = pc.index_in(values, value_set=self._values, skip_nulls=True).to_pylist()
        return [
            self._rows[:0] if code is None else self._rows[self._begins[code] : self._begins[code + 1]]
            for code in codes
        ]
