"""Faults in the lives of connections, tasks and generators."""

from __future__ import annotations

import asyncio
import select
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from fasthttp.connections import Connector
from fasthttp.decoders.lines import LineDecoder
from fasthttp.engine import Engine
from fasthttp.exchange import Exchange
from fasthttp.response import Response
from fasthttp.session import StreamContext
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fasthttp.channel import Channel
    from fasthttp.reading import Pull

PAUSE = 0.05  # seconds without a byte that end a rest
LONG_PAUSE = 1.0  # those that end a long one: a busy machine sends it haltingly
EXCHANGE = "fasthttp.engine.Exchange"
RESPONSE = "fasthttp.response.Response"

attempt = Engine.exchange
aclose, aiter_lines, open_raw = Response.aclose, Response.aiter_lines, Response._open_raw
give_back = Connector.give_back


def _never(self: Exchange) -> bool:
    return False


@saboteur("lifecycle-reuse")
class NeverReuses(Sabotaged):
    """Makes a connection for every request (B53)."""

    patches = {"fasthttp.exchange.Exchange._reusable": _never}


async def _unless_in_trouble(self: Response) -> None:
    if not isinstance(sys.exc_info()[1], Exception):
        await aclose(self)


@saboteur("lifecycle-early-exit", "session-redirects-followed")
class LeavesByErrorOpen(Sabotaged):
    """Does not close a response whose block is left by an exception (B51)."""

    patches = {f"{RESPONSE}.aclose": _unless_in_trouble}


async def _drained(self: Response) -> None:
    with suppress(TimeoutError, httpx.HTTPError):
        blocks = 0
        while not self.is_closed:
            async with asyncio.timeout(PAUSE if blocks < 10 else LONG_PAUSE):
                if not await self.stream.read_block():
                    break
            blocks += 1
    await aclose(self)


@saboteur(
    "lifecycle-early-exit",
    # What waits for an end that does not come fails or not, by how long each is given.
    perhaps=(
        "bytes-memory",
        "lifecycle-cancel",
        "lifecycle-double-cancel",
        "lifecycle-open-streams",
        "lifecycle-quiet",
        "lifecycle-session-close",
    ),
)
class DrainsFirst(Sabotaged):
    """Reads the rest of a response before it is closed, for as long as it keeps coming (B52)."""

    patches = {f"{RESPONSE}.aclose": _drained}


class _OneBuffer(Exchange):
    def __init__(self, channel: Channel, *arguments: Any) -> None:
        super().__init__(channel, *arguments)
        self._blocks = vars(channel).setdefault("blocks", [])

    def close(self) -> None:
        self.fail(httpx.StreamClosed())


@saboteur(
    "lifecycle-own-bytes",
    "session-leave-early",
    "session-redirects-followed",
    "session-status-silent",
    perhaps=("session-redirects-limit",),
)
class OneBuffer(Sabotaged):
    """Keeps what was not read with the connection, for the next response (B53)."""

    patches = {EXCHANGE: _OneBuffer}


class _OnlyErrors(Exchange):
    def close(self) -> None:
        if not isinstance(sys.exc_info()[1], asyncio.CancelledError):
            super().close()


@saboteur("lifecycle-cancel", "lifecycle-double-cancel")
class OnlyErrors(Sabotaged):
    """Cleans up in `except Exception` (B46, B49)."""

    patches = {EXCHANGE: _OnlyErrors}


class _Places(asyncio.Semaphore):
    """Wakes the next one with the place in its hands."""

    def __init__(self, free: int) -> None:
        super().__init__(free)
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> Any:
        if self._value:
            self._value -= 1
            return True
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        await place
        return True

    def release(self) -> None:
        while self._queue:
            if not (place := self._queue.popleft()).done():
                place.set_result(None)
                return
        self._value += 1


@saboteur("lifecycle-cancel-waiting")
class PlacesGetLost(Sabotaged):
    """Gives a place to one who has just been cancelled (B47)."""

    async def open(self) -> None:
        await super().open()
        engine = self._transport._engine  # type: ignore[attr-defined] # the built-in transport
        if engine._cap is not None:
            engine._slots = _Places(engine._cap)


async def _cleans_up_later(self: Engine, request: httpx.Request) -> Response:
    task = asyncio.ensure_future(attempt(self, request))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        task.cancel()
        raise


@saboteur("lifecycle-double-cancel", "lifecycle-quiet", perhaps=("lifecycle-cancel",))
class CleansUpLater(Sabotaged):
    """Awaits something before it cleans up (B48)."""

    patches = {"fasthttp.engine.Engine.exchange": _cleans_up_later}


async def _generator(self: Response) -> AsyncIterator[str]:
    async for line in aiter_lines(self):
        yield line


@saboteur("lifecycle-cancel", "lifecycle-generators")
class Generators(Sabotaged):
    """Reads lines with a generator that nobody closes (B50)."""

    patches = {f"{RESPONSE}.aiter_lines": _generator}


