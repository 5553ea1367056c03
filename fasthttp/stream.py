"""Body streams that are read block by block, without a generator in between."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class BlockStream(httpx.AsyncByteStream):
    """An `httpx.AsyncByteStream` that can also be asked for its next block."""

    @abstractmethod
    async def read_block(self) -> bytes:
        """Return the bytes that arrived, waiting for some; b"" at the end of the body.

        Raises `httpx.TransportError` where the body was cut short, after what did arrive.
        """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await self.read_block():
            yield block


class AdaptedStream(BlockStream):
    """Any other transport's stream."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream
        self._iterator: AsyncIterator[bytes] | None = None
        self._interrupted = False

    async def read_block(self) -> bytes:
        """Return the next block that is not empty."""
        if self._interrupted:
            # A generator that was left by an exception says that it has ended, and it has not.
            raise httpx.ReadError("an earlier read was interrupted, and the rest is lost with it")
        if self._iterator is None:
            self._iterator = aiter(self._stream)
        self._interrupted = True
        found = b""
        async for block in self._iterator:
            if block:
                found = block
                break
        self._interrupted = False
        return found

    async def aclose(self) -> None:
        """Close the stream, and first what was iterating over it."""
        # A generator that is left half-way is closed here, not by the garbage collector.
        iterator_close = getattr(self._iterator, "aclose", None)
        try:
            if iterator_close is not None:
                await iterator_close()
        finally:
            await self._stream.aclose()
