"""Faults in `session.events()`: what is asked for, and when another connection is made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fasthttp.eventsource import EventSource
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from fasthttp.decoders.events import ServerSentEvent
    from fasthttp.response import Response

SOURCE = "fasthttp.eventsource.EventSource"


@saboteur("events-request")
class AcceptsAnything(Sabotaged):
    """Leaves the session's Accept as it is."""

    patches = {"fasthttp.eventsource._DEFAULT_HEADERS": {"Cache-Control": "no-store"}}


class _UnfinishedIds(EventSource):
    async def _lost(self, error: Exception | None) -> None:
        self._decoder.last_event_id = self._decoder._id
        await super()._lost(error)


@saboteur("events-last-event-id", "events-end")
class UnfinishedIds(Sabotaged):
    """Goes on behind an event that never came whole (B24)."""

    patches = {SOURCE: _UnfinishedIds}


class _ContentOnce(EventSource):
    async def _lost(self, error: Exception | None) -> None:
        self._content = None
        await super()._lost(error)


@saboteur("events-reconnect")
class ContentOnce(Sabotaged):
    """Sends the content with the first connection only."""

    patches = {SOURCE: _ContentOnce}


def _fixed(retry: int | None, failures: int) -> float:
    return 0.02


@saboteur("events-reconnect-delay", "events-backoff")
class FixedDelay(Sabotaged):
    """Comes back when it likes (B20)."""

    patches = {"fasthttp.eventsource.delay": _fixed}


def _as_told(retry: int | None, failures: int) -> float:
    return 3.0 if retry is None else min(retry, 10**8) / 1000


@saboteur("events-backoff")
class NeverSlower(Sabotaged):
    """Knocks at the same rate however often it is refused."""

    patches = {"fasthttp.eventsource.delay": _as_told}


class _CountsOn(EventSource):
    _sum = 0

    @property
    def _failures(self) -> int:
        return self._sum

    @_failures.setter
    def _failures(self, count: int) -> None:
        self._sum = count or self._sum


@saboteur("events-give-up", perhaps=("events-backoff",))
class CountsOn(Sabotaged):
    """Does not begin to count anew when a connection works."""

    patches = {SOURCE: _CountsOn}


class _NoContentIsAnEnd(EventSource):
    async def _accept(self, response: Response) -> None:
        if response.status_code == 204:
            await self._lost(None)
        else:
            await super()._accept(response)


@saboteur("events-no-content")
class NoContentIsAnEnd(Sabotaged):
    """Takes a 204 for an empty stream, and comes back."""

    patches = {SOURCE: _NoContentIsAnEnd}


@saboteur("events-refused")
class NeverRefused(Sabotaged):
    """Tries again whatever the status."""

    patches = {"fasthttp.eventsource.TRANSIENT_STATUSES": range(300, 600)}


class _ErrorsReconnect(EventSource):
    async def _lost(self, error: Exception | None) -> None:
        self._reconnect = self._reconnect or error is not None
        await super()._lost(error)


@saboteur("events-reconnect-off")
class ErrorsReconnect(Sabotaged):
    """Comes back after an error even if it is told not to."""

    patches = {SOURCE: _ErrorsReconnect}


class _OwnTask(EventSource):
    async def __anext__(self) -> ServerSentEvent:
        return await asyncio.shield(asyncio.ensure_future(super().__anext__()))

    async def aclose(self) -> None:
        await self._close_response()


@saboteur("events-close")
class OwnTask(Sabotaged):
    """Connects in a task of its own, which goes on when the block is left (B51)."""

    patches = {SOURCE: _OwnTask}
