"""Faults in `session.events()`: what is kept over a reconnection, and what counts as a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from fasthttp import eventsource
from fasthttp.decoders.events import EventDecoder
from fasthttp.eventsource import TRANSIENT_ERRORS, EventSource
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from fasthttp.response import Response

SOURCE = "fasthttp.eventsource.EventSource"
DECODER = "fasthttp.eventsource.EventDecoder"

headers_of = eventsource._headers


class _KeepsTheHalf(EventDecoder):
    def restart(self, last_event_id: str) -> None:
        data = getattr(self, "_data", [])
        super().restart(last_event_id)
        self._data = data


@saboteur("events-end")
class KeepsTheHalf(Sabotaged):
    """Joins half an event of one connection to the first of the next."""

    patches = {DECODER: _KeepsTheHalf}


class _KeepsTheType(EventDecoder):
    def restart(self, last_event_id: str) -> None:
        kind = getattr(self, "_type", "")
        super().restart(last_event_id)
        self._type = kind


@saboteur("events-end")
class KeepsTheType(Sabotaged):
    """Gives the type of an event that was cut to the first of the next connection."""

    patches = {DECODER: _KeepsTheType}


class _OneMark(EventDecoder):
    def restart(self, last_event_id: str) -> None:
        started = getattr(self, "_started", False)
        super().restart(last_event_id)
        self._started = started


@saboteur("events-bom")
class OneMark(Sabotaged):
    """Drops the mark of the first connection's stream, and of no other."""

    patches = {DECODER: _OneMark}


class _CountsAll(EventDecoder):
    def restart(self, last_event_id: str) -> None:
        size = getattr(self, "_size", 0)
        super().restart(last_event_id)
        self._size = size


@saboteur("security-pending")
class CountsAll(Sabotaged):
    """Counts what a cut event had against the first of the next connection."""

    patches = {DECODER: _CountsAll}


class _NeverBounded(EventSource):
    async def _accept(self, response: Response) -> None:
        response.max_pending = None
        await super()._accept(response)


@saboteur("security-pending")
class NeverBounded(Sabotaged):
    """Has no limit where it reads over many connections."""

    patches = {SOURCE: _NeverBounded}


def _callers_too(given: Any) -> tuple[str, dict[str, str | None]]:
    last_id, headers = headers_of(given)
    return last_id, {**headers, "Last-Event-ID": last_id} if last_id else headers


@saboteur("events-last-event-id")
class CallersIdComesBack(Sabotaged):
    """Sends the caller's id again when the server has set none."""

    patches = {"fasthttp.eventsource._headers": _callers_too}


@saboteur("events-reconnect")
class TimeoutsAreFinal(Sabotaged):
    """Gives a silent server up."""

    patches = {
        "fasthttp.eventsource.TRANSIENT_ERRORS": tuple(
            kind for kind in TRANSIENT_ERRORS if kind is not httpx.TimeoutException
        )
    }


@saboteur("events-refused")
class StatusesAreFinal(Sabotaged):
    """Takes a server that asks for patience for one that is gone."""

    patches = {"fasthttp.eventsource.TRANSIENT_STATUSES": frozenset({500, 502, 503, 504})}


class _Speechless(EventSource):
    async def _accept(self, response: Response) -> None:
        if response.is_success:
            await super()._accept(response)
        else:
            await self._refused(response)


@saboteur("events-refused")
class Speechless(Sabotaged):
    """Raises what says that something is wrong, without the response that says what."""

    patches = {SOURCE: _Speechless}


class _BytesDoNotCount(EventSource):
    def _received(self) -> bool:
        return False


@saboteur("events-give-up")
class BytesDoNotCount(Sabotaged):
    """Counts every connection that broke as a failure."""

    patches = {SOURCE: _BytesDoNotCount}


class _HeadsCount(EventSource):
    def _received(self) -> bool:
        return True


@saboteur("events-give-up")
class HeadsCount(Sabotaged):
    """Takes a head for a connection that worked."""

    patches = {SOURCE: _HeadsCount}


@saboteur("events-backoff")
class DoublesNothing(Sabotaged):
    """Doubles what the server said, be it nothing."""

    patches = {"fasthttp.eventsource.MIN_SECONDS": 0.0}


@saboteur("events-retry")
class WaitsForEver(Sabotaged):
    """Computes with a reconnection time as it came."""

    patches = {"fasthttp.eventsource._DAY": 10**500}


class _WaitsItOut(EventSource):
    async def aclose(self) -> None:
        self._over = True
        await self._close_response()


@saboteur("events-close")
class WaitsItOut(Sabotaged):
    """Lets another task wait its time when the block is left."""

    patches = {SOURCE: _WaitsItOut}


class _SleepsOn(EventSource):
    async def _wait(self, request: httpx.Request) -> None:
        await asyncio.sleep(self._due - asyncio.get_running_loop().time())


@saboteur("lifecycle-session-close")
class SleepsOn(Sabotaged):
    """Waits its time though its session has been closed."""

    patches = {SOURCE: _SleepsOn}


class _Unaware(EventSource):
    async def _lost(self, error: Exception | None) -> None:
        open_, self._session._loop = self._session._loop, asyncio.get_running_loop()
        try:
            await super()._lost(error)
        finally:
            self._session._loop = open_


@saboteur("lifecycle-session-close")
class Unaware(Sabotaged):
    """Connects once more when its session has been closed."""

    patches = {SOURCE: _Unaware}
