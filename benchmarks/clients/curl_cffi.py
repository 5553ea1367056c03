"""curl_cffi: `AsyncSession`; it hands on libcurl's blocks and cannot cut them to a size."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from curl_cffi import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")
CUTS = False


class Client:
    def __init__(self, connections: int) -> None:
        self._connections = connections

    async def __aenter__(self) -> Self:
        self._session = AsyncSession(max_clients=self._connections, timeout=60)
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
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with self._session.stream("GET", url) as response:
            yield response.aiter_content()
