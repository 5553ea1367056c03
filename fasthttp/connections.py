"""Connections of one event loop, made and kept by aiohttp's connector.

From aiohttp come name look-up, happy eyeballs, TLS, proxy tunnels and the pool. What goes over a
connection, a `Channel`, is none of its business. Connecting fails with httpx's errors only.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import httpx
from aiohttp import ClientRequest
from aiohttp.helpers import sentinel
from yarl import URL

from . import addresses, proxies, urls
from .channel import Channel
from .security import Guard, RefusedError

if TYPE_CHECKING:
    import ssl

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey

CLOSED = "the session was closed"

_AUTHORIZATION = "Proxy-Authorization"
_MAX_ROUTES = 1024  # origins remembered, so that a URL is parsed for the connector only once
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
_target: ContextVar[str] = ContextVar("_target", default="")  # the host being connected to
_CONNECT_FAULTS = tuple(fault for fault, _ in CONNECT_ERRORS)


class Route(ClientRequest):
    """Where connections go to, as aiohttp wants to have it said."""

    @cached_property
    def connection_key(self) -> ConnectionKey:  # it never changes
        """Under which the pool keeps them."""
        return super().connection_key


class Connector(aiohttp.TCPConnector):
    """aiohttp's pool, handing out bare channels."""

    def __init__(
        self,
        limits: httpx.Limits,
        verify: ssl.SSLContext | bool,
        through: proxies.Proxies,
        guard: Guard | None,
    ) -> None:
        expiry = limits.keepalive_expiry
        single_use = limits.max_keepalive_connections == 0 or expiry == 0
        super().__init__(
            limit=0,  # the engine counts exchanges itself, to name a PoolTimeout
            ssl=verify,
            force_close=single_use,
            keepalive_timeout=sentinel if single_use else expiry,
            socket_factory=None if guard is None else guard.sockets(_target.get),
        )
        self.cut: set[Channel] = set()  # on their way out
        self._connecting: set[asyncio.Timeout] = set()
        self._proxies = through
        self._guard = guard
        self._routes: dict[tuple[str, bytes, int], Route] = {}
        self._factory = cast(
            "partial[ResponseHandler]", partial(Channel, asyncio.get_running_loop(), self.cut)
        )

    async def take(self, route: Route, seconds: float | None) -> Channel:
        """Return a connection: an idle one that is alive, or a new one in `seconds`."""
        if (idle := await self._idle(route)) is not None:
            return idle
        limit = asyncio.timeout(seconds)
        self._connecting.add(limit)
        try:
            async with limit:
                return await self._take(route)
        except _CONNECT_FAULTS as exc:
            if self.closed:
                raise httpx.ConnectError(f"{CLOSED} while connecting to {_where(route)}") from exc
            raise _connect_error(exc, route, seconds) from exc
        finally:
            self._connecting.discard(limit)

    def give_back(self, channel: Channel, *, reusable: bool) -> None:
        """Return a connection to the pool, or cut it."""
        if not reusable:
            channel.abort()
        self._release(channel.route.connection_key, channel, should_close=not reusable)

    async def finish(self) -> None:
        """Cut every connection, and return when they are gone."""
        for limit in self._connecting:
            if not limit.expired():
                limit.reschedule(0)
        await self.close(abort_ssl=True)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if not self._connecting and not self.cut:
                return

    def __del__(self, _warnings: object = None) -> None:
        """Say nothing: aiohttp would warn about a session that was never closed."""

    async def _idle(self, route: Route) -> Channel | None:
        # Without the timeout that making one has: nothing is waited for.
        while (connection := await self._get(route.connection_key, [])) is not None:
            channel = _unwrapped(connection, route)
            if not channel.stale():
                return channel
            self.give_back(channel, reusable=False)
        return None

    async def _take(self, route: Route) -> Channel:
        while not self.closed:
            channel = _unwrapped(await self.connect(route, [], _NO_TIMEOUT), route)
            if not channel.used or not channel.stale():
                return channel
            self.give_back(channel, reusable=False)
        raise aiohttp.ClientConnectionError(CLOSED)

    # The guard judges where aiohttp asks for a socket: nothing gets past it. Before that, forbidden
    # ones of several addresses are left out, as aiohttp would go on asking for them.
    async def _create_connection(self, req: ClientRequest, *rest: Any) -> ResponseHandler:
        token = _target.set(str((req.proxy or req.url).raw_host))
        try:
            return await super()._create_connection(req, *rest)
        finally:
            _target.reset(token)

    async def _resolve_host(self, host: str, *rest: Any, **more: Any) -> list[Any]:
        try:
            return await super()._resolve_host(host, *rest, **more)
        except aiohttp.InvalidURL:
            if self._guard is not None:  # which knows what 2130706433 would lead to
                self._guard.check(host, addresses.dotted(host))
            raise
        except RuntimeError as exc:  # aiohttp makes nothing of an empty answer
            raise OSError(f"{host} has no address") from exc

    def _convert_hosts_to_addr_infos(self, hosts: list[Any]) -> list[Any]:
        found = super()._convert_hosts_to_addr_infos(hosts)
        return found if self._guard is None else self._guard.permitted(_target.get(), found)

    def route(self, url: httpx.URL) -> Route:
        """Return where connections for `url` go to."""
        key = urls.origin(url)
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= _MAX_ROUTES:
                self._routes.clear()
            route = self._routes[key] = self._new_route(url, key)
        return route

    def _new_route(self, url: httpx.URL, key: tuple[str, bytes, int]) -> Route:
        scheme, host, port = key
        try:
            address = URL.build(scheme=scheme, host=host.decode("ascii"), port=port)
        except ValueError as exc:
            raise httpx.ConnectError(f"cannot connect to {host.decode()}:{port}: {exc}") from exc
        proxy = self._proxies.of(url)
        authorization = None if proxy is None else proxies.authorization(proxy)
        return Route(
            "GET",
            address,
            loop=self._loop,
            proxy=None if proxy is None else URL(str(proxy.copy_with(userinfo=None))),
            proxy_headers={_AUTHORIZATION: authorization} if authorization else None,
        )


