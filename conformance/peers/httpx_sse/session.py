"""httpx-sse as a reader of events, on `httpx.AsyncClient`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from httpx_sse import EventSource  # type: ignore[import-not-found]

from conformance.peers import on_httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


class Session(on_httpx.Session):
    """What the suite is pointed at."""

    __version__ = version("httpx-sse")

    def events_of(self, response: httpx.Response) -> AsyncIterator[Any]:
        """`EventSource(response).aiter_sse()`."""
        events: AsyncIterator[Any] = EventSource(response).aiter_sse()
        return events
