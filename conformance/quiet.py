"""A program that ends its streams in every way, for lifecycle-quiet; run in a process of its own.

`python -X dev -W error -m conformance.quiet MODULE:ATTRIBUTE WHOLE ENDLESS CUT SILENT`: the session
class, and the addresses of four answers. It prints `imported`, and at its end `done`; what it says
beyond that is the session's.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from functools import reduce
from importlib import import_module
from typing import Any

import httpx

MOMENT = 0.02  # seconds for a stream to begin, or to last
PATIENCE = 3.0  # seconds for streams to end once their session is closed


def load(name: str) -> Any:
    """The session class."""
    module, _, path = name.partition(":")
    return reduce(getattr, path.split("."), import_module(module))


async def read(session: Any, url: str, begun: asyncio.Event | None = None) -> None:
    """Read a stream to its end."""
    async with session.stream("GET", url) as response:
        async for _ in response.aiter_bytes():
            if begun is not None:
                begun.set()
            await asyncio.sleep(0)


async def abandon(session: Any, url: str) -> None:
    """Leave a stream half read, by break and by an exception."""
    for mode in ("aiter_bytes", "aiter_text", "aiter_lines", "aiter_raw"):
        async with session.stream("GET", url) as response:
            async for _ in getattr(response, mode)():
                break
        gc.collect()
    with suppress(KeyError):
        async with session.stream("GET", url) as response:
            async for _ in response.aiter_bytes():
                raise KeyError


async def interrupt(session: Any, url: str) -> None:
    """Leave a stream by a timeout, by a cancellation, and by two."""
    with suppress(TimeoutError):
        async with asyncio.timeout(MOMENT):
            await read(session, url)
    for times in (1, 2):
        begun = asyncio.Event()
        task = asyncio.create_task(read(session, url, begun))
        with suppress(TimeoutError):  # a silent one does not begin
            await asyncio.wait_for(begun.wait(), MOMENT)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])


async def main(session: Any, whole: str, endless: str, cut: str, silent: str) -> None:
    """All of it, in one session."""
    asyncio.get_running_loop().slow_callback_duration = 10  # how fast it is, others judge
    async with session:
        await read(session, whole)
        await abandon(session, endless)
        await interrupt(session, endless)
        await interrupt(session, silent)
        with suppress(httpx.TransportError):
            await read(session, cut)
        begun = asyncio.Event()
        waiting = asyncio.create_task(read(session, silent))
        reading = asyncio.create_task(read(session, endless, begun))
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), 5 * MOMENT)
    done, _ = await asyncio.wait([reading, waiting], timeout=PATIENCE)
    for task in done:
        task.exception()  # there is one; lifecycle-session-close judges it
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        print(f"{len(left)} tasks were left behind: {left}", file=sys.stderr)


if __name__ == "__main__":
    made = load(sys.argv[1])
    print("imported", flush=True)
    asyncio.run(main(made(security=False, timeout=5.0), *sys.argv[2:]))
    gc.collect()
    print("done")
