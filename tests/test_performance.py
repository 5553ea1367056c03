"""How many calls the hot paths make: a slowdown is seen without a stopwatch, on any machine.

A call is a function entered, a generator or coroutine gone on with, or a function of C called.
The bounds are a little above what is needed; who makes more calls on purpose raises them.
"""

import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, Response
from fasthttp.exchange import Exchange, ExchangeStream
from fasthttp.timeouts import Timeouts

pytest_plugins = ["tests.fixtures"]

EVENT = b"data: " + b"x" * 142 + b"\n\n"
EVENTS_A_BLOCK = 400
BLOCKS = 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Calls:
    """Counts the calls of this thread in a block; `made` is their number."""

    def __enter__(self) -> Self:
        self.made = 0
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: object, event: str, argument: object) -> None:
        if event.endswith("call"):
            self.made += 1


class Line:
    """A connection that is always ready and keeps nothing."""

    def pause(self) -> None:
        pass

    resume = pause


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


async def calls_in(mode: Callable[[Response], AsyncIterator[Any]], block: bytes, count: int) -> int:
    """The calls for a block: to take it from the connection, and to read its `count` items."""
    exchange = Exchange(Line(), "GET", Timeouts(read=30), lambda *_: None)  # type: ignore[arg-type] # all it needs
    exchange.receive(HEAD)
    head = await exchange.head()
    response = Response(head.status, headers=head.headers, stream=ExchangeStream(exchange))
    items = mode(response)

    async def read(blocks: int) -> None:
        for _ in range(blocks):
            exchange.receive(block)
            seen = 0
            async for _ in items:
                seen += 1
                if seen == count:
                    break

    await read(2)  # what is done once
    with Calls() as calls:
        await read(BLOCKS)
    await response.aclose()
    return calls.made // BLOCKS


async def test_lines() -> None:
    """A line takes one call, however many chunks the lines come in."""
    block = chunked(EVENT * EVENTS_A_BLOCK, len(EVENT))
    lines = 2 * EVENTS_A_BLOCK
    assert lines <= await calls_in(Response.aiter_lines, block, lines) < 1.15 * lines


async def test_events() -> None:
    """An event takes four calls: one to read it, three to make it."""
    block = chunked(EVENT * EVENTS_A_BLOCK, len(EVENT))
    calls = await calls_in(Response.aiter_events, block, EVENTS_A_BLOCK)
    assert EVENTS_A_BLOCK <= calls < 4.5 * EVENTS_A_BLOCK


async def test_bytes() -> None:
    """A block of bytes takes some dozens of calls, and each chunk cut from it one more."""
    block = chunked(bytes(64 * 1024), 64 * 1024)
    assert 1 <= await calls_in(Response.aiter_bytes, block, 1) < 42
    assert 64 <= await calls_in(lambda response: response.aiter_bytes(1024), block, 64) < 42 + 77


@pytest.mark.parametrize(("method", "bound"), [("get", 365), ("post", 365)])
async def test_get(tape: Tape, session: AsyncSession, method: str, bound: int) -> None:
    """A small request on an open connection takes some hundreds of calls, the event loop's too."""
    played = tape.play(Reply(body=b"x" * 200), Delivery("content-length"))

    async def one() -> int:
        with Calls() as calls:
            await getattr(session, method)(played.url)
        return calls.made

    assert 100 < min([await one() for _ in range(5)]) < bound
