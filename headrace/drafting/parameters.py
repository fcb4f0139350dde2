"""The lines of `params.yaml`, with all that stands there already."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.declaration.parameters import NAME, RIGHT_NAME
from headrace.errors import ConfigError

if TYPE_CHECKING:
    from headrace.drafting.draft import Draft

PARAMS = Path("params.yaml")
TRACKING = "file"


def refuse_taken(root: Path, name: str) -> None:
    """Do nothing where a pipeline of this name can be added.

    Raises:
        ConfigError: the name is taken, or is none.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name of a pipeline: {RIGHT_NAME}")
    params = _read(root)
    if name in (params.get("pipelines") or {}):
        raise ConfigError(
            f"{PARAMS}: pipelines.{name}: is there already; choose another name, or remove the pipeline first"
        )
    for folder in (Path("pipelines", name), Path("data", name)):
        others = [each for each in _entries(root / folder) if each.name != "source"]
        if (root / folder).exists() and (folder.parts[0] == "pipelines" or others):
            raise ConfigError(f"{folder}/: is there already; choose another name, or move the folder away first")


def add_parameters(root: Path, draft: Draft) -> str:
    """Return `params.yaml` with the pipeline and its candidates; comments and all else stay."""
    from ruamel.yaml.comments import CommentedMap

    yaml = _yaml()
    params = _read(root)
    choices = CommentedMap(
        source=draft.opened.option, until=_quoted(draft.time.until) if draft.time else "all", tracking=TRACKING
    )
    _section(params, "pipelines")[draft.name] = _in_braces(choices)
    candidates = _section(params, "candidates")
    for end, model in draft.contest.models.items():
        candidates[_candidate(draft.name, end, candidates)] = _in_braces(CommentedMap(pipeline=draft.name, model=model))
    text = io.StringIO()
    yaml.dump(params, text)
    return _joined(text.getvalue(), [f"  {draft.name}: ", f"  {draft.name}-"])


def _joined(text: str, starts: list[str]) -> str:
    """Return the text with new lines right below those of their section.

    To ruamel.yaml an empty line, or a comment on the next section, belongs to the entry above it.
    """
    lines: list[str] = []
    for line in text.splitlines():
        place = len(lines)
        if line.startswith(tuple(starts)):
            while place and (not lines[place - 1].strip() or lines[place - 1].startswith("#")):
                place -= 1
        lines.insert(place, line)
    return "\n".join(lines) + "\n"


def _section(params: Any, name: str) -> Any:
    """Return a section, one entry to a line: an empty one may have been written as {}."""
    from ruamel.yaml.comments import CommentedMap

    section = params.get(name)
    if not section:
        params[name] = section = CommentedMap()
    return section


def _candidate(pipeline: str, end: str, taken: Any) -> str:
    name, number = f"{pipeline}-{end}", 2
    while name in taken:
        name, number = f"{pipeline}-{end}-{number}", number + 1
    return name


def _quoted(text: str) -> Any:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(text)


def _in_braces(entries: Any) -> Any:
    entries.fa.set_flow_style()
    return entries


def _read(root: Path) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        params = _yaml().load((root / PARAMS).read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}  # a project that is still to be laid down
    except YAMLError as error:
        raise ConfigError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(params, dict):
        raise ConfigError(f"{PARAMS}: found a list or a word; it has the sections pipelines and candidates")
    return params


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
