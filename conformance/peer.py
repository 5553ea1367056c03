"""One client connection, as a server sees it: requests read byte for byte, segments sent.

`Peer` wraps a blocking socket that one thread uses; `wake`, `finish` and `abort` may be called from
another. Whenever the client turns out to have left, the method in progress raises `Gone`, which
tells how. What is not HTTP/1.x raises `Malformed`; `raw` holds the bytes of the current message.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.wire import Parts

_DIGITS = {10: re.compile(rb"[0-9]+"), 16: re.compile(rb"[0-9A-Fa-f]+")}
_AT_ONCE = 1 << 16  # what is shorter is sent in one call
_SLICE = 1 << 20  # what is longer, in slices of this size
_LONGEST_HEAD = 1 << 20


class Gone(Exception):  # noqa: N818 - not an error: clients are free to leave
    """The client has left; the message is "client-closed" or "client-reset"."""


class Malformed(Exception):  # noqa: N818 - the client's error, recorded and answered
    """What the client sent is not a request."""


@dataclass(frozen=True)
class Recorded:
    """One request as it was sent; `raw` is its head and body as they lay on the wire."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes  # without its framing
    raw: bytes
    connection: int  # counted from 1, in the order of acceptance
    complete: bool  # False: the body has not been read to its end

    def values(self, name: str) -> list[bytes]:
        """The values of every header line of this name, in any case, in order."""
        wanted = name.lower().encode()
        return [value for key, value in self.headers if key.lower() == wanted]

    def says(self, name: str, token: str) -> bool:
        """Whether a header's list of tokens names this one, in any case."""
        listed = b",".join(self.values(name)).lower().split(b",")
        return token.encode() in map(bytes.strip, listed)

    @property
    def stays(self) -> bool:
        """Whether the client lets the connection be used again."""
        if self.version == "HTTP/1.0":
            return self.says("connection", "keep-alive")
        return not self.says("connection", "close")


def parsed(raw: bytes, connection: int) -> Recorded:
    """The head of a request; its body is still to come."""
    first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    words = first.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Malformed(f"not a request line: {first!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or line[:1] in b" \t":
            raise Malformed(f"not a header line: {line!r}")
        headers.append((name, value.strip(b" \t")))
    method, target, version = words
    return Recorded(method, target, version, tuple(headers), b"", raw, connection, complete=False)


@contextlib.contextmanager
def _departure() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise Gone("client-closed") from None
    except ConnectionError:
        raise Gone("client-reset") from None


def _batches(parts: Parts) -> Iterator[bytes | memoryview]:
    """The same bytes: small parts together in one copy, large ones in slices that are views."""
    small: list[memoryview] = []
    size = 0
    for part in parts:
        if size + len(part) > _AT_ONCE:
            yield b"".join(small)
            small, size = [], 0
        if len(part) > _AT_ONCE:
            yield from (part[start : start + _SLICE] for start in range(0, len(part), _SLICE))
        else:
            small.append(part)
            size += len(part)
    yield b"".join(small)


class Peer:
    """The server's end of connection `number`."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = number
        self.raw = bytearray()
        self._sock = sock
        self._buffer = bytearray()
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)

    # reading

    @property
    def quiet(self) -> bool:
        """Whether nothing is here that has not been looked at."""
        return not self._buffer

    def listen(self) -> None:
        """Wait for something to arrive."""
        self._fill()

    def head(self) -> Recorded:
        """The head of the next request."""
        self.raw.clear()
        return parsed(self._until(b"\r\n\r\n"), self.number)

    def body(self, request: Recorded, into: bytearray) -> None:
        """Read the body that the head announces; what arrives is in `into` even if Gone follows."""
        if request.says("transfer-encoding", "chunked"):
            while size := self._number(self._until(b"\r\n").partition(b";")[0].strip(), 16):
                self._copy(size, into)
                if self._until(b"\r\n") != b"\r\n":
                    raise Malformed(f"a chunk is longer than the {size} bytes it announced")
            while self._until(b"\r\n") != b"\r\n":
                pass
        elif lengths := set(request.values("content-length")):
            if len(lengths) > 1:
                raise Malformed(f"several lengths: {sorted(lengths)}")
            self._copy(self._number(lengths.pop(), 10), into)

    def drain(self) -> None:
        """Read and drop everything until the client has left."""
        with contextlib.suppress(Gone):
            while True:
                self._buffer.clear()
                self._fill()

    def _fill(self) -> None:
        with _departure():
            data = self._sock.recv(_AT_ONCE)
        if not data:
            raise Gone("client-closed")
        self._buffer += data

    def _until(self, mark: bytes) -> bytes:
        seen = 0
        while (found := self._buffer.find(mark, seen)) < 0:
            seen = max(0, len(self._buffer) - len(mark))
            if seen > _LONGEST_HEAD:
                raise Malformed(f"no {mark!r} in the first {seen} bytes")
            self._fill()
        return self._take(found + len(mark))

    def _copy(self, count: int, into: bytearray) -> None:
        while count:
            if not self._buffer:
                self._fill()
            piece = self._take(min(count, len(self._buffer)))
            into += piece
            count -= len(piece)

    def _take(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        self.raw += piece
        return piece

    @staticmethod
    def _number(digits: bytes, base: int) -> int:
        if not _DIGITS[base].fullmatch(digits):
            raise Malformed(f"not a length: {digits!r}")
        return int(digits, base)

    # writing

    def send(self, parts: Parts, sent: Callable[[int], None]) -> None:
        """Send a segment; `sent` is told how many bytes went out, each time that some did."""
        for batch in _batches(parts):
            with _departure():
                self._sock.sendall(batch)
            sent(len(batch))

    def hold(self, ready: Callable[[], bool], *, reading: bool) -> None:
        """Wait until `ready`, asked anew after each `wake`; `reading` notices a client leave."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._alarm, selectors.EVENT_READ)
            if reading:
                selector.register(self._sock, selectors.EVENT_READ)
            while not ready():
                for key, _ in selector.select():
                    if key.fileobj is self._alarm:
                        self._alarm.recv(4096)
                    else:
                        self._fill()

    def wake(self) -> None:
        """Have `hold` look again."""
        with contextlib.suppress(BlockingIOError):  # full: it will look again anyway
            self._bell.send(b"!")

    # ending

    def finish(self) -> None:
        """Send FIN; what the client still sends can be read."""
        with contextlib.suppress(OSError):  # it has left already
            self._sock.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Have every call in progress end, and every later one."""
        with contextlib.suppress(OSError):  # it has left already
            self._sock.shutdown(socket.SHUT_RDWR)
        self.wake()

    def close(self, *, reset: bool = False) -> None:
        """Give up the socket; with `reset` by RST."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for sock in (self._sock, self._alarm, self._bell):
            sock.close()
