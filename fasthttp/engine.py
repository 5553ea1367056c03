"""The engine: our HTTP/1.1 exchanges over aiohttp's connections.

From aiohttp it takes what makes and keeps connections: name look-up, happy eyeballs, TLS, proxy
tunnels and the pool. Requests are written and responses read by `Exchange`. Only
`AiohttpTransport` imports this module, when it opens.
"""

from __future__ import annotations

import asyncio
import os
import select
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, cast

import aiohttp
import httpx
from aiohttp import ClientRequest
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import sentinel
from yarl import URL

from . import proxies, urls
from .exchange import Exchange, ExchangeStream, StaleConnectionError, Timeouts
from .request import outgoing
from .response import Response

if TYPE_CHECKING:
    import ssl


_MAX_ROUTES = 1024  # origins remembered, so that a URL is parsed for the connector only once
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CLOSED = "the session was closed"
_READ_SIZE = 64 * 1024
_TURNS = 100  # of the loop, for connections that were cut to be gone; a few are enough
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

# In this order: the first class that fits names the error.
CONNECT_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (TimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientError, httpx.ConnectError),
    (OSError, httpx.ConnectError),
    (ValueError, httpx.ConnectError),
)
_CONNECT_FAULTS = tuple(fault for fault, _ in CONNECT_ERRORS)


class Channel(ResponseHandler):
    """A connection; while an exchange runs, what arrives is the exchange's."""

    exchange: Exchange | None = None
    used = False

    def __init__(self, loop: asyncio.AbstractEventLoop, cut: set[Channel]) -> None:
        super().__init__(loop)
        self._cut = cut  # the connector's

    def data_received(self, data: bytes) -> None:
        """Hand `data` on to whom it is for."""
        if self.exchange is not None:
            self.exchange.receive(data)
        elif self._parser is not None:
            super().data_received(data)  # a proxy's answer to CONNECT
        else:
            # Nobody asked: whatever follows cannot be told from the next response.
            self.close()

    def eof_received(self) -> None:
        """Tell the exchange at once: the transport would first try to write what it still has."""
        super().eof_received()
        if self.exchange is not None:
            self.exchange.lost(None)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the exchange, and first what the server has said and nobody has read yet."""
        self._cut.discard(self)
        fileno = -1 if exc is None else self._plain_fileno()
        super().connection_lost(exc)
        with suppress(OSError):
            while fileno >= 0 and self.exchange is not None:
                if not (data := os.read(fileno, _READ_SIZE)):
                    break  # no proper end: after an error this is all that is ever read
                self.exchange.receive(data)
        if self.exchange is not None:
            self.exchange.lost(exc)

    def resume_writing(self) -> None:
        """Let the exchange write on."""
        super().resume_writing()
        if self.exchange is not None:
            self.exchange.wake()

    def abort(self) -> None:
        """Cut the connection, which is gone a turn or two of the loop later."""
        if self.transport is not None:
            self._cut.add(self)
        super().abort()

    def pause(self) -> None:
        """Stop taking bytes from the network."""
        self._pause_transport_reading()

    def resume(self) -> None:
        """Take bytes from the network again."""
        self._resume_transport_reading()

    def stale(self) -> bool:
        """Whether an idle connection has something to read: its end, most likely."""
        fileno = self._fileno()
        return fileno < 0 or _readable(fileno)

    def _fileno(self) -> int:
        sock = None if self.transport is None else self.transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    def _plain_fileno(self) -> int:
        # A server that refuses an upload answers and hangs up. The next write fails, and with
        # that asyncio stops reading, though the answer is there. Under TLS it cannot be had.
        encrypted = self.transport is None or self.transport.get_extra_info("sslcontext")
        return -1 if encrypted else self._fileno()


class Connector(aiohttp.TCPConnector):
    """aiohttp's pool, handing out bare channels."""

    def __init__(self, limits: httpx.Limits, verify: ssl.SSLContext | bool) -> None:
        expiry = limits.keepalive_expiry
        single_use = limits.max_keepalive_connections == 0 or expiry == 0
        super().__init__(
            limit=0,  # the engine counts exchanges itself, to name a PoolTimeout
            ssl=verify,
            force_close=single_use,
            keepalive_timeout=sentinel if single_use else expiry,
        )
        self.cut: set[Channel] = set()  # on their way out
        self._factory = cast(
            "partial[ResponseHandler]", partial(Channel, asyncio.get_running_loop(), self.cut)
        )

    async def take(self, route: ClientRequest) -> Channel:
        """Return an idle connection that is alive, or a new one."""
        while not self.closed:
            connection = await self.connect(route, [], _NO_TIMEOUT)
            # The channel is handed back by give_back(): aiohttp's Connection would warn if it
            # were dropped.
            channel, connection._protocol = cast("Channel", connection._protocol), None
            if not channel.used or not channel.stale():
                return channel
            self.give_back(route, channel, reusable=False)
        raise aiohttp.ClientConnectionError(_CLOSED)

    def give_back(self, route: ClientRequest, channel: Channel, reusable: bool) -> None:
        """Return a connection to the pool, or cut it."""
        if not reusable:
            channel.abort()
        self._release(route.connection_key, channel, should_close=not reusable)

    def __del__(self, _warnings: object = None) -> None:
        """Say nothing: aiohttp would warn about a session that was never closed."""


def _readable(fileno: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([fileno], [], [], 0)[0])
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))


