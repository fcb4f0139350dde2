"""Put a drafted pipeline into the project: all of it, or nothing."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.drafting.parameters import PARAMS, add_parameters
from headrace.drafting.rendering import render
from headrace.storage import write_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.drafting.draft import Draft


@dataclass(frozen=True)
class Laid:
    """What was written."""

    folder: Path
    """Of the declarations."""
    rows: Path | None
    """The file or folder of the rows within the project; None for a database."""
    copied: bool
    """Whether it was copied there."""
    size: int
    """Its bytes."""


def lay(root: Path, draft: Draft) -> Laid:
    """Write a pipeline's files, its rows where they lie elsewhere, and last its lines in `params.yaml`.

    What DVC watches is `data/<name>/source`: a change of the rows there makes the stages run again. Rows that lie
    elsewhere are copied, so that the project is whole.
    """
    source = root / "data" / draft.name / "source"
    given = draft.opened.path
    inside = given is not None and given.resolve().is_relative_to(source.resolve())
    rows = (given.resolve().relative_to(root.resolve()) if inside else _copy_of(draft, given)) if given else None
    files = render(draft, rows.as_posix() if rows else None)
    params = add_parameters(root, draft)
    with contextlib.ExitStack() as undo:
        if not source.exists():
            undo.enter_context(_removed_on_failure(root / "data" / draft.name))
        source.mkdir(parents=True, exist_ok=True)
        (source / ".gitkeep").touch()
        if given and rows and not inside:
            _copy(given, root / rows)
        folder = root / "pipelines" / draft.name
        undo.enter_context(_removed_on_failure(folder))
        with write_beside(folder) as beside:
            beside.mkdir()
            for name, text in files.items():
                (beside / name).write_text(text, encoding="utf-8")
        with write_beside(root / PARAMS) as beside:
            beside.write_text(params, encoding="utf-8")
    size = _size(root / rows) if rows else 0
    return Laid(Path("pipelines", draft.name), rows, rows is not None and not inside, size)


def _copy_of(draft: Draft, given: Path) -> Path:
    return Path("data", draft.name, "source", given.resolve().name)


def _copy(given: Path, target: Path) -> None:
    with write_beside(target) as beside:
        if given.is_dir():
            shutil.copytree(given, beside)
        else:
            shutil.copyfile(given, beside)


@contextlib.contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    highest = next((each for each in reversed(folder.parents) if not each.exists()), folder)
    try:
        yield
    except BaseException:
        shutil.rmtree(highest, ignore_errors=True)
        raise


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
