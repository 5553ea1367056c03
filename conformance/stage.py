"""Where the session that is judged runs: an event loop in a thread of its own.

`Stage.run(make, limit)` awaits `make()` there and gives its result. What takes longer than `limit`
seconds is cancelled, and raises `Hang`; a client that does not even let itself be cancelled is left
behind with its thread, and the next run gets a new one. So a hang costs one verdict, not the run.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

PATIENCE = 2.0  # seconds that a cancelled run is given to end


class Hang(Exception):  # noqa: N818 - a verdict more than an error
    """The client did not come back."""


class Stage:
    """One thread with one event loop; anew whenever it had to be left behind."""

    def __init__(self) -> None:
        self.complaints: list[str] = []  # what reached the loop's exception handler
        self.abandoned = 0
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)

    def _start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._complain)
        self._thread = threading.Thread(target=self._serve, args=(self.loop,), daemon=True)
        self._thread.start()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(context["message"] + (f": {error!r}" if error else ""))

    def run(self, make: Callable[[], Coroutine[Any, Any, T]], limit: float) -> T:
        """The result of `make()`, awaited on the stage; Hang after `limit` seconds."""
        done: Future[T] = Future()
        tasks: list[asyncio.Task[None]] = []

        async def play() -> None:
            try:
                done.set_result(await make())
            except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread
                done.set_exception(error)

        self.loop.call_soon_threadsafe(lambda: tasks.append(self.loop.create_task(play())))
        try:
            return done.result(limit)
        except TimeoutError:
            if done.done():
                raise  # the client's own
        self._cut(done, tasks)
        raise Hang(f"nothing came back in {limit:g} s")

    def _cut(self, done: Future[Any], tasks: list[asyncio.Task[None]]) -> None:
        self.loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
        try:
            done.exception(PATIENCE)
        except TimeoutError:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.abandoned += 1
            self._start()