class Engine:
    """Connections of one event loop, and the exchanges on them."""

    def __init__(
        self, limits: httpx.Limits, verify: ssl.SSLContext | bool, through: proxies.Proxies
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = Connector(limits, verify)
        self._proxies = through
        self._routes: dict[tuple[str, bytes, int], ClientRequest] = {}
        cap = limits.max_connections
        self._slots = None if cap is None else asyncio.Semaphore(cap)
        self._cap = cap
        self._live: set[Exchange] = set()
        self._connecting: set[asyncio.Timeout] = set()

    def belongs_here(self) -> bool:
        """Whether this is the running event loop's engine."""
        return self._loop is asyncio.get_running_loop()

    async def close(self) -> None:
        """Cut every connection, and return when they are gone."""
        for exchange in list(self._live):
            exchange.fail(httpx.ReadError(f"{_CLOSED} while this response was read"))
        for limit in self._connecting:
            if not limit.expired():
                limit.reschedule(0)
        await self._connector.close(abort_ssl=True)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if not self._connecting and not self._connector.cut:
                return

    async def exchange(self, request: httpx.Request) -> Response:
        """Send `request` and return its response, the body unread."""
        started = perf_counter()
        try:
            while True:
                try:
                    return await self._attempt(request, started)
                except StaleConnectionError:
                    # Only for a request that changes nothing, on a connection that had been
                    # idle: the next attempt gets another one, a new one in the end.
                    continue
        except httpx.RequestError as exc:
            exc.request = request
            raise

    async def _attempt(self, request: httpx.Request, started: float) -> Response:
        timeouts = Timeouts.of(request)
        route = self._route(request.url)
        await self._take_slot(timeouts.pool)
        try:
            channel = await self._connect(route, timeouts.connect)
        except BaseException:
            self._free_slot()
            raise
        reused, channel.used = channel.used, True
        exchange = Exchange(channel, request.method, timeouts, partial(self._release, route))
        channel.exchange = exchange
        self._live.add(exchange)
        try:
            await exchange.send(outgoing(request, forward=self._forwarded(route)))
            head = await exchange.head()
        except BaseException as exc:
            exchange.close()
            stale = reused and exchange.untouched() and not self._connector.closed
            if stale and _repeatable(request, exc):
                raise StaleConnectionError from exc
            raise
        return Response(
            head.status,
            headers=head.headers,
            stream=ExchangeStream(exchange),
            request=request,
            extensions={"http_version": head.version, "reason_phrase": head.reason},
            started=started,
        )

    async def _take_slot(self, seconds: float | None) -> None:
        if self._slots is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError as exc:
            raise httpx.PoolTimeout(
                f"no connection became free in {seconds} seconds: "
                f"all {self._cap} of max_connections are in use"
            ) from exc

    def _free_slot(self) -> None:
        if self._slots is not None:
            self._slots.release()

    async def _connect(self, route: ClientRequest, seconds: float | None) -> Channel:
        limit = asyncio.timeout(seconds)
        self._connecting.add(limit)
        try:
            async with limit:
                return await self._connector.take(route)
        except _CONNECT_FAULTS as exc:
            if self._connector.closed:
                raise httpx.ConnectError(f"{_CLOSED} while connecting to {_where(route)}") from exc
            raise _connect_error(exc, route, seconds) from exc
        finally:
            self._connecting.discard(limit)

    def _release(
        self, route: ClientRequest, exchange: Exchange, channel: Channel, reusable: bool
    ) -> None:
        self._live.discard(exchange)
        channel.exchange = None
        if self._loop.is_closed():
            return
        self._free_slot()
        self._connector.give_back(route, channel, reusable)

    def _route(self, url: httpx.URL) -> ClientRequest:
        key = urls.origin(url)
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= _MAX_ROUTES:
                self._routes.clear()
            route = self._routes[key] = self._new_route(url, key)
        return route

    def _new_route(self, url: httpx.URL, key: tuple[str, bytes, int]) -> ClientRequest:
        scheme, host, port = key
        try:
            address = URL.build(scheme=scheme, host=host.decode("ascii"), port=port)
        except ValueError as exc:
            raise httpx.ConnectError(f"cannot connect to {host.decode()}:{port}: {exc}") from exc
        proxy = self._proxies.of(url)
        authorization = None if proxy is None else proxies.authorization(proxy)
        return ClientRequest(
            "GET",
            address,
            loop=self._loop,
            proxy=None if proxy is None else URL(str(proxy.copy_with(userinfo=None))),
            proxy_headers={"Proxy-Authorization": authorization} if authorization else None,
        )

    def _forwarded(self, route: ClientRequest) -> dict[str, str] | None:
        """Return what a plain-text request adds for its proxy; None: it goes straight."""
        if route.proxy is None or route.is_ssl():
            return None
        # aiohttp adds the Host of a tunnel to these headers, too.
        name = "Proxy-Authorization"
        return {name: route.proxy_headers[name]} if route.proxy_headers else {}


def _repeatable(request: httpx.Request, exc: BaseException) -> bool:
    lost = isinstance(exc, httpx.ReadError | httpx.RemoteProtocolError)
    headers = request.headers
    bodiless = "content-length" not in headers and "transfer-encoding" not in headers
    return lost and bodiless and request.method in _SAFE


def _where(route: ClientRequest) -> str:
    host = f"[{route.host}]" if ":" in route.host else route.host
    proxy = "" if route.proxy is None else f" by way of proxy {route.proxy}"
    return f"{host}:{route.port}{proxy}"


def _connect_error(
    exc: Exception, route: ClientRequest, seconds: float | None
) -> httpx.TransportError:
    error = next(error for known, error in CONNECT_ERRORS if isinstance(exc, known))
    if error is httpx.ConnectTimeout:
        return error(f"no connection to {_where(route)} within {seconds} seconds")
    return error(f"cannot connect to {_where(route)}: {_reason(exc)}")


def _reason(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientResponseError):
        return f"{exc.status} {exc.message}"
    # aiohttp's own message repeats where it was to go, in other words.
    return str(exc.__cause__ or exc)
