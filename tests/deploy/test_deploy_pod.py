"""The service starts and answers as the manifests have it: that user, that environment, nothing writable but volumes."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from packaged_pipeline import Place, Server, run, serving
from rendering import DEPLOY, container, pod, secret_examples, told

from headrace.access import Scope, create

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERLAY = "staging"
HAND_MADE = Path(__file__).with_name("hand_made.sh")
CONTAINERFILE = "import sys, bentoml; print(bentoml.container.get_containerfile(sys.argv[1]))"
MAKES_A_KEY = re.compile(r'HEADRACE_LOG__KEYS="(\$\(date .*)" ')


@pytest.fixture(scope="module")
def image(packaged: Place) -> str:
    """Return the Dockerfile of a Bento's image."""
    done = run(packaged.root, packaged.home, sys.executable, "-c", CONTAINERFILE, packaged.tags[0])
    return done.stdout + done.stderr


def environment_of(image: str) -> dict[str, str]:
    """Return what an image sets, whatever runs in it."""
    given: dict[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    found = dict(given)
    for kind, name, value in re.findall(r"^(ARG|ENV) (\w+)=(.*)$", image, re.MULTILINE):
        # Docker puts in what was said before.
        given[name] = re.sub(r"\$\{?(\w+)\}?", lambda match: given[match[1]], shlex.split(value)[0])
        if kind == "ENV":
            found[name] = given[name]
    return found


def kept_secret(folder: Path, version: str, holder: str) -> str:
    """Write tokens as Kubernetes mounts a secret, in the place of those before; return the text of the only one."""
    text = create(folder / version / "tokens.json", holder, [Scope.predict])[1]
    (folder / version / "tokens.json").chmod(0o444)
    (folder / "..new").symlink_to(version)
    (folder / "..new").rename(folder / "..data")
    if not (folder / "tokens.json").is_symlink():
        (folder / "tokens.json").symlink_to("..data/tokens.json")
    return text


def settings() -> dict[str, str]:
    """Return what the container is told. Its secret has a key, made as the example says: staging's stores are files."""
    [makes_a_key] = MAKES_A_KEY.findall((DEPLOY / "secret.example.yaml").read_text())
    key = subprocess.check_output(["bash", "-c", f'echo "{makes_a_key}"'], text=True).strip()
    secret = secret_examples()["headrace-secrets"]
    return {**{name: text for name, text in told(OVERLAY).items() if name not in secret}, "HEADRACE_LOG__KEYS": key}


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """Return the folder of the secret with the tokens."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    return folder


@pytest.fixture
def server(packaged: Place, image: str, tmp_path: Path, mounted: Path) -> Iterator[Server]:
    """Run the container by hand."""
    if os.geteuid() or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root may mount")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = pod(OVERLAY)["spec"]["securityContext"]
    environment = {**environment_of(image), **settings(), "PORT": str(port)}
    (tmp_path / "environment").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    kinds = {each["name"]: "secret" if "secret" in each else "emptyDir" for each in pod(OVERLAY)["spec"]["volumes"]}
    (tmp_path / "volumes").write_text(
        "".join(f"{kinds[each['name']]} {each['mountPath']} {mounted}\n" for each in container(OVERLAY)["volumeMounts"])
    )
    (tmp_path / "root").mkdir()
    log = tmp_path / "log"
    command = [
        "unshare", "--mount", "bash", HAND_MADE, tmp_path / "root", packaged.bento("cards"),
        str(context["runAsUser"]), str(context["runAsGroup"]), tmp_path / "environment", tmp_path / "volumes",
        sys.prefix, sys.base_prefix, *container(OVERLAY)["args"],
    ]  # fmt: skip
    kept_secret(mounted, "first", "nobody")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    for [running] in serving(Server(process, port, log, tmp_path)):
        yield running


def test_the_user_is_the_images(image: str) -> None:
    """A number, for Kubernetes cannot know that a name is not root's; the entrypoint is what the arguments are for."""
    context = pod(OVERLAY)["spec"]["securityContext"]
    assert f"ARG BENTO_USER_UID={context['runAsUser']}\n" in image
    assert f"ARG BENTO_USER_GID={context['runAsGroup']}\n" in image
    assert 'ENTRYPOINT [ "/home/bentoml/bento/env/docker/entrypoint.sh" ]' in image
    assert "EXPOSE 3000" in image
    assert environment_of(image)["BENTO_PATH"] == "/home/bentoml/bento"


def test_a_pod_starts_and_answers(server: Server, mounted: Path) -> None:
    """With tokens that follow their secret, metrics, and a log that is on the volume; it ends when it is told to."""
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    assert {user for process in processes for user in process.uids()} == {1034}
    assert server.call("/livez")[0] == 200
    instance = {"id": 1, "paid at": "2024-04-01T00:00:00", "card": 1, "amount paid": 5.0, "kind": "chip", "country": None,
                "abroad": False, "risk": None, "born": None, "code": "AC1", "tries": None}  # fmt: skip
    assert server.post("/predict", {"instance": instance})[0] == 401
    text = kept_secret(mounted, secrets.token_hex(4), "checkout")
    until = time.monotonic() + 5
    status, answer = 401, None
    while status == 401 and time.monotonic() < until:
        time.sleep(0.2)
        status, answer = server.post("/predict", {"instance": instance}, Authorization=f"Bearer {text}")
    assert status == 200, answer
    assert server.metric("headrace_ready") == 1
    # The folder of the volumes is in the namespace of the server alone.
    inside = Path(f"/proc/{server.process.pid}/root")
    assert (inside / "var/lib/headrace/predictions.db").stat().st_size
    assert not (inside / "var/lib/headrace/log.keys").exists()
    begin = time.monotonic()
    server.stop()
    grace, before = pod(OVERLAY)["spec"]["terminationGracePeriodSeconds"], container(OVERLAY)["lifecycle"]["preStop"]
    assert time.monotonic() - begin < grace - int(before["exec"]["command"][1])
