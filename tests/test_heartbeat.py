"""No read mode holds the event loop: another task's heart beats on, whatever is read.

What counts is the processor time of the loop's thread between two beats, so that a busy machine
does not look like a loop that is blocked.
"""

import asyncio
import gc
import time
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest

from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange
from conformance.tape import Tape
from fasthttp import AsyncSession

MODES = ["aiter_bytes", "aiter_text", "aiter_lines", "aiter_events", "aread"]
EVENTS = (("Content-Type", "text/event-stream"),)
BEAT = 0.05
SLOW = 2  # times a machine may be slower than those on which BEAT holds
MB = 1_000_000
MIB = 1 << 20

BODIES = {
    "100 MB": ((b"data: " + b"x" * 92 + b"\n\n") * MB, Delivery("content-length")),
    "gzip, many small items": (b"data:1\n\n" * MIB, Delivery(codings=("gzip",))),
    "an 8 MiB line": (b"data: " + b"x" * (8 * MIB) + b"\n\n", Delivery("content-length")),
}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Exchange]]:
    with Tape() as tape:
        yield {
            name: tape.play(Reply(headers=EVENTS, body=body), delivery)
            for name, (body, delivery) in BODIES.items()
        }


async def longest_gap(work: Coroutine[Any, Any, None]) -> float:
    """The most processor time that passed in this thread from one beat to the next."""
    loop, beats = asyncio.get_running_loop(), [time.thread_time()]

    def beat() -> None:
        beats.append(time.thread_time())
        if not working.done():
            loop.call_later(BEAT / 10, beat)

    gc.collect()
    gc.freeze()  # else the collector goes through all that other tests have left
    working = asyncio.ensure_future(work)
    try:
        beats[0] = time.thread_time()
        beat()
        await working
        beats.append(time.thread_time())
    finally:
        gc.unfreeze()
    return max(later - earlier for earlier, later in pairwise(beats))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", BODIES)
async def test_heartbeat(played: dict[str, Exchange], body: str, mode: str) -> None:
    """A heart that beats every 50 ms is not held up."""

    async def read() -> None:
        async with session.stream("GET", played[body].url) as response:
            if mode == "aread":
                await response.aread()
            else:
                async for _ in getattr(response, mode)():
                    pass

    async with AsyncSession(timeout=60, security=False) as session:
        gap = await longest_gap(read())

    print(f"{body}, {mode}: {gap * 1000:.1f} ms at most between two beats")  # see it with -rP
    assert gap < SLOW * BEAT
