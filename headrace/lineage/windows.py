"""The rows that the windows of an answered row saw: their orders from the live store, the rest from validated rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from headrace.declaration.durations import microseconds
from headrace.declaration.features import feature_names
from headrace.declaration.types import python_type
from headrace.features.plan import Plan
from headrace.lineage.keys import at, key_of, time_of
from headrace.lineage.steps import NotHere, Row, Window, Windows
from headrace.live import open_windows
from headrace.live.layout import BIAS, TIME, Keys, microseconds_of
from headrace.registry.opening import without_secrets
from headrace.storage import list_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.features.plan import Frame
    from headrace.lineage.steps import Answer
    from headrace.service.contents import Contents

LMDB = "lmdb://"


def find_windows(url: str, contents: Contents, validated: Path, answer: Answer) -> Windows:
    """Return what the windows of an answered row saw.

    Args:
        url: Where live windows are kept.
        contents: The package, which declares them.
        validated: The folder of validated rows; it may be absent.
        answer: The answer.

    Raises:
        NotHere: The answer's model had other features, or no live store is here.
        WindowsUnavailable: The store cannot be reached.
    """
    plan, store = Plan(contents.features, contents.schema, contents.target), without_secrets(url)
    if set(feature_names(contents.features)) != set(answer.features):
        raise NotHere(
            f"the package here is model {contents.version}, whose features are not those that model "
            f"{answer.model_version} saw; check its commit out and `dvc checkout`"
        )
    if not plan.windows:
        return Windows(store=store, windows=[], remarks=["no feature looks back"])
    file = Path(url.removeprefix(LMDB))
    if url.startswith(LMDB) and not file.exists():
        raise NotHere(f"{file}: no such file, so the live windows of this answer are on another machine")
    row = _typed(plan, answer.instance)
    seen = _seen(url, contents, row)
    own = _order(plan, row, answer.request_id)
    remarks = []
    if not validated.is_dir():
        remarks.append(f"{validated}: no such folder, so rows are shown by time and key alone")
    if not any(own in orders for orders in seen.values()):
        remarks.append(
            f"{store} does not have the answered row: it was erased, is past what is kept, or came to another store"
        )
    spans = {frame: _within(frame, own, seen.get(frame.entity, [])) for frame in plan.frames}
    columns = _columns(plan, validated, row, spans)
    windows = [
        _window(plan, frame, row, orders, columns, answer.features, own)
        for frame, orders in spans.items()
        if row[frame.entity] is not None
    ]
    return Windows(store=store, windows=windows, remarks=remarks)


def _seen(url: str, contents: Contents, row: Mapping[str, Any]) -> dict[str, list[bytes]]:
    live = open_windows(url, contents)
    try:
        return live.seen(row)
    finally:
        live.close()


def _typed(plan: Plan, instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that say which rows are seen, as Python values: the log has them as JSON does."""
    row = {}
    for name in (plan.rows.key, str(plan.rows.timestamp), *plan.entities):
        kind: Any = python_type(plan.rows.columns[name].type)
        try:
            row[name] = TypeAdapter(kind | None).validate_python(instance.get(name))
        except ValidationError:
            raise NotHere(
                f"the answered row has {instance.get(name)!r} as its {name}, which is no {kind.__name__}"
            ) from None
    if row[str(plan.rows.timestamp)] is None:
        raise NotHere(f"the answered row has no {plan.rows.timestamp}, so its windows have no end")
    return row


def _order(plan: Plan, row: Mapping[str, Any], request_id: str) -> bytes:
    key = Keys(plan.rows.columns[plan.rows.key]).of(row[plan.rows.key], request_id)
    return TIME.pack(microseconds_of(row[str(plan.rows.timestamp)]) + BIAS) + key


def _borders(frame: Frame, own: bytes) -> tuple[int, int]:
    """Return the times between which a frame sees rows, in microseconds: after the first, until the second."""
    until = TIME.unpack_from(own)[0] - BIAS - microseconds(frame.delay)
    return until - microseconds(frame.span), until


def _within(frame: Frame, own: bytes, orders: Iterable[bytes]) -> list[bytes]:
    """Return the orders that a frame sees; without a delay it ends with the row itself, or just before."""
    since, until = _borders(frame, own)
    timed = [(TIME.unpack_from(order)[0] - BIAS, order) for order in orders]
    found = [order for time, order in timed if since < time <= until]
    if microseconds(frame.delay):
        return found
    return [order for order in found if order < own or (order == own and not frame.before_row)]


def _window(  # noqa: PLR0913, PLR0917  all that a window is told by
    plan: Plan,
    frame: Frame,
    row: Mapping[str, Any],
    orders: list[bytes],
    columns: Mapping[bytes, dict[str, Any]],
    features: Mapping[str, Any],
    own: bytes,
) -> Window:
    since, until = _borders(frame, own)
    key = plan.rows.columns[plan.rows.key]
    through = [feature for feature in plan.windows if feature.frame == frame]
    counts = [features[feature.name] for feature in through if feature.aggregate.counts_rows]
    saw = next((count for count in counts if count is not None and count != len(orders)), None)
    return Window(
        entity=frame.entity,
        value=row[frame.entity],
        span=frame.span,
        delay=frame.delay,
        since=at(since),
        until=at(until),
        features={feature.name: features[feature.name] for feature in through},
        rows=[
            Row(time=time_of(each), key=key_of(each, key), columns=columns.get(each), answered=each == own)
            for each in orders
        ],
        differs=None
        if saw is None
        else f"the model saw {saw:g} rows, the store has {len(orders)} now: some came late, were erased or are too old",
    )


def _columns(
    plan: Plan, validated: Path, row: Mapping[str, Any], spans: Mapping[Frame, list[bytes]]
) -> dict[bytes, dict[str, Any]]:
    """Return validated rows by their orders, as far as windows see them."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = {order for orders in spans.values() for order in orders}
    if not wanted:
        return {}
    days = {time_of(order).date().isoformat() for order in wanted}
    entities = {name: row[name] for name in plan.entities if row[name] is not None}
    timestamp, keys = str(plan.rows.timestamp), Keys(plan.rows.columns[plan.rows.key])
    found = {}
    for day, file in list_parts(validated).items():
        if day not in days:
            continue
        chosen = None
        for name, value in entities.items():
            condition = pc.field(name) == value
            chosen = condition if chosen is None else chosen | condition
        for each in pq.read_table(file, filters=chosen).to_pylist():
            order = TIME.pack(microseconds_of(each[timestamp]) + BIAS) + keys.of(each[plan.rows.key])
            if order in wanted:
                found[order] = each
    return found
