"""What a pipeline declares, held against itself."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from headrace.checking.expressions import check_expressions
from headrace.declaration.durations import microseconds
from headrace.declaration.features import feature_names
from headrace.declaration.modelling import TaskName
from headrace.declaration.targets import TARGETS
from headrace.errors import ConfigError
from headrace.features import check_features
from headrace.live import check_windows
from headrace.metrics import METRICS
from headrace.rules import check_rules
from headrace.sources import build, holds_secret
from headrace.splits import check_split
from headrace.tasks import check_target, task_of
from headrace.validation import check_schema
from headrace.words import known
from headrace.workspace import digest_of, is_lasting, keep, recall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config import Origin
    from headrace.declaration.modelling import Model
    from headrace.declaration.pipeline import Pipeline
    from headrace.tasks import Task

ALL = "all"
LABEL = "label"
"""A column of the table of scores, as `headrace.evaluation` writes it: a candidate's scores are one, too."""
OF_BINARY = ("false_positive_budget", "precision_at", "costs", "knowable")
"""Keys of `evaluation` that ask for a positive class."""
LARGEST_SEED = 2**32
"""NumPy and the libraries of models take no larger one."""


def check_pipeline(config: Pipeline, origin: Origin) -> list[str]:
    """Return a line for each thing that is wrong whatever the candidate: file, key, what was found, what is right."""
    return [f"{origin(key)}: {message}" for key, message in _problems(config)]


def check_source(config: Pipeline, origin: Origin) -> list[str]:
    """Return a line for each thing that is wrong with the source of the rows; nothing is read from it."""
    try:
        build(config.source, origin)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def check_candidate(config: Pipeline, origin: Origin) -> list[str]:
    """Return a line for each thing that is wrong with the candidate of a config, and with its model."""
    wrong = [*_candidate(config)]
    if config.model is not None:
        task = None if [*_target(config)] else task_of(config.target, config.schema.columns)
        wrong += [f"{origin(key)}: {message}" for key, message in _within("model", judged_model(config.model, task))]
    return wrong


def judged_model(model: Model, task: Task | None = None) -> list[tuple[str, str]]:
    """Return what the libraries say of a model: importing them and fitting a few rows takes a second for each.

    Args:
        model: The declaration.
        task: What it has to predict; None where that is not known.
    """
    asked = [dataclasses.asdict(model), task and task.describe()]
    digest = digest_of(f"model {json.dumps(asked, default=repr)}", [TARGETS])
    kept = recall(digest)
    if kept is not None:
        return [(key, message) for key, message in kept]
    from headrace.training import check_model

    found = check_model(model, task)
    if is_lasting([model._target_]):
        keep(digest, found)
    return found


def _problems(config: Pipeline) -> Iterator[tuple[str, str]]:
    schema = check_schema(config.schema)
    yield from _within("schema", schema)
    target = [*_target(config)]
    yield from target
    features = check_features(config.features, config.schema, config.target)
    yield from _within("features", features)
    yield from _within("split", check_split(config.split))
    if not target:  # what is right follows from the task
        yield from _within("rules", check_rules(config.rules, config.schema, config.features, config.target))
    yield from _until(config)
    yield from _numbers(config)
    yield from _evaluation(config)
    yield from _serving(config)
    if not schema and not target:  # DuckDB knows the columns by their types.
        expressions = [*check_expressions(config)]
        yield from expressions
        if not features and not expressions:
            yield from _windows(config)


def _windows(config: Pipeline) -> Iterator[tuple[str, str]]:
    # A service that cannot compute what its model was trained on would be found out after hours of training.
    try:
        check_windows(config.features, config.schema, config.target)
    except ConfigError as error:
        yield "features.windows", str(error)


