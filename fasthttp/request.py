"""Requests: an `httpx.Request` from ready-made parts, and its bytes on the wire."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Outgoing(NamedTuple):
    """A request as it is written."""

    head: bytes
    body: bytes | StreamedBody
    closes: bool  # it asks for the end of the connection
    expects_continue: bool  # its body waits for 100 Continue


def outgoing(request: httpx.Request, *, forward: dict[str, str] | None = None) -> Outgoing:
    """Return the request as it is written (RFC 9112).

    With `forward` the request goes to a proxy that is to pass it on: its target is the whole
    URL, and these headers are added.
    """
    url = request.url
    raw = tuple(request.headers.raw)
    if forward is None:
        target = url.raw_path
    else:
        target = str(url.copy_with(userinfo=None, fragment=None)).encode("ascii")
        raw += tuple(
            (name.encode("ascii"), value.encode("ascii")) for name, value in forward.items()
        )
    if not _TOKEN.fullmatch(request.method):
        raise httpx.LocalProtocolError(f"method {request.method!r} is not a token", request=request)
    lines = _lines(raw)
    # A session has refused what would end a line early before, naming the header.
    if bad := _UNSAFE.search(target) or lines.unsafe:
        raise httpx.LocalProtocolError(
            f"control character {bad[0]!r} in the method, target or headers of the request",
            request=request,
        )
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode("ascii"), target, lines.written)
    return Outgoing(head, _body(request), lines.closes, lines.expects_continue)


class _Lines(NamedTuple):
    """Headers as they are written, and what they say."""

    written: bytes
    closes: bool
    expects_continue: bool
    unsafe: re.Match[bytes] | None


@lru_cache(maxsize=64)  # most requests have the headers of an earlier one
def _lines(raw: tuple[tuple[bytes, bytes], ...]) -> _Lines:
    return _Lines(
        b"".join([b"%b: %b\r\n" % pair for pair in raw]),
        _says(raw, b"connection", b"close"),
        _says(raw, b"expect", b"100-continue"),
        _UNSAFE.search(b"".join([part for pair in raw for part in pair])),
    )


def _says(headers: tuple[tuple[bytes, bytes], ...], name: bytes, token: bytes) -> bool:
    return any(key.lower() == name and token in value.lower() for key, value in headers)


def _body(request: httpx.Request) -> bytes | StreamedBody:
    try:
        return request.content
    except httpx.RequestNotRead:
        stream = cast("AsyncIterable[bytes]", request.stream)
        chunked = "chunked" in request.headers.get("transfer-encoding", "")
        length = None if chunked else int(request.headers.get("content-length", 0))
        return StreamedBody(stream, length)


class StreamedBody:
    """A body that comes block by block, and how each goes out."""

    def __init__(self, stream: AsyncIterable[bytes], length: int | None) -> None:
        self.stream = stream
        self._length = length  # None: in chunks
        self._sent = 0

    def feed(self, block: bytes) -> bytes:
        """Return `block` as it is written."""
        if self._length is None:
            return b"%x\r\n%b\r\n" % (len(block), block) if block else b""
        self._sent += len(block)
        if self._sent > self._length:
            # What is too much would be read as the next request.
            raise self._contradiction("or more bytes")
        return block

    def flush(self) -> bytes:
        """Return what is written after the last block."""
        if self._length is None:
            return b"0\r\n\r\n"
        if self._sent < self._length:
            raise self._contradiction("bytes")
        return b""

    def _contradiction(self, unit: str) -> httpx.LocalProtocolError:
        return httpx.LocalProtocolError(
            f"the content has {self._sent} {unit}, its Content-Length is {self._length}"
        )
