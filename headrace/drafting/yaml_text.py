"""Values as YAML writes them, so that every reader of it (OmegaConf, DVC, PyYAML) takes them for what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

WIDTH = 120
LARGEST_WHOLE = 1e15
PLAIN = re.compile(r"[^\W\d_][\w./()-]*(?: [\w./()-]+)*|\d+(us|[smhdw])")
"""Texts that need no quotes, unless they are words of YAML."""
WORDS = {"yes", "no", "on", "off", "y", "n", "true", "false", "null", "none", "nan", "inf"}


def scalar(value: Any) -> str:
    """Return a value of one line: a text in quotes where something else would be read from it."""
    if isinstance(value, str):
        return name_text(value.replace("${", "\\${"))  # OmegaConf takes ${...} in a text for a reference
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value) and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    if isinstance(value, float):
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")  # YAML 1.1 takes 1e-05 for a text
    return str(value)


def name_text(name: str) -> str:
    """Return a key of a mapping."""
    if PLAIN.fullmatch(name) and name.lower() not in WORDS and len(name) < WIDTH:
        return name
    # What YAML does not print is written as JSON escapes it.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(name, ensure_ascii=False))


def flow(value: Any) -> str:
    """Return a mapping or a list on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name_text(name)}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return scalar(value)


def comment(text: str) -> str:
    """Return what stands behind `#`: one line, whatever the rows have put into it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def entry(name: str, value: Any, why: Iterable[str] = (), indent: int = 2) -> list[str]:
    """Return the lines of an entry of a mapping, with its comment behind it, or above it where that is too long."""
    margin = " " * indent
    said = comment("; ".join(each for each in why if each))
    line = f"{margin}{name_text(name)}: {flow(value)}"
    if len(line) > WIDTH and isinstance(value, Mapping):
        lines = [f"{margin}{name_text(name)}:"]
        for key, each in value.items():
            lines += wrapped_list(key, each, indent + 2) if isinstance(each, list) else entry(key, each, (), indent + 2)
        return [f"{margin}# {said}", *lines] if said else lines
    if not said:
        return [line]
    if len(line) + len(said) + 4 <= WIDTH:
        return [f"{line}   # {said}"]
    return [*commented(said, indent), line]


def commented(text: str, indent: int) -> list[str]:
    """Return a text as lines of comments."""
    lines, margin = [""], " " * indent + "# "
    for word in text.split(" "):
        if lines[-1] and len(margin) + len(lines[-1]) + len(word) >= WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return [margin + line for line in lines]


def wrapped_list(name: str, values: Iterable[Any], indent: int) -> list[str]:
    """Return a list of values: on one line where it fits, otherwise with as many to a line as fit."""
    margin = " " * indent
    texts = [flow(each) for each in values]
    line = f"{margin}{name_text(name)}: [{', '.join(texts)}]"
    if len(line) <= WIDTH:
        return [line]
    lines = [f"{margin}{name_text(name)}: [", margin + "  "]
    for text in texts:
        if len(lines[-1]) + len(text) + 1 > WIDTH and lines[-1].strip():
            lines.append(margin + "  ")
        lines[-1] += f"{text}, "
    return [*(line.rstrip() for line in lines), margin + "]"]
