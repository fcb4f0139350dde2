"""What README.md and docs/ say is typed here, in a fresh copy of the project, and its answers are compared."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from blocks import OTHERS, PAGES, ROOT, SHELL, Block, blocks, commands, matches, merge
from omegaconf import OmegaConf
from small_project import Project

from headrace.config.store import Base
from headrace.declaration.features import Features
from headrace.declaration.modelling import Model, Tracking
from headrace.declaration.parameters import Parameters
from headrace.declaration.rows import Schema
from headrace.declaration.rules import Rules
from headrace.declaration.serving import Serving
from headrace.declaration.targets import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL = [block for page in PAGES for block in blocks(page)]
YAML = [block for block in ALL if block.language == "yaml"]
TYPED = sorted({block.page for block in ALL if block.language in SHELL and "not run" not in block.marks})
DECLARED = {
    "pipeline.yaml": Base,
    "schema.yaml": Schema,
    "features.yaml": Features,
    "rules.yaml": Rules,
    "serving.yaml": Serving,
    "params.yaml": Parameters,
}
GROUPS = {"model": Model, "tracking": Tracking}
DATABASES = (
    "postgresql://reader:secret@db.example:5432/shop",
    "postgresql+psycopg://mlflow:secret@db.example:5432/mlflow",
    "postgresql+psycopg://service:secret@db.example:5432/log",
)


@pytest.mark.parametrize("block", ALL, ids=str)
def test_a_block_says_what_it_is(block: Block) -> None:
    """Its language is one that is run, shown or held to a declaration; YAML names its file; what is not run has a reason."""
    assert block.language in (*SHELL, *OTHERS)
    assert (block.language == "yaml") == bool(block.title)


def test_few_blocks_are_not_run() -> None:
    """Those that need what a test cannot have."""
    left = [block for block in ALL if block.language in SHELL and "not run" in block.marks]
    assert len(left) * 3 < len([block for block in ALL if block.language in SHELL])


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_what_it_claims_to_be(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is declared and every value of its type; a part of `dvc.yaml` stands there."""
    monkeypatch.chdir(ROOT)
    said, file = yaml.safe_load(block.text), Path(block.title)
    if file.name in DECLARED:
        OmegaConf.merge(OmegaConf.structured(DECLARED[file.name]), said)
    elif file.parent.name in GROUPS:
        OmegaConf.merge(OmegaConf.structured(GROUPS[file.parent.name]), said)
    elif file.parent.name == "source" and said["_target_"].startswith("headrace."):
        assert said.keys() <= {"_target_", *locate(said["_target_"]).__dataclass_fields__}
    elif file.parts[0] in {"dvc.yaml", "environment.yaml"}:
        assert _stands_in(said, _whole(file))
    else:
        assert file.parent.name == "source"


def _whole(file: Path) -> object:
    whole = yaml.safe_load((ROOT / file).read_text())
    return whole["stages"] if file.name == "dvc.yaml" else whole


def _stands_in(said: object, whole: object) -> bool:
    if isinstance(said, dict):
        return isinstance(whole, dict) and all(key in whole and _stands_in(said[key], whole[key]) for key in said)
    return isinstance(said, str) and isinstance(whole, str) and _without_version(said) == _without_version(whole)


def _without_version(text: str) -> str:
    return " ".join(word for word in text.split() if not word[0].isdigit())


@pytest.fixture
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return what the addresses in the guides stand for on this machine: a PostgreSQL with rows, and a bucket's server."""
    import boto3
    import duckdb
    import pgserver
    from moto.server import ThreadedMotoServer
    from sqlalchemy import create_engine

    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    bucket = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    bucket.start()
    try:
        for name in ("shop", "mlflow", "log"):
            server.psql(f"CREATE DATABASE {name};")
        where = {
            address: server.get_uri(address.rpartition("/")[2]).replace("postgresql", address.partition("://")[0], 1)
            for address in DATABASES
        }
        rows = duckdb.sql(f"FROM read_csv('{ROOT}/data/churn/source/telco_churn.csv', all_varchar=true)").df()
        rows.to_sql("customers", create_engine(where[DATABASES[0]].replace("://", "+psycopg://", 1)), index=False)
        host, port = bucket.get_host_and_port()
        where["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=where["AWS_ENDPOINT_URL"], region_name="us-east-1", **_keys()).create_bucket(
            Bucket="example-bucket"
        )
        yield where
    finally:
        bucket.stop()
        server.cleanup()


