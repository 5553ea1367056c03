"""fasthttp: `AsyncSession` with its default transport."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from fasthttp import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")


class Client:
    def __init__(self, connections: int) -> None:
        self._session = AsyncSession(security=False, timeout=60)

    async def __aenter__(self) -> Self:
        await self._session.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, url: str) -> Any:
        return (await self._session.get(url)).content

    @asynccontextmanager
    async def lines(self, url: str) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield response.aiter_lines()

    @asynccontextmanager
    async def events(self, url: str) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield response.aiter_events()

    @asynccontextmanager
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield response.aiter_bytes(size)

    @asynccontextmanager
    async def text(self, url: str) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield response.aiter_text()
