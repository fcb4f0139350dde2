"""What a service is told: declared, and over it the environment of its machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from headrace.declaration.serving import OnFailure, PredictionLog, Serving, Windows
from headrace.errors import ConfigError
from headrace.service.settings import read_settings


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)


def test_what_nobody_said_is_a_file_of_the_state_folder() -> None:
    """Two stores, keys and tokens, below var/<pipeline>."""
    settings = read_settings(Serving(), "cards")
    state = Path.cwd() / "var" / "cards"
    assert settings.state == state
    assert settings.windows.url == f"lmdb://{state}/windows.lmdb"
    assert settings.log.url == f"sqlite:///{state}/predictions.db"
    assert settings.log.key_file == state / "log.keys"
    assert settings.log.keys is None
    assert settings.access.token_file == state / "tokens.json"


def test_a_bento_of_the_store_keeps_nothing_in_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """BentoML goes into its folder: whoever exports it would take log and key along."""
    (tmp_path / "bento" / "src").mkdir(parents=True)
    (tmp_path / "bento" / "bento.yaml").touch()
    monkeypatch.chdir(tmp_path / "bento" / "src")
    monkeypatch.setenv("PWD", str(tmp_path / "typed"))
    assert read_settings(Serving(), "cards").state == tmp_path / "typed" / "var" / "cards"
    monkeypatch.setenv("HEADRACE_STATE", "state")
    assert read_settings(Serving(), "cards").state == tmp_path / "typed" / "state"
    monkeypatch.delenv("PWD")
    with pytest.raises(ConfigError, match="HEADRACE_STATE: name the folder for log, windows and keys"):
        read_settings(Serving(), "cards")
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    assert read_settings(Serving(), "cards").log.url == f"sqlite:///{tmp_path}/predictions.db"


def test_the_environment_is_laid_over_what_is_declared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Key by key: what it does not say stays as declared; an empty variable says nothing."""
    declared = Serving(log=PredictionLog(subject="card", retention="30d", url="postgresql+psycopg://host/db"))
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    monkeypatch.setenv("HEADRACE_LOG__ON_FAILURE", "serve")
    monkeypatch.setenv("HEADRACE_LOG__RETENTION", "7d")
    monkeypatch.setenv("HEADRACE_ACCESS__ENABLED", "true")
    monkeypatch.setenv("HEADRACE_ACCESS__LARGEST_BODY", "1000")
    monkeypatch.setenv("HEADRACE_WINDOWS__URL", "")
    settings = read_settings(declared, "cards")
    assert (settings.log.subject, settings.log.retention, settings.log.on_failure) == ("card", "7d", OnFailure.serve)
    assert settings.log.url == "postgresql+psycopg://host/db"
    assert settings.windows.url == f"lmdb://{tmp_path}/windows.lmdb"
    assert (settings.access.enabled, settings.access.largest_body) == (True, 1000)
    assert settings.access.requests_per_second == 1000.0


@pytest.mark.parametrize(
    ("name", "value", "pieces"),
    [
        ("HEADRACE_LOG__RETENSION", "7d", ["HEADRACE_LOG__RETENSION", "did you mean HEADRACE_LOG__RETENTION?"]),
        ("HEADRACE_STAET", "/tmp", ["HEADRACE_STAET", "did you mean HEADRACE_STATE?"]),
        ("HEADRACE_LOG", "{}", ["HEADRACE_LOG: ", "there is no such setting"]),
        ("HEADRACE_LOG__ON_FAILURE", "srve", ["HEADRACE_LOG__ON_FAILURE", "'refuse' or 'serve'"]),
        ("HEADRACE_LOG__RETENTION", "7x", ["HEADRACE_LOG__RETENTION", "'7x'", "7d"]),
        ("HEADRACE_ACCESS__LARGEST_BODY", "big", ["HEADRACE_ACCESS__LARGEST_BODY", "integer"]),
    ],
)
def test_a_variable_that_means_nothing_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, pieces: list[str]
) -> None:
    """The line names the variable, what was found, and what would be right."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refused:
        read_settings(Serving(), "cards")
    said = str(refused.value)
    assert "\n" not in said
    assert all(piece in said for piece in pieces), said


def test_a_wrong_value_that_was_declared_is_named_by_its_file() -> None:
    """Nobody looks for it in the environment."""
    with pytest.raises(ConfigError, match=r"serving\.yaml: log\.retention: 'long'"):
        read_settings(Serving(log=PredictionLog(retention="long")), "cards")


def test_what_stages_read_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may run both."""
    monkeypatch.setenv("HEADRACE_DATABASE", "postgresql://host/database")
    read_settings(Serving(), "cards")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who logs the settings logs no key and no password."""
    monkeypatch.setenv("HEADRACE_LOG__KEYS", "a:c2VjcmV0")
    monkeypatch.setenv("HEADRACE_LOG__URL", "postgresql+psycopg://user:hidden@host/db")
    settings = read_settings(Serving(windows=Windows(url="redis://:hidden@host/0")), "cards")
    assert settings.log.keys == "a:c2VjcmV0"
    assert "hidden" not in repr(settings)
    assert "c2VjcmV0" not in repr(settings)


def test_what_is_declared_passes_through_json() -> None:
    """A package carries it as JSON."""
    declared = Serving(log=PredictionLog(subject="card", on_failure=OnFailure.serve))
    kind = TypeAdapter(Serving)
    assert kind.validate_python(json.loads(kind.dump_json(declared))) == declared
