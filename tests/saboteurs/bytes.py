"""Faults in reading bytes, and in undoing content codings."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

from fasthttp.decoders import body as codings
from fasthttp.decoders.bytes import ByteChunker
from fasthttp.decoders.codings import Br, Deflate, Gzip, Zst
from fasthttp.decoders.engines import Inflate
from fasthttp.decoders.lines import LineDecoder
from fasthttp.decoders.text import TextDecoder
from fasthttp.reading import Items
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fasthttp.response import Response

RESPONSE = "fasthttp.response.Response"
CODINGS = "fasthttp.decoders.codings"
KNOWN = "fasthttp.decoders.body._CODINGS"


def _empty_at_the_end(self: Response, chunk_size: int | None = None) -> Items[bytes]:
    chunker = ByteChunker(chunk_size)

    def finish() -> list[bytes]:
        return [*chunker.flush(), *([] if chunk_size else [b""])]

    return Items(self._open, self._ended, chunker.feed, finish, chunker.flush)


@saboteur("bytes-whole")
class EmptyChunk(Sabotaged):
    """Hands out an empty chunk where the body ends (B36)."""

    patches = {f"{RESPONSE}.aiter_bytes": _empty_at_the_end}


class _CutOnly(ByteChunker):
    def feed(self, chunk: bytes) -> list[bytes]:
        return [*super().feed(chunk), *super().flush()]


@saboteur("bytes-size")
class CutNotCollected(Sabotaged):
    """Cuts what arrives to chunks of a size, and collects nothing (B40)."""

    patches = {"fasthttp.response.ByteChunker": _CutOnly}


class _OneBehind(ByteChunker):
    def feed(self, chunk: bytes) -> list[bytes]:
        if self._size is None:
            return super().feed(chunk)
        self._pending += chunk
        count = max(0, len(self._pending) - 1) // self._size
        blocks = [bytes(self._pending[at * self._size :][: self._size]) for at in range(count)]
        del self._pending[: count * self._size]
        return blocks


@saboteur("bytes-size")
class OneBehind(Sabotaged):
    """Gives a full chunk when the next one begins."""

    patches = {"fasthttp.response.ByteChunker": _OneBehind}


class _Unchecked(ByteChunker):
    def __init__(self, size: int | None = None) -> None:
        super().__init__()
        self._size = size


@saboteur("bytes-size-refused")
class SizeUnseen(Sabotaged):
    """Looks at the size only when it has to be counted with (B41)."""

    patches = {"fasthttp.response.ByteChunker": _Unchecked}


class _FourAtLeast(ByteChunker):
    def feed(self, chunk: bytes) -> list[bytes]:
        if self._size is not None:
            return super().feed(chunk)
        self._pending += chunk
        return self.flush() if len(self._pending) >= 4 else []


@saboteur("bytes-arrival", "timeouts-caller", "timeouts-not-total")
class WaitsForFour(Sabotaged):
    """Waits for four bytes, to see whether they are a byte order mark (B39)."""

    patches = {"fasthttp.response.ByteChunker": _FourAtLeast}


@saboteur("bytes-memory")
class ReadsAhead(Sabotaged):
    """Takes all that the server sends, whether it is read or not (B44)."""

    patches = {"fasthttp.exchange.HIGH_WATER": math.inf}


def _lines_of_the_wire(self: Response) -> Items[str]:
    decoder, lines = TextDecoder(self.encoding), LineDecoder()
    return Items(
        self._open if hasattr(self, "_content") else self._open_raw,
        self._ended,
        lambda piece: lines.feed(decoder.feed(piece)),
        lambda: [*lines.feed(decoder.flush()), *lines.flush()],
    )


@saboteur(
    "body-delivered",
    "bytes-coding-corrupt",
    "bytes-coding-rest",
    "bytes-coding-truncated",
    "bytes-coding-unknown",
    "bytes-codings",
    "bytes-gzip-rest",
    "errors-family",
    "errors-kind",
    "security-pending",
)
class LinesAsSent(Sabotaged):
    """Reads lines from the socket's bytes, round the content decoding (B27)."""

    patches = {f"{RESPONSE}.aiter_lines": _lines_of_the_wire}


def _as_written(values: Iterable[str]) -> list[str]:
    tokens = [token.strip() for value in values for token in value.split(",")]
    return [token for token in tokens if token]


def _without_old_names(names: Sequence[str]) -> codings.BodyDecoder | None:
    return codings.decoder_for([f"?{name}" if name == "x-gzip" else name for name in names])


@saboteur("bytes-coding-x-gzip")
class OldNameIsUnknown(Sabotaged):
    """Knows gzip, and does not know x-gzip (B33)."""

    patches = {"fasthttp.response.decoder_for": _without_old_names}


@saboteur("bytes-coding-names", "bytes-coding-x-gzip")
class NamesInLowerCase(Sabotaged):
    """Knows gzip, and does not know GZIP (B33)."""

    patches = {"fasthttp.response.codings_of": _as_written}


def _the_first_line(values: Sequence[str]) -> list[str]:
    return codings.codings_of(values[:1])


@saboteur("bytes-coding-list")
class OneHeaderLine(Sabotaged):
    """Reads the first Content-Encoding line only (B34)."""

    patches = {"fasthttp.response.codings_of": _the_first_line}


def _first_to_last(names: Sequence[str]) -> codings.BodyDecoder | None:
    return codings.decoder_for([*reversed(names)])


@saboteur("bytes-coding-truncated", "bytes-coding-list")
class FirstToLast(Sabotaged):
    """Undoes several codings in the order in which they were applied (B34)."""

    patches = {"fasthttp.response.decoder_for": _first_to_last}


