"""Lines out of text: a line ends at LF, CRLF or CR and at nothing else.

A line is returned, without its end, by the very feed that brought the end: a CR counts at once, and
a LF that follows it, however late, belongs to it. `flush()` returns a last line that has no end.
Time is linear, and memory bounded by the pending line, whatever the shape of the input.

With a `limit`, a line of more characters raises `LineTooLong`. The lines before it are not lost: a
feed that has completed some returns them, and the next call, `feed()` or `flush()`, raises. Nothing
comes after the error but the error again.
"""

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

    __slots__ = ("_after_cr",)

    def __init__(self) -> None:
        self._after_cr = False

    def feed(self, text: str) -> str:
        """Return `text` with LF for every line end, and no LF for one that was already given."""
        if self._after_cr and text:
            self._after_cr = False
            text = text.removeprefix("\n")
        if "\r" in text:
            self._after_cr = text.endswith("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text


class Pending:
    """Text that arrives in pieces and is wanted in one, put together in linear time."""

    __slots__ = ("_first", "_rest", "size")

    def __init__(self) -> None:
        self.size = 0
        self._first: str | None = None
        self._rest: StringIO | None = None

    def __bool__(self) -> bool:
        """Whether anything was added, be it the empty string."""
        return self._first is not None

    def add(self, text: str) -> None:
        """Append `text`."""
        self.size += len(text)
        if self._first is None:
            self._first = text
            return
        if self._rest is None:
            # Not a list of pieces: a piece of two characters takes 60 bytes there.
            self._rest = StringIO()
            self._rest.write(self._first)
        self._rest.write(text)

    def take(self) -> str:
        """Return everything added, and start anew."""
        text = self._first or "" if self._rest is None else self._rest.getvalue()
        self.size, self._first, self._rest = 0, None, None
        return text


class LineDecoder:
    """Cuts text into lines; `limit` is the number of characters a line may have, None: any."""

    __slots__ = ("_ends", "_error", "_limit", "_pending")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
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
        pending = self._pending
        known = pending.size + len(text)
        lines = self._ends.feed(text).split("\n")
        rest = lines.pop()
        if pending and lines:
            pending.add(lines[0])
            lines[0] = pending.take()
        if rest:
            pending.add(rest)
        if self._limit is not None and known > self._limit:
            return self._within(self._limit, lines)
        return lines

    def flush(self) -> list[str]:
        """Return the last line if it had no end.

        Raises:
            LineTooLong: the error that the last feed held back.
        """
        if self._error is not None:
            raise self._error
        return [self._pending.take()] if self._pending else []

    def _within(self, limit: int, lines: list[str]) -> list[str]:
        sizes = [*map(len, lines), self._pending.size]
        at = next((at for at, size in enumerate(sizes) if size > limit), None)
        if at is None:
            return lines
        self._error = LineTooLong(limit, sizes[at])
        self._pending.take()
        if at == 0:
            raise self._error
        return lines[:at]
