"""What the requests of one moment want of a store, done together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gathering(Generic[Item, Result]):
    """Collects what is asked in one turn of the event loop, and does it in the next: nobody waits for a timer.

    Args:
        do: Does it for all items: what became of each, in their order, an exception where it went wrong. What it
            raises everybody is told.
        in_thread: Whether that waits for a network, and so is left to a thread.
    """

    def __init__(self, do: Callable[[Sequence[Item]], Sequence[Result | Exception]], *, in_thread: bool) -> None:
        self._do = do
        self._take = self._start if in_thread else self._finish
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._started: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Result:
        """Return what became of an item, or raise it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._take)
        return await future

    def _finish(self) -> None:
        items, futures = self._gathered()
        try:
            results = self._do(items)
        except Exception as error:  # noqa: BLE001  who waits is told
            results = [error] * len(items)
        _tell(futures, results)

    def _start(self) -> None:
        task = asyncio.get_running_loop().create_task(self._finish_in_thread())
        self._started.add(task)  # the event loop itself does not keep it
        task.add_done_callback(self._started.discard)

    async def _finish_in_thread(self) -> None:
        items, futures = self._gathered()
        try:
            results = await run_in_threadpool(self._do, items)
        except Exception as error:  # noqa: BLE001  who waits is told
            results = [error] * len(items)
        _tell(futures, results)

    def _gathered(self) -> tuple[list[Item], list[asyncio.Future[Result]]]:
        waiting, self._waiting = self._waiting, []
        return [item for item, _ in waiting], [future for _, future in waiting]


def _tell(futures: Sequence[asyncio.Future[Result]], results: Sequence[Result | Exception]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():  # who asked has gone
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
