"""aiohttp: `ClientSession`, and its body's own iterators."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")


class Client:
    def __init__(self, connections: int) -> None:
        self._connections = connections

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=60),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, url: str) -> Any:
        async with self._session.get(url) as response:
            return await response.read()

    @asynccontextmanager
    async def lines(self, url: str) -> AsyncIterator[Any]:
        async with self._session.get(url) as response:
            yield response.content

    @asynccontextmanager
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with self._session.get(url) as response:
            content = response.content
            yield content.iter_any() if size is None else content.iter_chunked(size)
