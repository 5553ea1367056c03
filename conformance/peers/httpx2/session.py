"""`httpx2.AsyncClient` as a session: all names are httpx's, its exceptions are not.

`aiter_events()` is its reader of events, given the response, without its bound of 1 MiB for an
event: under that every rule about events would be one, for they are judged by a larger one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx
import httpx2  # type: ignore[import-not-found]

from conformance.peers.mapped import Block, Foreign, Items, Verbs, renamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CONTEXT = httpx2.create_ssl_context()


def rename(error: Exception) -> Exception:
    """The exception of httpx of the same name."""
    if not type(error).__module__.startswith("httpx2"):
        return error
    if isinstance(error, httpx2.HTTPStatusError):
        return httpx.HTTPStatusError(str(error), request=error.request, response=error.response)
    name = "TransportError" if type(error).__name__ == "SSEError" else type(error).__name__
    kind = getattr(httpx, name)
    known: Exception = (
        kind(str(error)) if issubclass(kind, httpx.HTTPError | httpx.InvalidURL) else kind()
    )
    if isinstance(known, httpx.RequestError) and getattr(error, "_request", None) is not None:
        known.request = error.request  # type: ignore[attr-defined]
    return known


class Response(Foreign):
    """`httpx2.Response`, its exceptions under httpx's names."""

    async def leave(self, *error: object) -> None:
        """The end of the block."""
        await self._response.aclose()

    async def aread(self) -> bytes:
        """`aread()`."""
        read: bytes = await renamed(self._response.aread(), rename)
        return read

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`aiter_bytes()`."""
        return Items(self._response.aiter_bytes(chunk_size), rename)

    def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """`aiter_text()`."""
        return Items(self._response.aiter_text(chunk_size), rename)

    def aiter_lines(self) -> AsyncIterator[str]:
        """`aiter_lines()`."""
        return Items(self._response.aiter_lines(), rename)

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """`aiter_raw()`."""
        return Items(self._response.aiter_raw(), rename)

    def aiter_events(self) -> AsyncIterator[Any]:
        """`EventSource(response)`."""
        return Items(httpx2.EventSource(self._response, max_event_size=None), rename)

    @property
    def content(self) -> bytes:
        """`content`."""
        return self._plain("content")  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """`text`."""
        return self._plain("text")  # type: ignore[no-any-return]

    def json(self) -> Any:
        """`json()`."""
        return self._plain("json")()

    def raise_for_status(self) -> None:
        """`raise_for_status()`."""
        self._plain("raise_for_status")()

    def _plain(self, name: str) -> Any:
        try:
            found = getattr(self._response, name)
            return found if not callable(found) else (lambda: _call(found))
        except Exception as error:
            raise rename(error).with_traceback(error.__traceback__) from error


def _call(function: Any) -> Any:
    try:
        return function()
    except Exception as error:
        raise rename(error).with_traceback(error.__traceback__) from error


class Session(Verbs):
    """What the suite is pointed at."""

    __version__ = httpx2.__version__

    def __init__(
        self,
        *,
        security: bool = True,
        timeout: float | None = 30.0,
        limits: Any = None,
        **given: Any,
    ) -> None:
        named = {name: value for name, value in given.items() if value is not None}
        if limits is not None:
            named["limits"] = httpx2.Limits(max_connections=limits.max_connections)
        self._client = httpx2.AsyncClient(verify=_CONTEXT, timeout=timeout, **named)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(*error)

    async def close(self) -> None:
        """`aclose()`; there is no other way to open one than its block, or its first use."""
        await self._client.aclose()

    def stream(
        self, method: str, url: str, *, timeout: float | None = None, **arguments: Any
    ) -> Block:
        """`stream()`, whose block is entered here to rename what it raises."""
        return Block(lambda: self._ask(method, url, timeout, stream=True, **arguments), rename)

    async def _ask(
        self, method: str, url: str, timeout: float | None, *, stream: bool, **arguments: Any
    ) -> Response:
        if timeout is not None:
            arguments["timeout"] = timeout
        request = self._client.build_request(method, url, **arguments)
        return Response(await self._client.send(request, stream=stream))

    async def request(
        self, method: str, url: str, *, timeout: float | None = None, **arguments: Any
    ) -> Response:
        """`request()`."""
        asked = self._ask(method, url, timeout, stream=False, **arguments)
        made: Response = await renamed(asked, rename)
        return made
