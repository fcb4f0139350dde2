"""A draft as the files of a pipeline, with every guess beside the line that it made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.drafting.facts import ROWS
from headrace.drafting.keys import PERSON, looks_like_identity
from headrace.drafting.plots import plot_lines
from headrace.drafting.tasks import BINARY
from headrace.drafting.yaml_text import comment, commented, entry, name_text, scalar, wrapped_list

if TYPE_CHECKING:
    from headrace.drafting.draft import Draft
    from headrace.drafting.guesses import Guess

TEMPLATES = Path(__file__).parent / "templates"
FILES = ("pipeline.yaml", "schema.yaml", "features.yaml", "serving.yaml", "rules.yaml", "dvc.yaml")


def render(draft: Draft, path: str | None) -> dict[str, str]:
    """Return the text of each file of a pipeline.

    Args:
        draft: What was understood.
        path: Where the project has the file of the rows; None for a database.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701  YAML, no HTML
    lines: dict[str, list[str]] = {
        "source_lines": _source(draft, path),
        "target_lines": _target(draft),
        "split_lines": _split(draft),
        "evaluation_lines": _evaluation(draft),
        "identity_lines": _identity(draft),
        "column_lines": _columns(draft),
        "limit_lines": _limits(draft),
        "unusable_lines": [f"#   {comment(name)}" for name in draft.unusable],
        "feature_lines": _features(draft),
        "expression_lines": [line for each in draft.expressions for line in entry(each.name, each.sql, [each.why])],
        "left_out_lines": [f"  # - {scalar(name)}   # {comment(why)}" for name, why in draft.left_out.items()],
        "window_lines": _windows(draft),
        "subject_line": _subject(draft),
        "plot_lines": plot_lines(draft.name, draft.task.kind),
    }
    known: dict[str, Any] = {name: "\n".join(each) for name, each in lines.items()}
    known |= {
        "draft": draft,
        "title": comment(f"Predict {draft.label} ({draft.task.kind})."),
        "rows": f"{draft.rows:,} {ROWS}",
        "source": comment(draft.opened.where),
    }
    return {file: environment.get_template(f"{file}.j2").render(known).rstrip() + "\n" for file in FILES}


def _source(draft: Draft, path: str | None) -> list[str]:
    why = draft.opened.comments | {
        "times": "how the source writes what is not ISO 8601",
        "numbers": "how the source writes what is no plain number",
        "row_number": draft.key.why,
    }
    lines = entry("path", path) if path else []
    for name, value in draft.settings.items():
        lines += entry(name, value, [why.get(name, "")])
    return lines


def _target(draft: Draft) -> list[str]:
    lines = entry("column", draft.label)
    asked = "--task" in draft.task.why
    lines += entry("task", draft.task.kind, [draft.task.why if asked else f"a guess: {draft.task.why}"])
    if draft.task.kind == BINARY:
        lines += entry("positive", draft.task.positive, [draft.task.positive_why])
    return lines + entry(
        "delay", "0s", ["a guess: how long after its row the label is known, such as 7d; 0s for at once"]
    )


def _split(draft: Draft) -> list[str]:
    split = draft.split
    if split.validation is not None and draft.time is not None:
        return [
            f"  time:                  # by {comment(draft.time.name)}: trained on earlier rows, judged on later ones",
            *entry("test", f"{split.test}d", [split.why], 4),
            *entry(
                "validation",
                f"{split.validation}d",
                ["before the test; the winner and its settings are chosen on it"],
                4,
            ),
            *entry("folds", split.folds, ["so many validation periods, stepping back in time"], 4),
        ]
    return [
        *commented(comment(f"by a hash of the key: {draft.no_time}"), 2),
        "  rows:",
        *entry("test_share", split.test, ["of the rows judge the models at the very end"], 4),
        *entry("folds", split.folds, [split.why], 4),
    ]


def _evaluation(draft: Draft) -> list[str]:
    contest = draft.contest
    lines = entry("metric", contest.metric, [f"a guess: {contest.metric_why}"])
    if draft.task.kind == BINARY:
        lines += entry("false_positive_budget", contest.budget, [f"a guess: {contest.budget_why}"])
    if draft.slices:
        lines += [*wrapped_list("slices", draft.slices, 2)]
    if draft.task.kind == BINARY:
        lines.append(
            '  # costs: {false_positive: 1, false_negative: "10"}   # of a row, in money: SQL over the features'
        )
    return lines


def _identity(draft: Draft) -> list[str]:
    lines = entry(
        "key", draft.key.name, [f"a guess: {draft.key.why}" if "--key" not in draft.key.why else draft.key.why], 0
    )
    if draft.time is None:
        return lines + entry("timestamp", None, [draft.no_time], 0)
    said = f"when a row happened, {draft.time.first} to {draft.time.last}; its day is the part that it is kept in"
    return lines + entry("timestamp", draft.time.name, [f"a guess: {said}"], 0)


def _columns(draft: Draft) -> list[str]:
    lines = []
    if draft.key.numbered:
        lines += entry(
            draft.key.name, {"type": "integer", "minimum": 1}, ["the number of the row, added by the source"]
        )
    for name, guess in draft.columns.items():
        lines += entry(name, declared(draft, guess), guess.why)
    return lines


def declared(draft: Draft, guess: Guess) -> dict[str, Any]:
    """Return a column as `schema.yaml` has it: what says nothing is left out."""
    never_missing = {draft.key.name, draft.time.name if draft.time else ""}
    column = {
        "type": guess.type,
        "nullable": True if guess.missing and guess.name not in never_missing else None,
        "minimum": guess.minimum if guess.name != draft.key.name else None,
        "maximum": guess.maximum if guess.name != draft.key.name else None,
        "values": guess.values,
        "null_values": guess.null_values or None,
    }
    return {key: value for key, value in column.items() if value is not None}


def _limits(draft: Draft) -> list[str]:
    limits = draft.limits
    part = "of a day" if draft.time else f"half of today's {draft.rows:,}"
    lines = entry("rejected_share", limits.rejected_share, ["of all rows"])
    lines += entry("minimum_rows", limits.minimum_rows, [part])
    if limits.null_share:
        lines += entry("null_share", limits.null_share, ["twice what is missing today, or 0.05 more"])
    return lines


def _features(draft: Draft) -> list[str]:
    if not draft.features:
        return ["columns: []"]
    return ["columns:", *(f"  - {scalar(name)}{_doubt(draft, name)}" for name in draft.features)]


def _doubt(draft: Draft, name: str) -> str:
    said = next((leak.says for leak in draft.leaks if leak.column == name), "")
    return f"   # {comment(said)}" if said else ""


def _windows(draft: Draft) -> list[str]:
    if not draft.windows:
        return []
    lines = ["windows:"]
    for window in draft.windows:
        lines += [
            f"  {name_text(window.entity)}:   # {window.why}",
            f"    spans: [{', '.join(window.spans)}]",
            "    aggregates:",
            *(line for name, sql in window.aggregates.items() for line in entry(name, sql, (), 6)),
        ]
    return [f"# {line}" for line in lines]


def _subject(draft: Draft) -> list[str]:
    people = [
        name
        for name in draft.columns
        if looks_like_identity(name) and any(word in name.lower() for word in PERSON) and name != draft.label
    ]
    why = "whose rows they are: kept as a keyed hash, by which a person's answers are found and erased"
    if people:
        return entry("subject", people[0], [f"a guess: {why}"])
    return entry("subject", None, ["a column that says whose row it is, by which a person's answers are erased"])
