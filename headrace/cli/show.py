"""`headrace show`: what came out of the last run, read from the files that the stages wrote."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headrace.cli.terminal import NONE_YET, open_console
from headrace.errors import IntegrityError
from headrace.report import formatting, sentences, tables
from headrace.report.choosing import sentences_of
from headrace.report.words import words_for
from headrace.workspace import candidates_of, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

FILES = {
    "validation": "validation.json",
    "evaluation": "evaluation/evaluation.json",
    "registration": "registration.json",
    "package": "package/bento.json",
}
"""What the stages wrote, in their order."""

ALIASES = {"champion": "bold green", "challenger": "bold yellow"}
WIDE = 110
"""From so many columns on there is room for what is nice to know."""
WIDTH_OF_HEADER = 10

Results = dict[str, Any]


def print_overview() -> None:
    """Print a table of all pipelines; one that has not run yet says so."""
    console, names = open_console(), pipelines()
    if not names:
        console.print(NONE_YET)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    columns = _columns(console.width)
    for column, justify in columns.items():
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for pipeline in names:
        cells = _summary(pipeline, read_results(pipeline))
        table.add_row(*(cells.get(column, "") for column in columns))
    console.print(table)
    console.print()
    console.print(Text("`headrace show <pipeline>` says more of each, data/<pipeline>/report.html all.", style="dim"))


def print_results(pipeline: str) -> None:
    """Print what came out of one pipeline: data, candidates, threshold, registry, Bento and report."""
    console, results = open_console(100), read_results(pipeline)
    console.print(Text(pipeline, style="bold"), Text(_choices(pipeline), style="dim"))
    console.print()
    missing = [file for name, file in FILES.items() if name not in results]
    evaluation = results.get("evaluation")
    _print_facts(console, _data(results))
    if evaluation is not None:
        console.print()
        console.print(_candidates(evaluation, console.width))
        console.print(Padding(Text(_headline(evaluation)), (1, 0)))
    _print_facts(console, _decisions(pipeline, results))
    if missing:
        console.print()
        file = Path("data", pipeline, missing[0])
        console.print(Text(f"{file} is not there: `dvc repro` makes it, `dvc pull` fetches it.", style="yellow"))


def read_results(pipeline: str) -> Results:
    """Return the contents of a pipeline's files by the stage that wrote them; those that are there.

    Raises:
        IntegrityError: A file is no JSON.
    """
    found = {}
    for name, inner in FILES.items():
        file = Path("data", pipeline, inner)
        try:
            found[name] = json.loads(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ValueError as error:
            raise IntegrityError(f"{file}: no JSON: {error}; `dvc checkout {file}` brings it back") from None
    return found


def _columns(width: int) -> dict[str, str]:
    """Return the columns of the overview that a terminal has room for, and how each is justified."""
    columns = {"pipeline": "left", "winner": "left", "metric": "left", "on test rows": "right", "registry": "left"}
    if width >= 100:
        columns |= {"Bento": "left"}
    if width >= 140:
        columns |= {"threshold": "right", "report": "left"}
    return columns


def _summary(pipeline: str, results: Results) -> dict[str, Text | str]:
    """Return the cells of a pipeline in the overview."""
    cells: dict[str, Text | str] = {"pipeline": Text(pipeline, style="bold")}
    evaluation = results.get("evaluation")
    if evaluation is None:
        return cells | {"winner": Text("has not run yet: dvc repro", style="yellow")}
    metric, winner = evaluation["metric"], evaluation["candidates"][evaluation["winner"]]
    threshold = winner.get("threshold")
    return cells | {
        "winner": Text(evaluation["winner"]),
        "metric": metric,
        "on test rows": Text(_precise(winner["test"].get(metric)), style="bold"),
        "registry": _verdict(results.get("registration")),
        "Bento": results.get("package", {}).get("tag", "none yet"),
        "threshold": "" if threshold is None else f"{threshold:.4f}",
        "report": str(Path("data", pipeline, "report.html")),
    }


def _precise(value: float | None) -> str:
    return formatting.metric(None) if value is None else f"{value:.4f}"


def _verdict(registration: dict[str, Any] | None) -> Text:
    if registration is None:
        return Text("not registered yet", style="yellow")
    alias, version = registration.get("alias"), registration.get("version")
    said = Text(str(registration["decision"]))
    if alias:
        said.append(f": v{version} ").append(alias, style=ALIASES.get(alias, "bold"))
    return said


def _print_facts(console: Console, facts: Iterator[tuple[str, Text | str]]) -> None:
    """Print names on the left and what is said of them on the right."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in facts:
        table.add_row(name, said)
    if table.row_count:
        console.print(table)


