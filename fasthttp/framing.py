"""Where a body ends (RFC 9112, 6 and 7).

`framing(method, head)` picks the one way in which the body of a response is delimited. Each way
takes bytes as they come (`feed`) and says when it is `complete`. What is ambiguous is refused
with `ProtocolError`, because the next response on the same connection would be read from the
wrong place.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import cached_property
from typing import NamedTuple

MAX_HEAD = 64 * 1024  # bytes of a status line and headers, and of trailers
MAX_HEADERS = 256
MAX_CHUNK_LINE = 4 * 1024  # a chunk's size and its extensions

_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*)")
_NOT_IN_A_VALUE = re.compile(rb"[\x00\r]")
_CRLF = re.compile(rb"\r\n")  # splits in two thirds of the time that bytes.split() takes
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*(?:;[^\r\n]*)?)\r\n")
_CHUNK_LINE_START = re.compile(rb"[0-9A-Fa-f]{1,16}(?:[ \t;\r]|$)")
_MAX_KNOWN_SIZES = 1024
_SHORT_LINE = 16  # bytes of a size line that may well come again
_NO_BODY = frozenset({101, 204, 304})


class ProtocolError(Exception):
    """What the server sent is not HTTP/1.1, or it ended too early."""


class _Head(NamedTuple):  # apart from `Head`: a NamedTuple has no place to keep a property's value
    version: bytes  # b"HTTP/1.1"
    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]


class Head(_Head):
    """A final response's status line and headers, as sent."""

    @cached_property
    def _values(self) -> dict[bytes, bytes]:
        """The values by name in lower case, those of one name joined by commas."""
        found: dict[bytes, bytes] = {}
        for key, value in self.headers:
            name = key.lower()
            found[name] = found[name] + b"," + value if name in found else value
        return found

    def tokens(self, name: bytes) -> list[bytes]:
        """Return what commas divide in all the headers of that name, in lower case."""
        value = self._values.get(name)
        return [] if value is None else [token.strip().lower() for token in value.split(b",")]


class Body(ABC):
    """One way to find the end of a body."""

    complete: bool = False
    until_close: bool = False  # only the end of the connection ends it

    @abstractmethod
    def feed(self, data: bytes, pieces: list[bytes]) -> bytes:
        """Append the body bytes in `data` to `pieces`; return what follows the body."""

    @abstractmethod
    def progress(self) -> str:
        """Say in numbers how far the body has come, for error messages."""


class _NoBody(Body):
    """HEAD, 204, 304: whatever the headers announce, nothing follows."""

    complete = True

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes:  # noqa: ARG002 - Body's signature
        return data

    def progress(self) -> str:
        return "read 0 of 0 bytes"


class _LengthBody(Body):
    """Content-Length bytes."""

    def __init__(self, length: int) -> None:
        self._length = self._left = length
        self.complete = length == 0

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes:
        if len(data) < self._left:
            self._left -= len(data)
            pieces.append(data)
            return b""
        pieces.append(data[: self._left])
        rest = data[self._left :]
        self._left, self.complete = 0, True
        return rest

    def progress(self) -> str:
        return f"read {self._length - self._left} of {self._length} bytes"


class _CloseBody(Body):
    """No length at all: the body ends with the connection (RFC 9112, 6.3, case 8)."""

    until_close = True

    def __init__(self) -> None:
        self._read = 0

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes:
        pieces.append(data)
        self._read += len(data)
        return b""

    def progress(self) -> str:
        return f"read {self._read} bytes of unknown length"


class _Sizes(dict[bytes, int]):
    """What size lines say, their CRLF left out; -1: the last one, or one to look into."""

    def __missing__(self, line: bytes) -> int:
        if len(line) > _SHORT_LINE:
            return -1
        found = _CHUNK_LINE.fullmatch(line + b"\r\n")
        size = (found and int(found[1], 16)) or -1
        if len(self) < _MAX_KNOWN_SIZES:
            self[line] = size
        return size


