"""httpx-sse on httpx: events only."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx
from httpx_sse import aconnect_sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS: tuple[str, ...] = ()


class Client:
    def __init__(self, connections: int) -> None:
        limits = httpx.Limits(max_connections=connections)
        self._client = httpx.AsyncClient(limits=limits, timeout=60)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def events(self, url: str) -> AsyncIterator[Any]:
        async with aconnect_sse(self._client, "GET", url) as source:
            yield source.aiter_sse()
