"""A key is read back from the order that the live store keeps."""

from __future__ import annotations

import datetime as dt
import string

from hypothesis import given
from hypothesis import strategies as st

from headrace.declaration.rows import Column
from headrace.lineage.keys import at, key_of, time_of
from headrace.live.layout import BIAS, TIME, Keys, microseconds_of

WHOLE = st.integers(-(2**62), 2**62)
VALUES = st.one_of(
    st.tuples(st.just("integer"), WHOLE),
    st.tuples(st.just("float"), st.floats(allow_nan=False)),
    st.tuples(st.just("decimal(20,3)"), st.decimals(-(10**12), 10**12, places=3)),
    st.tuples(st.just("date"), st.dates()),
    st.tuples(st.just("timestamp"), st.datetimes()),
    st.tuples(st.just("string"), st.text(string.ascii_letters + "äß", max_size=20)),
    st.tuples(st.just("integer"), st.none()),
)


@given(VALUES, st.datetimes())
def test_time_and_key_come_back(of_type, time: dt.datetime) -> None:
    """Whatever type the key has; a row without one has none."""
    kind, value = of_type
    column = Column(type=kind)
    order = TIME.pack(microseconds_of(time) + BIAS) + Keys(column).of(value, "r-1")
    assert (time_of(order), key_of(order, column)) == (time, value)
    assert at(microseconds_of(time)) == time
