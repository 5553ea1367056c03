"""`EventSource`: an event stream over as many connections as it takes (chapter events).

It reconnects as a browser's EventSource does. After a stream that ended or broke it waits for the
reconnection time, the server's `retry` or `DEFAULT_SECONDS`. From the second failure in a row on,
the wait doubles, up to `MAX_SECONDS`. Each wait is lengthened by chance, by up to `JITTER` of it.
A failure is a connection that broke, or was refused, before a byte of an event stream came.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Self

import httpx

from . import headers as header_rules
from .decoders.events import EventDecoder, ServerSentEvent
from .security import BlockedAddress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from .reading import Items
    from .response import Response
    from .session import AsyncSession, StreamContext

DEFAULT_SECONDS = 3.0  # between connections, until the server says otherwise
MIN_SECONDS = 0.01  # after a failure, though the server said less
MAX_SECONDS = 60.0  # what doubling comes to; a server may ask for more
JITTER = 0.25

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TRANSIENT_ERRORS = (
    httpx.NetworkError,
    httpx.ProxyError,
    httpx.RemoteProtocolError,
    httpx.TimeoutException,
)

_DEFAULT_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
_LAST_ID = "Last-Event-ID"
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DAY = 24 * 60 * 60


class EventSource(AbstractAsyncContextManager["EventSource"], AsyncIterator[ServerSentEvent]):
    """What `session.events()` returns: a block, and in it the iterator of the events."""

    def __init__(
        self,
        session: AsyncSession,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | None] | None,
        content: bytes | None,
        timeout: float | None,
        reconnect: bool,
        max_failures: int | None,
    ) -> None:
        if max_failures is not None and max_failures < 1:
            raise ValueError(f"max_failures must be at least 1, or None, not {max_failures!r}")
        last_id, self._headers = _headers(headers)
        self._decoder = EventDecoder()
        self._decoder.restart(last_id)
        self._session = session
        self._method, self._url = method, url
        self._content, self._timeout = content, timeout
        self._reconnect = reconnect
        self._max_failures = max_failures
        self._failures = 0
        self._due = 0.0  # when the next connection may be made, by the loop's clock
        self._over = False
        self._busy: asyncio.Timeout | None = None  # the scope of connecting
        self._response: Response | None = None
        self._events: Items[ServerSentEvent] | None = None
        self._stream()  # refuses now what cannot be right

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the stream at once, and for good; also what another task is waiting for."""
        if self._busy is not None and not self._over:
            self._busy.reschedule(0.0)
        self._over = True
        await self._close_response()

    async def __anext__(self) -> ServerSentEvent:
        while not self._over:
            if self._events is None:
                await self._connect()
                continue
            try:
                return await anext(self._events)
            except StopAsyncIteration:
                await self._lost(None)
            except TRANSIENT_ERRORS as exc:
                await self._lost(exc)
            except httpx.StreamClosed:
                self._over = True  # another task has left the block
            except httpx.HTTPError:
                self._over = True
                raise
        raise StopAsyncIteration

    async def _connect(self) -> None:
        """Wait until it is time, and open the next stream; or find that there is none."""
        if self._busy is not None:
            raise RuntimeError("this event stream is already being read by another task")
        try:
            async with asyncio.timeout(None) as self._busy:
                context = self._stream()
                await self._wait(context.request)
                self._response = await context.__aenter__()
                await self._accept(self._response)
        except TimeoutError:
            if not self._over:
                raise
        except TRANSIENT_ERRORS as exc:
            if isinstance(exc, BlockedAddress):  # as it would be the next time
                self._over = True
                raise
            await self._lost(exc)
        except Exception:
            self._over = True
            raise
        finally:
            self._busy = None
            if self._events is None:
                await self._close_response()

    async def _wait(self, request: httpx.Request) -> None:
        """Wait until the next connection may be made, unless the session is closed before."""
        loop = asyncio.get_running_loop()
        closed: asyncio.Future[None] = loop.create_future()
        self._session._waiting.add(closed)
        try:
            # Others run meanwhile, were it for no time at all.
            await asyncio.wait([closed], timeout=max(0.0, self._due - loop.time()))
        finally:
            self._session._waiting.discard(closed)
        if closed.done():
            self._reconnect = False  # though the session may be open again by now
            message = "the session was closed while this event stream waited to connect"
            raise httpx.ReadError(message, request=request)

    async def _accept(self, response: Response) -> None:
        """Begin to read `response`, unless its status says otherwise."""
        if response.status_code == 204:
            self._over = True
        elif response.is_success:
            if response.max_pending is not None:
                self._decoder.limit = response.max_pending
            self._events = response._aiter_events(self._decoder)
        else:
            with suppress(httpx.HTTPError):
                await response.aread()  # it may say what is wrong
            await self._refused(response)

    async def _refused(self, response: Response) -> None:
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as exc:
            if response.status_code not in TRANSIENT_STATUSES:
                raise
            await self._lost(exc)

    async def _lost(self, error: Exception | None) -> None:
        """Plan the next connection after this one; raise `error` if there is to be none."""
        worked = self._events is not None and (error is None or self._received())
        self._failures = 0 if worked else self._failures + 1
        await self._close_response()
        given_up = not self._reconnect or self._failures == self._max_failures
        if given_up or self._session._loop is None:
            self._over = True
            if error is not None:
                raise error
            return
        self._decoder.restart(self._decoder.last_event_id)
        seconds = delay(self._decoder.retry, self._failures)
        self._due = asyncio.get_running_loop().time() + seconds

    def _received(self) -> bool:
        return self._response is not None and self._response.num_bytes_downloaded > 0

    async def _close_response(self) -> None:
        response, self._response, self._events = self._response, None, None
        if response is not None:
            await response.aclose()

    def _stream(self) -> StreamContext:
        context = self._session.stream(
            self._method,
            self._url,
            headers=self._headers,
            content=self._content,
            timeout=self._timeout,
        )
        last_id = self._decoder.last_event_id
        if last_id and not _NOT_IN_A_HEADER.search(last_id):
            context.request.headers.encoding = "utf-8"
            context.request.headers[_LAST_ID] = last_id
        return context


def delay(retry: int | None, failures: int) -> float:
    """Return the seconds to wait for the next connection.

    Args:
        retry: the reconnection time in milliseconds, None if the server gave none.
        failures: how many connections in a row have failed.
    """
    seconds = DEFAULT_SECONDS if retry is None else min(retry, _DAY * 1000) / 1000
    if failures:
        doubled = max(seconds, MIN_SECONDS) * 2 ** min(failures - 1, 20)
        seconds = max(seconds, min(doubled, MAX_SECONDS))
    return seconds * random.uniform(1, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing


def _headers(given: Mapping[str, str | None] | None) -> tuple[str, dict[str, str | None]]:
    """Return the last event id that the caller begins with, and the headers of every request."""
    pairs = header_rules.check(given)
    named = {name.lower(): value for name, value in pairs}
    headers: dict[str, str | None] = {
        name: value for name, value in _DEFAULT_HEADERS.items() if name.lower() not in named
    }
    headers.update(pair for pair in pairs if pair[0].lower() != _LAST_ID.lower())
    return named.get(_LAST_ID.lower()) or "", headers
