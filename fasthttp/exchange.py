"""One request and its response over one connection.

The connection calls `receive`, `lost` and `wake`; the transport awaits `send`, `head` and, through
the body stream, `read`. Closing never waits: an exchange whose response is complete gives its
connection back for the next one, any other cuts it.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

import httpx

from .framing import Head, ProtocolError
from .http1 import ResponseReader
from .stream import BlockStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from .channel import Channel
    from .request import Outgoing, StreamedBody
    from .timeouts import Timeouts

HIGH_WATER = 512 * 1024  # bytes kept unread before the connection is told to stop
WRITE_SIZE = 256 * 1024  # bytes of a request body handed to the connection at once
CONTINUE_SECONDS = 1.0  # to wait for the 100 that a request expects, before its body goes anyway


class Exchange:
    """See the module; `release(reusable)` is called exactly once."""

    __slots__ = (
        "_blocks",
        "_channel",
        "_closes",
        "_cut_short",
        "_deadline",
        "_error",
        "_loop",
        "_paused",
        "_reader",
        "_release",
        "_sent",
        "_timeouts",
        "_timer",
        "_unread",
        "_waiter",
    )

    def __init__(
        self,
        channel: Channel,
        method: str,
        timeouts: Timeouts,
        release: Callable[[Exchange, Channel, bool], None],
    ) -> None:
        self._channel: Channel | None = channel
        self._reader = ResponseReader(method)
        self._timeouts = timeouts
        self._release = release
        self._loop = asyncio.get_running_loop()
        self._blocks: list[bytes] = []
        self._unread = 0
        self._paused = False
        self._closes = False  # the request asks for the end of the connection
        self._sent = False  # the request is written whole
        self._cut_short = False  # it never will be
        self._error: Exception | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._deadline = math.inf  # of the present wait, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    # What the connection calls.

    def receive(self, data: bytes) -> None:
        """Take bytes that arrived."""
        interim = self._reader.interim
        try:
            self._reader.feed(data, self._blocks)
        except ProtocolError as exc:
            self.fail(httpx.RemoteProtocolError(str(exc)))
            return
        if self._reader.complete:
            if self._sent:
                self._finish(self._reusable())
        else:
            self._unread += len(data)
            if self._unread > HIGH_WATER and not self._paused and self._channel is not None:
                self._paused = True
                self._channel.pause()
        # A head that trickles in does not start the read timeout anew; a 1xx response does.
        if self._reader.head is not None or self._reader.interim > interim:
            self.wake()

    def lost(self, error: BaseException | None) -> None:
        """Take notice that the connection is gone; with no `error` the server has closed it."""
        if self._channel is None:
            return
        if error is not None and not self._reader.complete:
            progress = self._reader.progress()
            self.fail(httpx.ReadError(f"connection lost, {progress}: {error!r}"))
            return
        try:
            self._reader.eof()
        except ProtocolError as exc:
            self.fail(httpx.RemoteProtocolError(str(exc)))
        else:
            self._finish(reusable=False)
            self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(True)

    # What the transport awaits.

    async def send(self, request: Outgoing) -> None:
        """Write the request; stop early when the server has already refused it."""
        self._closes = request.closes
        head, body = request.head, request.body
        if request.expects_continue and body:
            await self._write(head)
            await self._continued()
            head = b""
        if not isinstance(body, bytes):
            await self._send_stream(head, body)
        elif len(body) <= WRITE_SIZE:
            await self._write(head + body)
        else:
            await self._write(head)
            view = memoryview(body)
            for start in range(0, len(view), WRITE_SIZE):
                await self._write(view[start : start + WRITE_SIZE])
        self._sent = not self._cut_short
        if self._reader.complete:
            self._finish(self._reusable())

    async def _send_stream(self, head: bytes, body: StreamedBody) -> None:
        await self._write(head)
        blocks = aiter(body.stream)
        try:
            async for block in blocks:
                await self._write(body.feed(block))
                if self._cut_short:
                    return
        finally:
            if (close := getattr(blocks, "aclose", None)) is not None:
                await close()
        await self._write(body.flush())

    async def _continued(self) -> None:
        """Wait for 100 Continue, though not for ever; after a final answer no body is sent."""
        deadline = self._loop.time() + CONTINUE_SECONDS
        reader = self._reader
        while not reader.interim and reader.head is None and self._error is None:
            if not await self._wait(deadline):
                return
        self._cut_short = reader.head is not None

    async def head(self) -> Head:
        """Wait for the status line and headers of the final response."""
        while (head := self._reader.head) is None:
            if self._error is not None:
                raise self._error
            await self._wait_to_read()
        return head

    async def read(self) -> bytes:
        """Wait for body bytes and return all that arrived; b"" at the end."""
        while not self._blocks:
            if self._error is not None:
                raise self._error
            if self._reader.complete:
                return b""
            await self._wait_to_read()
        blocks = self._blocks[:]
        self._blocks.clear()
        self._unread = 0
        if self._paused and self._channel is not None:
            self._paused = False
            self._channel.resume()
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def untouched(self) -> bool:
        """Whether the server has not said a single byte to this request."""
        return not self._reader.started

    def close(self) -> None:
        """End the exchange now; what is left of it cannot be read any more."""
        self.fail(httpx.StreamClosed())
        self._blocks.clear()

    def abandon(self) -> None:
        """Close as soon as the loop comes to it; for the garbage collector, in any thread."""
        if self._channel is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close)

    def fail(self, error: Exception) -> None:
        """End the exchange with `error` for whoever reads on; the connection is cut."""
        self._error = error
        self._finish(reusable=False)
        self.wake()

    def _finish(self, reusable: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        channel, self._channel = self._channel, None
        if channel is not None:
            self._release(self, channel, reusable)

    def _reusable(self) -> bool:
        return self._sent and not self._closes and self._reader.reusable

    async def _write(self, data: bytes | memoryview) -> None:
        channel = self._channel
        if self._cut_short or channel is None or not channel.is_connected():
            self._cut_short = True  # head() has the answer, or the reason why there is none
            return
        transport = cast("asyncio.Transport", channel.transport)
        transport.write(data)
        if channel.writing_paused:
            await self._drain(channel, transport)

    async def _drain(self, channel: Channel, transport: asyncio.Transport) -> None:
        """Wait until the connection takes more; the time counts from the last bytes it took."""
        seconds = self._timeouts.write
        unsent, deadline, in_time = math.inf, math.inf, True
        while self._channel is channel and channel.writing_paused:
            head = self._reader.head
            if head is not None and head.status >= 300:
                self._cut_short = True  # the server has answered and does not read on
                return
            left = transport.get_write_buffer_size()
            if left < unsent:
                unsent, deadline = left, self._after(seconds)
            elif not in_time:
                took_none = f"the server took no bytes of the request for {seconds} seconds"
                self.fail(httpx.WriteTimeout(took_none))
                return
            in_time = await self._wait(deadline)

    async def _wait_to_read(self) -> None:
        seconds = self._timeouts.read
        if not await self._wait(self._after(seconds)):
            progress = self._reader.progress()
            self.fail(httpx.ReadTimeout(f"timed out after {seconds} seconds: {progress}"))

    def _after(self, seconds: float | None) -> float:
        return math.inf if seconds is None else self._loop.time() + seconds

    async def _wait(self, deadline: float) -> bool:
        """Wait to be woken; False: that did not happen before the deadline."""
        if self._waiter is not None:
            raise RuntimeError("this response is already being read by another task")
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter, self._deadline = waiter, deadline
        self._set_timer()
        try:
            return await waiter
        finally:
            self._waiter = None

    def _set_timer(self) -> None:
        """See that a timer runs out by the deadline.

        One that runs out too early is set anew then: most waits are over long before, and so
        most of them find a timer that will do.
        """
        timer, deadline = self._timer, self._deadline
        if deadline == math.inf or (timer is not None and timer.when() <= deadline):
            return
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            waiter.set_result(False)


class ExchangeStream(BlockStream):
    """The body of an exchange; dropping it unread ends the exchange, as closing does."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.read_block = exchange.read  # type: ignore[method-assign] # one call less per block

    async def read_block(self) -> bytes:
        """Wait for body bytes; see `Exchange.read`."""
        return await self._exchange.read()

    async def aclose(self) -> None:
        """End the exchange."""
        self._exchange.close()

    def __del__(self) -> None:
        self._exchange.abandon()
