"""One thing that is wrong, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from headrace.workspace import line_of, line_of_item

SYNTAX = re.compile(r"(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a declaration."""

    file: str
    """From the project's folder; `command line` where no file said it."""
    key: str
    """Dotted; empty where it is the file itself."""
    message: str
    """What was found, and what would be right."""
    line: int | None = None
    column: int | None = None

    @classmethod
    def read(cls, said: str) -> Problem:
        """Return what `file: key: message` says, with the line of the key, or of the section that lacks it."""
        syntax = SYNTAX.fullmatch(said)
        if syntax:
            return cls(syntax["file"], "", syntax["message"], int(syntax["line"]), int(syntax["column"]))
        file, _, rest = said.partition(": ")
        key, colon, message = rest.partition(": ")
        if not colon or (" " in key and line_of(Path(file), key) is None):
            return cls(file, "", rest)
        found = re.match(r"'([^']+)'", message)
        item = line_of_item(Path(file), key, found[1]) if found else None
        return cls(file, key, message, item or _line(Path(file), key))

    @property
    def place(self) -> str:
        """The file and, where they are known, the line and the column."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.key, self.message)))


def _line(file: Path, key: str) -> int | None:
    while key:
        line = line_of(file, key)
        if line is not None:
            return line
        key = re.sub(r"(^|\.)[^.\[]*$|\[\d+\]$", "", key)
    return None
