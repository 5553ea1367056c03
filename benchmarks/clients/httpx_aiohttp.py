"""httpx over httpx-aiohttp: httpx's client and responses, aiohttp's connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpx_aiohttp import HttpxAiohttpClient

from benchmarks.clients import httpx as plain

if TYPE_CHECKING:
    import httpx

CODINGS = plain.CODINGS


class Client(plain.Client):
    @staticmethod
    def make(limits: httpx.Limits) -> httpx.AsyncClient:
        client: httpx.AsyncClient = HttpxAiohttpClient(limits=limits, timeout=60)
        return client
