"""Faults in what stalls, stops or is cut amid a request or a response, and in what follows it."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import httpx
from aiohttp.client_proto import ResponseHandler

from fasthttp import redirects, timeouts
from fasthttp.channel import Channel
from fasthttp.connections import _CONNECT_FAULTS, Connector
from fasthttp.exchange import Exchange
from fasthttp.reading import Items, Turn
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fasthttp.response import Response

EXCHANGE = "fasthttp.engine.Exchange"

data_received, finish, more = Channel.data_received, Connector.finish, Items._more


# Requests


class _Cutting(Exchange):
    def receive(self, data: bytes) -> None:
        super().receive(data)
        if self._reader.complete:
            self._finish(reusable=False)


@saboteur("session-content")
class AnsweredIsDone(Sabotaged):
    """Stops sending when the answer has come, and closes."""

    patches = {EXCHANGE: _Cutting}


class _WritesOn(Exchange):
    async def _drain(self, channel: Channel, transport: asyncio.Transport) -> None:
        while self._channel is channel and channel.writing_paused:
            if not await self._wait(self._after(self._timeouts.write)):
                self.fail(httpx.WriteTimeout("the server takes nothing"))


@saboteur("session-response-early")
class WritesOn(Sabotaged):
    """Writes first and reads afterwards."""

    patches = {EXCHANGE: _WritesOn}


class _HalfIsWhole(Exchange):
    def _reusable(self) -> bool:
        return not self._closes and self._reader.reusable


@saboteur("lifecycle-own-bytes")
class HalfIsWhole(Sabotaged):
    """Uses a connection again on which a content was sent by half."""

    patches = {EXCHANGE: _HalfIsWhole}


@saboteur("session-content")
class SleepsOn(Sabotaged):
    """Is not woken when a slow server takes more."""

    patches = {"fasthttp.channel.Channel.resume_writing": ResponseHandler.resume_writing}


@saboteur("session-content")
class WaitsForThe100(Sabotaged):
    """Waits for a 100 without an end."""

    patches = {"fasthttp.exchange.CONTINUE_SECONDS": math.inf}


# Responses


class _PausesOnce(Exchange):
    async def read(self) -> bytes:
        paused = self._paused
        try:
            return await super().read()
        finally:
            self._paused = paused


@saboteur("bytes-memory")
class PausesOnce(Sabotaged):
    """Holds the server back the first time, and never again (B44)."""

    patches = {EXCHANGE: _PausesOnce}


async def _ends(self: Items[Any]) -> Iterator[Any]:
    try:
        return await more(self)
    except asyncio.CancelledError:
        self._error = StopAsyncIteration()
        raise


@saboteur("lifecycle-cancel")
class CancelledIsTheEnd(Sabotaged):
    """Gives nothing more after a read that was cancelled, as a generator does."""

    patches = {"fasthttp.reading.Items._more": _ends}


async def _at_once(self: Turn) -> None:
    pass


@saboteur("lifecycle-heartbeat")
class NoTurns(Sabotaged):
    """Gives all that a block of bytes unfolds to before anything else runs (B58)."""

    patches = {"fasthttp.reading.Turn.pause": _at_once}


# Connections


def _swallows(self: Channel, data: bytes) -> None:
    if self.exchange is not None or self._parser is not None:
        data_received(self, data)


@saboteur("body-excess")
class SwallowsWhileIdle(Sabotaged):
    """Passes over what comes when nobody has asked (B65)."""

    patches = {"fasthttp.channel.Channel.data_received": _swallows}


def _whatever_was_said(self: Exchange) -> bool:
    reader = self._reader
    ends = reader._body is None or reader._body.until_close or reader.surplus
    return self._sent and reader.complete and not ends


@saboteur("lifecycle-stale")
class KeepsWhatCloses(Sabotaged):
    """Uses a connection again, whatever was said about its end."""

    patches = {"fasthttp.exchange.Exchange._reusable": _whatever_was_said}


def _by_its_number(self: Channel) -> bool:
    return self._fileno() < 0


@saboteur("lifecycle-stale")
class NeverLooks(Sabotaged):
    """Learns from the loop only that an idle connection has ended (B60)."""

    patches = {"fasthttp.channel.Channel.stale": _by_its_number}


async def _connects_on(self: Connector) -> None:
    self._connecting = set()
    await finish(self)


@saboteur("lifecycle-session-close")
class ConnectsOn(Sabotaged):
    """Leaves those alone, when it is closed, who wait for their connection (B57)."""

    patches = {"fasthttp.connections.Connector.finish": _connects_on}


@saboteur("errors-family")
class HostsAreValues(Sabotaged):
    """Lets out what a resolver says of a host that it cannot even write (B11)."""

    patches = {
        "fasthttp.connections._CONNECT_FAULTS": tuple(
            fault for fault in _CONNECT_FAULTS if fault is not ValueError
        )
    }


@saboteur("timeouts-pool")
class RefusedPlaceIsLost(Sabotaged):
    """Does not give back the place of a connection that was refused."""

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except httpx.ConnectError:
            slots = self._transport._engine._slots  # type: ignore[attr-defined] # the built-in one
            if slots is not None:
                await slots.acquire()
            raise


# Redirects


@saboteur("timeouts-silence")
class NoTimeoutBehind(Sabotaged):
    """Has no timeout for what a redirect leads to."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is not None:
            request.extensions = {"timeout": timeouts.extension(None)}
        return request


async def _stays() -> None:
    pass


@saboteur("session-redirects-followed")
class KeepsItsConnection(Sabotaged):
    """Does not close a redirect that it follows."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is not None and self._follow_redirects:
            response.aclose = _stays  # type: ignore[method-assign] # the fault
        return request


@saboteur("session-redirects-content")
class OnlyAPostBecomesAGet(Sabotaged):
    """Sends a PUT again where a 303 asks for a GET."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request, asked = await super()._following(response), response.request
        if request is None or response.status_code != 303 or asked.method in ("GET", "POST"):
            return request
        again = httpx.Request(
            asked.method, request.url, headers=asked.headers, content=asked.content
        )
        again.extensions = request.extensions
        return again


@saboteur("session-redirects-off")
class LooksAnyway(Sabotaged):
    """Complains of a bad Location though it is not to be followed."""

    async def _following(self, response: Response) -> httpx.Request | None:
        if self._follow_redirects:
            return await super()._following(response)
        return redirects.next_request(response)


# Verbs


@saboteur("timeouts-request")
class GetHasNoTimeout(Sabotaged):
    """Takes a timeout in one verb, and does not pass it on."""

    async def get(self, url: str, *, timeout: float | None = None, **more: Any) -> Response:
        return await super().get(url, **more)
