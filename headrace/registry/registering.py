"""The decision about a winner: whether it is registered, and as what."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.models import read_manifest
from headrace.registry.comparing import compare, find_obstacle, score
from headrace.registry.opening import in_store
from headrace.registry.runs import Evaluated, record
from headrace.registry.versions import CHALLENGER, CHAMPION, Registered, add, admit, answers, download, find_alias
from headrace.storage import digest, read_json, write_json
from headrace.tasks import read_task

if TYPE_CHECKING:
    from headrace.declaration.pipeline import RegisterConfig
    from headrace.registry.opening import Store

ALIASES = {
    "first": CHAMPION,
    "better": CHALLENGER,
    "not comparable": CHALLENGER,
    "new threshold": CHALLENGER,
}
"""The alias that a registered winner gets, by decision; with any other decision nothing is registered."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """What becomes of a winner."""

    decision: str
    """`first`, `better`, `not better`, `champion` (it is the champion itself), `new threshold` (it is the champion but
    for that) or `not comparable`."""
    winner_value: float
    champion_value: float | None = None
    difference: float | None = None
    """How much better the winner is: positive where it is, also for a metric that is better when it is lower."""
    interval: tuple[float, float] | None = None
    reason: str | None = None


def register(data: Path, config: RegisterConfig, root: Path | None = None) -> dict[str, Any]:
    """Fill MLflow from what DVC holds, compare the winner with the champion, register it if that says so.

    Args:
        data: The pipeline's data folder; `registration.json` is written there.
        config: What the stage reads.
        root: The repository; the working directory where it is left out.

    Returns:
        What `registration.json` says.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
        IntegrityError: The champion's files in the registry, or the winner's here, were changed.
    """
    evaluated = Evaluated.read(config.pipeline, data)

    def work(store: Store) -> dict[str, Any]:
        runs, _ = record(store, evaluated, root or Path())
        champion = find_alias(store, config.pipeline, CHAMPION)
        decision = decide(store, champion, evaluated, config)
        version, alias = champion, CHAMPION
        if decision.decision in ALIASES:
            alias = ALIASES[decision.decision]
            version = add(store, config.pipeline, data / "winner", runs[evaluated.summary["winner"]])
            admit(store, version, alias)
        kept = decision.decision != "not better"
        return {
            **dataclasses.asdict(decision),
            "champion_version": champion and champion.number,
            "version": version.number if version and kept else None,
            "alias": alias if kept else None,
        }

    registration = {**in_store(config.tracking, work), **_declared(data, config, evaluated)}
    write_json(data / "registration.json", registration)
    return registration


def decide(store: Store, champion: Registered | None, evaluated: Evaluated, config: RegisterConfig) -> Decision:
    """Compare the winner with the champion."""
    data, summary = evaluated.data, evaluated.summary
    winner = read_manifest(data / "winner")
    value = float(summary["candidates"][summary["winner"]]["test"][config.evaluation.metric])
    if champion is None:
        return Decision("first", value)
    same = Decision("champion", value, value, 0.0, (0.0, 0.0))
    if champion.answers == answers(winner):
        return same
    with tempfile.TemporaryDirectory() as folder:
        model = download(store, champion, Path(folder))
    if winner["threshold"] is not None and answers({**model.manifest, "threshold": None}) == answers(
        {**winner, "threshold": None}
    ):
        reason = f"threshold {model.manifest['threshold']:.6g} -> {winner['threshold']:.6g}"
        return dataclasses.replace(same, decision="new threshold", reason=reason)
    features = read_json(data / "features" / "features.json")
    obstacle = find_obstacle(model.manifest, features, summary)
    if obstacle:
        return Decision("not comparable", value, reason=obstacle)
    rows = _test_rows(data)
    scores = score(model, rows, data / "features", features["key"])
    compared = compare(rows, read_task(features), summary["winner"], scores, config)
    better = compared.interval[0] > config.registration.minimum_gain
    return Decision("better" if better else "not better", **dataclasses.asdict(compared))


def _test_rows(data: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(data / "evaluation" / "scores.parquet").to_pandas()


def _declared(data: Path, config: RegisterConfig, evaluated: Evaluated) -> dict[str, Any]:
    return {
        "pipeline": config.pipeline,
        "model_name": config.pipeline,
        "candidate": evaluated.summary["winner"],
        "digest": digest(data / "winner"),
        "metric": config.evaluation.metric,
        "confidence": config.registration.confidence,
        "resamples": config.registration.resamples,
        "minimum_gain": config.registration.minimum_gain,
    }
