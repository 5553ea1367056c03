"""HTTP/1.1 responses, read without I/O (RFC 9112).

`ResponseReader.feed(data, pieces)` takes bytes as they come and collects the body bytes among them;
`head` is set once the status line and headers are whole, `complete` once the body is.
`eof()` says that the peer has closed: it returns where that is a legal end and otherwise
raises `ProtocolError` with the numbers.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .framing import MAX_HEAD, Body, Head, ProtocolError, framing, parse_headers

MAX_INTERIM = 32  # 1xx responses before the final one
_SHORT_HEAD = 1024  # bytes of one that is remembered

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\x00\r\n]*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class ResponseReader:
    """Reads the response to one request."""

    def __init__(self, method: str) -> None:
        self.head: Head | None = None
        self.complete = False
        self.surplus = False  # bytes came that belong to no response
        self.started = False
        self.interim = 0  # 1xx responses so far
        self._method = method
        self._buffer = bytearray()  # an unfinished head
        self._body: Body | None = None

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        head, body = self.head, self._body
        if head is None or body is None or body.until_close or self.surplus or not self.complete:
            return False
        options = head.tokens(b"connection")
        if head.version == b"HTTP/1.0":
            return b"keep-alive" in options
        return b"close" not in options and head.status != 101

    def feed(self, data: bytes, pieces: list[bytes]) -> None:
        """Take `data`; append the body bytes in it to `pieces`, also those before an error."""
        self.started = True
        if self.head is None:
            data = self._feed_head(data)
        if data and self._body is not None:
            if not self.complete:
                data = self._body.feed(data, pieces)
                self.complete = self._body.complete
            self.surplus = bool(data) or self.surplus

    def progress(self) -> str:
        """Say in numbers how far the response has come, for error messages."""
        if self._body is not None:
            return self._body.progress()
        return f"read {len(self._buffer)} bytes of the headers" if self.started else "no response"

    def eof(self) -> None:
        """The peer has closed; raise `ProtocolError` if that cuts the response short."""
        if self._body is not None and self._body.until_close:
            self.complete = True
        elif not self.complete:
            raise ProtocolError(f"the server closed the connection too early: {self.progress()}")

    def _feed_head(self, data: bytes) -> bytes:
        """Collect until a final head is whole; return what follows it."""
        buffer = self._buffer
        searched = max(0, len(buffer) - 3)  # an end may lie across two feeds
        seen: bytes | bytearray = data  # most heads come whole, and need no buffer
        if buffer:
            buffer += data
            seen = buffer
        while end := _HEAD_END.search(seen, searched, MAX_HEAD + 4):
            block = bytes(seen[: end.start()])
            head = _known_head(block) if len(block) <= _SHORT_HEAD else _parse_head(block)
            seen = rest = bytes(seen[end.end() :])
            searched = 0
            if head.status >= 200 or head.status == 101:
                self._begin_body(head)
                return rest
            self.interim += 1
            if self.interim > MAX_INTERIM:
                raise ProtocolError(f"over {MAX_INTERIM} interim (1xx) responses")
        if len(seen) >= MAX_HEAD + 4:
            raise ProtocolError(f"a status line and headers of over {MAX_HEAD} bytes")
        if not b"HTTP/1.".startswith(seen[:7]):
            raise ProtocolError(f"not an HTTP/1 response: {bytes(seen[:24])!r}")
        if seen is not buffer:
            self._buffer = bytearray(seen)
        return b""

    def _begin_body(self, head: Head) -> None:
        self._buffer.clear()
        self._body = framing(self._method, head)
        self.complete = self._body.complete
        self.head = head


def _parse_head(block: bytes) -> Head:
    lines = block.replace(b"\r\n", b"\n").split(b"\n")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if status_line is None:
        raise ProtocolError(f"bad status line: {lines[0][:80]!r}")
    minor, status, reason = status_line.groups()
    return Head(b"HTTP/1." + minor, int(status), reason or b"", tuple(parse_headers(lines[1:])))


# A server says the same again and again, as long as the second in its Date lasts.
_known_head = lru_cache(maxsize=64)(_parse_head)
