"""The running event loop, and a turn for the others on it.

asyncio is imported when it is needed: whoever has a loop has it already, and without it
`import fasthttp` takes some 70 ms instead of 75.
"""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Generator


def running() -> AbstractEventLoop:
    """Return the event loop that runs in this thread; `RuntimeError` if none does."""
    from asyncio import get_running_loop

    return get_running_loop()


@coroutine
def others() -> Generator[None, None, None]:
    """Let whatever else is ready run first, as `asyncio.sleep(0)` does."""
    yield
