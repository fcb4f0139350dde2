"""A small project that has run once, shared by every test that needs one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from small_project import Project, copy_repository, shrink

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["packaged_fixtures"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of a small project after its first `dvc repro`; nobody writes there."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    root = shared / "finished" / "project"
    with FileLock(shared / "finished.lock"):
        if not (shared / "finished" / "done").exists():
            shutil.rmtree(shared / "finished", ignore_errors=True)
            copy_repository(root)
            project = Project(root, root.parent)
            shrink(project)
            for command in (
                ["git", "init", "-q"],
                ["git", "config", "user.email", "a@b.c"],
                ["git", "config", "user.name", "A"],
            ):
                project.run(*command)
            project.dvc("repro")
            project.run("git", "add", "-A")
            project.run("git", "commit", "-qm", "first")
            (shared / "finished" / "done").touch()
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Project:
    """Return a copy of the finished project, with its registry and its Bentos, to change at will."""
    shutil.copytree(finished.parent, tmp_path / "copy", symlinks=True)
    return Project(tmp_path / "copy" / "project", tmp_path / "copy")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """Return a project that never ran, small enough to run."""
    copy_repository(tmp_path / "copy" / "project")
    project = Project(tmp_path / "copy" / "project", tmp_path / "copy")
    shrink(project)
    project.run("git", "init", "-q")
    return project
