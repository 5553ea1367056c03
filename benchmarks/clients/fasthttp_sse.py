"""httpx-sse on fasthttp: its decoder reads our response as it does httpx's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from httpx_sse import EventSource

from fasthttp import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS: tuple[str, ...] = ()


class Client:
    def __init__(self, connections: int) -> None:
        self._session = AsyncSession(security=False, timeout=60)

    async def __aenter__(self) -> Self:
        await self._session.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @asynccontextmanager
    async def events(self, url: str) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield EventSource(response).aiter_sse()
