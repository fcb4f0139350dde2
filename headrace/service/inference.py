"""The Open Inference Protocol, version 2 (KServe, Triton, MLServer), on the path that all requests take.

A request column is an input tensor of shape [n] or [n, 1] under its own name: numbers are INT64 or FP64, the rest are
BYTES as JSON would have them (`2018-08-15T12:00:00`). Inputs may come as binary tensor data, as Triton's client sends
them unless it is told otherwise; outputs are JSON, which it reads as well.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import math
import struct
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from headrace.declaration.modelling import TaskName
from headrace.declaration.types import type_kind
from headrace.errors import ConflictError, DataError
from headrace.prediction_log import new_request_id
from headrace.service.bodies import LARGEST_BATCH
from headrace.service.lane import failure_of
from headrace.service.reading import WRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from headrace.declaration.rows import Column
    from headrace.service.batching import Batching
    from headrace.service.contents import Contents
    from headrace.service.reading import Row
    from headrace.service.worker import Worker
    from headrace.tasks import Task

DATATYPES = {"integer": "INT64", "float": "FP64", "decimal": "FP64", "boolean": "BOOL"}
NUMPY = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
PROBABILITIES = "probabilities"
HEADER_LENGTH = "inference-header-content-length"
LENGTH = struct.Struct("<I")


class Tensor(msgspec.Struct):
    """An input."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct):
    """An output that is asked for."""

    name: str


class InferRequest(msgspec.Struct):
    """The body of a request; what the protocol lets a client add is not looked at."""

    inputs: list[Tensor]
    outputs: list[Wanted] | None = None
    id: str | None = None


_decode = msgspec.json.Decoder(InferRequest).decode


def inference_routes(contents: Contents, worker: Worker, batching: Batching) -> list[Route]:
    """Return the protocol's routes.

    Args:
        contents: What is served.
        worker: What answers are made with.
        batching: Reads rows.
    """
    inference = Inference(contents, worker, batching)
    model = "/v2/models/{name}"
    found = [
        Route("/v2", inference.server, methods=["GET"]),
        Route("/v2/health/live", inference.live, methods=["GET"]),
        Route("/v2/health/ready", inference.ready, methods=["GET"]),
    ]
    for path in (model, f"{model}/versions/{{version}}"):
        found += [
            Route(path, inference.model, methods=["GET"]),
            Route(f"{path}/ready", inference.model_ready, methods=["GET"]),
            Route(f"{path}/infer", inference.infer, methods=["POST"]),
        ]
    return found


