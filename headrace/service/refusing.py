"""How a request is told what is wrong with it, and how little of that is logged."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST, MOST = 60, 5
"""How much of a value is told, and how many errors are logged."""
WITHOUT_VALUE = {"missing": "missing; it has to be given", "extra_forbidden": "not known here; leave it out"}
DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
BENTOML_LOG = "bentoml._internal.server.http_app"


def say_what_was_found(value: Any, handler: Any) -> Any:
    """Validate, and say of each value that is refused what was found, beside what would be right."""
    try:
        return handler(value)
    except ValidationError as error:
        details = [_with_found(each) for each in error.errors(include_url=False)]
        raise ValidationError.from_exception_data(error.title, details, "json") from None


def _with_found(error: ErrorDetails) -> InitErrorDetails:
    kind = error["type"]
    right = DECIMAL.sub(r"\1", error["msg"])
    message = WITHOUT_VALUE.get(kind) or f"found {_shorten(error['input'])}: {right}"
    # The message is put in by a name: what a client sent may hold braces.
    said = PydanticCustomError(kind, "{message}", {"message": message})
    return InitErrorDetails(type=said, loc=error["loc"], input=error["input"])


def _shorten(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class OneLine(logging.Filter):
    """Logs a refused request in a line: what is wrong is the client's to mend, and no trace leads to it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record of a refusal, and let every record pass."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ValidationError):
            wrong = ", ".join(f"{'.'.join(map(str, each['loc']))!r}: {each['type']}" for each in error.errors()[:MOST])
            record.msg, record.args = "%s: refused %s", (record.getMessage(), wrong)
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def log_refusals_in_a_line() -> None:
    """Put the filter where BentoML logs the exception of a request."""
    logger = logging.getLogger(BENTOML_LOG)
    if not any(isinstance(each, OneLine) for each in logger.filters):
        logger.addFilter(OneLine())


def describe_refusals() -> None:
    """Say in the OpenAPI document what `detail` is: BentoML's own says a text there, and answers with a list."""
    from bentoml._internal.service.openapi.specification import Schema
    from bentoml._internal.service.openapi.utils import exception_components_schema

    for refusal in exception_components_schema().values():
        refusal.properties["detail"] = Schema(title="Error Detail")
