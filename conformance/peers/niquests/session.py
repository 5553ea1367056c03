"""`niquests.AsyncSession` as a session, with `stream=True`.

`aiter_bytes()` is `iter_content(-1)`, which gives what has arrived; text and lines are asked for
with `decode_unicode=True`, which gives bytes where no charset is named, unless the caller names
one: here UTF-8 is. `limits` is its `pool_maxsize`, the connections that each host may have.
"""

from __future__ import annotations

from importlib.metadata import version
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

import httpx
import niquests  # type: ignore[import-not-found]
from niquests import exceptions as theirs
from niquests.packages.urllib3.exceptions import (  # type: ignore[import-not-found]
    InvalidHeader,
)

from conformance.peers.mapped import Block, Foreign, Items, Verbs, at_once, given, named, renamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

_by_name = named(
    [
        (theirs.ConnectTimeout, httpx.ConnectTimeout),
        (theirs.Timeout, httpx.ReadTimeout),
        (theirs.InvalidSchema, httpx.UnsupportedProtocol),
        (theirs.MissingSchema, httpx.UnsupportedProtocol),
        (theirs.InvalidHeader, ValueError),
        (theirs.InvalidURL, httpx.InvalidURL),
        (theirs.TooManyRedirects, httpx.TooManyRedirects),
        (theirs.ContentDecodingError, httpx.DecodingError),
        (theirs.ChunkedEncodingError, httpx.RemoteProtocolError),
        (theirs.ConnectionError, httpx.ReadError),
        (theirs.RequestException, httpx.RequestError),
    ]
)


def rename(error: Exception) -> Exception:
    """The exception of httpx that means the same, with the request that theirs names."""
    known = _named(error)
    if isinstance(known, httpx.RequestError) and getattr(error, "request", None):
        known.request = error.request  # type: ignore[attr-defined]
    return known


def _named(error: Exception) -> Exception:
    """One word of theirs may mean several."""
    if isinstance(error, theirs.InvalidHeader) and isinstance(error.args[0], InvalidHeader):
        return httpx.RemoteProtocolError(str(error))  # of the response: its parser said so
    if isinstance(error, theirs.StreamConsumedError):
        return httpx.StreamConsumed()
    if isinstance(error, theirs.ConnectionError) and not isinstance(error, theirs.Timeout):
        told = repr(error)
        if "NewConnectionError" in told:
            return httpx.ConnectError(str(error))
        if "ReadTimeoutError" in told:
            return httpx.ReadTimeout(str(error))
        if "ProtocolError" in told and "ConnectionResetError" not in told:
            return httpx.RemoteProtocolError(str(error))
    return _by_name(error)


class Response(Foreign):
    """`niquests.AsyncResponse` under httpx's names."""

    def __init__(self, response: niquests.AsyncResponse) -> None:
        super().__init__(response)
        response.encoding = response.encoding or "utf-8"
        self.reason_phrase = response.reason
        self.http_version = f"HTTP/{response.http_version / 10}"
        lines = response.raw.headers.items() if response.raw else response.headers.items()
        self.headers = httpx.Headers(
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        )
        self.request.headers = httpx.Headers(dict(response.request.headers), "utf-8")

    async def leave(self, *error: object) -> None:
        """The end of the block."""
        await self._response.__aexit__(*error)

    async def aread(self) -> bytes:
        """`await content`."""
        self._read = bytes(await renamed(self._response.content, rename) or b"")
        return self._read

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`iter_content()`."""
        return _Opened(self._response.iter_content(-1 if chunk_size is None else chunk_size))

    def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """`iter_content(decode_unicode=True)`."""
        size = -1 if chunk_size is None else chunk_size
        return _Opened(self._response.iter_content(size, decode_unicode=True))

    def aiter_lines(self) -> AsyncIterator[str]:
        """`iter_lines(decode_unicode=True)`."""
        return Items(self._response.iter_lines(-1, decode_unicode=True), rename)

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """`iter_raw()`."""
        return _Opened(self._response.iter_raw(-1))

    @property
    def num_bytes_downloaded(self) -> int | None:
        """`download_progress.total`; it counts where there is a Content-Length."""
        progress: niquests.models.TransferProgress | None = self._response.download_progress
        return None if progress is None else int(progress.total)

    @property
    def text(self) -> str:
        """`await text`, of what has been read."""
        made: str = _awaited(self._response.text) if self.content else ""
        return made

    def json(self) -> Any:
        """The result of its `json()`, of what has been read."""
        return self.content and _awaited(self._response.json())

    def raise_for_status(self) -> None:
        """`raise_for_status()`."""
        try:
            self._response.raise_for_status()
        except theirs.HTTPError as error:
            raise httpx.HTTPStatusError(str(error), request=self.request, response=self) from error  # type: ignore[arg-type]


class _Opened(Items):
    """What is awaited before it can be iterated."""

    def __init__(self, opening: Awaitable[Any]) -> None:
        self._opening: Awaitable[Any] | None = opening
        self._rename = rename

    async def __anext__(self) -> Any:
        if self._opening is not None:
            opening, self._opening = self._opening, None
            self._items = await renamed(opening, rename)
        return await super().__anext__()


class Session(Verbs):
    """What the suite is pointed at."""

    __version__ = version("niquests")

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
        limit = given(pool_maxsize=limits and limits.max_connections)
        self._session = niquests.AsyncSession(
            base_url=base_url, headers=headers, timeout=timeout, **limit
        )
        self._session.max_redirects = 20
        self._follow = follow_redirects

    async def __aenter__(self) -> Self:
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
        """`await session.request(stream=True)`."""
        arguments = given(headers=headers, content=content, timeout=timeout)
        return Block(lambda: self._ask(method, url, stream=True, **arguments), rename)

    async def _ask(self, method: str, url: str, **arguments: Any) -> Response:
        if "content" in arguments:
            arguments["data"] = arguments.pop("content")
        asked = self._session.request(method, url, allow_redirects=self._follow, **arguments)
        return Response(await asked)

    async def request(self, method: str, url: str, **arguments: Any) -> Response:
        """The whole response."""
        if arguments.get("timeout", 0) is None:
            del arguments["timeout"]
        response: Response = await renamed(self._ask(method, url, **arguments), rename)
        response._read = response._response.content or b""  # not awaited: it is there
        return response


def _awaited(value: Any) -> Any:
    """The value: a streamed response's has to be awaited, a whole one's is there."""
    return at_once(value) if isawaitable(value) else value