class _ChunkedBody(Body):
    """Chunks, a last chunk, trailers (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self._pending = b""  # an unfinished size line, chunk end or trailer
        self._left = 0  # bytes of the present chunk still to come
        self._size = 0  # of the present chunk
        self._read = 0  # body bytes in all
        self._in_trailers = False
        self._at_chunk_end = False  # the CRLF after a chunk's data is due
        self._sizes = _Sizes()

    def feed(self, data: bytes, pieces: list[bytes]) -> bytes:
        if self._pending:
            data, self._pending = self._pending + data, b""
        position, end, untried = 0, len(data), True
        while position < end and not self._in_trailers:
            if self._left:
                position = self._take_data(data, position, pieces)
            elif self._at_chunk_end:
                if not data.startswith(b"\r\n", position):
                    if data[position:] == b"\r":
                        break
                    raise ProtocolError(self._broken("no CRLF after a chunk", data, position))
                position += 2
                self._at_chunk_end = False
            else:
                if untried:
                    untried = False
                    position = self._take_plain_chunks(data, position, pieces)
                    continue
                position = self._take_whole_chunks(data, position, pieces)
                line_end = self._take_size(data, position)
                if not line_end:
                    break
                position = line_end
        if self._in_trailers:
            return self._feed_trailers(data[position:])
        self._pending = data[position:]
        return b""

    def _take_data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        stop = min(position + self._left, len(data))
        pieces.append(data[position:stop])
        self._left -= stop - position
        self._read += stop - position
        self._at_chunk_end = not self._left
        return stop

    def _take_plain_chunks(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        """The usual case: many chunks without a CRLF inside, all cut in one go."""
        lines = _CRLF.split(data[position:])
        chunks = lines[1:-1:2]
        sizes = list(map(self._sizes.__getitem__, lines[: 2 * len(chunks) : 2]))
        lengths = list(map(len, chunks))
        if sizes != lengths:
            right = next(at for at, size in enumerate(sizes) if size != lengths[at])
            del chunks[right:], lengths[right:]
        if not chunks:
            return position
        pieces.append(b"".join(chunks))
        self._read += sum(lengths)
        return len(data) - len(b"\r\n".join(lines[2 * len(chunks) :]))

    def _take_whole_chunks(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        """Chunks that lie whole in `data`, whatever is in them."""
        find, starts, sizes = data.find, data.startswith, self._sizes
        while (line_end := find(b"\r\n", position, position + _SHORT_LINE + 2)) > 0:
            size = sizes[data[position:line_end]]
            start = line_end + 2
            stop = start + size
            if size < 0 or not starts(b"\r\n", stop):
                break
            pieces.append(data[start:stop])
            self._read += size
            position = stop + 2
        return position

    def _take_size(self, data: bytes, position: int) -> int:
        """Read a size line; return where it ends, or 0 while it is not whole."""
        line = _CHUNK_LINE.match(data, position, position + MAX_CHUNK_LINE)
        if line is None:
            self._check_partial_size(data, position)
            return 0
        self._left = self._size = int(line[1], 16)
        self._in_trailers = not self._left
        return line.end()

    def _check_partial_size(self, data: bytes, position: int) -> None:
        start = data[position : position + MAX_CHUNK_LINE]
        if start and (b"\n" in start or not _CHUNK_LINE_START.match(start)):
            raise ProtocolError(self._broken("bad chunk size", data, position))
        if len(start) == MAX_CHUNK_LINE:
            raise ProtocolError(
                f"a chunk size line of over {MAX_CHUNK_LINE} bytes, after {self._read} body bytes"
            )

    def _feed_trailers(self, data: bytes) -> bytes:
        """Trailers are read and dropped; return what follows them."""
        if data.startswith(b"\r\n"):
            self.complete = True
            return data[2:]
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > MAX_HEAD:
                raise ProtocolError(f"trailers of over {MAX_HEAD} bytes")
            self._pending = data
            return b""
        parse_headers(data[:end].split(b"\r\n"))
        self.complete = True
        return data[end + 4 :]

    def _broken(self, what: str, data: bytes, position: int) -> str:
        return f"{what}: {data[position : position + 24]!r}, after {self._read} body bytes"

    def progress(self) -> str:
        if self._left:
            where = f"{self._size - self._left} of {self._size} bytes of the last of them"
        elif self._in_trailers:
            where = "the trailers unfinished"
        elif self._pending and not self._at_chunk_end:
            where = f"a chunk size unfinished at {self._pending[:24]!r}"
        else:
            where = "the last chunk missing"
        return f"read {self._read} bytes in chunks, {where}"


def parse_headers(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Read the lines of a header block, or of trailers."""
    if len(lines) > MAX_HEADERS:
        raise ProtocolError(f"{len(lines)} headers, more than {MAX_HEADERS}")
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        field = _HEADER.fullmatch(line)
        if field is not None:
            headers.append((field[1], field[2].rstrip(b" \t")))
        elif line[:1] in {b" ", b"\t"} and headers and not _NOT_IN_A_VALUE.search(line):
            # An obsolete line folding: RFC 9112, 5.2 has a client read it as spaces.
            name, value = headers[-1]
            headers[-1] = (name, (value + b" " + line.strip(b" \t")).rstrip(b" "))
        else:
            # What is shown is no value, which may be a secret.
            folded = line[:1] in {b" ", b"\t"}
            name, colon, _ = (b"one that goes on" if folded else line).partition(b":")
            raise ProtocolError(f"bad header line: {(name + colon)[:80]!r}")
    return headers


def framing(method: str, head: Head) -> Body:
    """Decide how the body ends (RFC 9112, 6.3)."""
    codings, lengths = head.tokens(b"transfer-encoding"), head.tokens(b"content-length")
    if method == "HEAD" or head.status in _NO_BODY:
        return _NoBody()
    if codings and lengths:
        raise ProtocolError(
            "both Transfer-Encoding and Content-Length: where the body ends is unsure"
        )
    if codings:
        return _transfer_coding(codings, head.version)
    if lengths:
        return _LengthBody(_length(lengths))
    return _CloseBody()


def _transfer_coding(codings: list[bytes], version: bytes) -> Body:
    if codings != [b"chunked"] or version == b"HTTP/1.0":
        shown = b", ".join(codings).decode("ascii", "backslashreplace")
        raise ProtocolError(
            f"Transfer-Encoding {shown!r} in {version.decode()}: only chunked in HTTP/1.1 is known"
        )
    return _ChunkedBody()


def _length(values: list[bytes]) -> int:
    if len(set(values)) > 1:
        shown = ", ".join(value.decode("ascii", "backslashreplace") for value in values)
        raise ProtocolError(f"conflicting Content-Length values: {shown}")
    if not values[0].isdigit() or len(values[0]) > 18:
        raise ProtocolError(f"bad Content-Length: {values[0][:40]!r}")
    return int(values[0])
