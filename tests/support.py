"""Small things that several tests of the library need."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from hypothesis import settings

from conformance.delivery import Reply
from fasthttp import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator

    from conformance.exchange import Exchange
    from conformance.tape import Tape
    from fasthttp import AsyncSession
    from fasthttp.engine import Engine

T = TypeVar("T")

PATIENT = settings(deadline=None)  # how long an example takes says nothing on a busy machine

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


async def until_error(items: AsyncIterator[T]) -> tuple[list[T], Exception | None]:
    """What was yielded, and what ended it if that was an error."""
    got: list[T] = []
    try:
        async for item in items:
            got.append(item)
    except Exception as exc:  # noqa: BLE001 - the tests look at it
        return got, exc
    return got, None


async def tick(session: AsyncSession, silent: Exchange, seconds: float) -> None:
    """Let so much time pass: a clock made of a server that says nothing."""
    try:
        await session.get(silent.url, timeout=seconds)
    except httpx.TimeoutException:
        return
    raise AssertionError("the silent server spoke")


async def connect(tape: Tape, session: AsyncSession) -> None:
    """Leave an idle connection for the next request, which then need not make one."""
    await session.get(tape.play(Reply()).url)


def engine_of(session: AsyncSession) -> Engine:
    transport = session._transport
    assert isinstance(transport, AiohttpTransport)
    assert transport._engine is not None
    return transport._engine


async def settled(tape: Tape, session: AsyncSession) -> int:
    """The number of idle connections, on which server and client agree; nothing else is left."""
    for _ in range(5):  # what has been dropped is closed a turn or two of the loop later
        await asyncio.sleep(0)
    engine = engine_of(session)
    assert not engine._live
    assert not engine._connector._acquired
    if engine._slots is not None:
        assert engine._slots._value == engine._cap
    pooled = [
        channel
        for channels in engine._connector._conns.values()
        for channel, _ in channels
        if channel.is_connected()
    ]
    await asyncio.to_thread(tape.wait_open, len(pooled))
    await asyncio.to_thread(tape.wait_quiet)
    return len(pooled)


class Watched:
    """Awaits a coroutine, and calls `suspended` each time that it waits for something."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, object], suspended: Callable[[], None]
    ) -> None:
        self._steps = coroutine.__await__()
        self._suspended = suspended

    def __await__(self) -> Generator[Any, Any, object]:
        step = partial(self._steps.send, None)
        while True:
            try:
                waiting = step()
            except StopIteration as stop:
                return stop.value
            self._suspended()
            try:
                step = partial(self._steps.send, (yield waiting))
            except BaseException as exc:  # noqa: BLE001 - goes where it belongs
                step = partial(self._steps.throw, exc)


async def cancelled_at(point: int, times: int, coroutine: Coroutine[Any, Any, object]) -> bool:
    """Run it; cancel it where it waits for the nth time. False: it did not wait so often."""
    loop, waits = asyncio.get_running_loop(), count(1)

    def suspended() -> None:
        if next(waits) == point:
            task.cancel()
            for turn in range(1, times):
                later(turn, task.cancel)

    def later(turns: int, call: Callable[[], object]) -> None:
        loop.call_soon(later, turns - 1, call) if turns else call()

    async def watched() -> object:
        return await Watched(coroutine, suspended)

    task = asyncio.create_task(watched())
    await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    return False
