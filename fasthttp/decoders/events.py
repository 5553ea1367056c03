"""Server-sent events out of text, by the WHATWG rules for an event stream.

An event is returned by the very feed that brought its blank line; a block without data is none, and
a block without its blank line is discarded, its id too. One leading byte order mark is dropped. The
text must come from UTF-8, whatever charset the server names.

`last_event_id` and `retry` (milliseconds, None: never set) are what a reconnection needs. With a
`limit`, a line, or the data of one event, of more characters raises `EventTooLong`: a feed that has
completed events returns them, and the next call raises. Nothing comes after it but the error again.
"""

import json
from contextlib import suppress
from typing import Any, NamedTuple

from fasthttp.decoders.lines import LimitError, LineEnds, Pending


class EventTooLong(LimitError):  # noqa: N818 - says what is wrong, as httpx's exceptions do
    """An event, or a line of it, is longer than `limit`; `size` of it had arrived by then."""

    what = "server-sent event"


class ServerSentEvent(NamedTuple):
    """One event as it was dispatched.

    Attributes:
        event: the type; "message" if the server gave none.
        data: the data lines, joined by LF.
        id: the last event ID at this moment, which an earlier event may have set; "" if none is.
        retry: the reconnection time in milliseconds that the server set last, None if it never did.
    """

    event: str = "message"
    data: str = ""
    id: str = ""
    retry: int | None = None

    def json(self) -> Any:
        """Return the data parsed as JSON; `json.JSONDecodeError`, a ValueError, if it is not."""
        return json.loads(self.data)


class EventDecoder:
    """Parses an event stream; `limit` is the number of characters an event may have, None: any."""

    __slots__ = (
        "_between",
        "_data",
        "_ends",
        "_error",
        "_id",
        "_limit",
        "_line",
        "_started",
        "_type",
        "last_event_id",
        "retry",
    )

    def __init__(self, limit: int | None = None) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._limit = limit
        self._ends = LineEnds()
        self._line = Pending()  # the line that has no end yet
        self._data = Pending()  # the data of the event that has no blank line yet, and so on
        self._type = ""
        self._id = ""
        self._started = False
        self._between = True  # nothing at all is pending: a block starts here
        self._error: EventTooLong | None = None

    def feed(self, text: str) -> list[ServerSentEvent]:
        """Return the events whose blank line has arrived with `text`.

        Raises:
            EventTooLong: no event can be returned and the next is longer than the limit.
        """
        if self._error is not None:
            raise self._error
        if not self._started and text:
            self._started = True
            text = text.removeprefix("\ufeff")
        events: list[ServerSentEvent] = []
        try:
            self._blocks(self._ends.feed(text), events)
        except EventTooLong as error:
            self._error = error
            self._line.take()
            self._data.take()
            if not events:
                raise
        return events

    def flush(self) -> list[ServerSentEvent]:
        """Return nothing: an event without its blank line is discarded.

        Raises:
            EventTooLong: the error that the last feed held back.
        """
        if self._error is not None:
            raise self._error
        return []

    def _blocks(self, text: str, events: list[ServerSentEvent]) -> None:
        if not self._between:
            end = self._end_of_block(text)
            self._lines(text[:end], events)
            text = text[end:]
        if not text:
            return
        if self._limit is not None and len(text) > self._limit:
            self._lines(text, events)
            return
        *blocks, rest = text.split("\n\n")
        new, kind = tuple.__new__, ServerSentEvent  # half the time of calling the class
        for block in blocks:
            if block.startswith("data: ") and "\n" not in block:
                fields = ("message", block[6:], self.last_event_id, self.retry)
                events.append(new(kind, fields))
            else:
                for line in block.split("\n"):
                    self._field(line)
                self._dispatch(events)
        if rest:
            self._lines(rest, events)

    def _end_of_block(self, text: str) -> int:
        if not self._line and text.startswith("\n"):
            return 1
        blank = text.find("\n\n")
        return len(text) if blank < 0 else blank + 2

    def _lines(self, text: str, events: list[ServerSentEvent]) -> None:
        # The general way, line by line, wherever `text` (never empty) begins and ends.
        *lines, rest = text.split("\n")
        if self._line and lines:
            self._line.add(lines[0])
            lines[0] = self._line.take()
        for line in lines:
            if line:
                self._check(len(line))
                self._field(line)
                self._check(self._data.size)
            else:
                self._dispatch(events)
        if rest:
            self._line.add(rest)
            self._check(self._line.size)
        self._between = not rest and not lines[-1]

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise EventTooLong(self._limit, size)

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.add(f"\n{value}" if self._data else value)
        elif name == "event":
            self._type = value
        elif name == "id":
            if "\0" not in value:
                self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            with suppress(ValueError):  # thousands of digits: more than Python converts
                self.retry = int(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._id
        if self._data:
            kind = self._type or "message"
            events.append(ServerSentEvent(kind, self._data.take(), self._id, self.retry))
        self._type = ""
