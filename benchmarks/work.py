"""The work that is measured, inside a client's own process.

Each function takes an open client, the server's base URL and the row's numbers, and returns its
figures by name; `seconds` is wall time and `cpu` the process's own, threads included. Work that
did not give the right number of items raises `Wrong`: a quick wrong answer is no figure.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks import bodies, machine

Figures = dict[str, float]
Work = Callable[..., Awaitable[Figures]]


class Wrong(Exception):  # noqa: N818 - says what is wrong with a figure
    """A client gave something else than was sent."""


class Clock:
    """Wall and processor time of a block, with the collector's debts paid before it."""

    def __enter__(self) -> Self:
        gc.collect()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu

    def figures(self, **others: float) -> Figures:
        """Return the two times along with other figures."""
        return {"seconds": self.seconds, "cpu": self.cpu, **others}


def expect(what: str, got: int, wanted: int) -> None:
    """Refuse a result that is not the right one."""
    if got != wanted:
        raise Wrong(f"{got:,} {what} of {wanted:,}")


async def warm(client: Any, base: str) -> None:
    """Open a connection, and load what the library loads late."""
    if hasattr(client, "count") or hasattr(client, "get"):
        await fetch(client, f"{base}/plain?size=10")


async def verify(client: Any, base: str, mode: str) -> None:
    """See that a client really gives what was sent, on a small body, before time is taken."""
    if hasattr(client, "count") or mode not in _SENT:
        return
    url, wanted = f"{base}/{_SENT[mode][0]}", _SENT[mode][1]
    async with client.bytes(url, None) if mode == "bytes" else getattr(client, mode)(url) as found:
        pieces = [piece async for piece in found]
    if mode == "events":
        got = "".join(f"data: {piece.data}\n\n" for piece in pieces)
    elif mode == "lines":
        got = "".join(_line(piece) + "\n" for piece in pieces)
    else:
        got = b"".join(pieces).decode() if mode == "bytes" else "".join(pieces)
    if got != wanted:
        raise Wrong(f"{mode} are not what was sent: {got[:60]!r}")


def _line(piece: Any) -> str:
    text: str = piece if isinstance(piece, str) else bytes(piece).decode()
    return text.rstrip("\n")


_EVENTS = b"".join(map(bodies.event, range(50))).decode()
_SENT = {
    "lines": ("events?count=50", _EVENTS),
    "events": ("events?count=50", _EVENTS),
    "bytes": ("text?times=1", bodies.mixed_text()),
    "text": ("text?times=1", bodies.mixed_text()),
}


async def fetch(client: Any, url: str) -> int:
    """Get a whole body; return its size."""
    return await client.count(url) if hasattr(client, "count") else len(await client.get(url))


async def items(client: Any, base: str, *, count: int, mode: str) -> Figures:
    """Read `count` server-sent events as lines or as events."""
    url, seen = f"{base}/events?count={count}", 0
    with Clock() as clock:
        if hasattr(client, "count"):
            await client.count(url)
        else:
            async with getattr(client, mode)(url) as found:
                async for _ in found:
                    seen += 1
            expect(mode, seen, count * (bodies.LINES_PER_EVENT if mode == "lines" else 1))
    return clock.figures(rate=count / clock.seconds)


async def body(client: Any, base: str, *, path: str, size: int, chunk: int = 0) -> Figures:
    """Read a body of `size` bytes, decoded, chunk by chunk."""
    seen, url = 0, f"{base}/{path}"
    with Clock() as clock:
        if hasattr(client, "count"):
            await client.count(url)
        else:
            async with client.bytes(url, chunk or None) as found:
                async for piece in found:
                    seen += len(piece)
            expect("bytes", seen, size)
    return clock.figures(rate=size / clock.seconds)


async def text(client: Any, base: str, *, times: int) -> Figures:
    """Read mixed text; the rate is in bytes as sent."""
    seen, block, url = 0, bodies.mixed_text(), f"{base}/text?times={times}"
    with Clock() as clock:
        if hasattr(client, "count"):
            await client.count(url)
        else:
            async with client.text(url) as found:
                async for piece in found:
                    seen += len(piece)
            expect("characters", seen, len(block) * times)
    return clock.figures(rate=len(block.encode()) * times / clock.seconds)