class Inference:
    """Answers the protocol's requests.

    Args:
        contents: What is served.
        worker: What answers are made with.
        batching: Reads rows.
    """

    def __init__(self, contents: Contents, worker: Worker, batching: Batching) -> None:
        self._contents, self._worker, self._batching = contents, worker, batching
        self._columns = {name: contents.schema.columns[name] for name in contents.request}
        self._classes = [str(each) for each in contents.task.classes]
        self._outputs = _outputs(contents.task)

    async def server(self, _: Request) -> JSONResponse:
        """Say what the server is."""
        return JSONResponse({"name": "headrace", "version": _version(), "extensions": []})

    async def live(self, _: Request) -> JSONResponse:
        """Say that the server is there."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> JSONResponse:
        """Say whether requests are answered."""
        ready = self._worker.is_ready()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> JSONResponse:
        """Say which tensors the model takes and gives."""
        unknown = self._unknown(request)
        return unknown or JSONResponse(
            {
                "name": self._contents.pipeline,
                "versions": [self._contents.version],
                "platform": "headrace",
                "inputs": [
                    {"name": name, "datatype": _datatype(column), "shape": [-1]}
                    for name, column in self._columns.items()
                ],
                "outputs": [
                    {"name": name, "datatype": datatype, "shape": self._shape(name, -1)}
                    for name, datatype in self._outputs.items()
                ],
            }
        )

    async def model_ready(self, request: Request) -> JSONResponse:
        """Say whether the model answers."""
        return self._unknown(request) or await self.ready(request)

    async def infer(self, request: Request) -> JSONResponse:
        """Answer rows: all of them, or none; where an expression does not take a row, the others have been recorded."""
        since = time.perf_counter()
        unknown = self._unknown(request)
        if unknown is not None:
            return unknown
        try:
            asked = self._asked(await request.body(), request.headers.get(HEADER_LENGTH))
            wanted = [each.name for each in asked.outputs] if asked.outputs else list(self._outputs)
            outputs = await self._answer(asked, wanted)
        except DataError as error:
            return JSONResponse({"error": str(error)}, 400)
        except Exception as error:  # noqa: BLE001  the client is told
            status, failure = failure_of(error)
            return JSONResponse({"error": failure.error}, status)
        said = {"model_name": self._contents.pipeline, "model_version": self._contents.version, "outputs": outputs}
        latency = {"latency_ms": (time.perf_counter() - since) * 1000}
        return JSONResponse({**said, "parameters": latency, **({"id": asked.id} if asked.id else {})})

    async def _answer(self, asked: InferRequest, wanted: Sequence[str]) -> list[dict[str, Any]]:
        unknown = [name for name in wanted if name not in self._outputs]
        if unknown:
            raise DataError(f"outputs: there is no {unknown[0]!r}; there are {', '.join(self._outputs)}")
        answering = self._worker.answering
        # In a thread, as a batch: those who ask about one row are not kept waiting.
        read = await run_in_threadpool(self._read, asked)
        wrong = next(((place, row) for place, row in enumerate(read) if isinstance(row, str)), None)
        if wrong is not None:
            raise DataError("row {}: {}".format(*wrong))
        answers = await answering.answer_many(read, [new_request_id() for _ in read])  # type: ignore[arg-type]
        for place, answer in enumerate(answers):
            if isinstance(answer, DataError):
                raise DataError(f"row {place}: {answer}")
            if isinstance(answer, ConflictError):
                raise answer
        return [
            {
                "name": name,
                "datatype": self._outputs[name],
                "shape": self._shape(name, len(answers)),
                "data": self._data(name, answers),
            }
            for name in wanted
        ]

    def _read(self, asked: InferRequest) -> list[Row | str]:
        instances = self._instances(asked)
        if len(instances) > LARGEST_BATCH:
            raise DataError(f"inputs: have {len(instances)} rows; send {LARGEST_BATCH} at most")
        return self._batching.read(msgspec.json.encode(instances))

    def _shape(self, output: str, rows: int) -> list[int]:
        return [rows, len(self._classes)] if output == PROBABILITIES else [rows]

    def _data(self, output: str, answers: Sequence[Any]) -> list[Any]:
        if output == PROBABILITIES:  # the protocol has a tensor's values one after the other, row by row
            return [answer.probabilities[each] for answer in answers for each in self._classes]
        return [getattr(answer, output) for answer in answers]

    def _asked(self, body: bytes, header_length: str | None) -> InferRequest:
        """Return a request whose inputs all have their data.

        Raises:
            DataError: It is not as the protocol has it.
        """
        try:
            end = len(body) if header_length is None else int(header_length)
            asked = _decode(body[:end])
        except WRONG as error:
            raise DataError(f"the request is not one of the Open Inference Protocol: {error}") from error
        for tensor in asked.inputs:
            if tensor.data is None:
                size = tensor.parameters.get("binary_data_size")
                if not isinstance(size, int) or not 0 <= size <= len(body) - end:
                    raise DataError(f"inputs: {tensor.name}: has neither data nor a right binary_data_size")
                tensor.data = _unpacked(tensor, body[end : end + size])
                end += size
        return asked

    def _instances(self, asked: InferRequest) -> list[dict[str, Any]]:
        values: dict[str, list[Any]] = {}
        for tensor in asked.inputs:
            column = self._columns.get(tensor.name)
            if column is None:
                raise DataError(f"inputs: there is no {tensor.name!r}; there are {', '.join(self._columns)}")
            values[tensor.name] = [_as_json(value, column) for value in _values_of(tensor)]
        sizes = {len(each) for each in values.values()}
        if len(sizes) != 1:
            raise DataError("inputs: have to be as many values of each column, shape [n] or [n, 1]")
        return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]

    def _unknown(self, request: Request) -> JSONResponse | None:
        name, asked = request.path_params["name"], request.path_params.get("version", self._contents.version)
        if (name, asked) == (self._contents.pipeline, self._contents.version):
            return None
        there = f"{self._contents.pipeline}, version {self._contents.version}"
        return JSONResponse({"error": f"there is no model {name!r} of version {asked!r} here; there is {there}"}, 404)


def _outputs(task: Task) -> dict[str, str]:
    """Return the names and datatypes of the outputs; the first class tells the type of all."""
    others = {"decision": "BYTES", "request_id": "BYTES"}
    if not task.is_classification:
        return {"prediction": "FP64", **others}
    label = task.classes[-1]
    kind = "BOOL" if isinstance(label, bool) else "INT64" if isinstance(label, int) else "BYTES"
    each = {} if task.name is TaskName.binary else {PROBABILITIES: "FP64"}
    return {"probability": "FP64", **each, "prediction": kind, **others}


def _datatype(column: Column) -> str:
    return DATATYPES.get(type_kind(column.type), "BYTES")


def _values_of(tensor: Tensor) -> list[Any]:
    """Return the values of a column, each row of which may be a list of one.

    Raises:
        DataError: They are not as many as the shape says, or it is not one of a column.
    """
    rows = tensor.data or []
    values = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in rows]
    if tensor.shape not in ([len(values)], [len(values), 1]):
        found = f"{len(values)} values and the shape {tensor.shape}"
        raise DataError(f"inputs: {tensor.name}: has {found}; send the shape [n] or [n, 1]")
    return values


def _as_json(value: Any, column: Column) -> Any:
    """Return a tensor's value as a request has it: numpy's clients send whole numbers as fractions, and so on.

    Raises:
        DataError: It is infinite; NaN is a missing number.
    """
    if isinstance(value, float) and math.isinf(value):
        raise DataError("inputs: have an infinite number; a finite one, or NaN for a missing one, would be right")
    if isinstance(value, float) and value.is_integer() and column.type == "integer":
        return int(value)
    if isinstance(value, int) and column.type == "boolean" and value in {0, 1}:
        return bool(value)
    return value


def _unpacked(tensor: Tensor, data: bytes) -> list[Any]:
    """Return the values of binary tensor data.

    Raises:
        DataError: It is not what the tensor says.
    """
    try:
        if tensor.datatype == "BYTES":
            return list(_texts(data))
        return list(np.frombuffer(data, NUMPY[tensor.datatype]).tolist())
    except (KeyError, ValueError, struct.error) as error:
        raise DataError(f"inputs: {tensor.name}: its binary data is no {tensor.datatype}: {error}") from error


def _texts(data: bytes) -> Any:
    at = 0
    while at < len(data):
        (size,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size
        if at + size > len(data):
            raise ValueError("it ends amid a text")
        yield data[at : at + size].decode()
        at += size


def _version() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:  # a Bento brings the source alone
        return "unknown"
