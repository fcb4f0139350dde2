"""What a packaged pipeline consists of: its declaration, its model, the rows that windows look back on."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from headrace.declaration.features import Features  # noqa: TC001  pydantic reads these
from headrace.declaration.modelling import Target  # noqa: TC001
from headrace.declaration.rows import TypedRows  # noqa: TC001
from headrace.declaration.rules import Rules
from headrace.declaration.serving import Serving
from headrace.errors import IntegrityError
from headrace.rules import settle
from headrace.storage import MEND, check_files
from headrace.tasks import Task, task_of

CONTENTS = "package.json"
HISTORY = "history.parquet"
WINNER = "winner"


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What a prediction can be traced back to."""

    candidate: str
    model: str
    """The digest of the winner's folder: the name of its MLflow run and registered version."""
    rows: str
    """The digest of the validated rows."""
    registered: dict[str, str] = field(default_factory=dict)
    """The name and the version in the model registry, where it has one."""
    decision: str | None = None
    """What registering decided about it, such as `better`; a winner that is `not better` is packaged all the same."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`package.json`: a pipeline's declaration as plain data, and the digests of the files beside it."""

    pipeline: str
    schema: TypedRows
    features: Features
    target: Target
    request: list[str]
    """The columns that a request gives, in declared order."""
    history_until: dt.datetime | None
    """The time of the last row in the history; None where no window looks back."""
    lineage: Lineage
    files: dict[str, str]
    """The SHA-256 of every other file, by its path."""
    serving: Serving = field(default_factory=Serving)
    rules: Rules = field(default_factory=Rules)

    @property
    def task(self) -> Task:
        """What the label is."""
        return task_of(self.target, self.schema.columns)

    @property
    def decisions(self) -> list[str]:
        """Return all that can be decided, mildest first."""
        return settle(self.rules, self.task).decisions

    @property
    def version(self) -> str:
        """Return what answers call the model: the beginning of its digest."""
        return self.lineage.model[:12]


def package_folder(pipeline: str) -> Path:
    """Return the folder that a pipeline's packaged contents are in, below the repository's root or a Bento's `src`."""
    return Path("data", pipeline, "package", "model")


def read_contents(folder: Path) -> Contents:
    """Read a package, and compare its files with the digests in it.

    Raises:
        IntegrityError: A file is missing, or is not the one that was written.
    """
    path = folder / CONTENTS
    try:
        contents = TypeAdapter(Contents).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise IntegrityError(f"{path}: no such file; {MEND}") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "JSON"
        raise IntegrityError(f"{path}: {where}: {wrong['msg']}; {MEND}") from error
    check_files(folder, contents.files, CONTENTS)
    return contents


def contents_json(contents: Contents) -> str:
    """Return contents as the text of `package.json`: equal contents are equal bytes."""
    plain = TypeAdapter(Contents).dump_python(contents, mode="json")
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
