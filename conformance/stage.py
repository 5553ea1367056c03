"""Where the session that is judged runs: an event loop in a thread of its own.

`Stage.run(make, limit)` awaits `make()` there and gives its result. What takes longer than `limit`
seconds is cancelled, and raises `Hang`; a client that does not even let itself be cancelled is left
behind with its thread, and the next run gets a new one. So a hang costs one verdict, not the run.
What would end a program or a test run, or the loop itself, is an `Escape`, and costs no more. What
a check has left running is ended with it; a client's own tasks are the client's affair.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

T = TypeVar("T")

PATIENCE = 2.0  # seconds that a cancelled run is given to end
TIDYING = 0.5  # seconds that is given to what a check, or a loop, has left running
HERE = Path(__file__).parent
# Loops whose tasks do not end, kept: whoever closed or collected them would meet their complaints.
_CLINGING: list[tuple[asyncio.AbstractEventLoop, Collection[asyncio.Task[Any]]]] = []


class Hang(Exception):  # noqa: N818 - a verdict more than an error
    """The client did not come back."""


class Escape(Exception):  # noqa: N818 - a verdict more than an error
    """The client tried to end more than itself; the cause is what it raised, if it did."""


class Stage:
    """One thread with one event loop; anew whenever it had to be left behind."""

    def __init__(self) -> None:
        self.complaints: list[str] = []  # what reached the loop's exception handler
        self.abandoned = 0
        self._escapes: list[BaseException | None] = []  # what came out of the loop; None: a stop
        self._over: set[asyncio.AbstractEventLoop] = set()  # those that are to end
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._thread.join(PATIENCE)

    def _start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._complain)
        self._thread = threading.Thread(target=self._serve, args=(self.loop,), daemon=True)
        self._thread.start()

    def _end(self) -> None:
        self._over.add(self.loop)
        with suppress(RuntimeError):  # the client has closed it
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while loop not in self._over and not loop.is_closed():
            try:
                loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - out of a task, or a callback
                self._escapes.append(error)
            else:
                self._escapes += [] if loop in self._over else [None]
        with suppress(RuntimeError):  # stopped again, or closed
            _close(loop)

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(context["message"] + (f": {error!r}" if error else ""))

    def run(self, make: Callable[[], Coroutine[Any, Any, T]], limit: float) -> T:
        """The result of `make()`, awaited on the stage; Hang after `limit` seconds."""
        done: Future[T] = Future()
        tasks: list[asyncio.Task[None]] = []
        self._escapes.clear()

        async def play() -> None:
            before = asyncio.all_tasks()
            try:
                result = await make()
            except Exception as error:  # noqa: BLE001 - handed over to the caller's thread
                await self._end_of_check(before)
                done.set_exception(error)
            except GeneratorExit:  # left behind, and collected
                raise
            except BaseException as error:  # noqa: BLE001 - an end of the run, if it came through
                await self._end_of_check(before)
                done.set_exception(_escaped(error))
            else:
                await self._end_of_check(before)
                done.set_result(result)

        self.loop.call_soon_threadsafe(lambda: tasks.append(self.loop.create_task(play())))
        try:
            result = done.result(limit)
        except TimeoutError:
            if done.done():
                raise  # the client's own
            self._cut(done, tasks)
            raise Hang(f"nothing came back in {limit:g} s") from None
        if self._escapes:
            raise _escaped(self._escapes[0])
        return result

    async def _end_of_check(self, before: Collection[asyncio.Task[Any]]) -> None:
        """End the tasks that run the suite's own coroutines, and were not there before."""
        with suppress(RuntimeError):  # no loop any more: it was left behind, and is collected
            if asyncio.get_running_loop() not in self._over:  # what ends that ends them all
                await _ended([task for task in asyncio.all_tasks() - {*before} if _is_ours(task)])

    def _cut(self, done: Future[Any], tasks: list[asyncio.Task[None]]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
        try:
            done.exception(PATIENCE)
        except TimeoutError:
            self._end()
            self.abandoned += 1
            self._start()


def _escaped(error: BaseException | None) -> Escape:
    escape = Escape("it stopped the event loop" if error is None else f"it raised {error!r}")
    escape.__cause__ = error
    return escape


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    if code is None or task is asyncio.current_task():
        return False
    parents = Path(code.co_filename).parents
    return HERE in parents and HERE / "peers" not in parents


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> Collection[asyncio.Task[Any]]:
    """Cancel the tasks, and give those that cling on."""
    for task in tasks:
        task.cancel()
    if not tasks:
        return tasks
    ended, left = await asyncio.wait(tasks, timeout=TIDYING)
    for task in ended:
        if not task.cancelled():
            task.exception()  # asked for, so that nobody complains
    return left


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what runs in a loop, and close it, as asyncio.run() does."""
    # A generator that is closed under its task fails where the task goes on: "generator didn't stop
    # after athrow()". So the tasks come first, and where one clings on nothing is closed at all.
    if left := loop.run_until_complete(_ended(asyncio.all_tasks(loop))):
        _CLINGING.append((loop, left))
        return
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
