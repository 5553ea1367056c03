"""`AiohttpTransport`: the built-in engine, as an `httpx.AsyncBaseTransport`.

aiohttp is imported when the transport is opened, so that `import fasthttp` stays cheap.
"""

from __future__ import annotations

import ssl
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Self

import httpx

from .proxies import Proxies
from .security import Guard, Security

if TYPE_CHECKING:
    from types import TracebackType

    from .engine import Engine

_ENGINE = f"{__package__}.engine"
_NO_LIMITS = httpx.Limits()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests over aiohttp's connections; works in a session and in `httpx.AsyncClient`.

    The body of a request with `Expect: 100-continue` waits for the 100, but at most a second.

    Args:
        limits: `max_connections` caps the exchanges under way at once (None: no cap), the next
            one waits for the pool timeout; `keepalive_expiry` is in seconds. Of
            `max_keepalive_connections` only None (any number) and 0 (none) can be honoured.
        verify: True for the system's certificate store, False for no verification, or a context.
        proxy: an http:// or https:// URL; None: HTTP_PROXY and its kind in the environment.
        security: True, or a `Security`: only globally reachable addresses are connected to, and
            what `allow` opens. With a proxy the address is the proxy's; what lies behind it is
            the proxy's affair. False: every address is.

    Raises:
        ValueError: a limit, a proxy or a `security` that cannot be honoured.
        TypeError: a `security` or `verify` that is none.
    """

    def __init__(
        self,
        *,
        limits: httpx.Limits | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        security: Security | bool = True,
    ) -> None:
        self._limits = _checked_limits(_NO_LIMITS if limits is None else limits)
        self._verify = _checked_verify(verify)
        self._proxies = Proxies(proxy)
        self._guard = Guard.of(security)
        self._engine: Engine | None = None

    async def __aenter__(self) -> Self:
        await self._opened()
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
        engine = self._engine
        if engine is None or not engine.belongs_here():
            engine = await self._opened()  # `httpx.AsyncClient` may send without entering
        return await engine.exchange(request)

    async def _opened(self) -> Engine:
        """Return the running event loop's engine."""
        if _ENGINE not in sys.modules:
            # In a thread, as it takes longer than a loop should be held.
            import asyncio

            await asyncio.to_thread(import_module, _ENGINE)
        from .engine import Engine

        if self._engine is None or not self._engine.belongs_here():
            self._engine = Engine(self._limits, self._verify, self._proxies, self._guard)
        return self._engine


def _checked_limits(limits: httpx.Limits) -> httpx.Limits:
    if limits.max_keepalive_connections not in {None, 0}:
        raise ValueError(
            f"limits: max_keepalive_connections={limits.max_keepalive_connections} cannot be "
            "honoured by this transport; None keeps any number, 0 keeps none"
        )
    if limits.max_connections is not None and limits.max_connections < 1:
        raise ValueError(f"limits: max_connections={limits.max_connections} allows no connection")
    expiry = limits.keepalive_expiry
    if expiry is not None and not expiry >= 0:
        raise ValueError(f"limits: keepalive_expiry={expiry}, give 0 or more seconds, or None")
    return limits


def _checked_verify(verify: ssl.SSLContext | bool) -> ssl.SSLContext | bool:
    if not isinstance(verify, bool | ssl.SSLContext):
        raise TypeError(f"verify must be True, False or an ssl.SSLContext, not {verify!r}")
    return verify
