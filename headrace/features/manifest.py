"""`features.json`: what the columns of the features table are, and what each part was computed from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.features.plan import Plan

NAME = "features.json"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a features folder; an empty one where there is none."""
    file = folder / NAME
    return dict(json.loads(file.read_text())) if file.is_file() else {}


def describe(plan: Plan, parts: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of a features table.

    Args:
        plan: The resolved declaration.
        parts: The digest of the validated part, by part.
    """
    names = [
        *plan.features.columns,
        *plan.features.expressions,
        *(feature.name for feature in plan.windows),
        *plan.features.ratios,
    ]
    return {
        "key": plan.rows.key,
        "timestamp": plan.rows.timestamp,
        "label": plan.target.column,
        "task": plan.task.describe(),
        "entities": plan.entities,
        "features": [_feature(name, plan) for name in names],
        "declaration": declaration_digest(plan),
        "parts": dict(parts),
    }


def declaration_digest(plan: Plan) -> str:
    """Return a digest of all that a feature's value depends on, but for the rows: the declaration and the code."""
    declared = {
        "features": dataclasses.asdict(plan.features),
        "types": {name: column.type for name, column in plan.rows.columns.items()},
        "values": {name: column.values for name, column in plan.rows.columns.items()},
        "order": [plan.rows.timestamp, plan.rows.key],
        "target": dataclasses.asdict(plan.target),
        "code": [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(Path(__file__).parent.glob("*.py"))],
        "duckdb": duckdb.__version__,
    }
    return hashlib.sha256(json.dumps(declared, sort_keys=True, default=str).encode()).hexdigest()


def _feature(name: str, plan: Plan) -> dict[str, Any]:
    if name not in plan.texts:
        return {"name": name, "type": "number", "categories": None}
    column = plan.rows.columns.get(name) if name in plan.features.columns else None
    values = [str(value) for value in column.values] if column and column.values else None
    return {"name": name, "type": "category", "categories": values}
