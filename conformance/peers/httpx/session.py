"""`httpx.AsyncClient` as a session: names are mapped, behaviour is left as it is.

Only two things are not httpx's own words: `security` is dropped, because httpx knows no such thing,
and a call's `timeout=None`, which httpx reads as "no timeout", is left out of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

_CONTEXT = httpx.create_ssl_context()


class Session(httpx.AsyncClient):
    """What the suite is pointed at."""

    __version__ = httpx.__version__

    def __init__(self, *, security: bool = True, **arguments: Any) -> None:
        given = {
            name: value
            for name, value in arguments.items()
            if value is not None or name == "timeout"
        }
        # One for all sessions: reading the certificates takes longer than most checks.
        super().__init__(verify=_CONTEXT, **given)

    async def close(self) -> None:
        """`aclose()`; there is no other way to open one than its block, or its first use."""
        await self.aclose()

    def stream(  # type: ignore[override] # the documented signature
        self, method: str, url: str, *, timeout: float | None = None, **arguments: Any
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """`httpx.AsyncClient.stream()`."""
        if timeout is not None:
            arguments["timeout"] = timeout
        return super().stream(method, url, **arguments)
