"""How a read mode goes over a body: blocks in, items out, errors last.

`Items` is what `aiter_lines()` and the others return. It is an iterator object, not a
generator: dropping one half-way leaves nothing to clean up. Whatever arrived is delivered
before an error that cut the body short is raised.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from . import loops
from .decoders.body import BodyDecoder, BodyError
from .decoders.lines import LimitError

if TYPE_CHECKING:
    from .stream import BlockStream

_PIECES = 16  # of one block, after which others run before the next one
_TURN = 0.01  # seconds, likewise: a piece can be a great many lines or events
SLICE = 1024 * 1024  # bytes of a body in memory that are one piece
PORTION = 64 * 1024  # bytes of text that are; a str of much more would have new memory each time

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


class Turn:
    """How long others have waited while the pieces of one block were given."""

    __slots__ = ("_began", "given")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start anew: others have just run."""
        self.given = 0
        self._began = perf_counter()

    async def pause(self) -> None:
        """Let others run if it has been long; cancelling this loses nothing."""
        if self.given >= _PIECES or perf_counter() - self._began > _TURN:
            await loops.others()
            self.begin()


class Wire:
    """A body as it comes over the connection, its content codings undone."""

    __slots__ = ("_count", "_decoder", "_flushed", "_pieces", "_portion", "_stream", "_turn")

    def __init__(
        self,
        stream: BlockStream,
        decoder: BodyDecoder | None,
        count: Callable[[int], None],
        portion: int = sys.maxsize,
    ) -> None:
        self._stream = stream
        self._decoder = decoder
        self._count = count
        self._portion = portion  # the most bytes of a piece
        self._flushed = decoder is None
        self._pieces: Iterator[bytes] = iter(())
        self._turn = Turn()

    async def pull(self) -> bytes | None:
        """Return the next piece, never an empty one; None once the body has ended."""
        while True:
            if self._turn.given:
                await self._turn.pause()
            for piece in self._pieces:
                self._turn.given += 1
                return piece
            # All that has arrived is one block: for the next one the loop has to go round.
            raw = await self._stream.read_block()
            self._turn.begin()
            if raw:
                self._count(len(raw))
                if self._decoder is None and len(raw) <= self._portion:
                    return raw
                pieces = (raw,) if self._decoder is None else self._decoder.feed(raw)
                self._pieces = _portions(pieces, self._portion)
            elif self._decoder is None or self._flushed:
                return None
            else:
                self._flushed = True
                self._pieces = _portions(self._decoder.flush(), self._portion)


def _portions(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        if len(piece) <= size:
            yield piece
        else:
            for at in range(0, len(piece), size):
                yield piece[at : at + size]


class Memory:
    """A body that has been read already."""

    __slots__ = ("_content", "_position", "_size", "_turn")

    def __init__(self, content: bytes, portion: int = SLICE) -> None:
        self._content = content
        self._size = portion
        self._position = 0
        self._turn = Turn()

    async def pull(self) -> bytes | None:
        """Return the next slice of the content; None after the last."""
        await self._turn.pause()
        self._turn.given += 1
        start, self._position = self._position, self._position + self._size
        return self._content[start : self._position] or None


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
