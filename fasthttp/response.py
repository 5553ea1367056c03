"""`Response`: httpx's response, read by our own decoders (chapters bytes, text, lines, body)."""

from __future__ import annotations

import time
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx

from . import log, urls
from .decoders.body import BodyDecoder, BodyError, codings_of, decoder_for
from .decoders.bytes import ByteChunker
from .decoders.characters import TextChunker
from .decoders.events import EventDecoder, ServerSentEvent
from .decoders.lines import LineDecoder
from .decoders.text import TextDecoder, charset_of
from .reading import DECODING_ERRORS, PORTION, Items, Memory, Pull, Undecodable, Wire
from .stream import AdaptedStream, BlockStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Response(httpx.Response):
    """An `httpx.Response` whose body is read as the specification says.

    A session makes it. Inside the `stream()` block the body can be read once, in one of these
    ways; after `aread()` it is in memory and can be read again in each of them.

    Attributes:
        max_pending: the characters that a line, or an event, may have in `aiter_lines()` and
            `aiter_events()`; one of more ends them in `httpx.DecodingError`. None: any number.
    """

    max_pending: int | None = None

    def __init__(self, *args: Any, started: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._started = time.perf_counter() if started is None else started

    @property
    def stream(self) -> BlockStream:
        """The body as it arrives; what `httpx.AsyncClient` puts in its place is adapted."""
        return self._blocks

    @stream.setter  # type: ignore[override] # never a sync one
    def stream(self, stream: httpx.AsyncByteStream) -> None:
        self._blocks = stream if isinstance(stream, BlockStream) else AdaptedStream(stream)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_blocks"}

    @classmethod
    def adopt(cls, response: httpx.Response, request: httpx.Request, started: float) -> Response:
        """Return what any transport answered as a `Response` to `request`."""
        if isinstance(response, cls):
            response._request = request
            response._started = started
            return response
        adopted = cls(
            response.status_code,
            headers=response.headers.raw,
            stream=response.stream,
            request=request,
            extensions=response.extensions,
            started=started,
        )
        if response.is_stream_consumed and not isinstance(response.stream, httpx.ByteStream):
            # It was read before it came here, and its stream can give nothing any more.
            adopted._content = response.content
            adopted.is_closed = adopted.is_stream_consumed = True
        return adopted

    @property
    def encoding(self) -> str:
        """The charset that text is decoded with: Content-Type's if it names a text codec.

        Otherwise, and always for `text/event-stream`, it is UTF-8 (text-charset). Assigning
        another one before the text is read is httpx's way to overrule the server.
        """
        if not hasattr(self, "_encoding"):
            self._encoding = charset_of(self.headers.get("content-type"))
        return self._encoding or "utf-8"

    @encoding.setter
    def encoding(self, value: str) -> None:
        if hasattr(self, "_text"):
            raise ValueError("encoding cannot be set any more: `.text` has been read already")
        self._encoding = value

    @property
    def text(self) -> str:
        """The whole body as text, the same as `aiter_text()` gives; after `aread()`."""
        if not hasattr(self, "_text"):
            decoder = TextDecoder(self.encoding)
            self._text = decoder.feed(self.content) + decoder.flush()
        return self._text

    def aiter_raw(self, chunk_size: int | None = None) -> Items[bytes]:
        """Yield the body's bytes as they were sent, content codings and all.

        `chunk_size` is in bytes: every chunk but the last has that size; None: as they arrive.
        """
        chunker = ByteChunker(chunk_size)
        return Items(self._open_raw, self._ended, chunker.feed, chunker.flush, chunker.flush)

    def aiter_bytes(self, chunk_size: int | None = None) -> Items[bytes]:
        """Yield the body's bytes, content codings undone, never an empty chunk (bytes-*).

        `chunk_size` is in bytes: every chunk but the last has exactly that size. With None they
        come as they arrive. Raises `ValueError` or `TypeError` for another `chunk_size`; while
        reading `httpx.TransportError` or `httpx.DecodingError` where the body was cut short,
        after every byte that did arrive.
        """
        chunker = ByteChunker(chunk_size)
        return Items(self._open, self._ended, chunker.feed, chunker.flush, chunker.flush)

    def aiter_text(self, chunk_size: int | None = None) -> Items[str]:
        """Yield the body as text in `encoding`, never an empty piece (text-*).

        Bytes that are no text become U+FFFD. `chunk_size` is in characters, as in
        `aiter_bytes()`; the errors are the same.
        """
        decoder, chunker = TextDecoder(self.encoding), TextChunker(chunk_size)

        def feed(piece: bytes) -> Iterable[str]:
            return chunker.feed(decoder.feed(piece))

        def finish() -> Iterable[str]:
            return [*chunker.feed(decoder.flush()), *chunker.flush()]

        return Items(self._open_text, self._ended, feed, finish, finish)

    def aiter_lines(self) -> Items[str]:
        """Yield the body's lines without their ends, each once its end has arrived (lines-*).

        A line ends at LF, CRLF or CR and at nothing else. Where the body was cut short, an
        unfinished last line is not delivered; the errors are those of `aiter_bytes()`.
        """
        decoder, lines = TextDecoder(self.encoding), LineDecoder(self.max_pending)
        return Items(
            self._open_text,
            self._ended,
            lambda piece: lines.feed(decoder.feed(piece)),
            lambda: [*lines.feed(decoder.flush()), *lines.flush()],
        )

    def aiter_events(self) -> Items[ServerSentEvent]:
        """Yield the body's server-sent events by the WHATWG algorithm (events-*).

        Raises `httpx.DecodingError` at once if the Content-Type is not `text/event-stream`,
        and the errors of `aiter_bytes()` while reading. An unfinished last event is discarded.
        """
        return self._aiter_events(EventDecoder(self.max_pending))

    def _aiter_events(self, events: EventDecoder) -> Items[ServerSentEvent]:
        content_type = self.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "text/event-stream":
            raise httpx.DecodingError(
                f"expected Content-Type text/event-stream, got {content_type or 'none'!r} "
                f"with status {self.status_code}",
                request=self._request,
            )
        decoder = TextDecoder("utf-8")
        return Items(
            self._open_text,
            self._ended,
            lambda piece: events.feed(decoder.feed(piece)),
            events.flush,  # gives nothing, but may have an error to raise
        )

    async def aread(self) -> bytes:
        """Read the whole body into memory and return it; afterwards every mode replays it.

        Raises the errors of `aiter_bytes()`; a body that was cut short is never returned.
        """
        if not hasattr(self, "_content"):
            pull = self._open()
            content = BytesIO()
            error: Exception | None = None
            try:
                while (piece := await pull()) is not None:
                    content.write(piece)
            except (httpx.TransportError, BodyError) as exc:
                error = exc
            error = await self._ended(error)
            if not isinstance(error, StopAsyncIteration):
                raise error
            self._content = content.getvalue()
        return self._content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of a body that has been read whole, as `aiter_bytes()` does.

        `httpx.ResponseNotRead` unless it has been (body-replay-sync).
        """
        chunker = ByteChunker(chunk_size)
        yield from chunker.feed(self.content)
        yield from chunker.flush()

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Yield the text of a body that has been read whole, as `aiter_text()` does.

        `httpx.ResponseNotRead` unless it has been (body-replay-sync).
        """
        chunker = TextChunker(chunk_size)
        yield from chunker.feed(self.text)
        yield from chunker.flush()

    def iter_lines(self) -> Iterator[str]:
        """Yield the lines of a body that has been read whole, as `aiter_lines()` does.

        `httpx.ResponseNotRead` unless it has been (body-replay-sync).
        """
        lines = LineDecoder(None)
        yield from lines.feed(self.text)
        yield from lines.flush()

    def raise_for_status(self) -> Response:
        """Raise `httpx.HTTPStatusError` unless this is a success; its message has no secrets."""
        try:
            super().raise_for_status()
        except httpx.HTTPStatusError as exc:
            message = str(exc).replace(str(self.url), urls.shown(self.url))
            if location := self.headers.get("location"):
                message = message.replace(location, urls.shown(location))
            raise httpx.HTTPStatusError(message, request=exc.request, response=self) from None
        return self

    async def aclose(self) -> None:
        """Close the response: an unread rest is dropped with its connection, never read."""
        if not self.is_closed:
            self.is_closed = True
            self.elapsed = timedelta(seconds=time.perf_counter() - self._started)
            log.finished(self)
            await self.stream.aclose()

    def _open(self) -> Pull:
        if hasattr(self, "_content"):
            return Memory(self._content).pull
        self._claim()
        return Wire(self.stream, self._body_decoder(), self._count).pull

    def _open_text(self) -> Pull:
        if hasattr(self, "_content"):
            return Memory(self._content, PORTION).pull
        self._claim()
        return Wire(self.stream, self._body_decoder(), self._count, PORTION).pull

    def _open_raw(self) -> Pull:
        self._claim()
        return Wire(self.stream, None, self._count).pull

    def _claim(self) -> None:
        if self.is_stream_consumed:
            raise httpx.StreamConsumed
        if self.is_closed:
            raise httpx.StreamClosed
        self.is_stream_consumed = True

    def _count(self, size: int) -> None:
        self._num_bytes_downloaded += size

    def _body_decoder(self) -> BodyDecoder | None:
        try:
            return decoder_for(codings_of(self.headers.get_list("content-encoding")))
        except BodyError as exc:
            return Undecodable(exc)

    async def _ended(self, error: Exception | None) -> Exception:
        """Close the response and return what its reader is to raise."""
        await self.aclose()
        if error is None:
            return StopAsyncIteration()
        if isinstance(error, DECODING_ERRORS):
            decoding_error = httpx.DecodingError(str(error), request=self._request)
            decoding_error.__cause__ = error
            return decoding_error
        if isinstance(error, httpx.TransportError) and self._request is not None:
            error.request = self._request
        return error
