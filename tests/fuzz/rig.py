"""A real server that says what it is told to, and a real session that listens to it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import suppress
from typing import Any

import httpx

from fasthttp import AsyncSession, Security

TIMEOUT = 0.2  # seconds that the session waits for a silent server
SLACK = 3.0  # seconds more, for a busy machine
PENDING = 5000  # characters of a line or an event


class Rig:
    """A server that says what it is told to, and a session that listens; one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.open = 0
        self.pieces: list[bytes] = []
        self.end = "close"
        self.loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"
        security = Security(allow=["127.0.0.1"], max_pending=PENDING)
        self.session = AsyncSession(security=security, timeout=TIMEOUT, follow_redirects=True)
        await self.session.open()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await reader.readuntil(b"\r\n\r\n"):
                    for piece in self.pieces:
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0)
                    if self.end == "close":
                        return
                    if self.end == "reset":
                        self._reset(writer)
                        return
        finally:
            self.open -= 1
            writer.close()

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def listen(self, pieces: list[bytes], end: str, method: str, mode: str, early: bool) -> None:
        """One exchange; whatever the server says, it ends well or in one of httpx's errors."""
        self.pieces, self.end = pieces, end
        started = time.monotonic()
        self.loop.run_until_complete(asyncio.wait_for(self._exchange(method, mode, early), 10))
        # Up to twenty redirects are followed, each with the timeout anew.
        assert time.monotonic() - started < 21 * TIMEOUT + SLACK

    async def _exchange(self, method: str, mode: str, early: bool) -> None:
        with suppress(httpx.HTTPError, httpx.StreamError):
            async with self.session.stream(method, self.url) as response:
                await _read(response, mode, early)
        engine: Any = self.session._transport
        assert not engine._engine._live
        # Nothing of this exchange is left for the next one.
        await engine.aclose()
        for _ in range(200):
            if not self.open:
                break
            await asyncio.sleep(0.005)
        assert self.open == 0

    def close(self) -> None:
        """Close session, server and loop."""
        self.loop.run_until_complete(self.session.close())
        self.server.close()
        self.loop.run_until_complete(self.server.wait_closed())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


async def _read(response: Any, mode: str, early: bool) -> None:
    if mode == "aread":
        await response.aread()
        str(response.text)
        return
    total = 0
    async for item in getattr(response, mode)():
        total += len(item)
        if early or total > 2**24:
            return
