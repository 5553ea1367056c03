"""What the adapters share: iterators whose exceptions are renamed, and the iterators that are lent.

No async generator is made here: one that a caller drops is left to the garbage collector, and that
would be held against the client.
"""

from __future__ import annotations

import codecs
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Rename = Callable[[Exception], Exception]


class Items:
    """An async iterator as it is, its exceptions under httpx's names."""

    def __init__(self, items: Any, rename: Rename) -> None:
        self._items, self._rename = aiter(items), rename

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await renamed(self._next(), self._rename)

    def _next(self) -> Any:
        return anext(self._items)

    async def aclose(self) -> None:
        """Close what is iterated, if it can be closed."""
        if hasattr(self._items, "aclose"):
            await renamed(self._items.aclose(), self._rename)


async def renamed(awaitable: Awaitable[Any], rename: Rename) -> Any:
    """The awaitable's result; its exception under the name that httpx has for it."""
    try:
        return await awaitable
    except StopAsyncIteration:
        raise
    except Exception as error:
        known = rename(error)
        if known is error:
            raise
        # Raised where the client raised it: a failure shows that place, not this one.
        raise known.with_traceback(error.__traceback__) from error


class Block:
    """An async context manager whose entering and leaving raise httpx's exceptions."""

    def __init__(self, enter: Callable[[], Awaitable[Any]], rename: Rename) -> None:
        self._enter, self._rename = enter, rename

    async def __aenter__(self) -> Any:
        self._response = await renamed(self._enter(), self._rename)
        return self._response

    async def __aexit__(self, *error: object) -> None:
        await renamed(self._response.leave(*error), self._rename)


class Foreign:
    """What every response has that is not httpx's; names that are alike are the client's own."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        if name == "_response":
            raise AttributeError(name)
        return getattr(self._response, name)

    async def aclose(self) -> None:
        """What the end of the block does."""
        await self.leave(None, None, None)

    @property
    def content(self) -> bytes:
        """What `aread()` gave."""
        if "_read" not in vars(self):
            raise httpx.ResponseNotRead
        read: bytes = vars(self)["_read"]
        return read

    def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Lent, unless the adapter has better."""
        return Text(self.aiter_bytes())

    def aiter_lines(self) -> AsyncIterator[str]:
        """Lent, unless the adapter has better."""
        return Lines(self.aiter_bytes())

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """Lent, unless the adapter has better: the decoded bytes."""
        made: AsyncIterator[bytes] = self.aiter_bytes()
        return made


class Verbs:
    """The verbs, each by the client's `request()`."""

    request: Any

    def get(self, url: str, **arguments: Any) -> Any:
        """GET."""
        return self.request("GET", url, **arguments)

    def head(self, url: str, **arguments: Any) -> Any:
        """HEAD."""
        return self.request("HEAD", url, **arguments)

    def options(self, url: str, **arguments: Any) -> Any:
        """OPTIONS."""
        return self.request("OPTIONS", url, **arguments)

    def delete(self, url: str, **arguments: Any) -> Any:
        """DELETE."""
        return self.request("DELETE", url, **arguments)

    def post(self, url: str, **arguments: Any) -> Any:
        """POST."""
        return self.request("POST", url, **arguments)

    def put(self, url: str, **arguments: Any) -> Any:
        """PUT."""
        return self.request("PUT", url, **arguments)

    def patch(self, url: str, **arguments: Any) -> Any:
        """PATCH."""
        return self.request("PATCH", url, **arguments)


def named(kinds: list[tuple[type[Exception], type[Exception]]]) -> Rename:
    """Rename by the first kind that fits; the message stays."""

    def rename(error: Exception) -> Exception:
        name = next((name for kind, name in kinds if isinstance(error, kind)), None)
        return error if name is None else called(name, error)

    return rename


def called(name: type[Exception], error: Exception) -> Exception:
    """An exception of this name with the message of another; httpx's stream errors take none."""
    made: Any = name  # a stream error's class takes nothing
    known: Exception = made() if issubclass(name, httpx.StreamError) else made(str(error))
    return known


def at_once(made: Any) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        made.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waits")


def sent(url: Any, method: str, headers: Any) -> SimpleNamespace:
    """What a client tells of the request, under the names that httpx has."""
    encoded = httpx.Headers(headers, encoding="utf-8")  # by default, what is not ASCII fails here
    return SimpleNamespace(url=str(url), method=method, headers=encoded)


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that were given: None is what the suite says for "not given"."""
    return {name: value for name, value in arguments.items() if value is not None}


def closed(base_url: str) -> str:
    """The base as it is written for a client that joins addresses by RFC 3986: a slash ends it."""
    ended = base_url.endswith("/") or "?" in base_url or "#" in base_url
    return base_url if ended else f"{base_url}/"


# Lent to clients that have none


class Text:
    """UTF-8, decoded as it comes."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._ended:
            chunk = await anext(self._chunks, None)
            self._ended = chunk is None
            if decoded := self._decoder.decode(chunk or b"", self._ended):
                return decoded
        raise StopAsyncIteration


class Lines:
    """Lines that end in LF."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._text = Text(chunks)
        self._whole: list[str] = []
        self._held = ""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._whole:
            piece = await anext(self._text, None)
            if piece is None:
                last, self._held = self._held, ""
                if last:
                    return last
                raise StopAsyncIteration
            *self._whole, self._held = (self._held + piece).split("\n")
        return self._whole.pop(0)
