"""`headrace lineage`: what an answer was made of. Its row is decrypted for that, so it is written down who looked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.names import Name  # noqa: TC001  Typer reads it
from headrace.console import say

if TYPE_CHECKING:
    import datetime as dt

    from rich.tree import Tree

    from headrace.declaration.modelling import Tracking
    from headrace.lineage import Commit, Data, Model, Row, Run, Trace, Window, Windows

SHOWN = 20


def lineage(
    name: Name,
    request_id: Annotated[str, typer.Argument(help="As the answer has it.")],
    rows: Annotated[int, typer.Option(min=0, help="How many rows of each window are shown, the last ones.")] = SHOWN,
    json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,  # noqa: FBT002  Typer's way
) -> None:
    """Follow an answer back to its model, run, commit, data and the rows that its windows saw."""
    import msgspec
    from rich.console import Console

    from headrace.audit import record
    from headrace.cli.log import opened
    from headrace.lineage import Place, trace

    with opened(name) as (store, settings):
        place = Place(pipeline=name, root=Path(), tracking=_tracking(name), windows=settings.windows.url)
        record(settings.state, "lineage", {"request_id": request_id})
        traced = trace(store.find(request_id), place)
    if json:
        say(msgspec.json.format(msgspec.json.encode(dataclasses.asdict(traced)), indent=2).decode())
        return
    console = Console(markup=False, highlight=False)
    # Where no terminal says how wide it is, a row should still stand on one line.
    console = console if console.is_terminal else Console(markup=False, highlight=False, width=240)
    console.print(tree(traced, rows))


def _tracking(name: str) -> Tracking:
    import yaml

    from headrace.config import compose
    from headrace.declaration.pipeline import RegisterConfig

    chosen = yaml.safe_load(Path("params.yaml").read_text())["pipelines"][name]["tracking"]
    config, _ = compose(Path("pipelines", name), [f"tracking={chosen}"], RegisterConfig)
    return config.tracking


def tree(traced: Trace, rows: int) -> Tree:
    """Return a trace as a tree, with so many rows of each window."""
    from rich.text import Text
    from rich.tree import Tree

    answer = traced.answer
    decided = f" by the rule {answer.rule}" if answer.rule else ""
    top = Tree(Text(f"Answer {answer.request_id}, given {_moment(answer.time)} UTC"))
    _add(top, f"It said {answer.prediction!r}: score {answer.score:.6g}, decision {answer.decision}{decided}.")
    _add(top, f"Model {answer.model_version} answered as {answer.variant}.")
    outcome = answer.outcome
    known = f"{outcome['label']!r}, known since {_moment(outcome['at'])} UTC" if outcome else "not known yet"
    _add(top, f"The truth is {known}.")
    _add(top, "What was asked", _pairs(answer.instance))
    _add(top, "What the model saw", _pairs(answer.features))
    steps: dict[str, tuple[str, Any]] = {
        "model": ("Model version", _model),
        "run": ("MLflow run", _run),
        "commit": ("Git commit", _commit),
        "data": ("Data", _data),
        "windows": ("Windows", lambda found: _windows(found, rows)),
    }
    for name, (title, write) in steps.items():
        found = getattr(traced, name)
        if found is None:
            _add(top, f"{title}: not reachable here: {traced.missing[name]}")
        else:
            branch = write(found)
            branch.label = Text(f"{title}: {branch.label}")
            top.add(branch)
    return top


def _model(model: Model) -> Tree:
    aliases = f", now {' and '.join(model.aliases)}" if model.aliases else ""
    return _branch(f"{model.name} v{model.version}{aliases}", [f"SHA-256 {model.digest}"])


def _run(run: Run) -> Tree:
    ended = f", written {_moment(run.ended)} UTC" if run.ended else ""
    branch = _branch(f"{run.run_id} of the candidate {run.candidate}{ended}", [])
    if run.trained:
        period = run.trained
        when = f" from {period.since} until before {period.until}" if period.since else ""
        positive = "" if period.positives is None else f", {period.positives} of them positive"
        _add(branch, f"Trained on {period.rows} rows{when}{positive}.")
    else:
        _add(branch, "Its training period is in its artifacts, which are not reachable here.")
    _add(branch, "Parameters", _pairs(run.params))
    _add(branch, "Metrics", _pairs({name: f"{value:.6g}" for name, value in run.metrics.items()}))
    _add(branch, "Tags", _pairs(run.tags))
    return branch


def _commit(commit: Commit) -> Tree:
    changed = ["Files differed from it when the run was written."] if commit.uncommitted else []
    branch = _branch(f"{commit.id} {commit.subject!r}", changed)
    if commit.params is None:
        _add(branch, "It has no params.yaml.")
    else:
        _add(branch, "params.yaml at that commit", commit.params.splitlines())
    return branch


def _data(data: Data) -> Tree:
    rows = sum(day.rows for day in data.days)
    trained = sum(day.trained for day in data.days)
    branch = _branch(f"{rows} rows in {len(data.days)} parts, {trained} of them of the training period", [])
    _add(branch, f"ingest.json has the SHA-256 {data.sha256}.")
    lines = [f"{day.day} {day.rows:>8} rows {day.sha256}{' trained' if day.trained else ''}" for day in data.days]
    _add(branch, "Parts", lines)
    return branch


def _windows(windows: Windows, rows: int) -> Tree:
    branch = _branch(f"{len(windows.windows)} over {windows.store}", windows.remarks)
    for window in windows.windows:
        branch.add(_window(window, rows))
    return branch


def _window(window: Window, rows: int) -> Tree:
    delay = "" if window.delay == "0s" else f", {window.delay} ago"
    title = (
        f"{window.entity} {window.value}, {window.span}{delay}: {len(window.rows)} rows after "
        f"{_moment(window.since)} until {_moment(window.until)}"
    )
    branch = _branch(title, [window.differs] if window.differs else [])
    _add(branch, ", ".join(_pairs(window.features)))
    left = max(len(window.rows) - rows, 0)
    if left:
        _add(branch, f"{left} earlier rows; --rows {len(window.rows)} shows them")
    for row in window.rows[left:]:
        _add(branch, f"{_moment(row.time)}  {'no key' if row.key is None else row.key}  {_told(row)}")
    return branch


def _told(row: Row) -> str:
    if row.columns is not None:
        return ", ".join(_pairs(row.columns))
    return "the answered row" if row.answered else "not among the validated rows"


def _branch(title: str, lines: list[str]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    branch = Tree(Text(title))
    for line in lines:
        _add(branch, line)
    return branch


def _add(tree: Tree, line: str, below: list[str] | None = None) -> None:
    from rich.text import Text

    branch = tree.add(Text(line))
    for each in below or []:
        branch.add(Text(each))


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{name} = {'missing' if value is None else value}" for name, value in values.items()]


def _moment(moment: dt.datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")
