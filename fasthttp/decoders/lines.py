"""Lines out of text: a line ends at LF, CRLF or CR and at nothing else.

A line is returned, without its end, by the very feed that brought the end: a CR counts at once, and
a LF that follows it, however late, belongs to it. `flush()` returns a last line that has no end.
Time is linear, and memory bounded by the pending line, whatever the shape of the input.

With a `limit`, a line of more characters raises `LineTooLong`. The lines before it are not lost: a
feed that has completed some returns them, and the next call, `feed()` or `flush()`, raises. Nothing
comes after the error but the error again.
"""

import sys
from io import StringIO


class LimitError(ValueError):
    """Something has at least `size` characters, and may have only `limit`."""

    what = "text"

    def __init__(self, limit: int, size: int) -> None:
        super().__init__(f"{self.what} of more than {limit:,} characters: {size:,} have arrived")
        self.limit = limit
        self.size = size


class LineTooLong(LimitError):  # noqa: N818 - says what is wrong, as httpx's exceptions do
    """A line is longer than `limit` characters; `size` of it had arrived by then."""

    what = "line"


class LineEnds:
    """Turns every CRLF and CR into one LF, without waiting for what follows a CR."""

    __slots__ = ("after_cr",)

    def __init__(self) -> None:
        self.after_cr = False  # a LF that comes now belongs to the CR before it

    def feed(self, text: str) -> str:
        """Return `text` with LF for its line ends; without CR and `after_cr`, that is `text`."""
        if self.after_cr and text:
            self.after_cr = False
            text = text.removeprefix("\n")
        if "\r" in text:
            self.after_cr = text.endswith("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text


class Pending:
    """Text that arrives in pieces and is wanted in one, put together in linear time."""

    __slots__ = ("_first", "_rest", "size")

    def __init__(self) -> None:
        self.size = 0
        self._first = ""
        self._rest: StringIO | None = None

    def add(self, text: str) -> None:
        """Append `text`."""
        if not self.size:
            self._first = text
        else:
            if self._rest is None:
                # Not a list of pieces: there a piece of two characters takes 60 bytes.
                self._rest = StringIO()
                self._rest.write(self._first)
            self._rest.write(text)
        self.size += len(text)

    def take(self, last: str) -> str:
        """Append `last` and return everything; start anew."""
        if self._rest is None:
            text = self._first + last
        else:
            self._rest.write(last)
            text = self._rest.getvalue()
        self.size, self._first, self._rest = 0, "", None
        return text


class LineDecoder:
    """Cuts text into lines; `limit` is the number of characters a line may have, None: any."""

    __slots__ = ("_ends", "_error", "_limit", "_pending")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = sys.maxsize if limit is None else limit
        self._ends = LineEnds()
        self._pending = Pending()
        self._error: LineTooLong | None = None

    def feed(self, text: str) -> list[str]:
        """Return the lines whose end has arrived with `text`.

        Raises:
            LineTooLong: no line can be returned and the next is longer than the limit.
        """
        if self._error is not None:
            raise self._error
        if "\r" in text or self._ends.after_cr:
            text = self._ends.feed(text)
        pending = self._pending
        known = pending.size + len(text)
        lines = text.split("\n")
        rest = lines.pop()
        if lines and pending.size:
            lines[0] = pending.take(lines[0])
        if rest:
            pending.add(rest)
        return lines if known <= self._limit else self._within_limit(lines)

    def flush(self) -> list[str]:
        """Return the last line if it had no end.

        Raises:
            LineTooLong: the error that the last feed held back.
        """
        if self._error is not None:
            raise self._error
        return [self._pending.take("")] if self._pending.size else []

    def _within_limit(self, lines: list[str]) -> list[str]:
        sizes = [*map(len, lines), self._pending.size]
        at = next((at for at, size in enumerate(sizes) if size > self._limit), None)
        if at is None:
            return lines
        self._error = LineTooLong(self._limit, sizes[at])
        self._pending = Pending()
        if at == 0:
            raise self._error
        return lines[:at]
