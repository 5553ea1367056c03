"""Faults in timeouts: which is in force, and what it bounds."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import httpx

from fasthttp import timeouts
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from fasthttp.response import Response


class Timing(Sabotaged):
    """Tells the engine other timeouts than the library would."""

    def told(self, given: float | None) -> dict[str, float | None]:
        """What the engine is told of a call's timeout."""
        return timeouts.extension(timeouts.effective(self._timeout, given))

    def _build(
        self, method: str, url: httpx.URL, headers: Any, body: Any, timeout: float | None
    ) -> httpx.Request:
        request = super()._build(method, url, headers, body, timeout)
        request.extensions["timeout"] = self.told(timeout)
        return request


@saboteur("timeouts-request", "timeouts-unlimited")
class SmallerOfBoth(Timing):
    """The smaller of the two timeouts is in force."""

    def told(self, given: float | None) -> dict[str, float | None]:
        known = [seconds for seconds in (self._timeout, given) if seconds is not None]
        smallest = min(known, default=math.inf)
        return timeouts.extension(None if smallest == math.inf else smallest)


@saboteur(
    "events-reconnect",
    "timeouts-silence",
    "security-slow-head",
    "session-method-defaults",
    "timeouts-not-sticky",
    "timeouts-session",
)
class NoneIsNever(Timing):
    """A call without a timeout has none (B71)."""

    def told(self, given: float | None) -> dict[str, float | None]:
        return timeouts.extension(None) if given is None else super().told(given)


@saboteur(
    "events-reconnect",
    "timeouts-named",
    "timeouts-silence",
    "timeouts-request",
    "timeouts-session",
    "timeouts-not-sticky",
    "session-method-defaults",
)
class BodyIsUnbounded(Sabotaged):
    """The timeout covers the head, and reading the body has none."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        if (exchange := getattr(response.stream, "_exchange", None)) is not None:
            exchange._timeouts = exchange._timeouts._replace(read=None)
        return response


@saboteur(
    "events-reconnect",
    "timeouts-request",
    "security-slow-head",
    "timeouts-named",
    "timeouts-silence",
)
class HeadIsUnbounded(Sabotaged):
    """The timeout covers the body, and the head has none."""

    async def _send(self, request: httpx.Request) -> Response:
        seconds = request.extensions["timeout"]["read"]
        request.extensions["timeout"]["read"] = None
        response = await super()._send(request)
        if (exchange := getattr(response.stream, "_exchange", None)) is not None:
            exchange._timeouts = exchange._timeouts._replace(read=seconds)
        return response


@saboteur("timeouts-not-total", "timeouts-caller", perhaps=("events-backoff",))
class Deadline(Sabotaged):
    """The timeout is one for the whole as well (B70)."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        seconds = request.extensions["timeout"]["read"]
        exchange = getattr(response.stream, "_exchange", None)
        if seconds is not None and exchange is not None:
            error = httpx.ReadTimeout(f"over {seconds} seconds in all", request=request)
            asyncio.get_running_loop().call_later(seconds, exchange.fail, error)
        return response


@saboteur("timeouts-caller", perhaps=("events-backoff",))
class ClockOfTheData(Sabotaged):
    """The clock starts when data last came, whether anybody waits or not."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        loop, seconds = asyncio.get_running_loop(), request.extensions["timeout"]["read"]
        read, last = response.stream.read_block, loop.time()

        async def read_block() -> bytes:
            nonlocal last
            try:
                async with asyncio.timeout_at(last + (seconds or math.inf)):
                    block = await read()
            except TimeoutError as error:
                raise httpx.ReadTimeout("no data for too long", request=request) from error
            last = loop.time()
            return block

        response.stream.read_block = read_block  # type: ignore[method-assign] # the fault
        return response


@saboteur("timeouts-unlimited")
class InfinityIsRefused(Sabotaged):
    """Infinity is no number that it takes."""

    def __init__(self, *, timeout: float | None = 30.0, **arguments: Any) -> None:
        if timeout == math.inf:
            raise OverflowError("cannot convert float infinity to integer")
        super().__init__(timeout=timeout, **arguments)


@saboteur("timeouts-not-sticky")
class StaysOn(Timing):
    """A call's timeout becomes the session's."""

    def told(self, given: float | None) -> dict[str, float | None]:
        self._timeout = timeouts.effective(self._timeout, given)
        return timeouts.extension(self._timeout)


@saboteur("timeouts-refusal-named")
class ZeroIsNever(Sabotaged):
    """A call's 0 means no timeout (B72)."""

    def _build(
        self, method: str, url: httpx.URL, headers: Any, body: Any, timeout: float | None
    ) -> httpx.Request:
        return super()._build(method, url, headers, body, math.inf if timeout == 0 else timeout)


@saboteur("timeouts-refused", "timeouts-refusal-named")
class NanIsTaken(Sabotaged):
    """A session is made with nan, which is compared with in vain (B72)."""

    def __init__(self, *, timeout: float | None = 30.0, **arguments: Any) -> None:
        never = isinstance(timeout, float) and math.isnan(timeout)
        super().__init__(timeout=None if never else timeout, **arguments)


@saboteur("timeouts-connect", "timeouts-named")
class ConnectsForEver(Timing):
    """Connecting has no timeout."""

    def told(self, given: float | None) -> dict[str, float | None]:
        return {**super().told(given), "connect": None}


@saboteur("timeouts-named")
class ConnectingIsReading(Sabotaged):
    """A connection that is not made is called a slow answer."""

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except httpx.ConnectTimeout as error:
            raise httpx.ReadTimeout(str(error), request=request) from error


@saboteur("timeouts-write", "timeouts-named")
class WritesForEver(Timing):
    """Writing has no timeout."""

    def told(self, given: float | None) -> dict[str, float | None]:
        return {**super().told(given), "write": None}


@saboteur("timeouts-named")
class WaitingIsConnecting(Sabotaged):
    """A pool that is too small is called a slow server (B59)."""

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except httpx.PoolTimeout as error:
            raise httpx.ConnectTimeout(str(error), request=request) from error


@saboteur("timeouts-named", "timeouts-pool")
class PlaceIsLost(Sabotaged):
    """Who gave up waiting for a place gets it nevertheless, and keeps it."""

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except httpx.PoolTimeout:
            slots = self._transport._engine._slots  # type: ignore[attr-defined] # the built-in one
            self._lost = asyncio.ensure_future(slots.acquire())
            raise

    async def close(self) -> None:
        if hasattr(self, "_lost"):
            self._lost.cancel()
        await super().close()
