"""`AsyncSession`: what the user holds (chapter session)."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

import httpx

from . import headers as header_rules
from . import redirects, timeouts, urls
from .decoders.body import ACCEPT_ENCODING
from .eventsource import EventSource
from .response import Response
from .transport import AiohttpTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_DEFAULT_HEADERS: header_rules.Pairs = (
    ("Accept", "*/*"),
    ("Accept-Encoding", ACCEPT_ENCODING),
    ("User-Agent", f"fasthttp/{version('fasthttp')}"),
)


class AsyncSession:
    """Sends requests and streams their responses.

    Use it as `async with AsyncSession() as session`, or between `await open()` and
    `await close()`. It can be opened again after closing, in another event loop too.

    Args:
        base_url: an absolute http(s) URL that relative URLs are appended to; no query, no
            fragment.
        headers: sent with every request; a request's own are merged on top, by name.
        timeout: seconds allowed to each of: a connection from the pool, connecting, one write,
            one read. No deadline for the whole. None: no timeout.
        security: accepted, and without effect so far: no address is refused and no header held
            back yet, with True as with False. Header checks, truncation checks and TLS
            verification are always on.
        follow_redirects: follow up to 20 redirects; only harmless headers go to another origin.
        limits: see `AiohttpTransport`; None: no cap on open streams.
        verify: True for the system's certificates, False for none, or an `ssl.SSLContext`.
        proxy: an http(s) proxy URL; None: HTTP_PROXY and its kind in the environment.
        transport: any `httpx.AsyncBaseTransport`, in place of the built-in one; `limits`,
            `verify` and `proxy` are the built-in one's and cannot be given along with it.

    Raises:
        ValueError: a base_url, header, timeout, limit or proxy that cannot be right, named.

    Requirements: session-*, headers-*, urls-*, timeouts-*.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        security: bool = True,
        follow_redirects: bool = False,
        limits: httpx.Limits | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = urls.parse_base_url(base_url)
        self._headers = header_rules.merge(_DEFAULT_HEADERS, header_rules.check(headers))
        self._timeout = timeouts.check(timeout)
        self._security = security
        self._follow_redirects = follow_redirects
        if transport is None:
            transport = AiohttpTransport(limits=limits, verify=verify, proxy=proxy)
        elif limits is not None or verify is not True or proxy is not None:
            raise ValueError("limits, verify and proxy are the built-in transport's: give either")
        self._transport = transport
        self._loop: asyncio.AbstractEventLoop | None = None
        self._resolve = lru_cache(maxsize=256)(lambda url: urls.resolve(self._base_url, url))

    async def open(self) -> None:
        """Make ready to send; does nothing when that is done already."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self._transport.__aenter__()
            self._loop = loop

    async def close(self) -> None:
        """Close every connection; does nothing when closed already.

        A response that is still being read ends in `httpx.ReadError`.
        """
        if self._loop is not None:
            self._loop = None
            await self._transport.__aexit__(None, None, None)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> StreamContext:
        """Send a request; `async with` yields the `Response` once its headers have arrived.

        Args:
            method: any method token; sent in upper case.
            url: absolute, or relative to `base_url`.
            headers: merged over the session's, by name in any case; None removes one.
            content: the body, sent as it is with its Content-Length.
            timeout: seconds, in place of the session's; None: the session's; `math.inf`: none.

        Leaving the block closes the response: read to its end, the connection is used again;
        otherwise it is cut and the rest is not read.

        Raises:
            ValueError, TypeError, httpx.InvalidURL, httpx.UnsupportedProtocol: an argument that
                cannot be right, named, before anything is connected.
            RuntimeError: the session is closed.
            httpx.TransportError: no response came (on entering the block).

        Requirements: session-stream, headers-*, urls-*, timeouts-*.
        """
        request = self._build(
            method, self._resolve(url), header_rules.check(headers), _body(content), timeout
        )
        return StreamContext(self._send, request)

    def events(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        reconnect: bool = True,
        max_failures: int | None = 10,
    ) -> EventSource:
        """Read server-sent events; `async with` yields an iterator of `ServerSentEvent`.

        When the stream ends or breaks it connects again, after the time that the server's
        `retry` says (3 seconds without one), and sends the last event id as `Last-Event-ID`.
        Failures in a row are followed by longer waits. Iteration ends at status 204. Nothing is
        connected before the first event is asked for, or after the block is left.

        Args:
            url: as in `stream()`.
            method: any method token.
            headers: as in `stream()`; Accept and Cache-Control have the defaults of an event
                stream, and a Last-Event-ID is where the first connection goes on.
            content: as in `stream()`; sent with every connection.
            timeout: as in `stream()`; a feed that is silent for longer needs `math.inf`.
            reconnect: False: one connection; its end ends the iteration, its error is raised.
            max_failures: the number of connections in a row, each refused or broken before a
                byte of an event stream came, of which the last one's error is raised; None: any.

        Raises:
            The errors of `stream()`, for arguments here, and others on iteration, where
            `httpx.TransportError` comes only after `max_failures`.
            httpx.HTTPStatusError: a status that is no success; 408, 425, 429, 500, 502, 503 and
                504 count as failures and are tried again.
            httpx.DecodingError: a Content-Type that is not `text/event-stream`, or a body whose
                coding cannot be undone.

        Requirements: events-*.
        """
        return EventSource(
            self,
            method,
            url,
            headers=headers,
            content=_body(content),
            timeout=timeout,
            reconnect=reconnect,
            max_failures=max_failures,
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send a request and return its `Response`, the whole body read into memory.

        Never raises for a status; `raise_for_status()` does.

        Args:
            method: any method token; sent in upper case.
            url: absolute, or relative to `base_url`.
            params: added to the URL's query, as httpx takes them.
            headers: as in `stream()`.
            content: bytes; or else one of:
            json: anything `json.dumps` takes.
            data: form fields, url-encoded, or in multipart form along with `files`.
            files: as httpx takes them; read into memory.
            timeout: as in `stream()`.

        Raises:
            As `stream()`, and `httpx.TransportError` or `httpx.DecodingError` for a body that
            was cut short.
        """
        target = urls.with_params(self._resolve(url), params)
        pairs = header_rules.check(headers)
        body = _body(content)
        if json is not None or data is not None or files is not None:
            if body is not None:
                raise TypeError("content cannot go along with json, data or files: give one")
            form = httpx.Request("POST", target, json=json, data=data, files=files)
            body = form.read()
            kind = form.headers.get("content-type")  # an empty form has none
            if kind is not None and "content-type" not in {name.lower() for name, _ in pairs}:
                pairs = (*pairs, ("Content-Type", kind))
        request = self._build(method, target, pairs, body, timeout)
        async with StreamContext(self._send, request) as response:
            await response.aread()
        return response

    async def get(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send GET and return the whole response; see `request()`."""
        return await self.request("GET", url, params=params, headers=headers, timeout=timeout)

    async def head(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send HEAD and return the response, which has no body; see `request()`."""
        return await self.request("HEAD", url, params=params, headers=headers, timeout=timeout)

    async def options(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send OPTIONS and return the whole response; see `request()`."""
        return await self.request("OPTIONS", url, params=params, headers=headers, timeout=timeout)

    async def delete(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send DELETE and return the whole response; see `request()`."""
        return await self.request(
            "DELETE",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def post(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send POST and return the whole response; see `request()`."""
        return await self.request(
            "POST",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def put(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send PUT and return the whole response; see `request()`."""
        return await self.request(
            "PUT",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    async def patch(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send PATCH and return the whole response; see `request()`."""
        return await self.request(
            "PATCH",
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            data=data,
            files=files,
            timeout=timeout,
        )

    def _build(
        self,
        method: str,
        url: httpx.URL,
        headers: header_rules.Changes,
        body: bytes | None,
        timeout: float | None,
    ) -> httpx.Request:
        """Make the request; everything that can be refused has been when this returns."""
        self._check_open()
        method = _method(method)
        seconds = timeouts.effective(self._timeout, timeout)
        request = httpx.Request(
            method,
            url,
            headers=header_rules.complete(
                header_rules.merge(self._headers, headers), method, url, body
            ),
            stream=httpx.ByteStream(body or b""),
            extensions={"timeout": timeouts.extension(seconds)},
        )
        request.read()
        return request

    async def _send(self, request: httpx.Request) -> Response:
        """Send, and follow redirects if asked to; return the last response."""
        history: list[httpx.Response] = []
        while True:
            response = await self._exchange(request)
            response.history = history
            following = await self._following(response)
            if following is None or not self._follow_redirects:
                response.next_request = following
                return response
            await response.aclose()
            history = [*history, response]
            if len(history) > redirects.MAX_REDIRECTS:
                raise httpx.TooManyRedirects(
                    f"over {redirects.MAX_REDIRECTS} redirects, the last to {following.url}",
                    request=request,
                )
            request = following

    async def _exchange(self, request: httpx.Request) -> Response:
        started = time.perf_counter()
        try:
            answer = await self._transport.handle_async_request(request)
        except httpx.RequestError as exc:
            exc.request = request
            raise
        return Response.adopt(answer, request, started)

    async def _following(self, response: Response) -> httpx.Request | None:
        try:
            return redirects.next_request(response)
        except httpx.RemoteProtocolError:
            if not self._follow_redirects:
                return None  # it can be read like any other response
            await response.aclose()
            raise

    def _check_open(self) -> None:
        if self._loop is None:
            raise RuntimeError(
                "this session is closed: use `async with AsyncSession() as session`, "
                "or `await session.open()` first"
            )
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "this session was opened in another event loop: `await session.open()` in this one"
            )


class StreamContext(AbstractAsyncContextManager[Response]):
    """What `stream()` returns: sends on entering, closes the response on leaving."""

    __slots__ = ("_response", "_send", "request")

    def __init__(
        self, send: Callable[[httpx.Request], Awaitable[Response]], request: httpx.Request
    ) -> None:
        self._send = send
        self.request = request  # as it will be sent

    async def __aenter__(self) -> Response:
        self._response = await self._send(self.request)
        return self._response

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._response.aclose()


def _method(method: str) -> str:
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {type(method).__name__}")
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"method {method!r} is not a token")
    return method.upper()


def _body(content: bytes | None) -> bytes | None:
    if content is None or type(content) is bytes:
        return content
    if not isinstance(content, bytearray | memoryview):
        raise TypeError(f"content must be bytes, not {type(content).__name__}")
    return bytes(content)
