"""Faults in the body as a whole: what can follow what, where it ends, and how it is cut short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

from fasthttp.decoders.bytes import ByteChunker
from fasthttp.decoders.codings import BodyError, Coding
from fasthttp.decoders.lines import LineDecoder
from fasthttp.decoders.text import TextDecoder
from fasthttp.exchange import Exchange
from fasthttp.framing import Body, Head, ProtocolError, framing
from fasthttp.http1 import ResponseReader
from fasthttp.reading import Items, Memory, Pull
from fasthttp.response import Response
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RESPONSE = "fasthttp.response.Response"

aread, claim, open_body = Response.aread, Response._claim, Response._open
feed, eof = ResponseReader.feed, ResponseReader.eof
lost = Exchange.lost
flush_coding = Coding.flush


async def _one_read(self: Response) -> bytes:
    self._content = (await aread(self))[:65_536]
    return self._content


@saboteur("body-aread")
class OneRead(Sabotaged):
    """Reads 64 KiB and takes them for everything."""

    patches = {f"{RESPONSE}.aread": _one_read}


async def _errors_not_kept(self: Response) -> bytes:
    content = await aread(self)
    if self.is_error:
        del self._content
    return content


@saboteur("events-refused", "body-content", "session-status-silent", "session-response-early")
class ErrorsNotKept(Sabotaged):
    """Does not keep the body of a response that says that something went wrong (B43)."""

    patches = {f"{RESPONSE}.aread": _errors_not_kept}


@saboteur("body-framings")
class NoExtensions(Sabotaged):
    """Knows chunk sizes, and no chunk extensions."""

    patches = {
        "fasthttp.framing._CHUNK_LINE": re.compile(rb"([0-9A-Fa-f]{1,16})\r\n"),
        "fasthttp.framing._CHUNK_LINE_START": re.compile(rb"[0-9A-Fa-f]{1,16}(?:\r|$)"),
    }


def _once(self: Response) -> Pull:
    if hasattr(self, "_content"):
        if "given" in self.extensions:
            raise httpx.StreamConsumed
        self.extensions["given"] = True
    return open_body(self)


@saboteur("body-replay")
class ReplaysOnce(Sabotaged):
    """Gives what is in memory to the first who asks (B42)."""

    patches = {f"{RESPONSE}._open": _once}


@saboteur("body-replay-sync")
class InheritsLines(Sabotaged):
    """Leaves the lines of a body in memory to httpx, which splits them elsewhere (B01)."""

    patches = {f"{RESPONSE}.iter_lines": httpx.Response.iter_lines}


def _full_ones_only(self: Response, chunk_size: int | None = None) -> Iterator[bytes]:
    yield from ByteChunker(chunk_size).feed(self.content)


@saboteur("body-replay-sync")
class FullOnesOnly(Sabotaged):
    """Gives of a body in memory the chunks that are full."""

    patches = {f"{RESPONSE}.iter_bytes": _full_ones_only}


def _never_flushed(self: Response) -> str:
    return TextDecoder(self.encoding).feed(self.content)


@saboteur("body-content", "body-replay-sync")
class NeverFlushed(Sabotaged):
    """Leaves a last character that is not whole out of `text`."""

    patches = {f"{RESPONSE}.text": property(_never_flushed)}


def _the_rest(self: Response) -> None:
    if self.is_closed:
        raise httpx.StreamClosed
    self.is_stream_consumed = True


@saboteur("body-read-twice", "events-read-modes")
class ReadsTheRest(Sabotaged):
    """Gives the second reader what the first has left (B42)."""

    patches = {f"{RESPONSE}._claim": _the_rest}


@saboteur("body-not-read")
class UnreadIsEmpty(Sabotaged):
    """Has an empty text for a body that has not been read (B43)."""

    patches = {f"{RESPONSE}.content": property(lambda self: getattr(self, "_content", b""))}


def _closed_is_empty(self: Response) -> Pull:
    if self.is_closed and not self.is_stream_consumed and not hasattr(self, "_content"):
        return Memory(b"").pull
    return open_body(self)


@saboteur("body-closed")
class ClosedIsEmpty(Sabotaged):
    """Lets an iterator just end when the response has been closed (B42)."""

    patches = {f"{RESPONSE}._open": _closed_is_empty}


def _something_expected(self: Coding) -> Iterator[bytes]:
    if not self._ended and self._engine is None:
        raise BodyError(f"no {self.name} stream in 0 bytes")
    yield from flush_coding(self)


@saboteur("body-absent")
class DecodesNothing(Sabotaged):
    """Decompresses no bytes, and finds that they are no compressed stream (B37)."""

    patches = {"fasthttp.decoders.codings.Coding.flush": _something_expected}


def _zero_is_the_end(self: ResponseReader) -> None:
    if getattr(self._body, "_in_trailers", False):
        self.complete = True
    eof(self)


@saboteur("body-truncated")
class ZeroIsTheEnd(Sabotaged):
    """Takes a body for complete that ends amid its last chunk (B62)."""

    patches = {"fasthttp.http1.ResponseReader.eof": _zero_is_the_end}


def _no_matter_how(self: Exchange, error: BaseException | None) -> None:
    body = self._reader._body
    lost(self, None if body is not None and body.until_close else error)


@saboteur("body-reset")
class ResetIsTheEnd(Sabotaged):
    """Takes a reset for the end of a body that ends with the connection (B14)."""

    patches = {"fasthttp.exchange.Exchange.lost": _no_matter_how}


def _chunk_thrown_away(self: Response, chunk_size: int | None = None) -> Items[bytes]:
    chunker = ByteChunker(chunk_size)
    return Items(self._open, self._ended, chunker.feed, chunker.flush)


@saboteur("body-delivered")
class ChunkThrownAway(Sabotaged):
    """Throws away with the error what had not filled a chunk (B14)."""

    patches = {f"{RESPONSE}.aiter_bytes": _chunk_thrown_away}


def _raw_thrown_away(self: Response, chunk_size: int | None = None) -> Items[bytes]:
    chunker = ByteChunker(chunk_size)
    return Items(self._open_raw, self._ended, chunker.feed, chunker.flush)


@saboteur("body-delivered")
class RawThrownAway(Sabotaged):
    """Does so where the bytes are read as they were sent."""

    patches = {f"{RESPONSE}.aiter_raw": _raw_thrown_away}


def _half_a_line(self: Response) -> Items[str]:
    decoder, lines = TextDecoder(self.encoding), LineDecoder()

    def finish() -> Iterable[str]:
        return [*lines.feed(decoder.flush()), *lines.flush()]

    return Items(
        self._open, self._ended, lambda piece: lines.feed(decoder.feed(piece)), finish, finish
    )


@saboteur("body-delivered-lines", "security-pending")
class HalfALine(Sabotaged):
    """Delivers half a line as if it were a whole one, and then the error (B14)."""

    patches = {f"{RESPONSE}.aiter_lines": _half_a_line}


def _no_surplus(self: ResponseReader, data: bytes, pieces: list[bytes]) -> None:
    feed(self, data, pieces)
    if self.surplus:
        raise ProtocolError("more came than was announced")


@saboteur("body-excess")
class ExcessIsAnError(Sabotaged):
    """Fails a good response for what came behind it (B65)."""

    patches = {"fasthttp.http1.ResponseReader.feed": _no_surplus}


def _chunked_wins(method: str, head: Head) -> Body:
    chunked = head.tokens(b"transfer-encoding")
    kept = [pair for pair in head.headers if not chunked or pair[0].lower() != b"content-length"]
    return framing(method, head._replace(headers=tuple(kept)))


@saboteur("body-framing-both")
class ChunkedWins(Sabotaged):
    """Does not look at Content-Length where there is Transfer-Encoding (B66)."""

    patches = {"fasthttp.http1.framing": _chunked_wins}


@saboteur("body-framing-refused", "errors-kind")
class LengthByInt(Sabotaged):
    """Reads the first Content-Length, with its sign (B66)."""

    patches = {"fasthttp.framing._length": lambda values: int(values[0])}


@saboteur("body-interim")
class OneInterim(Sabotaged):
    """Skips one interim response, and not two (B67)."""

    patches = {"fasthttp.http1.MAX_INTERIM": 1}


def _before_the_data(self: Exchange, error: BaseException | None) -> None:
    body = self._reader._body
    if error is None and self._unread > 30_000 and body is not None and body.until_close:
        self._blocks.clear()
        self.fail(httpx.RemoteProtocolError("the connection has ended"))
    lost(self, error)


@saboteur("body-slow-reader")
class EndBeforeData(Sabotaged):
    """Notices the end of the connection before the data that waits in front of it (B64)."""

    patches = {"fasthttp.exchange.Exchange.lost": _before_the_data}
