"""From a pipeline's outputs to its page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.report import formatting, sentences, tables
from headrace.report.choosing import sentences_of, task_name
from headrace.report.lineage import find_commit, read_stages
from headrace.report.words import words_for
from headrace.storage import read_json, write_beside

if TYPE_CHECKING:
    from headrace.declaration.pipeline import ReportConfig

HERE = Path(__file__).parent
CAPTIONS = {
    "importance": "What the winner goes by",
    "timeline": "Rows of each day, and what they were for",
}
"""Of the figures that every task has."""


def write_report(data: Path, root: Path, config: ReportConfig) -> None:
    """Write `report.html` of a pipeline.

    Args:
        data: The pipeline's data folder.
        root: The repository, whose commit and `dvc.lock` the page names.
        config: What the pipeline declares.

    Raises:
        DataError: an output of an earlier stage is missing.
    """
    with write_beside(data / "report.html") as beside:
        beside.write_text(render(data, root, config), encoding="utf-8")


def render(data: Path, root: Path, config: ReportConfig) -> str:
    """Return the page: one HTML file that needs no network and no script."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    evaluation = read_json(data / "evaluation" / "evaluation.json")
    validation = read_json(data / "validation.json")
    names = tables.candidate_names(evaluation)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(formatting, name) for name in FILTERS}
    return environment.get_template(f"{task_name(evaluation)}.html.j2").render(
        config=config,
        declared={"target": asdict(config.target), "evaluation": asdict(config.evaluation)},
        style=(HERE / "page.css").read_text(),
        evaluation=evaluation,
        winner=evaluation["candidates"][evaluation["winner"]],
        names=names,
        rows=tables.metric_rows(evaluation, names, "test"),
        validation=validation,
        registration=read_json(data / "registration.json"),
        package=read_json(data / "package" / "bento.json"),
        figures=_draw(data, validation, evaluation),
        captions=_captions(evaluation),
        commit=find_commit(root),
        stages=read_stages(root, config.pipeline, names),
        say=sentences,
        task=sentences_of(evaluation),
        words_for=words_for,
        tables=tables,
    )


FILTERS = ("count", "day", "lower_first", "metric", "number", "period", "plain", "share")


def _draw(data: Path, validation: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, str]:
    from headrace.plots import figures, timeline, to_svg  # matplotlib: seconds that the sentences of a page do not take

    drawn = figures(data)
    days = timeline(validation, evaluation)
    if days is not None:
        drawn["timeline"] = days
    captions = _captions(evaluation)
    return {name: to_svg(name, figure, captions[name]) for name, figure in drawn.items()}


def _captions(evaluation: dict[str, Any]) -> dict[str, str]:
    return {**CAPTIONS, **sentences_of(evaluation).CAPTIONS}
