"""GitHub's part in a workflow: a workspace for each job, its environment files, and a `gh` that writes down what it is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""How GitHub runs a step with `shell: bash`."""

# It has the comments of `$GH_HOME/comments`, a file for each, and adds or changes one.
GH = """#!/usr/bin/env python3
import os, re, sys
from pathlib import Path
comments, told = Path(os.environ["GH_HOME"], "comments"), " ".join(sys.argv[1:])
comments.mkdir(exist_ok=True)
with Path(os.environ["GH_HOME"], "told").open("a") as file:
    print(told, file=file)
if told == "auth setup-git":
    pass
elif told.startswith("api --paginate repos/shop/churn/issues/7/comments --jq"):
    print(*[file.name for file in comments.iterdir()], sep="\\n", end="")
elif found := re.fullmatch(r"api --silent --method PATCH repos/shop/churn/issues/comments/(\\d+) --field body=@(.+)", told):
    (comments / found[1]).write_bytes(Path(found[2]).read_bytes())
elif found := re.fullmatch(r"pr comment 7 --repo shop/churn --body-file (.+)", told):
    (comments / "41").write_bytes(Path(found[1]).read_bytes())
else:
    sys.exit(f"gh: what is {told!r}?")
"""


class GitHub:
    """A server that holds one repository, `shop/churn`, whose pull request 7 is from a branch of its own."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.repository = home / "server" / "shop" / "churn"
        program = home / "bin" / "gh"
        program.parent.mkdir(parents=True)
        program.write_text(GH)
        program.chmod(0o755)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "venv"], check=True)
        self.environment = {
            **environment,
            "PATH": f"{program.parent}{os.pathsep}{environment['PATH']}",
            "GH_HOME": str(home),
            "PYTHON": sys.executable,
            "GITHUB_SERVER_URL": (home / "server").as_uri(),
            "GITHUB_REPOSITORY": "shop/churn",
            "GITHUB_BASE_REF": "main",
            "GITHUB_REF_NAME": "main",
        }

    @property
    def comments(self) -> list[str]:
        """Return the bodies of the pull request's comments."""
        return [file.read_text() for file in sorted((self.home / "comments").iterdir())]

    def clone(self, name: str, branch: str) -> Path:
        """Return a workspace with a branch, as `actions/checkout` makes it; jobs share what `make` installs."""
        workspace = self.home / name / "work"
        subprocess.run(["git", "clone", "-q", "-b", branch, self.repository, workspace], check=True)
        (workspace / ".venv").symlink_to(self.home / "venv")
        return workspace

    def run(self, workflow: str, job: str, workspace: Path) -> dict[str, str]:
        """Run the steps of a job in their order.

        Returns:
            What each step printed, by its name.
        """
        declared = yaml.safe_load((WORKFLOWS / workflow).read_text())
        work = declared["jobs"][job]
        context = {
            "github.workspace": str(workspace),
            "github.event.pull_request.number": "7",
            "github.token": "a-token",
        }
        files = {
            name: workspace.parent / name
            for name in ("GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_OUTPUT")
        }
        environment = {
            **self.environment,
            **{name: str(file) for name, file in files.items()},
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_SHA": _git(workspace, "rev-parse", "HEAD") if (workspace / ".git").exists() else "",
            "RUNNER_TEMP": str(workspace.parent),
            **resolved(declared.get("env", {}), context),
            **resolved(work.get("env", {}), context),
        }
        printed = {}
        for step in shell_steps(work):
            paths = files["GITHUB_PATH"].read_text().split() if files["GITHUB_PATH"].exists() else []
            path = os.pathsep.join([*reversed(paths), environment["PATH"]])
            assert not EXPRESSION.search(step["run"]), "a step takes what GitHub knows from its environment"
            done = subprocess.run(
                [*BASH, step["run"]],
                cwd=workspace / step.get("working-directory", ""),
                env={**environment, "PATH": path, **resolved(step.get("env", {}), context)},
                capture_output=True,
                text=True,
                timeout=1500,
                check=False,
            )
            printed[step["name"]] = done.stdout
            assert done.returncode == 0, f"{job}: {step['name']}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return printed


def shell_steps(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps that are commands; the others are GitHub's own actions."""
    yield from (step for step in job["steps"] if "run" in step)


def resolved(values: Mapping[str, Any], context: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables with GitHub's expressions filled in; a secret that is not set is left out."""
    found = {}
    for name, value in values.items():
        if "secrets." not in str(value):
            found[name] = EXPRESSION.sub(lambda match: context[match[1]], str(value))
    return found


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
