"""Server-sent events out of text, by the WHATWG rules for an event stream.

An event is returned by the very feed that brought its blank line; a block without data is none, and
a block without its blank line is discarded, its id too. One leading byte order mark is dropped. The
text must come from UTF-8, whatever charset the server names.

`last_event_id` and `retry` (milliseconds, None: never set) are what a reconnection needs. With a
`limit`, more characters than that without a blank line raise `EventTooLong`: a feed that has
completed events returns them, and the next call raises. Nothing comes after it but the error again.
"""

import json
import sys
from contextlib import suppress
from typing import Any, NamedTuple

from fasthttp.decoders.lines import LimitError, LineEnds, Pending

_new = tuple.__new__  # makes an event in half the time of calling its class
_MANY = 1000  # data lines kept as they are; a list of millions would take many times their size


class EventTooLong(LimitError):  # noqa: N818 - says what is wrong, as httpx's exceptions do
    """An event is longer than `limit` characters; `size` of it had arrived by then."""

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
        "_earlier",
        "_ends",
        "_error",
        "_id",
        "_line",
        "_size",
        "_started",
        "_type",
        "last_event_id",
        "limit",
        "retry",
    )

    def __init__(self, limit: int | None = None) -> None:
        self.retry: int | None = None
        self.limit = sys.maxsize if limit is None else limit
        self.restart("")

    def restart(self, last_event_id: str) -> None:
        """Drop what is pending and expect a new stream, with this id in force; `retry` stays."""
        self.last_event_id = self._id = last_event_id
        self._ends = LineEnds()
        self._started = False
        self._between = True  # nothing is pending: what comes is the beginning of a block
        self._line = Pending()  # the line that has no end yet
        self._size = 0  # characters in the lines since the last blank one
        self._type = ""
        self._data: list[str] = []
        self._earlier = Pending()  # the data before `_data`, if there are very many lines of it
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
        if "\r" in text or self._ends.after_cr:
            text = self._ends.feed(text)
        events: list[ServerSentEvent] = []
        try:
            if not self._between:
                text = self._finish_block(text, events)
            blocks = text.split("\n\n") if len(text) <= self.limit else [text]
            rest = blocks.pop()
            for block in blocks:
                if block.startswith("data: ") and "\n" not in block:
                    fields = ("message", block[6:], self.last_event_id, self.retry)
                    events.append(_new(ServerSentEvent, fields))
                else:
                    self._block(block, events)
            if rest:
                self._lines(rest, events)
        except EventTooLong as error:
            self._error = error
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

    def _finish_block(self, text: str, events: list[ServerSentEvent]) -> str:
        if not self._line.size and text.startswith("\n"):
            end = 1
        else:
            blank = text.find("\n\n")
            end = len(text) if blank < 0 else blank + 2
        self._lines(text[:end], events)
        return text[end:]

    def _block(self, block: str, events: list[ServerSentEvent]) -> None:
        for line in block.split("\n"):
            if line.startswith("data: "):
                self._data.append(line[6:])
            else:
                self._field(line)
        self._dispatch(events)

    def _lines(self, text: str, events: list[ServerSentEvent]) -> None:
        # The general way, line by line, wherever `text` begins and ends.
        *lines, rest = text.split("\n")
        if lines and self._line.size:
            lines[0] = self._line.take(lines[0])
        for line in lines:
            if line:
                self._grow(len(line) + 1)
                self._field(line)
            else:
                self._dispatch(events)
        if lines:
            self._between = not lines[-1]
        if rest:
            self._between = False
            self._line.add(rest)
            self._grow(0)

    def _grow(self, size: int) -> None:
        self._size += size
        total = self._size + self._line.size
        if total > self.limit:
            self._data, self._earlier, self._line = [], Pending(), Pending()
            raise EventTooLong(self.limit, total)
        if len(self._data) > _MANY:
            self._earlier.add("\n".join(self._data[:-1]) + "\n")
            del self._data[:-1]

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
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
            data = "\n".join(self._data)
            if self._earlier.size:
                data = self._earlier.take(data)
            fields = (self._type or "message", data, self._id, self.retry)
            events.append(_new(ServerSentEvent, fields))
            self._data.clear()
        self._type = ""
        self._size = 0
