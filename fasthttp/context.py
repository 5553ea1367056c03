"""`StreamContext`: the block that `stream()` opens (chapter session)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from . import urls
from .response import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import httpx


class StreamContext(AbstractAsyncContextManager[Response]):
    """What `stream()` returns: sends on entering, closes the response on leaving."""

    __slots__ = ("_response", "_send", "request")

    def __init__(
        self, send: Callable[[httpx.Request], Awaitable[Response]], request: httpx.Request
    ) -> None:
        self._send = send
        self._response: Response | None = None
        self.request = request  # as it will be sent

    async def __aenter__(self) -> Response:
        if self._response is not None:
            raise RuntimeError("this block is entered already: each needs a stream() of its own")
        self._response = await self._send(self.request)
        return self._response

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.method} {urls.shown(self.request.url)}>"
