"""The two files of the repository that name its code, as a project has them whose Headrace is installed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from headrace.project.wheel import WHEELS

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = ("headrace", "stages")
ENVIRONMENT = "environment.yaml"
BENTOFILE = "bentofile.yaml"
VERSION = "libraries.headrace"
SERVICE = "service.py"


def derive_stages(text: str) -> str:
    """Return `dvc.yaml` with the version of Headrace as each stage's parameter, in place of its code."""

    def change(stages: Any) -> None:
        for stage in stages["stages"].values():
            deps, params = stage["do"]["deps"], stage["do"]["params"]
            _keep(deps, lambda name: name.split("/")[0] not in CODE)
            if BENTOFILE in deps:
                deps += [SERVICE, WHEELS]
            named = next((each[ENVIRONMENT] for each in params if isinstance(each, dict) and ENVIRONMENT in each), None)
            if named is None:
                params.append({ENVIRONMENT: [VERSION]})
            else:
                named.insert(sum(name < VERSION for name in named), VERSION)

    return _changed(text, change)


def derive_bentofile(text: str) -> str:
    """Return `bentofile.yaml` with the wheel of Headrace in place of its code."""

    def change(bentofile: Any) -> None:
        bentofile["service"] = f"{SERVICE.removesuffix('.py')}:Service"
        _keep(bentofile["include"], lambda name: name.split("/")[0] not in CODE)
        bentofile["include"][:0] = [SERVICE, f"{WHEELS}/headrace-*.whl"]

    return _changed(text, change)


def _changed(text: str, change: Callable[[Any], None]) -> str:
    """Change a YAML document, and leave its comments and its form as they are."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 120
    yaml.preserve_quotes = True
    document = yaml.load(text)
    change(document)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _keep(names: Any, wanted: Callable[[str], bool]) -> None:
    """Remove the names that are not wanted; in place, since comments belong to the list."""
    for index in reversed(range(len(names))):
        if not wanted(names[index]):
            del names[index]
