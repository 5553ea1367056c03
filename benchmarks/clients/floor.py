"""The floor: a bare `asyncio.Protocol` that counts the bytes of each body and looks at none.

No client in Python on this event loop can be quicker. It knows just enough HTTP to see where a
body from `benchmarks.server` ends.
"""

from __future__ import annotations

import asyncio
import time
from typing import Self
from urllib.parse import urlsplit

CODINGS = ("gzip", "zstd")


class Exchange(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.items = 0
        self.delays: list[int] = []
        self._remaining = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, target: str) -> asyncio.Future[int]:
        """Ask for `target`; the future gets the number of items once the body has ended."""
        self.items, self._in_head = 0, True
        self._done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport.write(f"GET {target} HTTP/1.1\r\nHost: floor\r\n\r\n".encode())
        return self._done

    def data_received(self, data: bytes) -> None:
        """Count, until the body is whole."""
        if self._in_head:
            head, _, data = data.partition(b"\r\n\r\n")
            self._in_head = False
            length = head.rpartition(b"Content-Length: ")[2]
            self._remaining = int(length.partition(b"\r")[0]) if length != head else -1
        self.take(data)
        if self._remaining < 0:
            ended = data.endswith(b"0\r\n\r\n")
        else:
            self._remaining -= len(data)
            ended = self._remaining == 0
        if ended:
            self._done.set_result(self.items)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for ever."""
        if hasattr(self, "_done") and not self._done.done():
            self._done.set_exception(exc or ConnectionResetError("the server went away"))

    def take(self, data: bytes) -> None:
        """Count a block."""
        self.items += len(data)


class Stamps(Exchange):
    """Notes how long each line was on its way (row `latency`)."""

    def take(self, data: bytes) -> None:
        """Read the moment of writing out of a chunk that holds one line."""
        now = time.monotonic_ns()
        for line in data.split(b"\n")[1::3]:
            if line.isdigit():
                self.delays.append(now - int(line))


class Client:
    exchange = Exchange

    def __init__(self, connections: int) -> None:
        self._idle: list[Exchange] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for exchange in self._idle:
            exchange.transport.close()

    async def count(self, url: str) -> int:
        parts = urlsplit(url)
        exchange = self._idle.pop() if self._idle else await self._connect(self.exchange, url)
        items = await exchange.send(f"{parts.path}?{parts.query}")
        self._idle.append(exchange)
        return items

    async def delays(self, url: str) -> list[int]:
        parts = urlsplit(url)
        exchange = await self._connect(Stamps, url)
        await exchange.send(f"{parts.path}?{parts.query}")
        exchange.transport.close()
        return exchange.delays

    async def _connect(self, kind: type[Exchange], url: str) -> Exchange:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(kind, parts.hostname, parts.port))[1]
