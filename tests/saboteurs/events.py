"""Faults in reading events out of a body."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from fasthttp.decoders.events import EventDecoder, EventTooLong, ServerSentEvent
from fasthttp.decoders.lines import LineEnds
from fasthttp.decoders.text import TextDecoder, codec_named
from fasthttp.response import Response
from tests.saboteurs import Sabotaged, saboteur

DECODER = "fasthttp.response.EventDecoder"

aiter_events, aiter_with = Response.aiter_events, Response._aiter_events

if TYPE_CHECKING:
    from fasthttp.reading import Items

    Events = list[ServerSentEvent]


class _Plain(EventDecoder):
    """The decoder without its short cuts: every line comes to `_field`, a blank to `_dispatch`."""

    def feed(self, text: str) -> Events:
        if self._error is not None:
            raise self._error
        if not self._started and text:
            self._started = True
            text = text.removeprefix("\ufeff")
        self.found: Events = []
        try:
            self._lines(self._ends.feed(text), self.found)
        except EventTooLong as error:
            self._error = error
            if not self.found:
                raise
        return self.found


class _NoLargeOnes(_Plain):
    def _dispatch(self, events: Events) -> None:
        if len("\n".join(self._data)) > 65_536:
            self._data.clear()
        super()._dispatch(events)


@saboteur("events-attributes")
class NoLargeOnes(Sabotaged):
    """Has a buffer of 64 KiB, and drops events that do not fit (B17)."""

    patches = {DECODER: _NoLargeOnes}


class _AsTheyAre(LineEnds):
    def feed(self, text: str) -> str:
        return text


class _OnlyLf(_Plain):
    def restart(self, last_event_id: str) -> None:
        super().restart(last_event_id)
        self._ends = _AsTheyAre()

    def _field(self, line: str) -> None:
        if line == "\r":
            self._dispatch(self.found)
        else:
            super()._field(line.removesuffix("\r"))


@saboteur(
    "events-arrival",
    "events-chunks",
    "events-comments",
    "events-fields",
    "events-line-ends",
    "events-space",
)
class OnlyLf(Sabotaged):
    """Knows LF and CRLF, and no lone CR (B22)."""

    patches = {DECODER: _OnlyLf}


class _ForgetsCr(LineEnds):
    def feed(self, text: str) -> str:
        self.after_cr = False
        return super().feed(text)


@saboteur("events-chunks", "events-line-ends", "events-comments", "events-fields")
class CrlfCutInTwo(Sabotaged):
    """Takes the LF that begins a chunk for another line end (B03)."""

    patches = {"fasthttp.decoders.events.LineEnds": _ForgetsCr}


class _AnyCase(_Plain):
    def _field(self, line: str) -> None:
        name, colon, value = line.partition(":")
        super()._field(f"{name.lower()}{colon}{value}")


@saboteur("events-fields")
class AnyCase(Sabotaged):
    """Takes field names in any case, as header names."""

    patches = {DECODER: _AnyCase}


class _Strips(_Plain):
    def _field(self, line: str) -> None:
        name, colon, value = line.partition(":")
        super()._field(f"{name}{colon}{value.lstrip(' ')}" if name == "data" else line)


@saboteur("events-space", "events-fields")
class Strips(Sabotaged):
    """Drops every space after the colon (B22)."""

    patches = {DECODER: _Strips}


class _NeedsSpace(_Plain):
    def _field(self, line: str) -> None:
        if line.startswith("data: ") or not line.startswith("data:"):
            super()._field(line)


@saboteur(
    "events-space",
    "events-bom",
    "events-comments",
    "events-data",
    "events-end",
    "events-fields",
    "events-line-ends",
    "events-retry",
    "events-text",
    "events-type",
    "events-utf8",
)
class NeedsSpace(Sabotaged):
    """Overlooks data lines without a space after the colon (B21)."""

    patches = {DECODER: _NeedsSpace}


class _NeedsColon(_Plain):
    def _field(self, line: str) -> None:
        if line != "data":
            super()._field(line)


@saboteur("events-data", "events-line-ends")
class NeedsColon(Sabotaged):
    """Does not know a data line without a colon."""

    patches = {DECODER: _NeedsColon}


class _SplitLines(_Plain):
    def _field(self, line: str) -> None:
        for part in line.splitlines():
            super()._field(part)


@saboteur("events-text")
class UnicodeSeparators(Sabotaged):
    """Cuts lines at U+2028 and its kind (B02)."""

    patches = {DECODER: _SplitLines}


class _CommentIsData(_Plain):
    def _field(self, line: str) -> None:
        super()._field("data:" if line.startswith(":") else line)


@saboteur("security-pending", "events-comments", "events-no-data")
class CommentIsData(Sabotaged):
    """Takes a comment for an empty data line (B19)."""

    patches = {DECODER: _CommentIsData}


class _IdIsEnough(_Plain):
    def _dispatch(self, events: Events) -> None:
        if self._id and not self._data:
            self._data.append("")
        super()._dispatch(events)


@saboteur("events-no-data")
class IdIsEnough(Sabotaged):
    """Gives an event at every blank line once there was an id (B19)."""

    patches = {DECODER: _IdIsEnough}


class _KeepsBom(_Plain):
    def feed(self, text: str) -> Events:
        self._started = True
        return super().feed(text)


@saboteur("events-bom")
class KeepsBom(Sabotaged):
    """Takes the byte order mark for a part of the first name (B12)."""

    patches = {DECODER: _KeepsBom}


class _StickyType(_Plain):
    def _dispatch(self, events: Events) -> None:
        kept = self._type
        super()._dispatch(events)
        self._type = kept


@saboteur("events-type", "events-chunks", "events-no-data")
class StickyType(Sabotaged):
    """Keeps the type for the events that follow."""

    patches = {DECODER: _StickyType}


class _EmptyIdIsNone(_Plain):
    def _field(self, line: str) -> None:
        if line not in ("id", "id:", "id: "):
            super()._field(line)


@saboteur("events-id")
class EmptyIdIsNone(Sabotaged):
    """Takes an empty id for no id (B20)."""

    patches = {DECODER: _EmptyIdIsNone}


def _flushed(self: Response, events: EventDecoder) -> Items[ServerSentEvent]:
    items = aiter_with(self, events)
    items._flush = lambda: events.feed("\n\n")
    return items


@saboteur("events-data", "events-end", "events-last-event-id")
class FlushesAtTheEnd(Sabotaged):
    """Gives what is unfinished when the body ends (B24)."""

    patches = {"fasthttp.response.Response._aiter_events": _flushed}


class _AnyInteger(_Plain):
    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "retry":
            with suppress(ValueError):
                self.retry = int(value)
        else:
            super()._field(line)


@saboteur("events-retry")
class AnyInteger(Sabotaged):
    """Takes for a reconnection time what `int()` takes for a number (B23)."""

    patches = {DECODER: _AnyInteger}


def _as_named(self: Response, events: EventDecoder) -> Items[ServerSentEvent]:
    items = aiter_with(self, events)
    charset = self.headers["content-type"].partition("charset=")[2]
    decoder = TextDecoder(codec_named(charset) or "utf-8")
    items._feed = lambda piece: events.feed(decoder.feed(piece))
    return items


@saboteur("events-utf8")
class AsTheServerSays(Sabotaged):
    """Decodes an event stream in the charset that its Content-Type names (B10)."""

    patches = {"fasthttp.response.Response._aiter_events": _as_named}


def _cr_held(self: Response, events: EventDecoder) -> Items[ServerSentEvent]:
    items, decoder, held = aiter_with(self, events), TextDecoder("utf-8"), ""

    def feed(piece: bytes) -> Events:
        nonlocal held
        text = held + decoder.feed(piece)
        held = "\r" if text.endswith("\r") else ""
        return events.feed(text.removesuffix("\r"))

    items._feed, items._flush = feed, lambda: events.feed(held)
    return items


@saboteur("events-arrival")
class WaitsAfterCr(Sabotaged):
    """Waits for what comes after a CR (B06)."""

    patches = {"fasthttp.response.Response._aiter_events": _cr_held}


PAIRS = ("\n\n", "\r\r", "\r\n\r\n")


def _by_pairs(self: Response, events: EventDecoder) -> Items[ServerSentEvent]:
    items, decoder = aiter_with(self, events), TextDecoder("utf-8")
    held: list[str] = []

    def feed(piece: bytes) -> Events:
        if text := decoder.feed(piece):
            held.append(text)
        last = "".join(held[-4:])  # as long as the longest pair, and no search from the beginning
        ends = [last.rfind(pair) + len(pair) for pair in PAIRS if pair in last]
        if not ends:
            return []
        whole = "".join(held)
        end = len(whole) - len(last) + max(ends)
        held[:] = [whole[end:]] if whole[end:] else []
        return events.feed(whole[:end])

    items._feed, items._flush = feed, lambda: events.feed("".join(held))
    return items


@saboteur("events-arrival")
class LooksForPairs(Sabotaged):
    """Looks for two line ends of the same kind where a block ends (B07)."""

    patches = {"fasthttp.response.Response._aiter_events": _by_pairs}


def _by_substring(self: Response) -> Items[ServerSentEvent]:
    named = self.headers.get("content-type", "")
    if "text/event-stream" not in named:
        raise httpx.DecodingError(f"Content-Type {named}", request=self._request)
    self.headers["content-type"] = "text/event-stream"
    return aiter_events(self)


@saboteur("events-content-type")
class TypeBySubstring(Sabotaged):
    """Looks for the type anywhere in the header, in one spelling (B25)."""

    patches = {"fasthttp.response.Response.aiter_events": _by_substring}


def _cut_is_an_end(self: Response) -> Items[ServerSentEvent]:
    items = aiter_events(self)
    closed = items._closed

    async def ended(error: Exception | None) -> Exception:
        cut = isinstance(error, httpx.TransportError)
        return await closed(StopAsyncIteration() if cut else error)

    items._closed = ended
    return items


@saboteur("events-truncated")
class CutIsAnEnd(Sabotaged):
    """Takes a broken stream for one that ended (B62)."""

    patches = {"fasthttp.response.Response.aiter_events": _cut_is_an_end}


class _Rescans(EventDecoder):
    """Parses everything that has come so far once more, with every chunk."""

    so_far = ""

    def feed(self, text: str) -> Events:
        self.so_far += text
        EventDecoder().feed(self.so_far)
        return super().feed(text)


@saboteur("events-linear")
class Rescans(Sabotaged):
    """Looks at the whole buffer with every chunk (B16)."""

    patches = {DECODER: _Rescans}


def _past_the_table(self: Response) -> Items[ServerSentEvent]:
    items = aiter_events(self)
    items._open = self._open_raw
    return items


@saboteur("events-read-modes")
class ReadsTheConnection(Sabotaged):
    """Reads events from the connection even if the body is in memory (B42)."""

    patches = {"fasthttp.response.Response.aiter_events": _past_the_table}


def _as_it_is(self: ServerSentEvent) -> Any:
    return self.data


@saboteur("events-json")
class JsonIsText(Sabotaged):
    """Hands out the payload without parsing it."""

    patches = {"fasthttp.decoders.events.ServerSentEvent.json": _as_it_is}
