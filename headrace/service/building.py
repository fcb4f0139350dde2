"""One BentoML service for every pipeline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import bentoml
import msgspec
from bentoml._internal.resource import system_resources
from starlette.responses import Response

from headrace.access import Guarded
from headrace.service.batching import Batching
from headrace.service.bodies import (
    OutcomesAnswer,
    answer_body,
    batch_answer_body,
    batch_body,
    outcomes_body,
    request_body,
)
from headrace.service.contents import read_contents
from headrace.service.counting import Counted
from headrace.service.lane import JSON, Lane, failure_of
from headrace.service.media import JsonOnly
from headrace.service.needs import needed_scope
from headrace.service.pages import pages
from headrace.service.reading import Reader
from headrace.service.refusing import describe_refusals, log_refusals_in_a_line
from headrace.service.settings import check_subject, read_settings
from headrace.service.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.types import ASGIApp

LONGEST_SECONDS = 30
"""For an answer: the largest batch takes a second of a core of its own, and many times that where it has to share one.

Whoever waits for a store gives up before. BentoML keeps a timer for each request for so long.
"""
QUIET = ["/predict", "/metrics", "/livez", "/readyz", "/healthz"]
"""What is asked too often for a line of the access log, and for a trace; metrics and prediction log tell of them."""


def make_service(folder: Path) -> Any:
    """Return the BentoML service of a package.

    Args:
        folder: The package's folder.

    Raises:
        IntegrityError: A file of the package is missing, or is not the one that was written.
        ConfigError: A variable of the environment says what it may not.
    """
    contents = read_contents(folder)
    settings = read_settings(contents.serving, contents.pipeline)
    check_subject(settings.log.subject, contents.request)
    workers = settings.workers or max(1, int(system_resources()["cpu"]))
    reader, worker = Reader(contents), Worker(folder, contents, settings, workers)
    batching = Batching(contents, reader, worker)
    log_refusals_in_a_line()
    describe_refusals()

    class Pipeline:
        def __init__(self) -> None:
            # Only a worker opens stores and loads the model: BentoML's main process and a build need neither.
            worker.open()

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close(self) -> None:
            worker.close()

        @bentoml.api(route="/predict", input_spec=request_body(contents), output_spec=answer_body(contents))  # type: ignore[untyped-decorator]
        async def predict(self, instance: dict[str, Any], request_id: str | None, explain: bool) -> Any:  # noqa: FBT001
            """Predict the label of one row, decide, and log it."""
            since = time.perf_counter()
            return await _answered(lambda: worker.answering.answer(instance, request_id, explain=explain, since=since))

        @bentoml.api(  # type: ignore[untyped-decorator]
            route="/predict_batch", input_spec=batch_body(contents), output_spec=batch_answer_body(contents)
        )
        async def predict_batch(self, instances: list[Any], request_id: str | None) -> Any:
            """Predict many rows at once; a wrong one is named by its index and does not spoil the rest."""
            since = time.perf_counter()
            return await _answered(lambda: batching.answer_decoded(instances, request_id, since))

        @bentoml.api(route="/outcomes", input_spec=outcomes_body(contents), output_spec=OutcomesAnswer)  # type: ignore[untyped-decorator]
        async def outcomes(self, outcomes: list[dict[str, Any]]) -> Any:
            """Take the truth about earlier answers: late, repeated, in any order."""
            told = [(each["request_id"], each["label"]) for each in outcomes]
            return await _answered(lambda: worker.answering.record_outcomes(told))

    Pipeline.__doc__ = description = f"{contents.pipeline}: predicts {contents.target.column} of a row."
    service = bentoml.service(
        name=contents.pipeline,
        description=description,
        workers=workers,
        traffic={"timeout": LONGEST_SECONDS},
        logging={"access": {"skip_paths": QUIET}},
        tracing={"excluded_urls": ",".join(QUIET)},
        metrics={"enabled": False},  # BentoML's own middleware counts once more, at a tenth of a request's time
    )(Pipeline)

    def front(app: ASGIApp) -> ASGIApp:
        lane = Lane(JsonOnly(app), worker, reader, batching)
        return Counted(Guarded(lane, worker.open_gate(), needed_scope), worker)

    service.add_asgi_middleware(front)
    service.mount_asgi_app(pages(contents, worker, batching, service))
    return service


async def _answered(ask: Callable[[], Awaitable[Any]]) -> Response:
    """Return what BentoML sends on as it is: the same bytes as the fast lane sends."""
    try:
        body, status = await ask(), 200
    except Exception as error:  # noqa: BLE001  the client is told
        status, body = failure_of(error)
    return Response(msgspec.json.encode(body), status, media_type=JSON[1].decode())
