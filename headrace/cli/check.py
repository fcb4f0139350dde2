"""`headrace check`: all that is wrong in the declarations, or what was looked at and found right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from headrace.cli.failing import errors_said
from headrace.cli.terminal import NONE_YET, open_console
from headrace.workspace import (
    candidates_of,
    declared_files,
    digest_of,
    is_lasting,
    keep,
    pipelines,
    read_params,
    recall,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from headrace.checking import Problem
    from headrace.declaration.pipeline import Pipeline


def check(name: str | None) -> None:
    """Print what is wrong, and leave with code 1; or what was looked at."""
    with errors_said():
        names = [name] if name else [*pipelines()]
        is_empty = not names and not any(read_params().values())
    console = open_console()
    if is_empty:
        console.print(NONE_YET)
        return
    digest = digest_of(f"check {names}", declared_files(names))
    # What was right stays right until one of its files changes. What was wrong is looked at again.
    right = recall(digest)
    if right is None:
        from headrace.checking import check_declarations

        checked = check_declarations(names)
        if checked.problems:
            _print_problems(console, checked.problems)
            raise SystemExit(1)
        right = {each: _contents(config) for each, config in checked.pipelines.items()}
        if is_lasting(checked.targets):
            keep(digest, right)
    _print_right(console, right, len(declared_files(names)))


def _contents(config: Pipeline) -> str:
    """Return what a pipeline declares, in numbers."""
    from headrace.declaration.features import feature_names

    numbers = {
        "column": len(config.schema.columns),
        "feature": len(feature_names(config.features)),
        "rule": len(config.rules.rules),
    }
    return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for word, number in numbers.items())


def _print_right(console: Console, contents: dict[str, str], files: int) -> None:
    count = 0
    for name, said in contents.items():
        candidates = candidates_of(name)
        count += len(candidates)
        line = Text("✓ ", style="green").append(name, style="bold")
        console.print(line.append(f"  {said}; {', '.join(candidates)}", style="not bold default"))
    many = f"{len(contents)} pipeline{'' if len(contents) == 1 else 's'}"
    console.print(
        Text(
            f"All is right: {many} with {count} candidate{'' if count == 1 else 's'}, "
            f"in {files} files of params.yaml, dvc.yaml, conf/ and pipelines/.",
            style="green",
        )
    )


def _print_problems(console: Console, problems: Sequence[Problem]) -> None:
    """Print each with its line on a terminal; elsewhere a line for each, that an editor can jump by."""
    for problem in problems:
        if console.is_terminal:
            _print_problem(console, problem)
        else:
            console.print(Text(str(problem)), soft_wrap=True)
    files = len({problem.file for problem in problems})
    many = f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}"
    console.print(Text(f"{many} in {files} file{'' if files == 1 else 's'}.", style="bold red"))


def _print_problem(console: Console, problem: Problem) -> None:
    head = Text(problem.place, style="bold")
    if problem.key:
        head.append("  ").append(problem.key, style="cyan")
    console.print(head)
    shown = _source(problem)
    if shown:
        console.print(Padding(Text(shown, style="dim", no_wrap=True, overflow="ellipsis"), (0, 0, 0, 2)))
    message = Text(problem.message)
    message.highlight_regex(r"did you mean [^?]+\?", "bold green")
    console.print(Padding(message, (0, 0, 1, 2)))


def _source(problem: Problem) -> str:
    """Return the line that is wrong, with its number, and a caret below where the column is known."""
    if problem.line is None:
        return ""
    lines = Path(problem.file).read_text(encoding="utf-8", errors="replace").splitlines()
    line = lines[problem.line - 1] if problem.line <= len(lines) else ""
    shown = f"{problem.line:>4} │ {line}"
    if problem.column is None:
        return shown
    return f"{shown}\n     │ {' ' * (problem.column - 1)}^"
