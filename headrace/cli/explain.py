"""`headrace explain`: what a pipeline is made of, and where each value was written."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headrace.cli.terminal import open_console
from headrace.config import one_line_errors
from headrace.errors import ConfigError
from headrace.explaining import in_order, to_svg, written
from headrace.words import known
from headrace.workspace import candidates_of, pipelines, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from headrace.explaining import Written
    from headrace.workspace import Stage

COMMENT = 42
"""The column that the places of values stand in."""
NAME = 20
"""The columns of a stage's name in the picture."""
NARROW = 40
"""The fewest columns that a list is wrapped to."""


def print_pipeline(name: str) -> None:
    """Print the stages as a picture, and the whole config."""
    console = open_console(100)
    _print_picture(console, name, stages_of(name))
    console.print()
    with one_line_errors():
        _print_values(console, name, written(name, None))
    console.print()
    candidates = [*candidates_of(name)]
    said = (
        f"`headrace explain {name} {candidates[0] if candidates else 'featurize'}` says more of a stage or a candidate."
    )
    console.print(Text(said, style="dim"))


def print_stage(name: str, asked: str) -> None:
    """Print what a stage reads and writes, its part of the config, its SQL, and why it would run now."""
    console, stage = open_console(100), _find(name, asked)
    console.print(Text(stage.name, style="bold"))
    for number, line in enumerate(_wrapped(stage.cmd.split(" "), console.width - 4, " ")):
        console.print(Text(f"{'  ' if number else '$ '}{line}", style="cyan"))
    console.print()
    data, code = _of_data(stage.deps), [dep for dep in stage.deps if dep not in _of_data(stage.deps)]
    _print_list(console, "reads", data)
    for file, keys in stage.params.items():
        _print_list(console, "", [f"{file}: {keys[0]}", *keys[1:]] if keys else [file])
    _print_list(console, "runs", _folded(code))
    _print_list(console, "writes", stage.outs)
    with one_line_errors():
        view = _view(stage.kind)
        if view is not None:
            console.print()
            model = candidates_of(name).get(stage.candidate or "")
            _print_values(console, name, written(name, view, stage.candidate, model))
        if stage.kind == "featurize":
            console.print()
            console.print(_highlighted(_sql(name)))
    console.print()
    _print_status(console, stage)


def print_sql(name: str) -> None:
    """Print the SQL of the features, and nothing else."""
    with one_line_errors():
        print(_sql(name))


