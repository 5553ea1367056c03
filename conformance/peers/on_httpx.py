"""Readers of events, on plain `httpx.AsyncClient`: its responses get an `aiter_events()`.

A reader that is only a decoder is given the response's bytes. What it calls the default, None for a
type or an id that was not given, is given the standard's name: `message`, and the empty string.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from conformance.peers.httpx import session
from conformance.peers.mapped import Items

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


class Session(session.Session):
    """A session whose responses have `aiter_events()`."""

    def events_of(self, response: httpx.Response) -> AsyncIterator[Any]:
        """The reader's iterator."""
        raise NotImplementedError

    @asynccontextmanager
    async def stream(self, *positional: Any, **named: Any) -> AsyncIterator[httpx.Response]:
        """`httpx.AsyncClient.stream()`."""
        async with super().stream(*positional, **named) as response:
            vars(response)["aiter_events"] = lambda: self.events_of(response)
            yield response


class Decoded(Items):
    """A decoder's events, their defaults under the standard's names."""

    def __init__(self, events: Any) -> None:
        super().__init__(events, lambda error: error)

    async def __anext__(self) -> Any:
        event = await super().__anext__()
        return SimpleNamespace(
            event=event.event if event.event is not None else "message",
            data=event.data,
            id=event.id if event.id is not None else "",
            retry=event.retry,
            json=event.json,
        )
