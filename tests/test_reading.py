"""Reading modes over bodies of which every step is scripted, against whole inputs."""

import asyncio
import gzip

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp import Response
from fasthttp.stream import BlockStream
from spec.oracles.bytes import chunks
from spec.oracles.lines import lines
from spec.oracles.text import text
from tests.decoders.cuts import POINTS, cut
from tests.support import PATIENT, until_error


class Scripted(BlockStream):
    """Gives these blocks, then the end, or an error."""

    def __init__(self, blocks: list[bytes], error: Exception | None = None) -> None:
        self.blocks = [block for block in blocks if block]
        self.error = error
        self.closed = 0

    async def read_block(self) -> bytes:
        if self.blocks:
            return self.blocks.pop(0)
        if self.error is not None:
            raise self.error
        return b""

    async def aclose(self) -> None:
        self.closed += 1


class Held(Scripted):
    """Gives nothing before `go_on`; `asked` is set when somebody waits for it."""

    def __init__(self, blocks: list[bytes]) -> None:
        super().__init__(blocks)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def read_block(self) -> bytes:
        self.asked.set()
        await self.go_on.wait()
        return await super().read_block()


def response_of(
    blocks: list[bytes], error: Exception | None = None, coding: str = "identity"
) -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": coding}
    request = httpx.Request("GET", "http://h.test/")
    return Response(200, headers=headers, stream=Scripted(blocks, error), request=request)


bodies = st.one_of(
    st.binary(max_size=60),
    st.text("a\r\n\u2028é😀", max_size=40).map(str.encode),
)


@PATIENT
@given(bodies, POINTS, st.integers(1, 9), st.booleans())
def test_blocks_change_nothing(body: bytes, points: list[int], size: int, coded: bool) -> None:
    """In whatever blocks a body comes, coded or not, each mode gives what its oracle says."""
    wire = cut(gzip.compress(body) if coded else body, points)

    async def read(mode: str, *sizes: int) -> list[bytes | str]:
        response = response_of(list(wire), coding="gzip" if coded else "identity")
        return [item async for item in getattr(response, mode)(*sizes)]

    async def read_all() -> None:
        assert await read("aiter_bytes", size) == chunks(body, size)
        assert b"".join(await read("aiter_bytes")) == body  # type: ignore[arg-type] # bytes
        assert "".join(await read("aiter_text")) == text(body, "utf-8")  # type: ignore[arg-type] # str
        assert await read("aiter_lines") == lines(body, "utf-8")
        assert await response_of(list(wire), coding="gzip" if coded else "").aread() == body

    asyncio.run(read_all())


@PATIENT
@given(bodies, POINTS, st.integers(1, 9))
def test_what_came_before_an_error(body: bytes, points: list[int], size: int) -> None:
    """Before the error that cuts a body short come all its bytes, and its complete lines."""
    blocks = cut(body, points)

    async def read(mode: str, *sizes: int) -> list[bytes | str]:
        response = response_of(list(blocks), httpx.ReadError("lost"))
        items, error = await until_error(getattr(response, mode)(*sizes))
        assert isinstance(error, httpx.ReadError)
        assert error.request.url == "http://h.test/"
        assert response.is_closed
        assert response.stream.closed == 1  # type: ignore[attr-defined] # Scripted's
        return items

    async def read_all() -> None:
        assert await read("aiter_bytes", size) == chunks(body, size)
        assert "".join(await read("aiter_text", size)) == text(body, "utf-8")  # type: ignore[arg-type] # str
        ended = lines(body + b"!", "utf-8")[:-1]
        assert await read("aiter_lines") == ended

    asyncio.run(read_all())


async def test_each_block_is_delivered_at_once() -> None:
    """A block's items are there before the next block is asked for."""
    stream = Scripted([b"one\ntw", b"o\r", b"\n\nthree"])
    response = Response(200, headers={}, stream=stream)
    left = [(line, len(stream.blocks)) async for line in response.aiter_lines()]

    assert left == [("one", 2), ("two", 1), ("", 0), ("three", 0)]


