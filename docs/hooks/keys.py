"""Pages with every key of every declaration, made from the dataclasses at each build: no page can be out of date."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import itertools
import textwrap
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.structure.files import File

from headrace.declaration.features import Features
from headrace.declaration.modelling import Model, Tracking
from headrace.declaration.parameters import Parameters
from headrace.declaration.pipeline import Pipeline
from headrace.declaration.rows import Schema
from headrace.declaration.rules import Rules
from headrace.declaration.serving import Serving
from headrace.declaration.targets import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

FILES = {
    "params": ("params.yaml", Parameters),
    "pipeline": ("pipelines/<name>/pipeline.yaml", Pipeline),
    "schema": ("pipelines/<name>/schema.yaml", Schema),
    "features": ("pipelines/<name>/features.yaml", Features),
    "rules": ("pipelines/<name>/rules.yaml", Rules),
    "serving": ("pipelines/<name>/serving.yaml", Serving),
    "model": ("conf/model/<name>.yaml", Model),
    "tracking": ("conf/tracking/<name>.yaml", Tracking),
}
OWN_FILE = {"schema", "features", "serving", "rules", "model", "tracking"}
"""What stands beside `pipeline.yaml`, or is chosen for it, though it is composed into one config."""
NOT_WRITTEN = {"until", "candidate"}
"""What the command line sets, from `params.yaml`."""
WORDS = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "any value"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each kind of file."""
    for name, (title, declared) in FILES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=page(title, declared)))
    files.append(File.generated(config, "reference/source.md", content=sources(Path("conf", "source"))))
    return files


def page(title: str, declared: type) -> str:
    """Return the page of a file: its keys, then a section for each group of keys."""
    lines = [f"# `{title}`", "", inspect.cleandoc(declared.__doc__ or ""), ""]
    for prefix, group in groups(declared):
        heading = [f"## `{prefix}`", "", inspect.cleandoc(group.__doc__ or ""), ""] if prefix else []
        lines += [*heading, *table(group, prefix)]
    return "\n".join(lines)


def sources(folder: Path) -> str:
    """Return the page of all sources: what each file in `conf/source/` says, and what else it takes."""
    lines = [
        "# `conf/source/<name>.yaml`",
        "",
        "Each key may be given in the file, or under `source:` in `pipeline.yaml`.",
        "",
    ]
    for file in sorted(folder.glob("*.yaml")):
        said = yaml.safe_load(file.read_text())
        declared = locate(said.pop("_target_"))
        about = inspect.cleandoc(declared.__doc__ or "")
        lines += [f"## `{file.stem}`", "", about, "", *table(declared, "", said), ""]
        for prefix, group in list(groups(declared))[1:]:
            lines += [f"### `{prefix}`", "", inspect.cleandoc(group.__doc__ or ""), "", *table(group, prefix), ""]
    return "\n".join(lines)


def groups(declared: type, prefix: str = "") -> Iterator[tuple[str, type]]:
    """Yield a dataclass and those in it, each with the path of its keys."""
    yield prefix, declared
    for field in fields(declared, prefix):
        inner = nested(field.type)
        if inner:
            yield from groups(inner[0], f"{prefix}{'.' if prefix else ''}{field.name}{inner[1]}")


def table(declared: type, prefix: str, said: dict[str, Any] | None = None) -> list[str]:
    """Return the rows of a table of a dataclass's own keys."""
    about = docstrings(declared)
    rows = []
    for field in fields(declared, prefix):
        if nested(field.type):
            if field.name in about:
                rows.append(f"| `{field.name}` | see below | {default(field)} | {about[field.name]} |")
            continue
        given = (said or {}).get(field.name)
        value = default(field) if given in ("???", None, {}) else f"`{given}`"
        rows.append(f"| `{field.name}` | {words(field.type)} | {value} | {about.get(field.name, '')} |")
    return ["| key | type | default | |", "| --- | --- | --- | --- |", *rows, ""] if rows else []


@dataclasses.dataclass(frozen=True)
class Key:
    """A field with its real type: dataclasses keep texts where annotations are postponed."""

    name: str
    type: Any
    field: dataclasses.Field[Any]


def fields(declared: type, prefix: str) -> list[Key]:
    """Return what a person writes of a dataclass."""
    types = typing.get_type_hints(declared)
    keys = [Key(field.name, types[field.name], field) for field in dataclasses.fields(declared)]
    if declared is Pipeline and not prefix:
        keys = [key for key in keys if key.name not in OWN_FILE | NOT_WRITTEN]
    return keys


def nested(declared: Any) -> tuple[type, str] | None:
    """Return the dataclass that a type holds, and how its keys are reached; None where it holds none."""
    if dataclasses.is_dataclass(declared):
        return typing.cast("type", declared), ""
    arguments = [argument for argument in typing.get_args(declared) if dataclasses.is_dataclass(argument)]
    if not arguments:
        return None
    return arguments[0], {dict: ".<name>", list: "[]"}.get(typing.get_origin(declared), "")


def words(declared: Any) -> str:
    """Return a type as a person says it."""
    if declared in WORDS:
        return WORDS[declared]
    arguments = typing.get_args(declared)
    if inspect.isclass(declared) and issubclass(declared, enum.Enum):
        return " or ".join(f"`{choice.value}`" for choice in declared)
    if typing.get_origin(declared) is list:
        return f"list: {words(arguments[0])}"
    if typing.get_origin(declared) is dict:
        return f"name: {words(arguments[1])}"
    return " or ".join("`null`" if argument is type(None) else words(argument) for argument in arguments)


def default(key: Key) -> str:
    """Return what counts where a key is left out."""
    field = key.field
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if value is dataclasses.MISSING:
        return "required"
    if value is None or dataclasses.is_dataclass(value) or value in ([], {}, ""):
        return ""
    value = value.value if isinstance(value, enum.Enum) else value
    written = yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("...").strip()
    return f"`{written}`"


def docstrings(declared: type) -> dict[str, str]:
    """Return the text under each field, of the class and of those that it builds on."""
    found: dict[str, str] = {}
    for base in reversed([base for base in declared.__mro__ if dataclasses.is_dataclass(base)]):
        body = typing.cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]).body
        for statement, after in itertools.pairwise(body):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                name = typing.cast("ast.Name", statement.target).id
                found[name] = " ".join(str(after.value.value).split()).replace("|", "\\|")
    return found
