"""`curl_cffi.AsyncSession` as a session.

Its timeout is a deadline for the whole exchange, and as such it is given; it has no iterator of
text, of undecoded bytes, or by sizes: text is lent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import curl_cffi  # type: ignore[import-not-found]
import httpx
from curl_cffi import CurlECode
from curl_cffi.requests import exceptions as theirs  # type: ignore[import-not-found]

from conformance.peers.mapped import Block, Foreign, Items, Verbs, closed, given, renamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CODES: dict[int, type[Exception]] = {
    CurlECode.COULDNT_CONNECT: httpx.ConnectError,
    CurlECode.COULDNT_RESOLVE_HOST: httpx.ConnectError,
    CurlECode.OPERATION_TIMEDOUT: httpx.ReadTimeout,
    CurlECode.GOT_NOTHING: httpx.RemoteProtocolError,
    CurlECode.WEIRD_SERVER_REPLY: httpx.RemoteProtocolError,
    CurlECode.UNSUPPORTED_PROTOCOL: httpx.UnsupportedProtocol,
    CurlECode.URL_MALFORMAT: httpx.InvalidURL,
    CurlECode.PARTIAL_FILE: httpx.RemoteProtocolError,
    CurlECode.RECV_ERROR: httpx.ReadError,
    CurlECode.SEND_ERROR: httpx.WriteError,
    CurlECode.BAD_CONTENT_ENCODING: httpx.DecodingError,
    CurlECode.TOO_MANY_REDIRECTS: httpx.TooManyRedirects,
    CurlECode.WRITE_ERROR: httpx.DecodingError,
}


def rename(error: Exception) -> Exception:
    """The exception of httpx for libcurl's code."""
    if isinstance(error, theirs.SessionClosed):
        return RuntimeError(str(error))
    if not isinstance(error, curl_cffi.CurlError):
        return error
    name = _CODES.get(error.code, httpx.RequestError)
    known: Any = name(str(error))
    asked = getattr(getattr(error, "response", None), "request", None)
    if asked is not None and issubclass(name, httpx.RequestError):
        known.request = _Request(asked)
    told: Exception = known
    return told


class Response(Foreign):
    """`curl_cffi.Response` under httpx's names."""

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.reason_phrase = response.reason
        self.http_version = {1: "HTTP/1.0", 2: "HTTP/1.1"}.get(response.http_version)
        self.headers = httpx.Headers(response.headers.multi_items())
        self.request = _Request(response.request)

    async def leave(self, *error: object) -> None:
        """The end of the block."""
        await self._response.aclose()

    async def aread(self) -> bytes:
        """`acontent()`."""
        self._read = bytes(await renamed(self._response.acontent(), rename))
        self._response.content = self._read  # where its text and json() look
        return self._read

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`aiter_content()`."""
        return Items(self._response.aiter_content(chunk_size), rename)

    def aiter_lines(self) -> AsyncIterator[str]:
        """`aiter_lines()`, each line decoded."""
        return _Lines(self._response.aiter_lines(), rename)

    def raise_for_status(self) -> None:
        """`raise_for_status()`, for which a redirect is an error too."""
        try:
            self._response.raise_for_status()
        except theirs.HTTPError as error:
            raise httpx.HTTPStatusError(str(error), request=self.request, response=self) from error  # type: ignore[arg-type]


class _Request:
    """What it tells of the request; a value that httpx cannot hold is no error for who asks not."""

    def __init__(self, asked: Any) -> None:
        self.url, self.method, self._headers = asked.url, asked.method, asked.headers

    @property
    def headers(self) -> httpx.Headers:
        """Its headers as httpx has them: the value None is one that it left away."""
        items = self._headers.multi_items()
        return httpx.Headers([(name, value) for name, value in items if value is not None])


class _Lines(Items):
    async def __anext__(self) -> str:
        line: bytes = await super().__anext__()
        return line.decode("utf-8", "replace")


def _finite(timeout: float | None) -> float | None:
    """No timeout is written None, and not infinity."""
    return None if timeout == math.inf else timeout


def _waiting(timeout: float | None, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the call's timeout; the session's is what is not written."""
    return arguments if timeout is None else {**arguments, "timeout": _finite(timeout)}


class Session(Verbs):
    """What the suite is pointed at."""

    __version__ = curl_cffi.__version__

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
        self._session: Any = curl_cffi.AsyncSession(
            base_url=base_url and closed(base_url),
            headers=headers,
            timeout=_finite(timeout),
            allow_redirects=follow_redirects,
            max_redirects=20,
            **given(max_clients=limits and limits.max_connections),
        )

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.__aexit__(*error)

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Block:
        """`stream()`, which is `request(stream=True)` and `aclose()`."""
        arguments = _waiting(timeout, given(headers=headers, content=content))
        return Block(lambda: self._ask(method, url, stream=True, **arguments), rename)

    async def _ask(self, method: str, url: str, **arguments: Any) -> Response:
        return Response(await self._session.request(method, url, **arguments))

    async def request(self, method: str, url: str, **arguments: Any) -> Response:
        """The whole response."""
        arguments = _waiting(arguments.pop("timeout", None), arguments)
        response: Response = await renamed(self._ask(method, url, **arguments), rename)
        response._read = response._response.content
        return response
