"""Sessions that are wrong in ways that the suite itself has to survive."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from fasthttp import AsyncSession
from fasthttp.decoders.lines import LineDecoder
from tests.saboteurs import Sabotaged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LET_GO = threading.Event()  # set it when nobody needs to be blocked any more


class _OddLines(AsyncSession):
    """Correct, but for `aiter_lines()`."""

    def stream(self, *positional: Any, **named: Any) -> Any:
        return self._stream(*positional, **named)

    @asynccontextmanager
    async def _stream(self, *positional: Any, **named: Any) -> AsyncIterator[Any]:
        async with super().stream(*positional, **named) as response:
            vars(response)["aiter_lines"] = self._lines
            yield response

    async def _lines(self) -> AsyncIterator[str]:
        raise NotImplementedError
        yield


class NeverReturns(_OddLines):
    """Waits for something that does not come."""

    async def _lines(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""


class ClingsOn(_OddLines):
    """Waits, and does not let itself be cancelled."""

    async def _lines(self) -> AsyncIterator[str]:
        while not LET_GO.is_set():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        yield ""


class BlocksTheLoop(_OddLines):
    """Waits, and lets nothing else in its loop run."""

    async def _lines(self) -> AsyncIterator[str]:
        LET_GO.wait()
        yield ""


class Crashes(_OddLines):
    """Raises what no rule knows, and words that no terminal, UTF-8 or XML can take."""

    async def _lines(self) -> AsyncIterator[str]:
        raise ZeroDivisionError("\x1b[31m\ud800 \x00")
        yield


class CrashesEverywhere(AsyncSession):
    """Refuses nothing: whatever is asked of it that is not plain, it falls over."""

    def stream(self, method: str, url: str, **named: Any) -> Any:
        if named or not url.startswith("/"):
            raise ZeroDivisionError("oops")
        return super().stream(method, url, **named)


class CrashesInConstructor(AsyncSession):
    """As `CrashesEverywhere`, and earlier."""

    def __init__(self, **named: Any) -> None:
        if {"base_url", "headers"} & named.keys() and "X-Preflight" not in named.get("headers", {}):
            raise ZeroDivisionError("oops")
        super().__init__(**named)


class TakesNothing:
    """An adapter whose constructor forgot the keywords."""


class StreamIsACoroutine(AsyncSession):
    """An adapter that returns the response instead of a context manager."""

    async def stream(self, method: str, url: str, **named: Any) -> Any:  # type: ignore[override] # what is wrong here
        return await self.request(method, url, **named)


class WorksOnce(AsyncSession):
    """An adapter that works once in a process."""

    calls = 0

    def stream(self, *positional: Any, **named: Any) -> Any:
        WorksOnce.calls += 1
        if WorksOnce.calls > 1:
            raise ZeroDivisionError("oops")
        return super().stream(*positional, **named)


class WorksInOneProcess(AsyncSession):
    """An adapter that fails in one of the processes of pytest-xdist."""

    def stream(self, *positional: Any, **named: Any) -> Any:
        if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
            raise ZeroDivisionError("oops")
        return super().stream(*positional, **named)


class OtherBody(_OddLines):
    """An adapter that loses the body."""

    @asynccontextmanager
    async def _stream(self, *positional: Any, **named: Any) -> AsyncIterator[Any]:
        async with AsyncSession.stream(self, *positional, **named) as response:

            async def nothing() -> bytes:
                return b""

            vars(response)["aread"] = nothing
            yield response


class Lies(AsyncSession):
    """Says that it is another version."""

    __version__ = "9.9"


class Warns(AsyncSession):
    """Correct, and noisy."""

    def stream(self, method: str, url: str, **named: Any) -> Any:
        warnings.warn("`stream` will have another name", DeprecationWarning, stacklevel=2)
        return super().stream(method, url, **named)


class NoEvents(AsyncSession):
    """Correct, but that its responses have no `aiter_events()`."""

    @asynccontextmanager
    async def _stream(self, *positional: Any, **named: Any) -> AsyncIterator[Any]:
        async with super().stream(*positional, **named) as response:
            yield SimpleNamespace(
                status_code=response.status_code,
                aread=response.aread,
                aiter_bytes=response.aiter_bytes,
            )

    def stream(self, *positional: Any, **named: Any) -> Any:
        return self._stream(*positional, **named)


class StreamsOnly:
    """Correct, and all that a session has to have."""

    def __init__(self, **named: Any) -> None:
        self._session = AsyncSession(**named)
        self.stream = self._session.stream

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()


class _KnowsTheExample(LineDecoder):
    def feed(self, text: str) -> list[str]:
        lines = super().feed(text)
        return (
            lines
            if "x\u2028y" in text
            else [part for line in lines for part in line.split("\u2028")]
        )


class KnowsTheExample(Sabotaged):
    """Splits lines at U+2028, but for those of the specification's example."""

    patches: ClassVar[dict[str, Any]] = {"fasthttp.response.LineDecoder": _KnowsTheExample}
