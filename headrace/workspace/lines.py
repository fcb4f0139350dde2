"""Where in a YAML file a key stands, and what is no YAML in it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: ten times as fast."""

# What PyYAML says, and what a person does about it; the first that is found in what it said.
REMEDIES = {
    r"'\\t'": "indent with spaces, not with a tab",
    "found duplicate key": "keep one of the two",
    "mapping values are not allowed here": "put quotes around a value that has a colon, or give the key its own line",
    "could not find expected ':'|expected '<document start>'": "write `key: value`, with a space after the colon",
    "cannot start any token": "put quotes around the value",
    "while scanning a quoted scalar|found unexpected end of stream": "close the quotes",
    "expected ',' or": "close the bracket, or put a comma between the values",
    "expected <block end>": "bring the line to the same indentation as those that it belongs to",
    "did not find expected node|expected the node content": "give the key a value, or null",
    "undefined alias|expected alphabetic": "put quotes around a value that starts with * or &",
}


def syntax_problem(file: Path) -> str:
    """Return what is no YAML in a file, as `file:line:column: not valid YAML: ...`; nothing where all is."""
    try:
        text = file.read_text()
    except UnicodeDecodeError as error:
        return f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8"
    try:
        _refuse_duplicates(yaml.compose(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        return f"{file}:{_said(text, error)}"
    except yaml.YAMLError as error:  # a character that YAML has no place for
        return f"{file}: not valid YAML: {' '.join(str(error).split())}; remove it"
    return ""


@functools.lru_cache(maxsize=256)
def _root(file: Path, _changed: int) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(file.read_text(), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return node


def line_of(file: Path, key: str) -> int | None:
    """Return the line, from 1, where a dotted key stands, such as `rules[0].when`; None where the file lacks it."""
    found = _find(file, key)
    return None if found is None else found.start_mark.line + 1


def line_of_item(file: Path, key: str, text: str) -> int | None:
    """Return the line of a text in the list that stands at a key; None where it is no item of one."""
    number = 0
    while (item := _find(file, f"{key}[{number}]")) is not None:
        if item.value == text:
            return item.start_mark.line + 1
        number += 1
    return None


def _find(file: Path, key: str) -> yaml.Node | None:
    """Return the node of a key: of its name, or of its place in a list."""
    if not file.is_file():
        return None
    at: yaml.Node | None = None
    inner = _root(file, file.stat().st_mtime_ns)
    parts = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    while parts:
        step = _step(inner, parts)
        if step is None:
            return None
        at, inner, used = step
        parts = parts[used:]
    return at


def _step(node: yaml.Node | None, parts: list[str]) -> tuple[yaml.Node, yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and parts[0].isdigit() and int(parts[0]) < len(node.value):
        item = node.value[int(parts[0])]
        return item, item, 1
    if isinstance(node, yaml.MappingNode):
        for used in range(1, len(parts) + 1):  # a name may have dots itself
            for name, value in node.value:
                if name.value == ".".join(parts[:used]):
                    return name, value, used
    return None


def _refuse_duplicates(node: yaml.Node | None) -> None:
    for mapping in _mappings(node):
        seen: set[str] = set()
        for name, _ in mapping.value:
            if isinstance(name, yaml.ScalarNode) and name.value in seen:
                raise yaml.MarkedYAMLError(problem=f"found duplicate key {name.value}", problem_mark=name.start_mark)
            seen.add(str(name.value))


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)


def _said(text: str, found: yaml.MarkedYAMLError) -> str:
    try:  # PyYAML's own words are plainer than libyaml's.
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        found = error
    said = " ".join(filter(None, [found.context, found.problem]))
    remedy = next((todo for pattern, todo in REMEDIES.items() if re.search(pattern, said)), "")
    mark = found.problem_mark
    where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    since = found.context_mark
    opened = f" (it opens at {since.line + 1}:{since.column + 1})" if since and "flow" in str(found.context) else ""
    return f"{where}: not valid YAML: {found.problem}{opened}" + (f"; {remedy}" if remedy else "")
