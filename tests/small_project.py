"""A small project: the repository's files, in which the tools of our users run for real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("conf", "pipelines", "stages", "headrace", "params.yaml", "dvc.yaml", "bentofile.yaml", ".dvcignore")
FILES = ("requirements.lock", "requirements.serve.lock", "pyproject.toml", "environment.yaml", "README.md")


class Project:
    """A folder with the repository's files, where the tools of our users run for real."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))},
            "PATH": path,
            "BENTOML_HOME": str(home / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
            "DVC_NO_ANALYTICS": "1",
        }

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.env, **environment},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
        return done

    def dvc(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a DVC command as a user types it."""
        return self.run(sys.executable, "-m", "dvc", *arguments, check=check, **environment)

    def stage(self, name: str, pipeline: str, *overrides: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a stage as DVC runs it."""
        command = ("-m", f"stages.{name}", "-cd", f"pipelines/{pipeline}", "-cn", "pipeline", *overrides)
        return self.run(sys.executable, *command, check=check)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a piece of text that stands in a file."""
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def ran(self, output: str) -> list[str]:
        """Return the stages that `dvc repro` ran, from what it printed."""
        return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def copy_repository(target: Path) -> None:
    """Copy what git holds of the repository, but for tests and documents: a DVC project."""
    target.mkdir(parents=True)
    for name in (*COPIED, *FILES):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target / name)
    (target / ".dvc").mkdir()
    for name in (".dvc/.gitignore", ".dvc/config"):
        shutil.copyfile(ROOT / name, target / name)
    shutil.copytree(ROOT / ".dvc" / "plots", target / ".dvc" / "plots")
    for pipeline in ("fraud", "churn"):
        shutil.copytree(ROOT / "data" / pipeline / "source", target / "data" / pipeline / "source")
    (target / ".gitignore").write_text("__pycache__/\n/mlflow.db\n/mlflow.db.lock\n/mlruns/\n")


def shrink(project: Project) -> None:
    """Make both pipelines run in seconds: fewer customers, weeks and trials."""
    project.edit("params.yaml", "2018-08-15", "2018-06-10")
    project.edit(
        "pipelines/fraud/pipeline.yaml", "source:", "source:\n  customers: 150\n  terminals: 600\n  radius: 20\n#"
    )
    project.edit("pipelines/fraud/pipeline.yaml", "train: 49d", "train: 21d")
    for model in (project.root / "conf" / "model").glob("*.yaml"):
        model.write_text(re.sub(r"^trials: [1-9]\d*", "trials: 2", model.read_text(), flags=re.MULTILINE))
