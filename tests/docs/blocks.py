"""The code blocks of README.md and docs/, and what each claims to be."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = ("bash", "console")
OTHERS = ("text", "sql", "python", "yaml")
"""What is shown and not typed; YAML is held to the declarations."""
TITLE = re.compile(r'title="([^"]+)"')
MARK = re.compile(r"<!-- (not run|background|replaces): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    title: str
    """The file that it is of, or a part of."""
    marks: dict[str, str]
    """What the comment before it says: `not run`, `background` or `replaces`, and the reason, the port or the key."""
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in their order."""
    marks: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "html_block":
            marks = dict(MARK.findall(token.content))
        elif token.type == "fence":
            title = TITLE.search(token.info)
            line = token.map[0] + 1 if token.map else 0
            language = token.info.split(" ")[0]
            yield Block(page, line, language, title[1] if title else "", marks, token.content)
            marks = {}
        elif token.type.endswith("_open"):
            marks = {}


@dataclass(frozen=True)
class Command:
    """What is typed, and what is shown of its answer; None where nothing is."""

    typed: str
    shown: str | None


def commands(block: Block) -> list[Command]:
    """Return what a block has a person type: all of it, or the lines after a `$`, each with the output below it."""
    if block.language == "bash":
        return [Command(block.text, None)]
    found: list[Command] = []
    lines = block.text.splitlines()
    while lines:
        typed = lines.pop(0).removeprefix("$ ")
        while _is_open(typed):
            typed += "\n" + lines.pop(0)
        shown = []
        while lines and not lines[0].startswith("$ "):
            shown.append(lines.pop(0))
        found.append(Command(typed, "\n".join(shown) if shown else None))
    return found


def _is_open(typed: str) -> bool:
    try:
        shlex.split(typed, comments=True)
    except ValueError:
        return True
    return typed.endswith("\\")


def matches(shown: str, printed: str) -> bool:
    """Return whether an output is the one that is shown, where `…` stands for anything, and a blank may be one that does not break."""
    printed = "\n".join(line.rstrip() for line in re.sub("[\xa0\u202f]", " ", printed).splitlines())
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def merge(file: Path, block: Block) -> None:
    """Make a YAML file contain what a block says; what else it says stays."""
    there = yaml.safe_load(file.read_text()) if file.exists() else None
    if "replaces" in block.marks:
        del there[block.marks["replaces"]]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(merged(there, yaml.safe_load(block.text)), sort_keys=False))


def merged(there: Any, said: Any) -> Any:
    """Return a document with another one in it: mappings key by key, a list at the top line by line."""
    if isinstance(there, dict) and isinstance(said, dict):
        return {**there, **{key: merged(there.get(key), value) for key, value in said.items()}}
    if isinstance(there, list) and isinstance(said, list):
        return [*there, *(line for line in said if line not in there)]
    return said
