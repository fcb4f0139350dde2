"""A declared model, held against the library that it names."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.declaration.modelling import TaskName
from headrace.declaration.targets import locate
from headrace.errors import ConfigError, IntegrityError
from headrace.models import BALANCES, PREPARATIONS, REFUSES, Input, family_of, fit, load, prepare_rows, save
from headrace.tasks import read_task
from headrace.training.matching import fits, fitting_models
from headrace.words import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.declaration.modelling import Model, SearchRange
    from headrace.tasks import Task

Problem = tuple[str, str]
NONE = "none"
BINARY = read_task({})
REGRESSION = read_task({"task": {"name": TaskName.regression, "classes": []}})

TREES = ("n_estimators", "num_iterations", "max_iter")
"""Parameters that say how long a fit takes; a trial fit does with few."""

FEW = 2
"""XGBoost's constructor names no more than this; all else passes through its `**kwargs`."""

BOUND_TO_FEATURES = re.compile("constraints|contri|forced|categorical|feature_(types|weights)|_by_feature")
"""Parameters that only make sense with the real features."""


def check_model(model: Model, task: Task | None = None) -> list[Problem]:
    """Return what is wrong, as the key within `conf/model/<name>.yaml` and a message that says what would be right.

    Without a task it is the one that the estimator fits. Names are compared with the library's own lists, since
    LightGBM and XGBoost pass over a name that they do not know. Values are judged by the library: by fitting a few
    made-up rows.
    """
    try:
        kind = locate(model._target_)
    except ConfigError as error:
        return [("_target_", str(error).removeprefix("_target_: "))]
    task = task or _fitting(kind)
    if not fits(kind, task):
        return [("_target_", _unfit(model._target_, task))]
    problems = [*_choices(model, task), *_names(model, kind), *_ranges(model)]
    return problems or list(_values(model, task))


def _choices(model: Model, task: Task) -> Iterator[Problem]:
    if model.prepare not in PREPARATIONS:
        yield "prepare", f"'{model.prepare}' is none of: {', '.join(PREPARATIONS)}"
    if model.balance not in BALANCES:
        yield "balance", f"'{model.balance}' is none of: {', '.join(BALANCES)}"
    elif model.balance != NONE and not task.is_classification:
        yield "balance", f"'{model.balance}' is for classes; a target that is a number has none: set it to {NONE}"
    if model.maximum_rows_ratio is not None and model.maximum_rows_ratio <= 0:
        yield "maximum_rows_ratio", f"{model.maximum_rows_ratio} has to be above 0, such as 20"
    if model.trials < 0:
        yield "trials", f"{model.trials} has to be 0 or more"
    if model.trials > 0 and not model.search:
        yield "trials", f"{model.trials} trials of nothing: declare a search, or set trials to 0"


def _fitting(kind: Any) -> Task:
    return next((each for each in (BINARY, REGRESSION) if fits(kind, each)), BINARY)


def _unfit(target: str, task: Task) -> str:
    if task.is_classification:
        is_not, needed = "is no classifier: it has no fit and predict_proba", "a classifier"
    else:
        is_not, needed = "is no regressor: it has no fit and predict, or predicts classes", "a regressor"
    models = ", ".join(fitting_models(task)) or "none"
    return f"'{target}' {is_not}; target.task: {task.name} takes {needed}, in conf/model: {models}"


def _names(model: Model, kind: type[Any]) -> Iterator[Problem]:
    known = family_of(model._target_).parameters(kind)
    for section, names in (("params", model.params), ("search", model.search)):
        for name in names:
            if name not in known:
                yield f"{section}.{name}", f"{kind.__name__} has no such parameter; {_suggest(name, kind, known)}"
    fixed = {known.get(name, name): name for name in model.params}
    for name in model.search:
        if model.trials and known.get(name, name) in fixed:
            also = fixed[known.get(name, name)]
            yield (
                f"params.{also}",
                f"it is fixed here and searched in search.{name}; keep one of them, or set trials to 0",
            )


def _suggest(name: str, kind: type[Any], known: Mapping[str, str]) -> str:
    # LightGBM knows 300 names; those of its constructor are the ones that people look for.
    common = [each for each in inspect.signature(kind).parameters if each in known]
    names = common if len(common) > FEW else sorted(set(known.values()))
    return f"{closest(name, known)}known are: {', '.join(names)}"


def _ranges(model: Model) -> Iterator[Problem]:
    for name, each in model.search.items():
        for message in _range(each):
            yield f"search.{name}", message


def _range(each: SearchRange) -> Iterator[str]:
    if each.choices is not None:
        if each.low is not None or each.high is not None:
            yield "give choices, or low and high; found both"
        elif not each.choices:
            yield "choices has to name at least one value"
        elif each.start is not None and each.start not in each.choices:
            yield f"start: {each.start} is none of the choices"
    elif each.low is None or each.high is None:
        yield "give choices, or low and high"
    elif each.low >= each.high:
        yield f"low ({each.low:g}) has to be below high ({each.high:g})"
    elif each.log and each.low <= 0:
        yield f"low ({each.low:g}) has to be above 0 where log is true"
    elif each.start is not None and not each.low <= each.start <= each.high:
        yield f"start: {each.start} is not between low ({each.low:g}) and high ({each.high:g})"


def _values(model: Model, task: Task) -> Iterator[Problem]:
    """Fit some rows with the values that the search starts from, and with its ends."""
    samples = [{name: each.start for name, each in model.search.items() if each.start is not None}]
    if model.trials:
        samples += [{name: _end(each, end) for name, each in model.search.items()} for end in (0, -1)]
    known = family_of(model._target_).parameters(locate(model._target_))
    for sample in samples:
        params = {
            name: min(value, 2) if known[name] in TREES and isinstance(value, int) else value
            for name, value in {**model.params, **sample}.items()
            if not BOUND_TO_FEATURES.search(known[name])
        }
        try:
            with _quiet():
                _fit_made_up_rows(model, params, task)
        except IntegrityError as error:
            yield "_target_", f"'{model._target_}' cannot be saved without a pickle: {error}"
            return
        except ConfigError as error:
            said = str(error).partition(REFUSES)[2].strip()
            named = [name for name in params if re.search(rf"\b{re.escape(name)}\b", said)]
            section = "search" if named and named[0] in sample else "params"
            yield f"{section}.{named[0]}" if len(named) == 1 else section, f"{model._target_} refuses it: {said}"
            return


def _end(each: SearchRange, end: int) -> Any:
    if each.choices is not None:
        return each.choices[end]
    value = (each.low, each.high)[end]
    assert value is not None
    return int(value) if each.integer else float(value)


def _fit_made_up_rows(model: Model, params: dict[str, Any], task: Task) -> None:
    """Fit, save and load, so that no training ends in a model that cannot be kept."""
    random = np.random.default_rng(0)
    inputs = (Input("a", "number"), Input("b", "number"))  # not every estimator takes categories as they are
    count = max(60, 4 * len(task.classes))
    matrix = random.normal(size=(count, 2))
    labels = (np.arange(count) % len(task.classes) if task.classes else 1 + np.arange(count)).astype(task.label_dtype)
    fitted = fit(model, params, prepare_rows(model, inputs, matrix, labels, 0, task=task), 0)
    with tempfile.TemporaryDirectory() as folder:
        save(fitted, Path(folder), {})
        load(Path(folder))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # LightGBM writes what it refuses to the standard error, from C++, before it raises what we say in our own line.
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  a device
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
