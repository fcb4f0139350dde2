"""The bodies of requests and answers, made from a pipeline's declaration."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, Optional

from bentoml import IODescriptor
from pydantic import ConfigDict, Field, TypeAdapter, WithJsonSchema, create_model, model_validator, with_config
from typing_extensions import TypedDict

from headrace.declaration.modelling import TaskName
from headrace.service.fields import column_field
from headrace.service.reading import BATCH_ID, REQUEST_ID
from headrace.service.refusing import say_what_was_found

if TYPE_CHECKING:
    from headrace.declaration.rows import TypedRows
    from headrace.service.contents import Contents
    from headrace.tasks import Task

LARGEST_BATCH = 100_000
MOST_OUTCOMES = 1000
RequestId = Annotated[str, Field(pattern=REQUEST_ID.replace(r"\A", "^").replace(r"\Z", "$"))]
BatchId = Annotated[str, Field(pattern=BATCH_ID.replace(r"\A", "^").replace(r"\Z", "$"))]
GIVEN_ID = Field(default=None, description="What the answer is found by; asking again with it gives the same answer")
MADE_ID = Field(description="What the answer is found by")


UNITS = {
    TaskName.binary: "in log-odds",
    TaskName.multiclass: "in the score of the predicted class before softmax",
    TaskName.regression: "in the unit of what is predicted",
}
"""Of contributions."""


class Body(IODescriptor):  # type: ignore[misc] # mypy does not follow BentoML
    """What BentoML reads from a request or writes to an answer."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class RequestBody(Body):
    """What BentoML reads from a request; where it is refused it is told what was found, and what would be right."""

    @model_validator(mode="wrap")
    @classmethod
    def _say(cls, value: Any, handler: Any) -> Any:
        return say_what_was_found(value, handler)


def request_body(contents: Contents) -> type[Body]:
    """Return the model of a `/predict` request: `{"instance": {<column>: <value>, ...}}`."""
    return create_model(
        "PredictRequest",
        __base__=RequestBody,
        instance=(instance_type(contents), ...),
        request_id=(Optional[RequestId], GIVEN_ID),  # noqa: UP045  the type is a value here
        explain=(
            Annotated[bool, Field(strict=True)],
            Field(default=False, description="Whether to tell what each feature contributes"),
        ),
    )


def batch_body(contents: Contents) -> type[Body]:
    """Return the model of a `/predict_batch` request; instances are validated later, so that none spoils the rest."""
    described = TypeAdapter(instance_type(contents)).json_schema()
    return create_model(
        "BatchRequest",
        __base__=RequestBody,
        instances=(Annotated[list[Annotated[Any, WithJsonSchema(described)]], Field(max_length=LARGEST_BATCH)], ...),
        request_id=(
            Optional[BatchId],  # noqa: UP045
            Field(default=None, description="Its answers are found by <request_id>-0, <request_id>-1, ..."),
        ),
    )


class Contribution(Body):
    """What a feature adds to the log-odds of the positive class, the score of the predicted one, or the number."""

    feature: str
    value: Annotated[Any, WithJsonSchema({"description": "The feature's value; null for a missing one"})]
    contribution: float


def answer_body(contents: Contents) -> type[Body]:
    """Return the model of an answer."""
    unit = UNITS[contents.task.name]
    return create_model(
        "Prediction",
        __base__=Body,
        **_answer_fields(contents),
        latency_ms=Annotated[float, Field(description="From the request's arrival to its answer")],
        base_value=(float, Field(default=None, description="What contributions are added to")),
        contributions=(
            list[Contribution],
            Field(default=None, description=f"Where `explain` asks for them: the largest first, {unit}"),
        ),
    )


def batch_answer_body(contents: Contents) -> type[Body]:
    """Return the model of the answer to a batch."""
    one: Any = create_model("BatchPrediction", __base__=Body, **_answer_fields(contents))
    wrong: Any = create_model(
        "BatchError",
        __base__=Body,
        index=Annotated[int, Field(description="Of the instance, from 0")],
        error=Annotated[str, Field(description="What is wrong with it, and what would be right")],
    )
    predictions: Any = Annotated[list[one | None], Field(description="One for each instance; null for a wrong one")]
    errors: Any = list[wrong]
    return _model("BatchAnswer", Body, predictions=predictions, errors=errors, latency_ms=float)


def outcomes_body(contents: Contents) -> type[Body]:
    """Return the model of an `/outcomes` request."""
    outcome = dataclasses.replace(contents.schema.columns[contents.target.column], nullable=False)
    one: Any = TypedDict("Outcome", {"request_id": RequestId, "label": column_field(outcome)})  # type: ignore[misc]
    one.__doc__ = f"What {contents.target.column} of an answer turned out to be."
    named = with_config(ConfigDict(extra="forbid", field_title_generator=lambda name, _: name))(one)
    outcomes: Any = Annotated[list[named], Field(min_length=1, max_length=MOST_OUTCOMES)]  # type: ignore[valid-type]
    return _model("OutcomesRequest", RequestBody, outcomes=outcomes)


class OutcomeResult(Body):
    """What became of an outcome."""

    request_id: str
    result: Annotated[
        str,
        Field(
            description="recorded; same: it was known already; conflict: another one was recorded, which stands; "
            "unknown: no answer has this request_id"
        ),
    ]
    error: Optional[str] = None  # noqa: UP045


class OutcomesAnswer(Body):
    """One result for each outcome, in their order."""

    results: list[OutcomeResult]


def instance_type(contents: Contents) -> Any:
    """Return the type of a row. A TypedDict has keys of any name: those of columns need be no Python identifiers."""
    rows: TypedRows = contents.schema
    fields: dict[str, Any] = {}
    for name in contents.request:
        column = rows.columns[name]
        field = column_field(column, contents.history_until if name == rows.timestamp else None)
        fields[name] = NotRequired[field] if column.nullable or name == rows.key else field
    instance = TypedDict("Instance", fields)  # type: ignore[misc]
    instance.__doc__ = f"A row of {contents.pipeline} before its {contents.target.column} is known."
    return with_config(ConfigDict(extra="forbid", field_title_generator=lambda name, _: name))(instance)


def _answer_fields(contents: Contents) -> dict[str, Any]:
    return {
        **_said_fields(contents.task, contents.target.column),
        "decision": Annotated[
            str, WithJsonSchema({"enum": contents.decisions, "description": "What rules and model decide"})
        ],
        "rule": Annotated[Optional[str], Field(description="The rule that decided; null where the model did")],  # noqa: UP045
        "model_version": Annotated[str, Field(description="The beginning of the model's digest")],
        "variant": Annotated[str, Field(description="Which of the models that answer side by side it is")],
        "request_id": Annotated[str, MADE_ID],
    }


def _said_fields(task: Task, column: str) -> dict[str, Any]:
    described = f"What the model takes {column} for"
    if not task.is_classification:
        return {"prediction": Annotated[float, Field(description=described)]}
    is_binary = task.name is TaskName.binary
    of = f"That {column} is {task.classes[1] if is_binary else 'what is predicted'}"
    said = {
        "prediction": Annotated[Any, WithJsonSchema({"enum": list(task.classes), "description": described})],
        "probability": Annotated[float, Field(ge=0, le=1, description=of)],
    }
    if not is_binary:
        said["probabilities"] = Annotated[dict[str, float], Field(description=f"That {column} is each of its values")]
    return said


def _model(name: str, base: type[Body], **fields: Any) -> type[Body]:
    made: type[Body] = create_model(name, __base__=base, **fields)
    return made
