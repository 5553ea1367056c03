"""This project's session on `httpx.AsyncHTTPTransport` instead of its own engine."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import httpx

import fasthttp

_CONTEXT = httpx.create_ssl_context()


class Session(fasthttp.AsyncSession):
    """What the suite is pointed at."""

    __version__ = version("fasthttp")

    def __init__(self, *, limits: httpx.Limits | None = None, **arguments: Any) -> None:
        named = {} if limits is None else {"limits": limits}
        transport = httpx.AsyncHTTPTransport(verify=_CONTEXT, **named)  # type: ignore[arg-type]
        super().__init__(transport=transport, **arguments)
