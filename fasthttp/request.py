"""Requests: an `httpx.Request` from ready-made parts, and its bytes on the wire."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def wire_head(
    request: httpx.Request, *, forward: dict[str, str] | None = None
) -> tuple[bytes, bytes | AsyncIterable[bytes]]:
    """Return the request line and headers, and the body, as they are written (RFC 9112).

    With `forward` the request goes to a proxy that is to pass it on: its target is the whole
    URL, and these headers are added.
    """
    url = request.url
    if forward is None:
        target = url.raw_path
        added = b""
    else:
        target = str(url.copy_with(userinfo=None, fragment=None)).encode("ascii")
        added = b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in forward.items())
    method, raw = request.method.encode("ascii"), request.headers.raw
    _refuse_unsafe(request, b"".join([method, target, *(part for pair in raw for part in pair)]))
    lines = [b"%b: %b\r\n" % pair for pair in raw]
    head = b"%b %b HTTP/1.1\r\n" % (method, target)
    return head + b"".join(lines) + added + b"\r\n", _body(request)


def _refuse_unsafe(request: httpx.Request, text: bytes) -> None:
    """Refuse what would end a line early; a session has refused it before, naming the header."""
    if bad := _UNSAFE.search(text):
        raise httpx.LocalProtocolError(
            f"control character {bad[0]!r} in the method, target or headers of the request",
            request=request,
        )


def _body(request: httpx.Request) -> bytes | AsyncIterable[bytes]:
    try:
        return request.content
    except httpx.RequestNotRead:
        stream = cast("AsyncIterable[bytes]", request.stream)
        chunked = "chunked" in request.headers.get("transfer-encoding", "")
        return _chunked(stream) if chunked else stream


async def _chunked(stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for block in stream:
        if block:
            yield b"%x\r\n%b\r\n" % (len(block), block)
    yield b"0\r\n\r\n"
