"""The events that the package anthropic reads, by its decoder, on `httpx.AsyncClient`.

The decoder is what its own streams use; it has no opinion on the response's type.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anthropic._streaming import SSEDecoder  # type: ignore[import-not-found]

from conformance.peers import on_httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


class Session(on_httpx.Session):
    """What the suite is pointed at."""

    __version__ = version("anthropic")

    def events_of(self, response: httpx.Response) -> AsyncIterator[Any]:
        """`SSEDecoder().aiter_bytes()`, of the response's bytes."""
        return on_httpx.Decoded(SSEDecoder().aiter_bytes(response.aiter_bytes()))