def _if_known(names: Sequence[str]) -> codings.BodyDecoder | None:
    return codings.decoder_for([n for n in names if n in codings._CODINGS or n == "x-gzip"])


@saboteur("bytes-coding-unknown")
class UnknownIsNone(Sabotaged):
    """Hands a body out as it is if its coding has a name that it does not know (B33)."""

    patches = {"fasthttp.response.decoder_for": _if_known}


@saboteur("bytes-coding-truncated")
class HalfIsWhole(Sabotaged):
    """Takes half a compressed body for a whole one (B28)."""

    patches = {f"{CODINGS}.Coding.flush": lambda self: iter(())}


class _CutIsEmpty(Br):
    def flush(self) -> Iterator[bytes]:
        if self._decoded:
            yield from super().flush()


@saboteur("bytes-coding-truncated")
class CutBrotliIsEmpty(Sabotaged):
    """Makes an empty body of brotli that was cut before it gave anything (B29)."""

    patches = {KNOWN: codings._CODINGS | {"br": _CutIsEmpty}}


class _NoChecksum(Inflate):
    def _push(self, data: bytes) -> bytes:
        try:
            return super()._push(data)
        except zlib.error as error:
            if "data check" not in str(error):
                raise
            self.eof, self.more = True, False
            return b""


@saboteur("bytes-coding-corrupt")
class NoChecksum(Sabotaged):
    """Does not look at the checksum at the end of a gzip member."""

    patches = {f"{CODINGS}.Inflate": _NoChecksum}


class _Hoarding:
    """Gives what is decoded out by the kilobyte, and the rest at the end."""

    def __init__(self, decoder: codings.BodyDecoder) -> None:
        self.decoder, self.kept = decoder, b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        try:
            for piece in self.decoder.feed(chunk):
                self.kept += piece
                if len(self.kept) >= 1024:
                    yield from self._all()
        except codings.BodyError:
            yield from self._all()
            raise

    def flush(self) -> Iterator[bytes]:
        yield from self._all()
        yield from self.decoder.flush()

    def _all(self) -> Iterator[bytes]:
        kept, self.kept = self.kept, b""
        yield from [kept] if kept else []


def _hoarding(names: Sequence[str]) -> codings.BodyDecoder | None:
    decoder = codings.decoder_for(names)
    return _Hoarding(decoder) if decoder else None


@saboteur("bytes-coding-arrival")
class DecodesInBlocks(Sabotaged):
    """Collects what was flushed through a compressor until it is a kilobyte (B38)."""

    patches = {"fasthttp.response.decoder_for": _hoarding}


@saboteur("bytes-coding-bounded")
class OneStep(Sabotaged):
    """Decompresses all that it was given in one step (B35)."""

    patches = {"fasthttp.decoders.engines.PIECE": 1 << 30}


@saboteur(
    "bytes-accept-encoding",
    "bytes-codings",
    "bytes-coding-list",
    "bytes-coding-truncated",
    "bytes-coding-arrival",
    "bytes-coding-bounded",
)
class OffersTooMuch(Sabotaged):
    """Offers brotli where there is no decoder for it (B29, B33)."""

    patches = {KNOWN: {name: coding for name, coding in codings._CODINGS.items() if name != "br"}}


class _OneMember(Gzip):
    def _begin(self, data: bytes) -> bytes:
        if self._ended and data.lstrip(b"\0").startswith(b"\x1f"):
            self._over = True
            return b""
        return super()._begin(data)


@saboteur("bytes-gzip-members")
class FirstMember(Sabotaged):
    """Drops all gzip members but the first (B30)."""

    patches = {KNOWN: codings._CODINGS | {"gzip": _OneMember}}


class _NoPadding(Gzip):
    def _begin(self, data: bytes) -> bytes:
        if self._ended and data.startswith(b"\0"):
            raise self._damage("no member begins with a zero")
        return super()._begin(data)


@saboteur("bytes-gzip-rest")
class PaddingIsDamage(Sabotaged):
    """Takes the zeros after the last gzip member for a broken one (B30)."""

    patches = {KNOWN: codings._CODINGS | {"gzip": _NoPadding}}


class _AtOnce(Deflate):
    def _begin(self, data: bytes) -> bytes:
        if len(data) < 2:
            self._engine = Inflate(15)
            return data
        return super()._begin(data)


@saboteur("bytes-deflate")
class DecidesAtOnce(Sabotaged):
    """Takes deflate whose first byte comes alone for zlib's (B32)."""

    patches = {KNOWN: codings._CODINGS | {"deflate": _AtOnce}}


class _OneFrame(Zst):
    def _begin(self, data: bytes) -> bytes:
        if self._ended:
            raise self._damage("already at the end of the frame")
        return super()._begin(data)


@saboteur("bytes-zstd-frames")
class SecondFrame(Sabotaged):
    """Raises where a second zstd frame begins (B31)."""

    patches = {KNOWN: codings._CODINGS | {"zstd": _OneFrame}}


def _decoded(self: Response, chunk_size: int | None = None) -> Any:
    return self.aiter_bytes(chunk_size)


@saboteur("body-read-twice", "bytes-raw")
class RawIsDecoded(Sabotaged):
    """Has one iterator for the body as it was sent and as it was meant."""

    patches = {f"{RESPONSE}.aiter_raw": _decoded}


class _EndsEarly(Deflate):
    def _begin(self, data: bytes) -> bytes:
        return b"" if self._ended else super()._begin(data)


@saboteur("bytes-coding-rest")
class RestIsDropped(Sabotaged):
    """Does not look at what follows the end of a deflate stream."""

    patches = {KNOWN: codings._CODINGS | {"deflate": _EndsEarly}}
