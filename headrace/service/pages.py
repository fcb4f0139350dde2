"""What is asked with GET, and the Open Inference Protocol: an application that BentoML mounts beside its own routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bentoml._internal.container import BentoMLContainer
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.service.inference import inference_routes

if TYPE_CHECKING:
    from starlette.requests import Request

    from headrace.service.batching import Batching
    from headrace.service.contents import Contents
    from headrace.service.worker import Worker


def pages(contents: Contents, worker: Worker, batching: Batching, service: Any) -> Starlette:
    """Return the application.

    Args:
        contents: What is served.
        worker: What answers are made with.
        batching: Reads rows.
        service: The BentoML service: what is packaged knows the commit that it was packaged at.
    """

    async def model(_: Request) -> JSONResponse:
        return JSONResponse(describe_model(contents, worker, _commit(service)))

    async def metrics(_: Request) -> Response:
        # BentoML gathers what its workers have counted.
        client = BentoMLContainer.metrics_client.get()
        return Response(await run_in_threadpool(client.generate_latest), media_type=client.CONTENT_TYPE_LATEST)

    own = [Route("/model", model, methods=["GET"]), Route("/metrics", metrics, methods=["GET"])]
    return Starlette(routes=[*own, *inference_routes(contents, worker, batching)])


def describe_model(contents: Contents, worker: Worker, commit: str | None) -> dict[str, Any]:
    """Return what is served, and where it comes from."""
    manifest, lineage = worker.predictor.manifest, contents.lineage
    return {
        "pipeline": contents.pipeline,
        "version": contents.version,
        "variant": worker.settings.variant,
        "candidate": lineage.candidate,
        "model": manifest["model"],
        "registered": lineage.registered or None,
        "decision": lineage.decision,
        "task": contents.task.name,
        "classes": list(contents.task.classes) or None,
        "threshold": worker.predictor.threshold,
        "explains": worker.predictor.explains,
        "trained_on": manifest.get("periods", {}).get("train"),
        "metrics": manifest.get("metrics", {}),
        "commit": commit,
        "model_digest": lineage.model,
        "rows_digest": lineage.rows,
    }


def _commit(service: Any) -> str | None:
    """Return the commit that a Bento was packaged at; None where the repository itself is served."""
    return service.bento.info.labels.get("git_commit") if service.bento is not None else None
