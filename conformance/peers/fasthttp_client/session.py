"""The AsyncSession of fasthttp-client: `stream()` as it is; what its verbs return, renamed.

Its verbs take `data` for bytes, and return a response of its own, or None after an error.
"""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import httpx

import fasthttp


class Session(fasthttp.AsyncSession):
    """What the suite is pointed at."""

    __version__ = version("fasthttp-client")

    async def request(self, method: str, url: str, **arguments: Any) -> Any:
        """`request()`."""
        return _named(await super().request(method, url, **_data(arguments)))

    async def get(self, url: str, **arguments: Any) -> Any:
        """`get()`."""
        return _named(await super().get(url, **arguments))

    async def head(self, url: str, **arguments: Any) -> Any:
        """`head()`."""
        return _named(await super().head(url, **arguments))

    async def options(self, url: str, **arguments: Any) -> Any:
        """`options()`."""
        return _named(await super().options(url, **arguments))

    async def delete(self, url: str, **arguments: Any) -> Any:
        """`delete()`."""
        return _named(await super().delete(url, **_data(arguments)))

    async def post(self, url: str, **arguments: Any) -> Any:
        """`post()`."""
        return _named(await super().post(url, **_data(arguments)))

    async def put(self, url: str, **arguments: Any) -> Any:
        """`put()`."""
        return _named(await super().put(url, **_data(arguments)))

    async def patch(self, url: str, **arguments: Any) -> Any:
        """`patch()`."""
        return _named(await super().patch(url, **_data(arguments)))


def _data(arguments: dict[str, Any]) -> dict[str, Any]:
    if "content" in arguments:
        arguments["data"] = arguments.pop("content")
    return arguments


def _named(response: Any) -> Any:
    """Its names are `status` and `bytes()`; None stays None."""
    if response is None:
        return None
    return SimpleNamespace(
        status_code=response.status,
        headers=httpx.Headers(response.headers),
        content=response.bytes(),
        text=response.text,
        json=response.json,
        url=response.url,
    )
