"""How a read mode goes over a body: blocks in, items out, errors last.

`Items` is what `aiter_lines()` and the others return. It is an iterator object, not a
generator: dropping one half-way leaves nothing to clean up. Whatever arrived is delivered
before an error that cut the body short is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from .decoders.body import BodyDecoder, BodyError
from .decoders.lines import LimitError

if TYPE_CHECKING:
    from .stream import BlockStream

_PIECES = 16  # of at most 64 KiB, decoded without letting others run
_SLICE = 1024 * 1024  # bytes of a body in memory, likewise

DECODING_ERRORS = (BodyError, LimitError)  # what a decoder says of a body

T = TypeVar("T")
Pull = Callable[[], Awaitable[bytes | None]]


class Undecodable:
    """Stands for the decoder of a body that cannot be decoded: no bytes are still no error."""

    def __init__(self, reason: BodyError) -> None:
        self._reason = reason

    def feed(self, chunk: bytes) -> Iterator[bytes]:  # noqa: ARG002 - BodyDecoder's signature
        """Raise the reason."""
        raise self._reason

    def flush(self) -> Iterator[bytes]:
        """Return nothing."""
        return iter(())


class Wire:
    """A body as it comes over the connection, its content codings undone."""

    __slots__ = ("_count", "_decoder", "_flushed", "_given", "_pieces", "_stream")

    def __init__(
        self, stream: BlockStream, decoder: BodyDecoder | None, count: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._decoder = decoder
        self._count = count
        self._flushed = decoder is None
        self._pieces: Iterator[bytes] = iter(())
        self._given = 0  # pieces of the present block

    async def pull(self) -> bytes | None:
        """Return the next piece, never an empty one; None once the body has ended."""
        while True:
            if self._given == _PIECES:
                # One block can decode to a great deal: let others run before the next part of it.
                await asyncio.sleep(0)
                self._given = 0
            for piece in self._pieces:
                self._given += 1
                return piece
            raw = await self._stream.read_block()
            self._given = 0
            if raw:
                self._count(len(raw))
                if self._decoder is None:
                    return raw
                self._pieces = self._decoder.feed(raw)
            elif self._decoder is None or self._flushed:
                return None
            else:
                self._flushed = True
                self._pieces = self._decoder.flush()


class Memory:
    """A body that has been read already."""

    __slots__ = ("_content", "_position")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    async def pull(self) -> bytes | None:
        """Return the next slice of the content; None after the last."""
        start, stop = self._position, self._position + _SLICE
        if start >= len(self._content):
            return None
        if start:
            await asyncio.sleep(0)
        self._position = stop
        return self._content[start:stop]


def _nothing() -> Iterable[Any]:
    return ()


class Items(AsyncIterator[T], Generic[T]):
    """The items of one body, each as soon as it is complete."""

    __slots__ = (
        "_busy",
        "_closed",
        "_error",
        "_feed",
        "_flush",
        "_open",
        "_pull",
        "_ready",
        "_salvage",
    )

    def __init__(
        self,
        open_body: Callable[[], Pull],
        closed: Callable[[Exception | None], Awaitable[Exception]],
        feed: Callable[[bytes], Iterable[T]],
        flush: Callable[[], Iterable[T]] = _nothing,
        salvage: Callable[[], Iterable[T]] = _nothing,
    ) -> None:
        self._open = open_body
        self._closed = closed  # told how the body ended; returns what to raise
        self._feed = feed  # what one piece completes
        self._flush = flush  # what the end of the body completes
        self._salvage = salvage  # what is delivered where the body is cut short
        self._pull: Pull | None = None
        self._busy = False
        self._ready: Iterator[T] = iter(())
        self._error: Exception | None = None  # to raise when `_ready` has run out

    def __aiter__(self) -> Items[T]:
        return self

    async def __anext__(self) -> T:
        for item in self._ready:
            return item
        return await self._next()

    async def aclose(self) -> None:
        """Stop here; the response stays as it is until its block is left."""
        self._ready, self._error = iter(()), StopAsyncIteration()

    async def _next(self) -> T:
        if self._busy:
            raise RuntimeError("this response is already being read by another task")
        self._busy = True
        try:
            while self._error is None:
                self._ready = await self._more()
                for item in self._ready:
                    return item
            self._error = await self._closed(self._error)
        finally:
            self._busy = False
        raise self._error

    async def _more(self) -> Iterator[T]:
        """Wait for one piece, or the end, and return what it completes."""
        if self._pull is None:
            self._pull = self._open()
        try:
            piece = await self._pull()
            items = self._flush() if piece is None else self._feed(piece)
        except (httpx.TransportError, *DECODING_ERRORS) as exc:
            self._error = exc
            return iter(self._salvage())
        if piece is None:
            self._error = StopAsyncIteration()
        return iter(items)
