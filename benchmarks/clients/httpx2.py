"""httpx2: `AsyncClient`; events by its own `sse()`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")


class Client:
    def __init__(self, connections: int) -> None:
        limits = httpx2.Limits(max_connections=connections)
        self._client = httpx2.AsyncClient(limits=limits, timeout=60)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> Any:
        return (await self._client.get(url)).content

    @asynccontextmanager
    async def lines(self, url: str) -> AsyncIterator[Any]:
        async with self._client.stream("GET", url) as response:
            yield response.aiter_lines()

    @asynccontextmanager
    async def events(self, url: str) -> AsyncIterator[Any]:
        async with self._client.sse(url) as source:
            yield source

    @asynccontextmanager
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with self._client.stream("GET", url) as response:
            yield response.aiter_bytes(size)

    @asynccontextmanager
    async def text(self, url: str) -> AsyncIterator[Any]:
        async with self._client.stream("GET", url) as response:
            yield response.aiter_text()
