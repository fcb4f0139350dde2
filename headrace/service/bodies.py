"""The bodies of requests and answers, made from a pipeline's declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from bentoml import IODescriptor
from pydantic import ConfigDict, Field, WithJsonSchema, create_model, model_validator, with_config
from typing_extensions import TypedDict

from headrace.service.fields import column_field
from headrace.service.refusing import say_what_was_found

if TYPE_CHECKING:
    from headrace.declaration.rows import TypedRows
    from headrace.service.contents import Contents


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
    return create_model("PredictRequest", __base__=RequestBody, instance=(_instance(contents), ...))


def answer_body(contents: Contents) -> type[Body]:
    """Return the model of an answer."""
    outcome = contents.schema.columns[contents.target.column]
    negative, positive = outcomes(contents)
    predicted = WithJsonSchema({"enum": [negative, positive], "description": outcome.description})
    share = Field(ge=0, le=1, description=f"That {contents.target.column} is {positive}")
    return create_model(
        "Prediction",
        __base__=Body,
        prediction=Annotated[Any, predicted],
        probability=Annotated[float, share],
        threshold=Annotated[float, Field(description=f"From this probability on the prediction is {positive}")],
        model=Annotated[str, Field(description="The candidate that won")],
        model_version=Annotated[str, Field(description="The beginning of the model's digest")],
    )


def outcomes(contents: Contents) -> tuple[Any, Any]:
    """Return what is predicted below the threshold and from it on.

    They are the label's own values where it has two, and 0 and 1 otherwise.
    """
    label = contents.schema.columns[contents.target.column]
    values = [False, True] if label.type == "boolean" else label.values or []
    positive = contents.target.positive
    others = [value for value in values if value != positive]
    return (others[0], positive) if len(values) == 2 and len(others) == 1 else (0, 1)


def _instance(contents: Contents) -> Any:
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