def _data(results: Results) -> Iterator[tuple[str, Text | str]]:
    validation, evaluation = results.get("validation"), results.get("evaluation")
    if validation is not None:
        yield "Rows", _rows(validation)
        for rule, rows in tables.rules_broken(validation)[:5]:
            yield "", Text(f"{formatting.count(rows)} break {rule}", style="yellow")
    if evaluation is not None:
        yield "Judged on", _judged_on(evaluation["test"])


def _rows(validation: dict[str, Any]) -> Text:
    days = [part for part in validation.get("parts", {}) if part != "all"]
    said = Text(f"{formatting.count(validation['rows'])}")
    if days:
        said.append(f" of {formatting.count(len(days))} days, {min(days)} to {max(days)}")
    rejected = validation.get("rejected", 0)
    if not rejected:
        return said.append("; none rejected")
    share = formatting.share(rejected / max(validation["rows"], 1))
    return said.append("; ").append(f"{formatting.count(rejected)} ({share}) rejected", style="yellow")


def _judged_on(test: dict[str, Any]) -> str:
    when = f" of {formatting.period(test['from'], test['until'])}" if "from" in test else " set apart by their key"
    positives, rows = test.get("positives"), test["rows"]
    share = (
        f"; {formatting.count(positives)} of them ({formatting.share(positives / max(rows, 1))}) are positive"
        if positives is not None
        else ""
    )
    return f"{formatting.count(rows)} test rows{when}{share}"


def _candidates(evaluation: dict[str, Any], width: int) -> Table:
    """Return a table of the candidates, the winner first, with as many metrics as there is room for."""
    names, metric = tables.candidate_names(evaluation), evaluation["metric"]
    wide = width >= WIDE
    rows = tables.metric_rows(evaluation, names, "test")
    headers = [
        _header(words_for(metric).name, "validation"),
        *(_header(row.words.name, "test") for row in rows),
    ]
    models = [evaluation["candidates"][name].get("model", "") for name in names]
    left = width - 3 - max(map(len, names)) - 2 - (max(map(len, models)) + 2 if wide else 0)
    shown = _fitting(headers, left)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("candidate", overflow="fold")
    if wide:
        table.add_column("model", style="dim", overflow="fold")
    for number, header in enumerate(headers[:shown]):
        table.add_column(header, justify="right", style="" if number else "dim")
    for number, name in enumerate(names):
        won = name == evaluation["winner"]
        cells = [row.cells[number] for row in rows[: shown - 1]]
        table.add_row(
            Text("★" if won else "", style="bold yellow"),
            Text(name, style="bold" if won else ""),
            *([models[number]] if wide else []),
            formatting.metric(evaluation["candidates"][name]["validation"].get(metric)),
            *(Text(cell.text, style="bold green" if cell.is_best else "") for cell in cells),
        )
    return table


def _header(name: str, side: str) -> str:
    return "\n".join([*textwrap.wrap(name, WIDTH_OF_HEADER, break_long_words=False), side])


def _fitting(headers: list[str], room: int) -> int:
    """Return how many columns find room: that of the validation rows and one of the test rows always do."""
    count = 0
    for header in headers:
        room -= max(map(len, header.splitlines())) + 2
        if room < 0:
            break
        count += 1
    return max(count, 2)


def _headline(evaluation: dict[str, Any]) -> str:
    """Say what the winner is worth, whatever is predicted."""
    headline: str = sentences_of(evaluation).headline(evaluation)
    return headline


def _decisions(pipeline: str, results: Results) -> Iterator[tuple[str, Text | str]]:
    evaluation, registration = results.get("evaluation"), results.get("registration")
    if evaluation is not None:
        winner = evaluation["candidates"][evaluation["winner"]]
        of_task = sentences_of(evaluation)
        if winner.get("threshold") is not None:
            yield "Threshold", " ".join(of_task.threshold(evaluation))
        if evaluation["hybrid"]["rules"]:
            yield "Rules", of_task.rules(evaluation)[1]
    if registration is not None:
        yield "Registry", " ".join(sentences.decision(registration))
    if "package" in results:
        if registration is not None and registration["decision"] == "not better":
            yield "", Text("The Bento holds this winner, not the champion.", style="yellow")
        yield (
            "Bento",
            Text(results["package"]["tag"], style="bold").append(
                f"   bentoml serve --arg pipeline={pipeline}", style="not bold dim"
            ),
        )
    report = Path("data", pipeline, "report.html")
    if report.is_file():
        yield "Report", Text(str(report), style=f"link {report.absolute().as_uri()}")


def _choices(pipeline: str) -> str:
    """Return what `params.yaml` chooses."""
    chosen, candidates = pipelines()[pipeline], candidates_of(pipeline)
    until = f" until {chosen['until']}" if chosen.get("until", "all") != "all" else ""
    return f"{chosen.get('source')}{until}, {len(candidates)} candidate{'' if len(candidates) == 1 else 's'}"
