"""A connection: what arrives on it is handed to the exchange that has it.

aiohttp makes it and keeps it while it is idle (`connections`). An idle connection that says
something is closed: nobody asked.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp.client_proto import ResponseHandler

from .sockets import readable

if TYPE_CHECKING:
    import asyncio

    from .connections import Route
    from .exchange import Exchange

_READ_SIZE = 256 * 1024

# glibc gives memory back to the kernel at once, and asks for it again with the next block, unless
# something as large as this has ever been freed: a stream of lines then takes a quarter more time.
bytes(1024 * 1024)


class Channel(ResponseHandler):
    """A connection; while an exchange runs, what arrives is the exchange's."""

    exchange: Exchange | None = None
    route: Route
    used = False

    def __init__(self, loop: asyncio.AbstractEventLoop, cut: set[Channel]) -> None:
        super().__init__(loop)
        self._cut = cut  # the connector's

    def data_received(self, data: bytes) -> None:
        """Hand `data` on to whom it is for."""
        if self.exchange is not None:
            self.exchange.receive(data)
        elif self._parser is not None:
            super().data_received(data)  # a proxy's answer to CONNECT
        else:
            # Nobody asked: whatever follows cannot be told from the next response.
            self.close()

    def eof_received(self) -> None:
        """Tell the exchange at once: the transport would first try to write what it still has."""
        super().eof_received()
        if self.exchange is not None:
            self.exchange.lost(None)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the exchange, and first what the server has said and nobody has read yet."""
        self._cut.discard(self)
        fileno = -1 if exc is None else self._plain_fileno()
        super().connection_lost(exc)
        with suppress(OSError):
            while fileno >= 0 and self.exchange is not None:
                if not (data := os.read(fileno, _READ_SIZE)):
                    break  # no proper end: after an error this is all that is ever read
                self.exchange.receive(data)
        if self.exchange is not None:
            self.exchange.lost(exc)

    def resume_writing(self) -> None:
        """Let the exchange write on."""
        super().resume_writing()
        if self.exchange is not None:
            self.exchange.wake()

    def abort(self) -> None:
        """Cut the connection, which is gone a turn or two of the loop later."""
        if self.transport is not None:
            self._cut.add(self)
        super().abort()

    def pause(self) -> None:
        """Stop taking bytes from the network."""
        self._pause_transport_reading()

    def resume(self) -> None:
        """Take bytes from the network again."""
        self._resume_transport_reading()

    def stale(self) -> bool:
        """Whether an idle connection has something to read: its end, most likely."""
        fileno = self._fileno()
        return fileno < 0 or readable(fileno)

    def _fileno(self) -> int:
        sock = None if self.transport is None else self.transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    def _plain_fileno(self) -> int:
        # A server that refuses an upload answers and hangs up. The next write fails, and with
        # that asyncio stops reading, though the answer is there. Under TLS it cannot be had.
        encrypted = self.transport is None or self.transport.get_extra_info("sslcontext")
        return -1 if encrypted else self._fileno()
