"""One line for what a user can mend, a traceback for what only we can."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from headrace.config.origin import Origin
from headrace.config.reading import first_line
from headrace.errors import HeadraceError
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = "HYDRA_FULL_ERROR"
ASKED_FOR_TRACEBACK = bool(os.environ.get(FULL))


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Say in one line on stderr what was wrong, and leave with code 1. HYDRA_FULL_ERROR=1 shows the traceback.

    It stands twice in a stage: around the task, since Hydra would say more of its failure, and around the app, for what
    Hydra itself finds wrong.
    """
    if ASKED_FOR_TRACEBACK:
        yield
        return
    os.environ[FULL] = "1"  # Hydra then raises what it would otherwise print in its own many lines.
    try:
        yield
    except (HeadraceError, HydraException, OmegaConfBaseException, yaml.MarkedYAMLError) as error:
        message = explain(error)
    else:
        return
    finally:
        os.environ.pop(FULL, None)
    print("\n".join(f"error: {line}" for line in message.splitlines()), file=sys.stderr, flush=True)
    raise SystemExit(1)


def explain(error: Exception) -> str:
    """Return a line for each thing that is wrong: the file and key, what was found, what would be right."""
    origin = Origin(folder_on_command_line())
    if isinstance(error, HeadraceError):
        return str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark
        where = f"{_shorten(mark.name)}:{mark.line + 1}:{mark.column + 1}" if mark else "YAML"
        return f"{where}: not valid YAML: {error.problem}"
    if isinstance(error, MissingConfigException):
        return _explain_missing(error, origin)
    if isinstance(error, OverrideParseException):
        return f"command line: {error.override}: not in Hydra's syntax: {first_line(error)}"
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__ or error.__context__
    if isinstance(cause, OmegaConfBaseException):
        return _explain_value(cause, str(error), origin)
    return first_line(error)


def _explain_value(cause: OmegaConfBaseException, said: str, origin: Origin) -> str:
    key, message = cause.full_key or "", first_line(cause)
    found = re.match(r"In '([^']+)'", said)
    file = str(origin.file_of(found.group(1))) if found else "command line"
    shape = cause.object_type
    last = key.rpartition(".")[2]
    fields = list(getattr(shape, "__dataclass_fields__", {}))
    if fields and last not in fields:
        message = f"unknown key; {known(last, [name for name in fields if name not in ('defaults', 'hydra')])}"
    return f"{file}: {_within(file, key)}: {message}"


def _within(file: str, key: str) -> str:
    # Inside schema.yaml, features.yaml, serving.yaml, rules.yaml and the groups' files the package name is not written.
    first, _, inner = key.partition(".")
    own = Path(file).stem == first or Path(file).parent.name == first
    return inner if own and inner else key


def _explain_missing(error: MissingConfigException, origin: Origin) -> str:
    missing = error.missing_cfg_file or ""
    group, _, option = missing.partition("/")
    if option:
        return f"command line: {group}={option}: no such option; {known(option, error.options or [])}"
    return f"{origin.file_of(missing)}: no such file; a pipeline has pipeline, schema, features, serving and rules.yaml"


def folder_on_command_line() -> Path:
    """Return the pipeline's folder that Hydra was told by `-cd`, in whatever state it is."""
    arguments = sys.argv
    for flag in ("-cd", "--config-dir"):
        if flag in arguments[:-1]:
            return Path(arguments[arguments.index(flag) + 1])
    return Path("pipelines")


def _shorten(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