def _unwrapped(connection: aiohttp.connector.Connection, route: Route) -> Channel:
    # The channel is handed back by give_back(): aiohttp's Connection would warn if dropped.
    channel, connection._protocol = cast("Channel", connection._protocol), None
    channel.route = route
    return channel


def forward(route: Route) -> dict[str, str] | None:
    """Return what a request adds for a proxy that passes it on; None: it goes straight."""
    headers = route.proxy_headers
    if route.proxy is None or route.is_ssl():
        return None
    # aiohttp adds the Host of a tunnel to these headers, too.
    return {_AUTHORIZATION: headers[_AUTHORIZATION]} if headers else {}


def _where(route: Route) -> str:
    host = f"[{route.host}]" if ":" in route.host else route.host
    proxy = "" if route.proxy is None else f" by way of proxy {route.proxy}"
    return f"{host}:{route.port}{proxy}"


def _connect_error(exc: Exception, route: Route, seconds: float | None) -> httpx.TransportError:
    for refused in (exc, exc.__cause__):
        if isinstance(refused, RefusedError):
            return refused.blocked(proxy=route.proxy is not None)
    error = next(error for known, error in CONNECT_ERRORS if isinstance(exc, known))
    if error is httpx.ConnectTimeout:
        return error(f"no connection to {_where(route)} within {seconds} seconds")
    return error(f"cannot connect to {_where(route)}: {_reason(exc)}")


def _reason(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientResponseError):
        return f"{exc.status} {exc.message}"
    # aiohttp's own message repeats where it was to go, in other words.
    cause = exc.__cause__ or exc
    return str(cause) or f"the connection ended while it was being made ({type(cause).__name__})"
