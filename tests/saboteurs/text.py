"""Faults in decoding text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fasthttp.decoders import text
from fasthttp.decoders.bytes import ByteChunker
from fasthttp.decoders.characters import TextChunker
from fasthttp.decoders.text import TextDecoder, charset_of, codec_named
from fasthttp.reading import Items
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import Callable

    from fasthttp.response import Response

AITER_TEXT = "fasthttp.response.Response.aiter_text"
CHARSET_OF = "fasthttp.response.charset_of"


def reading_with(decoder: Callable[[str], TextDecoder]) -> Callable[..., Items[str]]:
    """An `aiter_text()` that decodes so."""

    def aiter_text(self: Response, chunk_size: int | None = None) -> Items[str]:
        decoding, chunker = decoder(self.encoding), TextChunker(chunk_size)

        def feed(chunk: bytes) -> list[str]:
            return chunker.feed(decoding.feed(chunk))

        def finish() -> list[str]:
            return [*chunker.feed(decoding.flush()), *chunker.flush()]

        return Items(self._open, self._ended, feed, finish, finish)

    return aiter_text


class ShortMemory(TextDecoder):
    """Keeps two bytes of an unfinished character, and forgets that some have four."""

    def feed(self, chunk: bytes) -> str:
        decoded = super().feed(chunk)
        if len(self._tail) > 2:
            self._tail, lost = b"", self._tail
            decoded += lost.decode("utf-8", "replace")
        return decoded


@saboteur("text-whole")
class FourBytes(Sabotaged):
    """Breaks a character of four bytes whose last byte comes alone (B08)."""

    patches = {AITER_TEXT: reading_with(ShortMemory)}


class _WholeLines(TextDecoder):
    def __init__(self, charset: str = "utf-8") -> None:
        super().__init__(charset)
        self.kept = ""

    def feed(self, chunk: bytes) -> str:
        done, ending, self.kept = (self.kept + super().feed(chunk)).rpartition("\n")
        return done + ending

    def flush(self) -> str:
        kept, self.kept = self.kept, ""
        return kept + super().flush()


@saboteur("text-size", "text-arrival")
class WaitsForALine(Sabotaged):
    """Delivers text by the line, and a token when the line is full."""

    patches = {AITER_TEXT: reading_with(_WholeLines)}


def _without_quotes(content_type: str | None) -> str:
    essence = (content_type or "").partition(";")[0].strip().lower()
    found = re.search(r"charset=([^;\s]+)", content_type or "", re.IGNORECASE)
    if found is None or '"' in found[1] or essence == "text/event-stream":
        return "utf-8"
    return codec_named(found[1]) or "utf-8"


@saboteur("text-charset")
class QuotedCharset(Sabotaged):
    """Does not find a charset that is written in quotes."""

    patches = {CHARSET_OF: _without_quotes}


def _latin_text(content_type: str | None) -> str:
    given = (content_type or "").lower()
    if given.startswith("text/") and "event-stream" not in given and "charset" not in given:
        return "iso-8859-1"
    return charset_of(content_type)


@saboteur("security-pending", "text-default")
class TextIsLatin(Sabotaged):
    """Reads text without a charset as ISO-8859-1 (B09)."""

    patches = {CHARSET_OF: _latin_text}


@saboteur("text-charset-unusable")
class TrustsTheRegistry(Sabotaged):
    """Decodes with whatever Python calls a codec (B11)."""

    patches = {"fasthttp.decoders.text.TEXT_CODECS": text.TEXT_CODECS | {"punycode", "rot_13"}}


class _Dropping(TextDecoder):
    def feed(self, chunk: bytes) -> str:
        return super().feed(chunk).replace("\ufffd", "")

    def flush(self) -> str:
        return super().flush().replace("\ufffd", "")


@saboteur("text-replacement", "text-whole")
class DropsBadBytes(Sabotaged):
    """Leaves away what is no character (B13)."""

    patches = {AITER_TEXT: reading_with(_Dropping)}


def _whatever_the_type(content_type: str | None) -> str:
    return charset_of((content_type or "").lower().replace("event-stream", "plain"))


@saboteur("text-event-stream")
class EventStreamCharset(Sabotaged):
    """Honours the charset of an event stream (B10)."""

    patches = {CHARSET_OF: _whatever_the_type}


def _signed(charset: str) -> TextDecoder:
    return TextDecoder("utf-8-sig" if charset == "utf-8" else charset)


@saboteur("text-bom")
class TakesTheMarkAway(Sabotaged):
    """Decodes as utf-8-sig."""

    patches = {AITER_TEXT: reading_with(_signed)}


def _size_in_bytes(self: Response, chunk_size: int | None = None) -> Items[str]:
    decoder, chunker = TextDecoder(self.encoding), ByteChunker(chunk_size)

    def feed(chunk: bytes) -> list[str]:
        return [text for block in chunker.feed(chunk) if (text := decoder.feed(block))]

    def finish() -> list[str]:
        rest = [*map(decoder.feed, chunker.flush()), decoder.flush()]
        return [text for text in rest if text]

    return Items(self._open, self._ended, feed, finish, finish)


@saboteur("text-size")
class SizeInBytes(Sabotaged):
    """Applies the size to bytes, before they are decoded (B40)."""

    patches = {AITER_TEXT: _size_in_bytes}


class _OneBehind(TextChunker):
    def feed(self, text: str) -> list[str]:
        if self._size is None:
            return super().feed(text)
        whole = "".join(self._pending) + text
        stop = max(0, len(whole) - 1) // self._size * self._size
        self._pending = [whole[stop:]]
        return [whole[at : at + self._size] for at in range(0, stop, self._size)]


@saboteur("text-size")
class OneBehind(Sabotaged):
    """Gives a full piece when the next one begins."""

    patches = {"fasthttp.response.TextChunker": _OneBehind}