def write_picture(name: str, file: Path) -> None:
    """Write the stages as an SVG."""
    from headrace.storage import write_beside

    try:
        with write_beside(file) as beside:
            beside.write_text(to_svg(name, stages_of(name)), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--svg: {file}: {error.strerror}") from None
    print(f"explain {name}: {file}")


def _find(name: str, asked: str) -> Stage:
    stages = stages_of(name)
    for stage in stages:
        if asked in {stage.name, stage.candidate}:
            return stage
    of_kind = [stage for stage in stages if stage.kind == asked]
    if len(of_kind) > 1:
        raise ConfigError(
            f"{asked}: is there for each candidate; name one: {', '.join(str(s.candidate) for s in of_kind)}"
        )
    if of_kind:
        return of_kind[0]
    names = dict.fromkeys(stage.candidate or stage.kind for stage in stages)
    raise ConfigError(f"dvc.yaml: stages: '{asked}' is no stage of {name}, and no candidate; {known(asked, names)}")


def _view(kind: str) -> type[Any] | None:
    """Return what a stage reads of the config; None where it reads no part of it, or all to check it."""
    from headrace.declaration import pipeline

    return getattr(pipeline, f"{kind.title()}Config", None)


def _print_picture(console: Console, name: str, stages: list[Stage]) -> None:
    chosen, folder = pipelines()[name], f"data/{name}/"
    until = f" until {chosen['until']}" if chosen.get("until", "all") != "all" else ""
    console.print(Text(name, style="bold").append(f"  {chosen.get('source')}{until}", style="not bold dim"))
    console.print()
    ranks = in_order(stages)
    for number, rank in enumerate(ranks):
        last = number == len(ranks) - 1
        for stage in rank:
            _print_node(console, stage, folder, beside=len(rank) > 1, beam=" " if last else "│")
        if not last:
            console.print(Text("│", style="dim"))
    console.print()
    console.print(Text(f"● its outputs are there   ○ not yet   → what it writes in {folder}", style="dim"))


def _print_node(console: Console, stage: Stage, folder: str, *, beside: bool, beam: str) -> None:
    """Print a stage with what it reads and writes; candidates stand beside each other, on twigs."""
    mark = "●" if all(Path(out).exists() for out in stage.outs) else "○"
    model = candidates_of(stage.pipeline or "").get(stage.candidate or "")
    reads = [dep.removeprefix(folder) for dep in _of_data(stage.deps)] or ["the declarations"]
    room = console.width - NAME - 1
    below = [f"trains {model}"] if model else _wrapped(reads, room)
    outs = _wrapped(_few([out.removeprefix(folder) for out in stage.outs]), room - 2)
    label = f"{'├─' if beside else ''}{mark} {stage.candidate or stage.kind}"
    left = [label, *[beam] * (len(below) + len(outs))]
    right = [*below, *(f"{'  ' if number else '→ '}{line}" for number, line in enumerate(outs))]
    for number, said in enumerate(right):
        line = Text()
        line.append(f"{left[number]:<{NAME}} ", style="bold" if not number else "dim")
        line.append(said, style="" if number < len(below) else "green")
        console.print(line)


def _few(outs: list[str]) -> list[str]:
    """Return files of one folder as one entry."""
    folders = [out.rpartition("/")[0] for out in outs]
    few = [
        f"{folder}/ ({folders.count(folder)} files)" if folder and folders.count(folder) > 1 else out
        for out, folder in zip(outs, folders, strict=True)
    ]
    return [*dict.fromkeys(few)]


def _print_values(console: Console, name: str, lines: list[Written]) -> None:
    """Print YAML, with the place of each value as a comment: beside it where there is room, else above."""
    folder = f"pipelines/{name}/"
    console.print(Text(f"# Files without a folder are in {folder}, but for params.yaml.", style="dim"))
    for line in lines:
        text = _colored(line.text)
        if line.file:
            place = f"# {line.file.removeprefix(folder)}" + (f":{line.line}" if line.line else "")
            style = f"dim link {Path(line.file).absolute().as_uri()}" if line.line else "dim"
            if max(len(line.text) + 2, COMMENT) + len(place) <= console.width:
                text.append(" " * max(COMMENT - len(line.text), 2)).append(place, style=style)
            else:
                indent = len(line.text) - len(line.text.lstrip())
                console.print(Text(" " * indent).append(place, style=style))
        console.print(text, soft_wrap=True)


def _colored(text: str) -> Text:
    name, colon, value = text.partition(":")
    return Text(name, style="cyan").append(f"{colon}{value}", style="default") if colon else Text(text)


def _print_list(console: Console, title: str, entries: Iterable[str]) -> None:
    for number, line in enumerate(_wrapped(entries, console.width - 8)):
        console.print(Text(f"{'' if number else title:<8}", style="dim").append(line, style="not dim"))


def _wrapped(entries: Iterable[str], width: int, between: str = ", ") -> list[str]:
    """Return entries one after the other, on as many lines as they take; none is broken."""
    unbroken = between.join(each.replace(" ", "\N{NO-BREAK SPACE}") for each in entries)
    lines = textwrap.wrap(unbroken, max(width, NARROW), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _of_data(deps: Iterable[str]) -> list[str]:
    return [dep for dep in deps if dep.startswith("data/")]


def _folded(code: list[str]) -> list[str]:
    """Return rooms of the library in one entry."""
    rooms = [dep.removeprefix("headrace/") for dep in code if dep.startswith("headrace/")]
    others = [dep for dep in code if not dep.startswith("headrace/")]
    return [*others, *([f"headrace/{{{rooms[0]}", *rooms[1:-1], f"{rooms[-1]}}}"] if len(rooms) > 1 else code[-1:])]


def _sql(name: str) -> str:
    from headrace.config import compose
    from headrace.declaration.pipeline import FeaturizeConfig
    from headrace.features import training_sql

    config, _ = compose(Path("pipelines", name), [], FeaturizeConfig)
    return training_sql(config.features, config.schema, config.target)


def _highlighted(sql: str) -> Any:
    from rich.syntax import Syntax

    return Syntax(sql, "sql", theme="ansi_dark", background_color="default", word_wrap=True)


def _print_status(console: Console, stage: Stage) -> None:
    """Print what DVC says: would the stage run now, and why. It takes DVC a second or more, so it comes last."""
    command = [sys.executable, "-m", "dvc", "status", "--json", stage.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        console.print(Text(f"`dvc status {stage.name}` fails: {reason}", style="yellow"))
        return
    changed = json.loads(done.stdout or "{}").get(stage.name, [])
    if not changed:
        console.print(Text("✓ up to date: `dvc repro` would leave it alone", style="green"))
        return
    console.print(Text("`dvc repro` would run it:", style="yellow"))
    for line in _reasons(changed):
        console.print(Text(f"  {line}"))


def _reasons(changed: list[Any]) -> list[str]:
    said = []
    for entry in changed:
        if isinstance(entry, str):
            said.append(entry)  # `changed command`
            continue
        for kind, files in entry.items():
            for file, state in files.items():
                found = state if isinstance(state, dict) else {"": state}
                said += [
                    f"{kind.removeprefix('changed ').removesuffix('s')} {file}{key and f': {key}'} is {each}"
                    for key, each in found.items()
                ]
    return said
