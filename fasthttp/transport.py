"""`AiohttpTransport`: the built-in engine, as an `httpx.AsyncBaseTransport`.

aiohttp is imported when the transport is opened, so that `import fasthttp` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import httpx

from .proxies import Proxies

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from .engine import Engine

_NO_LIMITS = httpx.Limits()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests over aiohttp's connections; works in a session and in `httpx.AsyncClient`.

    Args:
        limits: `max_connections` caps the exchanges under way at once (None: no cap), the next
            one waits for the pool timeout; `keepalive_expiry` is in seconds. Of
            `max_keepalive_connections` only None (any number) and 0 (none) can be honoured.
        verify: True for the system's certificate store, False for no verification, or a context.
        proxy: an http:// or https:// URL; None: HTTP_PROXY and its kind in the environment.

    Raises:
        ValueError: a limit or a proxy that cannot be honoured.
    """

    def __init__(
        self,
        *,
        limits: httpx.Limits | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
    ) -> None:
        self._limits = _checked_limits(_NO_LIMITS if limits is None else limits)
        self._verify = verify
        self._proxies = Proxies(proxy)
        self._engine: Engine | None = None

    async def __aenter__(self) -> Self:
        if self._engine is not None and self._engine.belongs_here():
            return self
        from .engine import Engine

        self._engine = Engine(self._limits, self._verify, self._proxies)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; a response still being read ends in `httpx.ReadError`."""
        engine, self._engine = self._engine, None
        if engine is not None and engine.belongs_here():
            await engine.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return its response once the headers are there, the body unread.

        The `timeout` extension has the seconds for `pool`, `connect`, `write` and `read`, each
        None for none. Raises `httpx.TransportError` subclasses only.
        """
        if self._engine is None:
            raise RuntimeError("this transport is closed: use it in `async with`")
        return await self._engine.exchange(request)


def _checked_limits(limits: httpx.Limits) -> httpx.Limits:
    if limits.max_keepalive_connections not in {None, 0}:
        raise ValueError(
            f"limits: max_keepalive_connections={limits.max_keepalive_connections} cannot be "
            "honoured by this transport; None keeps any number, 0 keeps none"
        )
    if limits.max_connections is not None and limits.max_connections < 1:
        raise ValueError(f"limits: max_connections={limits.max_connections} allows no connection")
    return limits