async def gets(client: Any, base: str, *, size: int, count: int, at_once: int) -> Figures:
    """Get a body `count` times, so many at once."""
    url = f"{base}/plain?size={size}"

    async def some() -> None:
        for _ in range(count // at_once):
            expect("bytes", await fetch(client, url), size)

    await asyncio.gather(*(warm(client, base) for _ in range(at_once)))
    with Clock() as clock:
        if at_once == 1:
            await some()
        else:
            await asyncio.gather(*(some() for _ in range(at_once)))
    return clock.figures(rate=count / clock.seconds, bytes=size * count / clock.seconds)


async def latency(client: Any, base: str, *, count: int, micros: int) -> Figures:
    """Measure the time from the server's write of a line to the line in hand, in microseconds."""
    url, delays = f"{base}/stamps?count={count}&micros={micros}", list[int]()
    with Clock() as clock:
        if hasattr(client, "delays"):
            delays = await client.delays(url)
        else:
            async with client.lines(url) as found:
                async for line in found:
                    delays.append(time.monotonic_ns() - int(line))
    expect("lines", len(delays), count)
    delays.sort()
    return clock.figures(p50=delays[count // 2] / 1e3, p99=delays[count * 99 // 100] / 1e3)


async def streams(
    client: Any, base: str, *, count: int, events: int, period: int, sessions: int = 1
) -> Figures:
    """Hold `count` streams open; each gets `events` events, one in `period` milliseconds.

    They are spread over several sessions, because httpx's pool takes a time for each stream that
    grows with their number. The processor time is of the time between the first event and the
    last in hand; the process ends with the streams open, for closing them is no part of this.
    """
    url, lines = f"{base}/ticks?count={events}", bodies.LINES_PER_EVENT * events
    others = [type(client)(count // sessions + 1) for _ in range(sessions - 1)]
    opened, complete = Countdown(count), Countdown(count)
    pool = cycle([client, *[await other.__aenter__() for other in others]])
    before = machine.memory()
    with Clock() as opening:
        readers = {
            asyncio.create_task(_reader(next(pool), url, lines, opened, complete))
            for _ in range(count)
        }
        await _first_of(opened.over, readers)
    memory = machine.memory() - before
    with Clock() as clock:
        await _start(base, period)
        await _first_of(complete.over, readers)
    return clock.figures(
        opening=opening.seconds,
        memory=memory / count,
        cpu_per_event=clock.cpu / (count * events) * 1e6,
    )


async def _first_of(over: asyncio.Future[None], readers: set[asyncio.Task[None]]) -> None:
    """Wait until all readers have got so far; a reader ends early only by an error."""
    await asyncio.wait({over, *readers}, return_when=asyncio.FIRST_COMPLETED)
    if not over.done():
        await asyncio.gather(*(reader for reader in readers if reader.done()))


class Countdown:
    """`over` once so many have called `down()`."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def down(self) -> None:
        """Count one."""
        self._left -= 1
        if self._left == 0:
            self.over.set_result(None)


async def _reader(
    client: Any, url: str, lines: int, opened: Countdown, complete: Countdown
) -> None:
    """Read a stream but for its end, and then hold still."""
    seen = 0
    async with client.lines(url) as found:
        opened.down()
        async for _ in found:
            seen += 1
            if seen == lines:
                complete.down()
                await asyncio.Event().wait()
    expect("lines", seen, lines)


async def _start(base: str, period: int) -> None:
    """Tell the server to begin, past the client, whose pool may be full."""
    where = urlsplit(base)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(b"GET /start?period=%d HTTP/1.1\r\n\r\n" % period)
    await reader.readline()
    writer.close()


async def download(client: Any, base: str, *, size: int, piece: int = 8192) -> Figures:
    """Write a body to a file; how far does memory rise while it runs?"""
    machine.reset_peak()
    before = machine.memory()
    with tempfile.TemporaryFile() as file, Clock() as clock:
        async with client.bytes(f"{base}/plain?size={size}", piece) as found:
            async for data in found:
                file.write(data)
        expect("bytes", file.tell(), size)
    return clock.figures(growth=machine.peak_memory() - before, rate=size / clock.seconds)


WORK: dict[str, Work] = {
    work.__name__: work for work in (items, body, text, gets, latency, streams, download)
}
