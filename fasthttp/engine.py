"""The engine: our HTTP/1.1 exchanges over the connections of one event loop.

It counts the exchanges that are under way, gives each a connection, and takes that back. Only
`AiohttpTransport` imports this module, when it opens.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING

import httpx

from .connections import CLOSED, Connector, forward
from .exchange import Exchange, ExchangeStream
from .request import outgoing
from .response import Response
from .timeouts import Timeouts

if TYPE_CHECKING:
    import ssl

    from .channel import Channel
    from .proxies import Proxies
    from .security import Guard

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class StaleConnectionError(Exception):
    """An idle connection was closed by the server before it took the request."""


class Engine:
    """Sends requests, and returns responses whose bodies are still to come."""

    def __init__(
        self,
        limits: httpx.Limits,
        verify: ssl.SSLContext | bool,
        proxies: Proxies,
        guard: Guard | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = Connector(limits, verify, proxies, guard)
        cap = limits.max_connections
        self._slots = None if cap is None else asyncio.Semaphore(cap)
        self._cap = cap
        self._live: set[Exchange] = set()

    def belongs_here(self) -> bool:
        """Whether this is the running event loop's engine."""
        return self._loop is asyncio.get_running_loop()

    async def close(self) -> None:
        """Cut every connection, and return when they are gone."""
        for exchange in list(self._live):
            exchange.fail(httpx.ReadError(f"{CLOSED} while this response was read"))
        await self._connector.finish()

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
        route = self._connector.route(request.url)
        parts = outgoing(request, forward=forward(route))  # refused unconnected, if it has to be
        if self._slots is not None:
            await self._take_slot(self._slots, timeouts.pool)
        try:
            channel = await self._connector.take(route, timeouts.connect)
        except BaseException:
            self._free_slot()
            raise
        reused, channel.used = channel.used, True
        exchange = Exchange(channel, request.method, timeouts, self._release)
        channel.exchange = exchange
        self._live.add(exchange)
        try:
            await exchange.send(parts)
            head = await exchange.head()
        except BaseException as exc:
            exchange.close()
            stale = reused and exchange.untouched() and not self._connector.closed
            if stale and _repeatable(request, exc):
                raise StaleConnectionError from exc
            raise
        headers = _headers(head.headers)
        response = Response(
            head.status,
            headers=headers,
            stream=ExchangeStream(exchange),
            request=request,
            extensions={"http_version": head.version, "reason_phrase": head.reason},
            started=started,
        )
        response.headers.encoding = headers.encoding  # or each copy would find it out anew
        return response

    async def _take_slot(self, slots: asyncio.Semaphore, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await slots.acquire()
        except TimeoutError as exc:
            raise httpx.PoolTimeout(
                f"no connection became free in {seconds} seconds: "
                f"all {self._cap} of max_connections are in use"
            ) from exc

    def _free_slot(self) -> None:
        if self._slots is not None:
            self._slots.release()

    def _release(self, exchange: Exchange, channel: Channel, reusable: bool) -> None:
        self._live.discard(exchange)
        channel.exchange = None
        if self._loop.is_closed():
            return
        self._free_slot()
        self._connector.give_back(channel, reusable=reusable)


@lru_cache(maxsize=64)
def _headers(raw: tuple[tuple[bytes, bytes], ...]) -> httpx.Headers:
    return httpx.Headers(raw)  # the response makes a copy of it, which costs less


def _repeatable(request: httpx.Request, exc: BaseException) -> bool:
    lost = isinstance(exc, httpx.ReadError | httpx.RemoteProtocolError)
    headers = request.headers
    bodiless = "content-length" not in headers and "transfer-encoding" not in headers
    return lost and bodiless and request.method in _SAFE
