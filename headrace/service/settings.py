"""What a running service was told: what `serving.yaml` declares, and over it what the environment of its machine says.

`HEADRACE_LOG__RETENTION=30d` is `log: {retention: 30d}`. Secrets come from the environment alone:
`HEADRACE_LOG__KEYS`, or `HEADRACE_LOG__KEY_FILE`, the file that they are in.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from headrace.declaration import serving
from headrace.declaration.durations import microseconds
from headrace.errors import ConfigError
from headrace.words import known

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PREFIX = "HEADRACE_"
DELIMITER = "__"
OF_STAGES = frozenset({"HEADRACE_DATABASE"})
"""What stages read, and no service: `conf/source/sql.yaml`."""


@dataclass(kw_only=True)
class Windows(serving.Windows):
    """Where entity windows are kept."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    url: str = field(repr=False)


@dataclass(kw_only=True)
class PredictionLog(serving.PredictionLog):
    """Where the prediction log is kept, and its secrets."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    url: str = field(repr=False)
    keys: str | None = field(default=None, repr=False)
    """`id:base64,...`; the first one encrypts, all of them decrypt."""
    key_file: Path
    """Where they are read from, a line each, unless the environment gives them."""


@dataclass(kw_only=True)
class Access(serving.Access):
    """Who may ask, and the file that says so."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    token_file: Path
    """What `headrace token` writes. Kubernetes mounts a secret as a folder, and changes it there: name a file in it."""


class Settings(BaseSettings):
    """All of it, with nothing left to choose."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True, extra="forbid", frozen=True
    )

    state: Path
    """The folder of what this machine keeps."""
    workers: int | None = Field(ge=1)
    variant: str = Field(min_length=1, max_length=100)
    windows: Windows
    log: PredictionLog
    access: Access

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Lay the environment over what is declared."""
        return env_settings, init_settings


def read_settings(declared: serving.Serving, pipeline: str) -> Settings:
    """Return what a service of this machine is told.

    Args:
        declared: The pipeline's `serving.yaml`.
        pipeline: Its name: local files are in `var/<pipeline>` unless HEADRACE_STATE names another folder.

    Raises:
        ConfigError: A variable has no meaning, or a value is not what its key takes; a line for each.
    """
    _refuse_unknown()
    state = Path(os.environ.get(f"{PREFIX}STATE") or Path("var", pipeline))
    state = state if state.is_absolute() else _typed_in() / state
    given = {"state": state, **dataclasses.asdict(declared)}
    given["windows"]["url"] = declared.windows.url or f"lmdb://{state / 'windows.lmdb'}"
    given["log"]["url"] = declared.log.url or f"sqlite:///{state / 'predictions.db'}"
    given["log"]["key_file"] = state / "log.keys"
    given["access"]["token_file"] = state / "tokens.json"
    try:
        settings = Settings(**given).model_copy(update={"state": state})  # the variable may say it relatively
        microseconds(settings.log.retention)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{_where(wrong['loc'])}: {wrong['msg']}" for wrong in error.errors())) from None
    except SettingsError as error:
        raise ConfigError(f"{PREFIX}*: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{_where(('log', 'retention'))}: {error}") from None
    return settings


def check_subject(subject: str | None, columns: Collection[str]) -> None:
    """Do nothing where requests say whose row they have, or nobody wants to know.

    Args:
        subject: `log.subject`.
        columns: The columns of a request.

    Raises:
        ConfigError: It is none of them: no answer could be erased.
    """
    if subject is not None and subject not in columns:
        found = f"'{subject}' is no column of a request; {known(subject, columns)}"
        raise ConfigError(f"{_where(('log', 'subject'))}: {found}")


def _typed_in() -> Path:
    """Return the folder that the command was typed in: BentoML goes from it into that of the Bento which it serves.

    What is kept there would be packed with the Bento, its key beside it, and go with it.

    Raises:
        ConfigError: Nothing says which it is.
    """
    here = Path.cwd()
    if not (here.parent / "bento.yaml").is_file():
        return here
    if "PWD" not in os.environ:  # no shell typed it
        raise ConfigError(f"{PREFIX}STATE: name the folder for log, windows and keys; a Bento keeps nothing in itself")
    return Path(os.environ["PWD"])


def _refuse_unknown() -> None:
    names = set(_names())
    wrong = [
        f"{name}: there is no such setting; {known(name, names)}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in names | OF_STAGES
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _names() -> Iterator[str]:
    """Yield the variables that mean something."""
    for name, section in Settings.model_fields.items():
        kind: Any = section.annotation
        keys = [key.name for key in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else [""]
        for key in keys:
            yield PREFIX + DELIMITER.join(filter(None, (name, key))).upper()


def _where(place: tuple[int | str, ...]) -> str:
    """Return what a value was given by: its variable, or its key in `serving.yaml`."""
    variable = PREFIX + DELIMITER.join(map(str, place)).upper()
    return variable if variable in os.environ else f"serving.yaml: {'.'.join(map(str, place))}"
