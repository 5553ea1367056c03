"""pyreqwest's `Client` as a session.

Reading by pieces is a call for each piece in pyreqwest; here that call is an iterator. It has no
text, lines or undecoded bytes as they come: those are lent. Exceptions have the names that its own
bridge to httpx gives them; a transport error that is nothing more exact is a protocol error.

By default a streamed response is given out only when 64 KiB of its body have come, or all of it.
Here that buffer is none: with it, everything that has to arrive in time would be one fault.
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

import httpx
from pyreqwest import exceptions as theirs  # type: ignore[import-not-found]
from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found]

from conformance.peers.mapped import (
    Block,
    Foreign,
    Items,
    Verbs,
    closed,
    named,
    renamed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

rename = named(
    [
        (theirs.ConnectTimeoutError, httpx.ConnectTimeout),
        (theirs.WriteTimeoutError, httpx.WriteTimeout),
        (theirs.PoolTimeoutError, httpx.PoolTimeout),
        (theirs.RequestTimeoutError, httpx.ReadTimeout),
        (theirs.ConnectError, httpx.ConnectError),
        (theirs.ReadError, httpx.ReadError),
        (theirs.WriteError, httpx.WriteError),
        (theirs.DecodeError, httpx.DecodingError),
        (theirs.RedirectError, httpx.TooManyRedirects),
        (theirs.ClientClosedError, RuntimeError),
        (theirs.RequestError, httpx.RemoteProtocolError),
    ]
)


class Response(Foreign):
    """pyreqwest's response under httpx's names."""

    def __init__(self, response: Any, block: Any, request: Any) -> None:
        super().__init__(response)
        self._block, self.request, self.url = block, request, request.url
        self.status_code = response.status
        self.http_version = response.version
        self.headers = httpx.Headers(list(response.headers.items()))

    async def leave(self, *error: object) -> None:
        """The end of the block."""
        block, self._block = self._block, None  # it can be left once
        if block is not None:
            await block.__aexit__(*error)

    async def aread(self) -> bytes:
        """`bytes()`."""
        self._read = bytes(await renamed(self._response.bytes(), rename))
        return self._read

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`body_reader.read_chunk()` and `body_reader.read(n)`."""
        return Items(_Pieces(self._response.body_reader, chunk_size), rename)

    @property
    def text(self) -> str:
        """Lent: `text()` needs the open block."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Lent: `json()` needs the open block."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """`error_for_status()`."""
        try:
            self._response.error_for_status()
        except theirs.StatusError as error:
            raise httpx.HTTPStatusError(str(error), request=self.request, response=self) from error  # type: ignore[arg-type]


class _Pieces:
    def __init__(self, reader: Any, size: int | None) -> None:
        self._reader, self._size = reader, size

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        read = self._reader.read_chunk() if self._size is None else self._reader.read(self._size)
        if (piece := await read) is None:
            raise StopAsyncIteration
        return bytes(piece)


class Session(Verbs):
    """What the suite is pointed at."""

    __version__ = version("pyreqwest")

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
        builder = ClientBuilder().follow_redirects(follow_redirects).max_redirects(20)
        if base_url is not None:
            builder = builder.base_url(closed(base_url))
        if headers is not None:
            builder = builder.default_headers(headers)
        if limits is not None and limits.max_connections is not None:
            builder = builder.max_connections(limits.max_connections)
        # No timeout is written by leaving it away, here and in a call: infinity is no timedelta.
        if timeout not in (None, math.inf):
            wait = timedelta(seconds=timeout)
            builder = builder.read_timeout(wait).connect_timeout(wait).pool_timeout(wait)
        self._client = builder.build()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    def stream(self, method: str, url: str, **arguments: Any) -> Block:
        """`async with request.build_streamed()`."""
        return Block(lambda: self._ask(method, url, **arguments), rename)

    async def _ask(self, method: str, url: str, **arguments: Any) -> Response:
        builder = self._asked(method, url, **arguments)
        asked = builder.streamed_read_buffer_limit(0).build_streamed()
        request = _Request(asked)
        return Response(await asked.__aenter__(), asked, request)

    async def request(self, method: str, url: str, **arguments: Any) -> Response:
        """The whole response."""
        asked = self._asked(method, url, **arguments).build()
        request = _Request(asked)
        response = Response(await renamed(asked.send(), rename), None, request)
        await response.aread()
        return response

    def _asked(
        self,
        method: str,
        url: str,
        *,
        headers: Any = None,
        content: Any = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Any:
        builder = self._client.request(method, url)
        if headers is not None:
            builder = builder.headers(headers)
        if content is not None:
            builder = builder.body_bytes(content)
        if timeout not in (None, math.inf):
            builder = builder.timeout(timedelta(seconds=timeout))
        names = {"params": "query", "json": "body_json", "data": "form", "files": "multipart"}
        for name, value in more.items():
            builder = getattr(builder, names[name])(value)
        return builder


class _Request:
    """What it tells of the request, which it does before it is sent only.

    It sends header values that it cannot give as text: that is no error for who does not ask.
    """

    def __init__(self, asked: Any) -> None:
        self.url, self.method = str(asked.url), asked.method
        self._headers = asked.headers.copy()

    @property
    def headers(self) -> httpx.Headers:
        """Its headers as httpx has them."""
        return httpx.Headers(list(self._headers.items()))
