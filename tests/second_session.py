"""A second correct session, to keep the suite honest: nothing here knows fasthttp.

It is `httpx.AsyncClient` with readers of text and lines of its own, written the slow and obvious
way, and claims profile `documented`. What the suite asks beyond the rules would show here first.
"""

from __future__ import annotations

import codecs
from contextlib import asynccontextmanager
from types import MethodType
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CONTEXT = httpx.create_ssl_context()  # once: reading the certificates takes longer than a check


class SecondSession:
    """What the suite is pointed at."""

    __version__ = httpx.__version__

    def __init__(
        self,
        *,
        base_url: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = 30.0,
        security: bool = True,
        **more: Any,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url or "", headers=headers, timeout=timeout, verify=_CONTEXT, **more
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its response, the body unread."""
        given = {} if timeout is None else {"timeout": timeout}
        async with self._client.stream(
            method, url, headers=headers, content=content, **given
        ) as response:
            response.aiter_text = MethodType(_text, response)  # type: ignore[method-assign]
            response.aiter_lines = MethodType(_lines, response)  # type: ignore[method-assign]
            yield response

    async def request(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Send a request and return the whole response."""
        if arguments.get("timeout", 0) is None:
            del arguments["timeout"]
        return await self._client.request(method, url, **arguments)

    async def get(self, url: str, **arguments: Any) -> httpx.Response:
        """GET."""
        return await self.request("GET", url, **arguments)

    async def post(self, url: str, **arguments: Any) -> httpx.Response:
        """POST."""
        return await self.request("POST", url, **arguments)


async def _text(response: httpx.Response) -> AsyncIterator[str]:
    """The characters that are complete with each chunk."""
    name = codecs.lookup(response.charset_encoding or "utf-8").name
    decoder, held = None, b""
    async for chunk in response.aiter_bytes():
        held += chunk
        if decoder is None and (name not in _MARKS or len(held) >= 4):
            decoder = _decoder(name, held)
        if decoder is not None:
            text, held = decoder.decode(held), b""
            if text:
                yield text
    if text := (decoder or _decoder(name, held)).decode(held, True):
        yield text


_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def _decoder(name: str, beginning: bytes) -> codecs.IncrementalDecoder:
    """Without a byte order mark the small end comes first."""
    marked = name not in _MARKS or beginning.startswith(_MARKS[name])
    return codecs.getincrementaldecoder(name if marked else f"{name}-le")("replace")


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """LF, CRLF and CR end a line; one character at a time."""
    line: list[str] = []
    after_cr = False
    async for text in _text(response):
        for character in text:
            if character == "\n" and after_cr:
                after_cr = False
            elif character in "\r\n":
                after_cr = character == "\r"
                yield "".join(line)
                line.clear()
            else:
                after_cr = False
                line.append(character)
    if line:
        yield "".join(line)