def _within(section: str, problems: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, message in problems:
        yield f"{section}.{key}", message


def _candidate(config: Pipeline) -> Iterator[str]:
    # The table of scores has a column for each candidate beside those that say whose row it is.
    name = config.candidate
    if name in {*config.schema.columns, LABEL}:
        yield f"params.yaml: candidates.{name}: '{name}' is a column of the rows; give the candidate another name"


def _until(config: Pipeline) -> Iterator[tuple[str, str]]:
    if config.schema.timestamp is None:
        if config.until != ALL:
            yield "until", f"'{config.until}': rows have no time (schema.yaml: timestamp is null), so it has to be all"
        return
    try:
        date.fromisoformat(config.until)
    except ValueError:
        yield "until", f"'{config.until}' is no day; write the day after the last one to read, such as 2018-08-15"


def _target(config: Pipeline) -> Iterator[tuple[str, str]]:
    column, columns = config.target.column, config.schema.columns
    try:
        microseconds(config.target.delay)
    except ConfigError as error:
        yield "target.delay", str(error)
    if column not in columns:
        yield "target.column", f"'{column}' is no column of schema.yaml; {known(column, columns)}"
        return
    try:
        yield from _within("target", [*check_target(config.target, columns[column])])
    except ConfigError:
        return  # A wrong type is the schema's matter, and said there.


def _numbers(config: Pipeline) -> Iterator[tuple[str, str]]:
    """Yield numbers that no later stage could work with."""
    registration, at, costs = config.registration, config.evaluation.precision_at, config.evaluation.costs
    access = config.serving.access
    held = [
        ("seed", config.seed, 0 <= config.seed < LARGEST_SEED, f"0 or more, and below {LARGEST_SEED}"),
        ("registration.resamples", registration.resamples, registration.resamples >= 1, "1 or more"),
        ("registration.confidence", registration.confidence, 0 < registration.confidence < 1, "between 0 and 1"),
        ("serving.access.largest_body", access.largest_body, access.largest_body >= 1, "1 or more"),
        (
            "serving.access.requests_per_second",
            access.requests_per_second,
            access.requests_per_second > 0,
            "more than 0",
        ),
    ]
    if costs:
        held.append(("evaluation.costs.false_positive", costs.false_positive, costs.false_positive >= 0, "0 or more"))
    if at:
        held.append(("evaluation.precision_at.count", at.count, at.count >= 1, "1 or more"))
        yield from _period("evaluation.precision_at.period", at.period)
    for key, value, holds, right in held:
        if not holds:
            yield key, f"{value} has to be {right}"


def _period(key: str, length: str) -> Iterator[tuple[str, str]]:
    try:
        if microseconds(length) < 1:
            yield key, f"'{length}' is too short; write a length such as 1d"
    except ConfigError as error:
        yield key, str(error)


def _evaluation(config: Pipeline) -> Iterator[tuple[str, str]]:
    evaluation, features = config.evaluation, feature_names(config.features)
    task, metrics = config.target.task, METRICS[config.target.task]
    if evaluation.metric not in metrics:
        wrong = f"'{evaluation.metric}' is no metric of a {task} target"
        yield "evaluation.metric", f"{wrong}; {known(evaluation.metric, metrics)}"
    if evaluation.false_positive_budget is not None and not 0 < evaluation.false_positive_budget < 1:
        yield "evaluation.false_positive_budget", f"{evaluation.false_positive_budget} has to be between 0 and 1"
    yield from _of_binary_alone(config)
    for column in evaluation.slices:
        if column not in features:
            yield "evaluation.slices", f"'{column}' is no feature; {known(column, features)}"
    entities = {window.entity or name for name, window in config.features.windows.items()}
    for key, entity in _entities_named(config):
        if entity not in entities:
            yield key, f"'{entity}' is no entity of a window in features.yaml; {known(entity, entities)}"


def _of_binary_alone(config: Pipeline) -> Iterator[tuple[str, str]]:
    if config.target.task is TaskName.binary:
        return
    told: dict[str, Any] = {f"evaluation.{key}": getattr(config.evaluation, key) for key in OF_BINARY}
    told["split.time.exclude_known"] = config.split.time and config.split.time.exclude_known
    for key, value in told.items():
        if value is not None:
            yield key, f"is for task: binary, and target.task is {config.target.task}; leave it out"


def _serving(config: Pipeline) -> Iterator[tuple[str, str]]:
    log, columns = config.serving.log, config.schema.columns
    if log.subject is not None and log.subject not in columns:
        yield "serving.log.subject", f"'{log.subject}' is no column of schema.yaml; {known(log.subject, columns)}"
    try:
        microseconds(log.retention)
    except ConfigError as error:
        yield "serving.log.retention", str(error)
    for key, url in (("windows", config.serving.windows.url), ("log", log.url)):
        if url is not None and holds_secret(url):
            secret = f"HEADRACE_{key.upper()}__URL"
            yield f"serving.{key}.url", f"holds a password, which would be packaged; give it to the service as {secret}"


def _entities_named(config: Pipeline) -> Iterator[tuple[str, str]]:
    if config.evaluation.precision_at:
        yield "evaluation.precision_at.entity", config.evaluation.precision_at.entity
    if config.split.time and config.split.time.exclude_known:
        yield "split.time.exclude_known", config.split.time.exclude_known
