"""One open session for the many answers that a trial only reads.

Making a session and a connection for each costs three times as much as reading it. What one answer
does to its connection is not the next one's affair, though: so a check that fails on a session
which had been used before is played again, with a session for each answer, and that counts.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Reader:
    """Lends an open session of the class that is judged; all of it happens on the stage."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._session: Any = None
        self._stack = AsyncExitStack()
        self.loop: asyncio.AbstractEventLoop | None = None  # where the session is open
        self.lent = 0  # how often the session that is open has been lent
        self._anew = False  # lend each only once

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Any]:
        """An open session; closed with the trial, or at once if each is lent only once."""
        if self._session is None:
            self._session = await self._stack.enter_async_context(self._make())
            self.loop = asyncio.get_running_loop()
        self.lent += 1
        stack = self._stack
        try:
            yield self._session
        except GeneratorExit:  # the loop was left behind, and ends
            await _closed(stack)
            raise
        finally:
            if self._anew:
                await self.close()

    @contextmanager
    def each_anew(self) -> Iterator[None]:
        """Within this, a session is lent only once."""
        self._anew = True
        try:
            yield
        finally:
            self._anew = False

    async def close(self) -> None:
        """Close the session, if one is open; what that raises is another requirement's affair."""
        stack = self._stack
        self.forget()
        await _closed(stack)

    def forget(self) -> None:
        """Leave the session that is open to whoever it is lent to."""
        self._stack = AsyncExitStack()
        self._session, self.lent = None, 0


async def _closed(stack: AsyncExitStack) -> None:
    with suppress(Exception):
        await stack.aclose()
