"""`AsyncSession`: what the user holds (chapter session)."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import httpx

from . import credentials, log, loops, redirects, timeouts, urls
from . import headers as header_rules
from .context import StreamContext
from .payload import checked_content, checked_method
from .response import Response
from .security import Security
from .transport import AiohttpTransport
from .verbs import Verbs

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Mapping

    from .eventsource import EventSource

__all__ = ["AsyncSession", "StreamContext"]


class AsyncSession(Verbs):
    """Sends requests and streams their responses.

    Use it as `async with AsyncSession() as session`, or between `await open()` and
    `await close()`. It can be opened again after closing, in another event loop too.

    Args:
        base_url: an absolute http(s) URL that relative URLs are appended to; no query, no
            fragment.
        headers: sent with every request; a request's own are merged on top, by name.
        timeout: seconds allowed to each of: a connection from the pool, connecting, one write,
            one read. No deadline for the whole. None: no timeout.
        security: True, or a `Security`: the built-in transport connects to globally reachable
            addresses only, credentials in `headers` go only to `base_url`'s origin when there is
            one, and lines and events have a greatest length. False: none of this. Header checks,
            truncation checks and TLS verification are always on.
        follow_redirects: follow up to 20 redirects; only harmless headers go to another origin.
        limits: see `AiohttpTransport`; None: no cap on open streams.
        verify: True for the system's certificates, False for none, or an `ssl.SSLContext`.
        proxy: an http(s) proxy URL; None: HTTP_PROXY and its kind in the environment.
        transport: any `httpx.AsyncBaseTransport`, in place of the built-in one; `limits`,
            `verify` and `proxy` are the built-in one's and cannot be given along with it. Which
            addresses it connects to is its own affair.

    Raises:
        ValueError: a base_url, header, timeout, security, limit or proxy that cannot be right,
            named.
        TypeError: an argument of another type.

    Requirements: session-*, headers-*, urls-*, timeouts-*, security-*.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        security: Security | bool = True,
        follow_redirects: bool = False,
        limits: httpx.Limits | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = urls.parse_base_url(base_url)
        self._headers = header_rules.merge(header_rules.DEFAULTS, header_rules.check(headers))
        self._timeout = timeouts.check(timeout)
        self._security = Security.of(security)
        self._follow_redirects = follow_redirects
        if transport is None:
            guarded = self._security or False
            transport = AiohttpTransport(
                limits=limits, verify=verify, proxy=proxy, security=guarded
            )
        elif not isinstance(transport, httpx.AsyncBaseTransport):
            raise TypeError(f"transport must be an httpx.AsyncBaseTransport, not {transport!r}")
        elif limits is not None or verify is not True or proxy is not None:
            raise ValueError("limits, verify and proxy are the built-in transport's: give either")
        self._transport = transport
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()  # who has to be told when it is closed
        self._elsewhere: header_rules.Pairs | None = None  # None: the same headers everywhere
        if self._security is not None and self._base_url is not None:
            self._home = urls.origin(self._base_url)
            kept = credentials.without(self._headers)
            self._elsewhere = None if kept == self._headers else kept
        self._as_headers = lru_cache(maxsize=64)(httpx.Headers)  # a request copies what it gets
        self._resolved = lru_cache(maxsize=256)(lambda url: urls.resolve(self._base_url, url))

    async def open(self) -> None:
        """Make ready to send; does nothing when that is done already."""
        loop = loops.running()
        if self._loop is not loop:
            await self._transport.__aenter__()
            self._loop = loop
            self._waiting.clear()  # of another loop, which may be closed

    async def close(self) -> None:
        """Close every connection; does nothing when closed already.

        A response that is still being read ends in `httpx.ReadError`, and so do `events()` that
        wait to connect again. In another event loop than the one that it was opened in this is a
        `RuntimeError`, unless that one is closed.
        """
        if self._loop is not None:
            if self._loop is not loops.running() and not self._loop.is_closed():
                raise RuntimeError(
                    "this session was opened in another event loop: `await session.close()` there"
                )
            if not self._loop.is_closed():
                for waiting in self._waiting:
                    waiting.set_result(None)
            self._loop = None
            await self._transport.__aexit__(None, None, None)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
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
            httpx.TransportError: no response came (on entering the block); `BlockedAddress`, one
                of them, where `security` refuses to connect.

        Requirements: session-stream, headers-*, urls-*, timeouts-*, security-*.
        """
        return self._context(
            method,
            self._resolve(url),
            header_rules.check(headers),
            checked_content(content),
            timeout,
        )

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
            `httpx.TransportError` comes only after `max_failures`, `BlockedAddress` at once.
            httpx.HTTPStatusError: a status that is no success; 408, 425, 429, 500, 502, 503 and
                504 count as failures and are tried again.
            httpx.DecodingError: a Content-Type that is not `text/event-stream`, or a body whose
                coding cannot be undone.

        Requirements: events-*.
        """
        from .eventsource import EventSource

        return EventSource(
            self,
            method,
            url,
            headers=headers,
            content=checked_content(content),
            timeout=timeout,
            reconnect=reconnect,
            max_failures=max_failures,
        )

    def __repr__(self) -> str:
        base = "" if self._base_url is None else f" base_url={urls.shown(self._base_url)!r}"
        return f"<{type(self).__name__}{base} {'closed' if self._loop is None else 'open'}>"

    def _resolve(self, url: str) -> httpx.URL:
        if not isinstance(url, str):  # it may have no hash to be looked up by
            raise TypeError(f"url must be a str, not {type(url).__name__}")
        return self._resolved(url)

    def _context(
        self,
        method: str,
        url: httpx.URL,
        headers: header_rules.Changes,
        body: bytes | None,
        timeout: float | None,
    ) -> StreamContext:
        return StreamContext(self._send, self._build(method, url, headers, body, timeout))

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
        method = checked_method(method)
        seconds = timeouts.effective(self._timeout, timeout)
        own = self._headers
        if self._elsewhere is not None and urls.origin(url) != self._home:
            own = self._elsewhere
        request = httpx.Request(
            method,
            url,
            headers=self._as_headers(
                header_rules.complete(header_rules.merge(own, headers), method, url, body)
            ),
            stream=httpx.ByteStream(body or b""),
            extensions={"timeout": timeouts.extension(seconds)},
        )
        request._content = body or b""  # as read() would leave it
        return request

    async def _send(self, request: httpx.Request) -> Response:
        """Send, and follow redirects if asked to; return the last response."""
        self._check_open()  # anew: it may have been closed since the request was made
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
                raise redirects.too_many(following.url, request)
            request = following

    async def _exchange(self, request: httpx.Request) -> Response:
        started = time.perf_counter()
        try:
            answer = await self._transport.handle_async_request(request)
        except BaseException as exc:
            log.failed(request, exc, started)
            if isinstance(exc, httpx.RequestError):
                exc.request = request
            raise
        response = Response.adopt(answer, request, started)
        if self._security is not None:
            response.max_pending = self._security.max_pending
        if response.is_closed:  # another transport's, read before it came here
            log.finished(response)
        return response

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
        if self._loop is not loops.running():
            raise RuntimeError(
                "this session was opened in another event loop: `await session.open()` in this one"
            )
