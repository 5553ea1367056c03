"""pyreqwest: `ClientBuilder`, a streamed request and its `body_reader`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from pyreqwest.client import ClientBuilder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CODINGS = ("gzip", "zstd")


class Client:
    def __init__(self, connections: int) -> None:
        builder = ClientBuilder().max_connections(connections).timeout(timedelta(seconds=60))
        self._client = builder.gzip(True).zstd(True).build()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def get(self, url: str) -> Any:
        return await (await self._client.get(url).build().send()).bytes()

    @asynccontextmanager
    async def bytes(self, url: str, size: int | None) -> AsyncIterator[Any]:
        async with self._client.get(url).build_streamed() as response:
            yield _pieces(response.body_reader, size)


async def _pieces(reader: Any, size: int | None) -> AsyncIterator[Any]:
    """Its API is a call for each piece; this is the shortest loop over it."""
    read = reader.read_chunk if size is None else lambda: reader.read(size)
    while (piece := await read()) is not None:
        yield piece
