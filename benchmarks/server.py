"""The server: a bare `asyncio.Protocol` that sends what `bodies` has built.

It answers `GET /name?key=number&...` on one loopback port, which it prints, and ends when its
standard input does. It writes as fast as the client takes it, never more than it can hold:
`pause_writing` and `resume_writing` decide, so a slow client costs the server nothing.

    /events /plain /text /gzip /zstd   a whole body, built before it is asked for
    /stamps?count&micros               lines that hold the moment at which they were written
    /ticks?count                       an event stream that waits for /start
    /start?period                      every open /ticks gets an event each `period` ms, in turn
    /prepare?/path                     build that body now, and answer nothing
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks import bodies
from benchmarks.machine import allow_files, pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITE = 256 * 1024

REPLIES: dict[str, Callable[..., bodies.Reply]] = {
    "/events": bodies.events,
    "/plain": bodies.plain,
    "/text": bodies.text,
    "/gzip": lambda times: bodies.coded("gzip", times),
    "/zstd": lambda times: bodies.coded("zstd", times),
}
EMPTY = bodies.head("text/plain", "Content-Length: 0")


def slices(reply: bodies.Reply) -> Iterator[bytes | memoryview]:
    """Yield a reply in writes; a small one in a single write, head and all."""
    if not reply.times:
        yield (reply.head + reply.tail)[:WRITE]
        yield from _cut((reply.head + reply.tail)[WRITE:])
        return
    yield reply.head
    for _ in range(reply.times):
        yield from _cut(reply.block)
    yield reply.tail


def _cut(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), WRITE):
        yield view[start : start + WRITE]


class Tickers:
    """The open event streams, and the clock that feeds them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Peer, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, peer: Peer, count: int) -> None:
        """Keep a stream open; `count` events will be written to it."""
        peer.transport.write(bodies.head("text/event-stream", bodies.CHUNKED))
        self._waiting.append((peer, count))

    def start(self, period: float) -> None:
        """Feed the streams that are open now."""
        streams, self._waiting = self._waiting, []
        if streams:
            task = asyncio.create_task(self._feed(streams, period))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _feed(self, streams: list[tuple[Peer, int]], period: float) -> None:
        """Give each stream an event a period, spread evenly over it, and its end with the last."""
        number = max(1, min(len(streams), round(period * 1000)))
        slots = [streams[first::number] for first in range(number)]
        data, due, last = bodies.chunk(bodies.event(0)), time.monotonic(), streams[0][1] - 1
        for done in range(last + 1):
            tail = bodies.LAST_CHUNK if done == last else b""
            for slot in slots:
                due += period / number
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                for peer, _ in slot:
                    peer.transport.write(data + tail)


class Peer(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, tickers: Tickers) -> None:
        self._tickers = tickers
        self._received = b""
        self._writes: Iterator[bytes | memoryview] = iter(())
        self._open = True

    def connection_made(self, transport: Any) -> None:
        """Keep the transport; it may hold two writes."""
        self.transport: asyncio.Transport = transport
        transport.set_write_buffer_limits(high=2 * WRITE, low=WRITE)

    def data_received(self, data: bytes) -> None:
        """Answer a request once its head is complete; requests have no bodies."""
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            target = self._received.split(b" ", 2)[1].decode()
            self._received = b""
            self._answer(target)

    def connection_lost(self, exc: Exception | None) -> None:
        """Write no more."""
        self._open = False
        self._writes = iter(())

    def pause_writing(self) -> None:
        """Stop the pump: the client is behind."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._pump()

    def _pump(self) -> None:
        self._paused = False
        while not self._paused:
            data = next(self._writes, None)
            if data is None:
                return
            self.transport.write(data)

    def _answer(self, target: str) -> None:
        path, _, query = target.partition("?")
        if path == "/prepare":
            prepared(query)
            self.transport.write(EMPTY)
        elif path == "/ticks":
            self._tickers.add(self, arguments(query)["count"])
        elif path == "/start":
            self._tickers.start(arguments(query)["period"] / 1000)
            self.transport.write(EMPTY)
        elif path == "/stamps":
            self._stamps = asyncio.create_task(self._stamp(**arguments(query)))
        else:
            self._writes = slices(prepared(target))
            self._pump()

    async def _stamp(self, count: int, micros: int) -> None:
        self.transport.write(bodies.head("text/event-stream", bodies.CHUNKED))
        for _ in range(count):
            await asyncio.sleep(micros / 1e6)
            self.transport.write(bodies.chunk(b"%d\n" % time.monotonic_ns()))
        self.transport.write(bodies.LAST_CHUNK)


def arguments(query: str) -> dict[str, int]:
    """Return the numbers of a query."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return {name: int(value) for name, _, value in pairs}


def prepared(target: str) -> bodies.Reply:
    """Return the body that a target names; building it may take seconds, the first time."""
    path, _, query = target.partition("?")
    return REPLIES[path](*arguments(query).values())


async def serve(core: int | None) -> None:
    """Serve until standard input ends."""
    pin(core)
    allow_files()
    loop, tickers = asyncio.get_running_loop(), Tickers()
    server = await loop.create_server(lambda: Peer(tickers), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = loop.create_future()
    loop.add_reader(sys.stdin, ended.set_result, None)  # nobody writes to it: this is its end
    await ended
    loop.remove_reader(sys.stdin)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if sys.argv[1:] else None))
