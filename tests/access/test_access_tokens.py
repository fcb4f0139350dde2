"""The file of tokens: what it holds, and who may change it when."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.access import Scope, create, read_tokens, revoke
from headrace.errors import ConfigError

MANY = """
import sys
from pathlib import Path
from headrace.access import Scope, create, revoke
file = Path(sys.argv[1])
for number in range(20):
    token, _ = create(file, f"{sys.argv[2]} {number}", [Scope.predict])
    if number % 2:
        revoke(file, token.id)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where tokens will be."""
    return tmp_path / "state" / "tokens.json"


def test_a_token_is_kept_without_its_secret(file: Path) -> None:
    """Whoever reads the file cannot ask with it; nobody but its owner reads it."""
    token, text = create(file, "checkout", [Scope.outcomes, Scope.predict], requests_per_second=2.5)
    prefix, token_id, secret = text.split("_", 2)
    assert (prefix, token_id, len(secret)) == ("hr", token.id, 43)
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_tokens(file) == [token]
    assert token.scopes == [Scope.outcomes, Scope.predict]
    assert token.requests_per_second == 2.5


def test_two_processes_change_the_file_and_lose_nothing(file: Path) -> None:
    """They take turns."""
    command = [sys.executable, "-c", MANY, str(file)]
    running = [subprocess.Popen([*command, name], env={**os.environ, "PYTHONPATH": "."}) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    names = {token.name for token in read_tokens(file)}
    assert names == {f"{name} {number}" for name in ("a", "b") for number in range(0, 20, 2)}
    assert {path.name for path in file.parent.iterdir()} == {"tokens.json", ".tokens.json.lock"}


def test_what_is_revoked_is_gone(file: Path) -> None:
    """Another id is refused, and the ones there are are named."""
    token, _ = create(file, "a", [Scope.predict])
    other, _ = create(file, "b", [Scope.admin])
    assert revoke(file, token.id) == token
    assert read_tokens(file) == [other]
    with pytest.raises(ConfigError, match=f"no token has the id '{token.id}'; .*known are: {other.id}"):
        revoke(file, token.id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "", "scopes": [Scope.predict]}, "name: is ''; give 1 to 100 characters"),
        ({"name": "a\nb", "scopes": [Scope.predict]}, r"name: is 'a\\nb'"),
        ({"name": "a", "scopes": []}, "scopes of a: are none; known are: admin, outcomes, predict"),
        ({"name": "a", "scopes": [Scope.predict], "requests_per_second": 0.0}, "is 0.0; give a number above 0"),
        ({"name": "a", "scopes": [Scope.predict], "lifetime": dt.timedelta(0)}, "give a time after its creation"),
    ],
)
def test_a_token_that_could_not_be_used_is_not_made(file: Path, arguments: dict[str, object], message: str) -> None:
    """What is wrong is said; the file stays as it was."""
    with pytest.raises(ConfigError, match=message):
        create(file, **arguments)  # type: ignore[arg-type]
    assert read_tokens(file) == []


@given(st.data())
def test_a_file_that_is_not_whole_is_not_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut at any place, or with another kind of value at any key."""
    file = tmp_path_factory.mktemp("state") / "tokens.json"
    create(file, "a", [Scope.predict], requests_per_second=1.0, lifetime=dt.timedelta(days=1))
    text = file.read_text()
    if data.draw(st.booleans()):
        file.write_text(text[: data.draw(st.integers(0, text.rindex("}") - 1))])
    else:
        content = json.loads(text)
        content["tokens"][0][data.draw(st.sampled_from(sorted(content["tokens"][0])))] = {"a": "b"}
        file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="headrace token"):
        read_tokens(file)
