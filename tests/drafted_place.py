"""A project without pipelines, and what a person does there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from typer.testing import CliRunner

from headrace.checking import check_declarations
from headrace.checking.pipeline import check_pipeline
from headrace.cli import app
from headrace.config import compose
from headrace.declaration.pipeline import FeaturizeConfig, IngestConfig, Pipeline, ValidateConfig
from headrace.sources import ingest
from headrace.validation import validate

if TYPE_CHECKING:
    from headrace.validation import Summary

REPOSITORY = Path(__file__).parents[1]
PARAMS = "# Which pipelines run.\npipelines: {}\n\n# Who competes.\ncandidates: {}\n"


@dataclass
class Place:
    """A folder that is a project."""

    root: Path

    def init(self, *arguments: object) -> str:
        """Run `headrace init`, which has to succeed, and return what it says."""
        done = CliRunner().invoke(app, ["init", *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *arguments: object) -> str:
        """Run `headrace init`, which has to fail and to leave everything as it is, and return what it says."""
        before = self.files()
        done = CliRunner().invoke(app, ["init", *map(str, arguments)])
        assert done.exit_code == 1, done.output
        assert self.files() == before
        return done.stderr

    def files(self) -> dict[Path, bytes]:
        """Return all that is in the project."""
        return {path: path.read_bytes() if path.is_file() else b"" for path in sorted(self.root.rglob("*"))}

    def declared(self, name: str, file: str) -> Any:
        """Return what a file of a pipeline says."""
        return yaml.safe_load((self.root / "pipelines" / name / f"{file}.yaml").read_text(encoding="utf-8"))

    def text(self, name: str, file: str) -> str:
        """Return a file of a pipeline, with its comments."""
        return (self.root / "pipelines" / name / f"{file}.yaml").read_text(encoding="utf-8")

    def params(self) -> Any:
        """Return params.yaml."""
        return yaml.safe_load((self.root / "params.yaml").read_text())

    def features(self, name: str) -> list[str]:
        """Return the columns that are features, as a stage reads them."""
        return compose(Path("pipelines", name), [], FeaturizeConfig)[0].features.columns

    def problems(self, name: str) -> list[str]:
        """Return what the check of declarations has against a pipeline; models are its own matter."""
        return check_pipeline(*compose(Path("pipelines", name), self._choices(name), Pipeline))

    def all_problems(self, name: str) -> list[str]:
        """Return what `headrace check` has against a pipeline, with its models."""
        return [str(problem) for problem in check_declarations([name]).problems]

    def accept(self, name: str) -> Summary:
        """Ingest and validate the rows of a pipeline, which has to be within the declared limits."""
        folder, data = Path("pipelines", name), Path("data", name)
        config, _ = compose(folder, self._choices(name), IngestConfig)
        ingest(config, data)
        schema = compose(folder, [], ValidateConfig)[0].schema
        return validate(
            raw=data / "raw",
            validated=data / "validated",
            rejected=data / "rejected",
            result=data / "validation.json",
            schema=schema,
        )

    def _choices(self, name: str) -> list[str]:
        chosen = self.params()["pipelines"][name]
        return [f"source={chosen['source']}", f"until={chosen['until']}", "model=decision_tree", "tracking=file"]


def make_place(root: Path) -> Place:
    """Return a project without pipelines in an empty folder."""
    shutil.copytree(REPOSITORY / "conf", root / "conf")
    shutil.copyfile(REPOSITORY / "dvc.yaml", root / "dvc.yaml")
    (root / "params.yaml").write_text(PARAMS)
    return Place(root)
