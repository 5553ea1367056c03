"""niquests: `AsyncSession(...).get(stream=True)`; events by its `psse://` extension."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import niquests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")


class Client:
    def __init__(self, connections: int) -> None:
        self._session = niquests.AsyncSession(pool_maxsize=connections, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, url: str) -> Any:
        return (await self._session.get(url)).content

    @asynccontextmanager
    async def lines(self, url: str) -> AsyncIterator[Any]:
        async with await self._session.get(url, stream=True) as response:
            yield response.iter_lines(chunk_size=-1, decode_unicode=True)

    @asynccontextmanager
    async def events(self, url: str) -> AsyncIterator[Any]:
        response = await self._session.get(url.replace("http:", "psse:"))
        try:
            yield _payloads(response.extension)
        finally:
            await response.extension.close()

    @asynccontextmanager
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with await self._session.get(url, stream=True) as response:
            yield await response.iter_content(-1 if size is None else size)

    @asynccontextmanager
    async def text(self, url: str) -> AsyncIterator[Any]:
        async with await self._session.get(url, stream=True) as response:
            yield await response.iter_content(-1, decode_unicode=True)


async def _payloads(extension: Any) -> AsyncIterator[Any]:
    """Its API is a call for each event; this is the shortest loop over it."""
    while (event := await extension.next_payload()) is not None:
        yield event