def _keys() -> dict[str, str]:
    return {"aws_access_key_id": "reader", "aws_secret_access_key": "secret"}


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """Return an empty folder, where the tutorial begins."""
    (tmp_path / "copy" / "project").mkdir(parents=True)
    return Project(tmp_path / "copy" / "project", tmp_path / "copy")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", TYPED, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_is_typed(page: Path, request: pytest.FixtureRequest) -> None:
    """From top to bottom: files get what titled blocks say, commands succeed, and print what is shown."""
    where = request.getfixturevalue("places") if "db.example" in page.read_text() else {}
    reader = Reader(request.getfixturevalue("empty" if page.name == "tutorial.md" else "project"), where)
    try:
        for block in blocks(page):
            reader.follow(block)
    finally:
        reader.leave()


class Reader:
    """Someone who types what a page says, in the copy of a project that has run once."""

    def __init__(self, project: Project, where: Mapping[str, str]) -> None:
        self.project = project
        if (project.root / ".git").exists():
            project.run("git", "branch", "-M", "main")
            shutil.copytree(ROOT / "deploy", project.root / "deploy")
        self.where = where
        self.port = _free_port()
        self.environment = {
            **project.env,
            "BENTOML_PORT": str(self.port),
            "PAGER": "cat",
            "COLUMNS": "160",  # The pages show sentences unbroken.
            **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            **{name.upper(): value for name, value in _keys().items()},
            **{name: value for name, value in where.items() if name.isupper()},
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.language == "yaml" and ("how-to" in block.page.parts or block.page.name == "tutorial.md"):
            merge(self.project.root / block.title, block)
        if block.language not in SHELL or "not run" in block.marks:
            return
        for command in commands(block):
            if "background" in block.marks:
                self.start(command.typed)
                continue
            printed = self.type(command.typed, str(block))
            if command.shown is not None:
                assert matches(self.here(command.shown), printed), f"{block}: {command.typed}\n{printed}"

    def here(self, text: str) -> str:
        """Return a text with the guides' addresses as they are on this machine."""
        for address, real in self.where.items():
            text = text.replace(address, real)
        return text.replace("localhost:3000", f"localhost:{self.port}")

    def type(self, typed: str, place: str) -> str:
        """Return what a command prints; variables that it exports stay."""
        kept = self.project.root.parent / "environment"
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", f"{self.here(typed)}\nenv -0 > '{kept}'"],
            cwd=self.project.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{place}: {typed}\n{done.stdout[-4000:]}"
        self.environment = dict(line.split("=", 1) for line in kept.read_text().split("\0") if "=" in line)
        return done.stdout

    def start(self, typed: str) -> None:
        """Start a server, and wait until it answers that it is ready."""
        log = (self.project.root.parent / "server.log").open("wb")
        command = ["bash", "-c", f"exec {self.here(typed)}"]
        server = subprocess.Popen(
            command, cwd=self.project.root, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        self.running.append(server)
        until = time.monotonic() + 120
        while time.monotonic() < until and server.poll() is None:
            try:
                urllib.request.urlopen(f"http://localhost:{self.port}/readyz", timeout=5)
            except OSError:
                time.sleep(0.5)
            else:
                return
        pytest.fail(f"{typed}: is not ready\n{Path(log.name).read_text()[-3000:]}")

    def leave(self) -> None:
        """End what was started."""
        for server in self.running:
            os.killpg(server.pid, 15)
            server.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