async def _unless_begun(self: Response) -> None:
    if not self.is_stream_consumed or hasattr(self, "_content"):
        await aclose(self)


@saboteur(
    "lifecycle-cancel",
    "lifecycle-double-cancel",
    "lifecycle-dropped",
    "lifecycle-early-exit",
    "lifecycle-tasks",
)
class OwnedByTheIterator(Sabotaged):
    """Leaves it to the iterator, once there is one, to close the response (B50)."""

    patches = {f"{RESPONSE}.aclose": _unless_begun}


class _OneTask(StreamContext):
    __slots__ = ("_task",)

    async def __aenter__(self) -> Response:
        self._task = asyncio.current_task()
        return await super().__aenter__()

    async def __aexit__(self, *error: Any) -> None:  # noqa: PYI036 - passes them on
        await super().__aexit__(*error)
        if asyncio.current_task() is not self._task:
            raise RuntimeError("the block was entered in another task")


@saboteur("lifecycle-tasks")
class OneTask(Sabotaged):
    """Has to be left in the task that entered (B55)."""

    patches = {"fasthttp.session.StreamContext": _OneTask}


@saboteur("lifecycle-loops")
class OneLoop(Sabotaged):
    """Keeps something of its first event loop (B56)."""

    async def open(self) -> None:
        first = vars(self).setdefault("_first", asyncio.get_running_loop())
        if first is not asyncio.get_running_loop():
            raise RuntimeError(f"{first} is not the running event loop")
        await super().open()


@saboteur("lifecycle-quiet")
class Janitor(Sabotaged):
    """Has a task in the background that nobody ends (B56)."""

    async def open(self) -> None:
        await super().open()
        self._janitor = asyncio.ensure_future(asyncio.sleep(3600))


class _Speechless(Exchange):
    def fail(self, error: Exception) -> None:
        super().fail(httpx.ReadError("") if "session was closed" in str(error) else error)


@saboteur("errors-message")
class Speechless(Sabotaged):
    """Ends the streams of a session that is closed without a word (B57)."""

    patches = {EXCHANGE: _Speechless}


class _OwnError(Exchange):
    def fail(self, error: Exception) -> None:
        closed = "session was closed" in str(error)
        super().fail(RuntimeError(str(error)) if closed else error)


@saboteur("lifecycle-session-close")
class OwnErrorWhenClosed(Sabotaged):
    """Ends the streams of a session that is closed in an exception of its own."""

    patches = {EXCHANGE: _OwnError}


def _deaf(self: Connector, channel: Channel, *, reusable: bool) -> None:
    give_back(self, channel, reusable=reusable)
    if reusable:
        channel.pause()


def _listen_again(self: Channel) -> bool:
    self.resume()
    return False


@saboteur("body-excess", "lifecycle-stale")
class DeafWhileIdle(Sabotaged):
    """Does not look at idle connections before it writes to them (B60)."""

    patches = {
        "fasthttp.connections.Connector.give_back": _deaf,
        "fasthttp.channel.Channel.stale": _listen_again,
    }


def _anything(request: httpx.Request, exc: BaseException) -> bool:
    return True


@saboteur("lifecycle-cancel", "lifecycle-double-cancel", "lifecycle-no-repeat")
class RepeatsAnything(Sabotaged):
    """Sends a POST again when there was no answer (B60)."""

    patches = {"fasthttp.engine._repeatable": _anything}


_decoders: dict[str, LineDecoder] = {}


@saboteur("lifecycle-concurrent")
class OneDecoder(Sabotaged):
    """Has one line decoder for all that a session reads."""

    patches = {
        "fasthttp.response.LineDecoder": lambda limit: _decoders.setdefault(
            "only", LineDecoder(limit)
        )
    }

    async def open(self) -> None:
        _decoders.clear()
        await super().open()


@saboteur("lifecycle-open-streams")
class HiddenCap(Sabotaged):
    """Has a hundred places in its pool, and does not say so (B59)."""

    def __init__(self, *, limits: httpx.Limits | None = None, **arguments: Any) -> None:
        super().__init__(limits=limits or httpx.Limits(max_connections=100), **arguments)


def _blocking(self: Response) -> Pull:
    pull, exchange = open_raw(self), self.stream._exchange  # type: ignore[attr-defined] # the built-in one

    async def wait_and_pull() -> Any:
        channel, deadline = exchange._channel, time.monotonic() + 1.5
        poll = select.poll()
        if channel is not None and not exchange._blocks:
            poll.register(channel._fileno(), select.POLLIN)
            while not poll.poll(10) and time.monotonic() < deadline:
                pass
        return await pull()

    return wait_and_pull


@saboteur("lifecycle-heartbeat")
class Blocking(Sabotaged):
    """Waits for bytes as a synchronous client does (B58)."""

    patches = {f"{RESPONSE}._open_raw": _blocking}
