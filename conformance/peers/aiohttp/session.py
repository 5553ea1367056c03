"""`aiohttp.ClientSession` as a session.

`timeout` is the seconds for connecting and for each read, as `ClientTimeout` names them. No
timeout is written None, as it wants it. The responses are given httpx's names; `aiter_lines()` is
aiohttp's reading by lines, each decoded here. It has no iterator of text and none of undecoded
bytes: those are lent.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import httpx

from conformance.peers.mapped import (
    Block,
    Foreign,
    Items,
    Verbs,
    at_once,
    called,
    closed,
    given,
    renamed,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def rename(error: Exception) -> Exception:
    """The exception of httpx that means the same; the same exception if there is none."""
    name = next((name for kind, name in NAMES if isinstance(error, kind)), None)
    if name is None:
        return error
    if name is httpx.RemoteProtocolError and isinstance(error, aiohttp.ClientPayloadError):
        name = PAYLOAD.get(type(error.__cause__), name)
    known = called(name, error)
    if isinstance(error, aiohttp.ClientResponseError) and isinstance(known, httpx.RequestError):
        known.request = _request(error.request_info)  # as much of it as aiohttp tells
    return known


def _request(about: aiohttp.RequestInfo) -> Any:
    """What was sent; aiohttp writes headers in UTF-8."""
    return sent(about.url, about.method, httpx.Headers(about.headers, encoding="utf-8"))


PAYLOAD: dict[type | None, type[Exception]] = {
    aiohttp.http_exceptions.ContentEncodingError: httpx.DecodingError,
    ConnectionResetError: httpx.ReadError,
}
NAMES: list[tuple[type[Exception], type[Exception]]] = [
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientConnectionResetError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.TooManyRedirects, httpx.TooManyRedirects),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.InvalidURL, httpx.InvalidURL),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientConnectionError, httpx.StreamClosed),
]


class Response(Foreign):
    """`aiohttp.ClientResponse` under httpx's names."""

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.status_code = response.status
        self.reason_phrase = response.reason
        self.headers = httpx.Headers(list(response.raw_headers))
        self.url = str(response.url)
        self.http_version = f"HTTP/{response.version.major}.{response.version.minor}"
        self.history = [Response(earlier) for earlier in response.history]
        self.request = _request(response.request_info)

    async def leave(self, *error: Any) -> None:
        """The end of the block."""
        await self._response.__aexit__(*error)

    async def aread(self) -> bytes:
        """`read()`."""
        self._read = bytes(await renamed(self._response.read(), rename))
        return self._read

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`content.iter_any()` and `content.iter_chunked()`."""
        content = self._response.content
        return Items(
            content.iter_any() if chunk_size is None else content.iter_chunked(chunk_size), rename
        )

    def aiter_lines(self) -> AsyncIterator[str]:
        """`async for line in content`."""
        return _Lines(self._response.content, rename, self._response.charset or "utf-8")

    @property
    def num_bytes_downloaded(self) -> int:
        """`content.total_raw_bytes`."""
        count: int = self._response.content.total_raw_bytes
        return count

    @property
    def text(self) -> str:
        """`text()`, of what has been read."""
        made: str = at_once(self._response.text()) if self.content else ""
        return made

    def json(self) -> Any:
        """`json()`, of what has been read, whatever its type."""
        return self.content and at_once(self._response.json(content_type=None))

    def raise_for_status(self) -> None:
        """`raise_for_status()`, which raises on other grounds only after the block."""
        try:
            self._response.raise_for_status()
        except aiohttp.ClientResponseError as error:
            raise httpx.HTTPStatusError(str(error), request=self.request, response=self) from error  # type: ignore[arg-type]


class _Lines(Items):
    def __init__(self, lines: Any, rename: Any, charset: str) -> None:
        super().__init__(lines, rename)
        self._charset = charset

    async def __anext__(self) -> str:
        line: bytes = await super().__anext__()
        return line.decode(self._charset, "replace").removesuffix("\n").removesuffix("\r")


class Session(Verbs):
    """What the suite is pointed at."""

    __version__ = aiohttp.__version__

    def __init__(
        self,
        *,
        base_url: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = 30.0,
        security: bool = True,
        follow_redirects: bool = False,
        limits: httpx.Limits | None = None,
    ) -> None:
        self._limit = given(limit=limits and limits.max_connections)
        self._arguments: dict[str, Any] = {"headers": headers, "timeout": _timeout(timeout)}
        self._base_url = base_url and closed(base_url)
        self._follow = follow_redirects
        self._session: Any = None
        with suppress(RuntimeError):  # it cannot be made outside an event loop
            self._session = self._made()

    def _made(self) -> aiohttp.ClientSession:
        asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(**self._limit)
        return aiohttp.ClientSession(self._base_url, connector=connector, **self._arguments)

    async def __aenter__(self) -> Self:
        if self._session is None:
            self._session = self._made()
        await self._session.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.__aexit__(*error)

    async def close(self) -> None:
        """`close()`; there is no other way to open one than to make it."""
        await self._session.close()

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Block:
        """`async with session.request()`."""
        given_ = given(headers=headers, content=content, timeout=timeout)
        return Block(lambda: self._ask(method, url, **given_), rename)

    async def _ask(self, method: str, url: str, **arguments: Any) -> Response:
        if "content" in arguments:
            arguments["data"] = arguments.pop("content")
        if arguments.get("timeout", 0) is None:
            del arguments["timeout"]
        elif "timeout" in arguments:
            arguments["timeout"] = _timeout(arguments["timeout"])
        asked = self._session.request(
            method, url, allow_redirects=self._follow, max_redirects=20, **arguments
        )
        return Response(await asked)

    async def request(self, method: str, url: str, **arguments: Any) -> Response:
        """The whole response."""
        async with Block(lambda: self._ask(method, url, **arguments), rename) as response:
            await response.aread()
        made: Response = response
        return made


def _timeout(seconds: float | None) -> aiohttp.ClientTimeout:
    limit = None if seconds == math.inf else seconds
    return aiohttp.ClientTimeout(total=None, connect=limit, sock_read=limit)
