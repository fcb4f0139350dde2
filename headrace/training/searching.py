"""A declared search space, in Optuna's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

    from headrace.declaration.modelling import Model, SearchRange


def starts(model: Model) -> dict[str, Any]:
    """Return the parameters that a search starts from, and that stay where nothing is searched."""
    return {name: each.start for name, each in model.search.items() if each.start is not None}


def suggest(trial: optuna.Trial, model: Model) -> dict[str, Any]:
    """Return a trial's parameters: the declared ones, and a value of each dimension of the search."""
    return {**model.params, **{name: _suggest(trial, name, each) for name, each in model.search.items()}}


def make_study(model: Model, seed: int, *, maximize: bool) -> optuna.Study:
    """Return a study that starts from the declared values, and drops a trial that is worse than most halfway."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if maximize else "minimize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    first = starts(model)
    if first:
        study.enqueue_trial(first)
    return study


def _suggest(trial: optuna.Trial, name: str, each: SearchRange) -> Any:
    if each.choices is not None:
        return trial.suggest_categorical(name, each.choices)
    assert each.low is not None
    assert each.high is not None
    if each.integer:
        return trial.suggest_int(name, int(each.low), int(each.high), log=each.log)
    return trial.suggest_float(name, each.low, each.high, log=each.log)
