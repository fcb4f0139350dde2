"""What was understood, as a short account; and what to look at next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.drafting.opening import DATABASE
from headrace.drafting.tasks import BINARY, MULTICLASS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.drafting.draft import Draft
    from headrace.drafting.laying import Laid

SHOWN = 6
LARGE = 10_000_000
"""Bytes that git should not hold."""
KINDS = (("number", "numbers"), ("category", "categories"), ("truth value", "truth values"))


def describe(draft: Draft, laid: Laid) -> list[str]:
    """Return the lines that `headrace init` prints."""
    return [*_understood(draft), *_doubts(draft), "", *_written(draft, laid), "", *_next(draft, laid)]


def _understood(draft: Draft) -> Iterator[str]:
    yield f"{draft.name}: {draft.rows:,} rows, {len(draft.columns)} columns of {draft.opened.where}"
    yield f"  label     {draft.label}: {_task(draft)}"
    yield f"  key       {draft.key.name}: {draft.key.why}"
    yield f"  time      {_time(draft)}"
    yield f"  split     {_split(draft)}"
    yield f"  features  {_features(draft)}"
    for name, why in _some(draft.left_out):
        yield f"  left out  {name}: {why}"
    if len(draft.left_out) > SHOWN:
        yield f"  left out  {len(draft.left_out) - SHOWN} more: see features.yaml"
    names = ", ".join(draft.contest.models.values())
    yield f"  compete   {names}; by {draft.contest.metric}: {draft.contest.metric_why}"


def _task(draft: Draft) -> str:
    task = draft.task
    missing = draft.columns[draft.label].missing
    unknown = f"; {missing:,} rows without a label are left out of training" if missing else ""
    if task.kind == BINARY:
        return f"{task.kind}, positive is {task.positive} ({100 * task.positive_share:.3g} % of the rows){unknown}"
    if task.kind == MULTICLASS:
        shown = ", ".join(f"{value}" for value in task.classes[:SHOWN])
        more = f" and {len(task.classes) - SHOWN} more" if len(task.classes) > SHOWN else ""
        return f"{task.kind}, {len(task.classes)} classes: {shown}{more}{unknown}"
    return f"{task.kind}, {task.why}{unknown}"


def _time(draft: Draft) -> str:
    time = draft.time
    if time is None:
        return f"none: {draft.no_time}"
    return f"{time.name}, {time.first} to {time.last}, rows on {time.days:,} of {time.span:,} days"


def _split(draft: Draft) -> str:
    split = draft.split
    if split.validation is None:
        return f"by rows: {100 * split.test:.0f} % test, the others in {split.folds} folds"
    return f"by time: the last {split.test} days test, {split.folds} x {split.validation} days before them validate"


def _features(draft: Draft) -> str:
    seen = [draft.columns[name] for name in draft.features]
    counts = (
        sum(guess.is_number for guess in seen),
        sum(guess.is_text for guess in seen),
        sum(guess.type == "boolean" for guess in seen),
    )
    parts = [
        f"{count} {one if count == 1 else many}" for count, (one, many) in zip(counts, KINDS, strict=True) if count
    ]
    if draft.expressions:
        parts.append(f"{len(draft.expressions)} parts of times")
    return ", ".join(parts)


def _doubts(draft: Draft) -> Iterator[str]:
    """Yield what a person should look at."""
    doubts = [f"{leak.column} {leak.says}" for leak in draft.leaks if not leak.certain]
    doubts += [f"{leak.column} is left out: it {leak.says}" for leak in draft.leaks if leak.certain]
    doubts += [f"{name}: {guess.mixed}" for name, guess in draft.columns.items() if guess.mixed]
    doubts += [
        f"{name}: {why}" for name, guess in draft.columns.items() for why in guess.why if "other way round" in why
    ]
    doubts += [f"{name} is not read: it holds {why}" for name, why in draft.unusable.items()]
    doubts += (
        [draft.opened.comments["encoding"] + f" (encoding {draft.settings['encoding']})"]
        if "encoding" in draft.settings
        else []
    )
    doubts += list(draft.contest.remarks)
    if doubts:
        yield ""
    for doubt in doubts[: 2 * SHOWN]:
        yield f"  look at   {doubt}"
    if len(doubts) > 2 * SHOWN:
        yield f"  look at   {len(doubts) - 2 * SHOWN} more, in the comments of schema.yaml"


def _written(draft: Draft, laid: Laid) -> Iterator[str]:
    yield f"Written: {laid.folder}/ (pipeline, schema, features, serving and rules.yaml), and its lines in params.yaml."
    if laid.copied:
        yield f"The rows are copied to {laid.rows}, which DVC watches: put newer rows there."
    if laid.size > LARGE:
        kept = f"`dvc add data/{draft.name}/source` keeps them with DVC"
        yield f"They are {laid.size / 1e6:,.0f} MB, too large for git: {kept}."


def _next(draft: Draft, laid: Laid) -> Iterator[str]:
    yield f"Look at two lines of {laid.folder}/pipeline.yaml, which no table can tell:"
    yield "  target.delay      how long after its row the label is known; 0s is written"
    if draft.task.kind == BINARY:
        yield f"  target.positive   what is to be found; {draft.task.positive!r} is written"
    else:
        yield f"  target.task       {draft.task.kind} is written"
    yield "Then:"
    if draft.opened.secret:
        yield f"  export {DATABASE}='{draft.opened.where}'   # with the password"
    yield "  dvc repro"


def _some(entries: dict[str, str]) -> list[tuple[str, str]]:
    return list(entries.items())[:SHOWN]
