"""Many rows in one request. A wrong one is named, and does not spoil the rest."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from headrace.errors import DataError, HeadraceError, LogUnavailable, WindowsUnavailable
from headrace.prediction_log import new_request_id
from headrace.service.answering import MILLISECONDS, BatchAnswer, BatchError, to_ask_again
from headrace.service.bodies import LARGEST_BATCH, instance_type
from headrace.service.reading import WRONG, Unread
from headrace.service.refusing import say_what_was_found

if TYPE_CHECKING:
    from headrace.service.contents import Contents
    from headrace.service.reading import Reader, Row
    from headrace.service.worker import Worker

_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Batching:
    """Answers batches.

    Args:
        contents: What is served.
        reader: Reads instances.
        worker: What answers are made with.
    """

    def __init__(self, contents: Contents, reader: Reader, worker: Worker) -> None:
        self._reader, self._worker = reader, worker
        self._instance = TypeAdapter(instance_type(contents))

    async def answer(self, instances: bytes, request_id: str | None, since: float) -> BatchAnswer:
        """Answer a list of instances.

        Args:
            instances: It, as JSON.
            request_id: The client's own, or None to make one: answers are found by `<request_id>-<index>`.
            since: When the request arrived, `time.perf_counter()`.

        Raises:
            Unread: It is no list, or too long.
            WindowsUnavailable, LogUnavailable: A store cannot be reached; nothing was acknowledged.
        """
        answering = self._worker.answering
        # In a thread: those who ask about one row are not kept waiting.
        read, right = await run_in_threadpool(self._read_all, instances)
        self._worker.metrics.batch(len(read))
        request_id = request_id or new_request_id()
        rows: list[Any] = [read[place] for place in right]
        try:
            answers = await answering.answer_many(rows, [f"{request_id}-{place}" for place in right])
        except (LogUnavailable, WindowsUnavailable) as error:
            raise to_ask_again(error, request_id) from error
        predictions: list[Any] = [None] * len(read)
        errors = [BatchError(place, row) for place, row in enumerate(read) if isinstance(row, str)]
        for place, answer in zip(right, answers, strict=True):
            if isinstance(answer, HeadraceError):
                errors.append(BatchError(place, str(answer)))
            else:
                predictions[place] = answer
        errors.sort(key=lambda error: error.index)
        return BatchAnswer(predictions, errors, (time.perf_counter() - since) * MILLISECONDS)

    async def answer_decoded(self, instances: list[Any], request_id: str | None, since: float) -> BatchAnswer:
        """Answer instances that were read already, by a reader that takes numbers which JSON does not have.

        Raises:
            DataError: There is such a number; else as `answer`.
        """
        try:
            encoded = json.dumps(instances, allow_nan=False).encode()
        except ValueError:
            raise DataError("instances: JSON has no NaN and no Infinity; send null for a missing value") from None
        return await self.answer(encoded, request_id, since)

    def read(self, instances: bytes) -> list[Row | str]:
        """Return each row of a list, or what is wrong with it.

        Raises:
            Unread: It is no list, or too long.
        """
        try:
            rows: list[Row | str] = [*self._reader.rows(instances)]
        except Unread:
            rows = [self._read_one(raw) for raw in _shorter(instances)]
        if len(rows) > LARGEST_BATCH:
            raise Unread
        return rows

    def _read_all(self, instances: bytes) -> tuple[list[Row | str], list[int]]:
        """Return what `read` does, and the places of the right rows."""
        read = self.read(instances)
        return read, [place for place, row in enumerate(read) if not isinstance(row, str)]

    def _read_one(self, raw: msgspec.Raw) -> Row | str:
        try:
            return self._reader.row(raw)
        except Unread:
            pass
        try:
            return dict(say_what_was_found(msgspec.json.decode(raw), self._instance.validate_python))
        except ValidationError as error:
            places = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
            return "; ".join(f"{place}: {message}" if place else message for place, message in places)
        except WRONG as error:
            return str(error)


def _shorter(instances: bytes) -> list[msgspec.Raw]:
    try:
        raws = _raws(instances)
    except WRONG as error:
        raise Unread from error
    if len(raws) > LARGEST_BATCH:
        raise Unread
    return raws