async def test_a_block_that_grows_lets_others_run() -> None:
    """One block that decodes to megabytes is decoded in parts, with a turn of the loop between."""
    response = response_of([gzip.compress(bytes(32 << 20))], coding="gzip")
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    turn()
    sizes = [len(chunk) async for chunk in response.aiter_bytes()]

    assert sum(sizes) == 32 << 20
    assert max(sizes) <= 1 << 18
    assert turns >= 8


async def test_memory_lets_others_run() -> None:
    """A body in memory is gone through in parts, with a turn of the loop between."""
    response = response_of([(b"x" * 63 + b"\n") * (1 << 17)])
    await response.aread()
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    turn()
    count = 0
    async for _ in response.aiter_lines():
        count += 1

    assert count == 1 << 17
    assert turns >= 8


async def test_a_cancelled_pull_loses_nothing() -> None:
    """A cancellation between two parts of one block does not lose the part that was ready."""
    body = bytes(range(256)) * (1 << 16)
    response = response_of([gzip.compress(body)], coding="gzip")
    items, got, cancelled = response.aiter_bytes(), b"", 0

    while True:
        task = asyncio.ensure_future(anext(items, None))
        await asyncio.sleep(0)
        if not task.done():
            task.cancel()
            cancelled += 1
        await asyncio.wait([task])
        if task.cancelled():
            task = asyncio.ensure_future(anext(items, None))
            await asyncio.wait([task])
        if (chunk := task.result()) is None:
            break
        got += chunk

    assert got == body
    assert cancelled >= 3


async def test_two_tasks_are_one_too_many() -> None:
    """While one task is in an iterator, another that asks it for more gets a clear error."""
    stream = Held([b"a", b"b"])
    items = Response(
        200, stream=stream, request=httpx.Request("GET", "http://h.test/")
    ).aiter_bytes()

    first = asyncio.ensure_future(anext(items))
    await stream.asked.wait()
    with pytest.raises(RuntimeError, match="already being read by another task"):
        await anext(items)
    stream.go_on.set()

    assert [await first, *[chunk async for chunk in items]] == [b"a", b"b"]


LINES = ("aiter_lines", b"ok\nokay\nof nine..", ["ok", "okay"])
EVENTS = ("aiter_events", b"data:a\n\ndata:of more than", ["a"])
AT_AN_END = ("aiter_lines", b"of just 8\nno\n", [])


@pytest.mark.parametrize(("mode", "body", "before"), [LINES, EVENTS, AT_AN_END])
@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_too_long(mode: str, body: bytes, before: list[str], size: int) -> None:
    """A line or event of more than `max_pending` is a DecodingError, after all before it."""
    response = response_of([body[at : at + size] for at in range(0, len(body), size)])
    response.headers["Content-Type"] = "text/event-stream"
    response.max_pending = 8

    got, error = await until_error(getattr(response, mode)())

    assert [getattr(item, "data", item) for item in got] == before
    assert isinstance(error, httpx.DecodingError)
    assert "of more than 8 characters" in str(error)
    assert error.request.url == "http://h.test/"
    assert isinstance(error.__cause__, ValueError)
    assert response.is_closed


async def test_any_length() -> None:
    """Without `max_pending`, the default, a line has any length."""
    response = response_of([b"x" * 1_000_000, b"y\nz"])

    assert [len(line) async for line in response.aiter_lines()] == [1_000_001, 1]


async def test_errors_are_raised_again() -> None:
    """An iterator that ended in an error does not look complete when it is asked again."""
    response = response_of([b"one\n", b"two"], httpx.ReadError("lost"))
    lines_of_it = response.aiter_lines()

    assert await anext(lines_of_it) == "one"
    for _ in range(3):
        with pytest.raises(httpx.ReadError, match="lost"):
            await anext(lines_of_it)
