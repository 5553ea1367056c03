"""Small things that several tests of the library need."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import httpx

from fasthttp import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.exchange import Exchange
    from conformance.tape import Tape
    from fasthttp import AsyncSession
    from fasthttp.engine import Engine

T = TypeVar("T")

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


async def until_error(items: AsyncIterator[T]) -> tuple[list[T], Exception | None]:
    """What was yielded, and what ended it if that was an error."""
    got: list[T] = []
    try:
        async for item in items:
            got.append(item)
    except Exception as exc:  # noqa: BLE001 - the tests look at it
        return got, exc
    return got, None


async def tick(session: AsyncSession, silent: Exchange, seconds: float) -> None:
    """Let so much time pass: a clock made of a server that says nothing."""
    try:
        await session.get(silent.url, timeout=seconds)
    except httpx.ReadTimeout:
        return
    raise AssertionError("the silent server spoke")


def engine_of(session: AsyncSession) -> Engine:
    transport = session._transport
    assert isinstance(transport, AiohttpTransport)
    assert transport._engine is not None
    return transport._engine


async def settled(tape: Tape, session: AsyncSession) -> int:
    """The number of idle connections, on which server and client agree; nothing else is left."""
    for _ in range(5):  # what has been dropped is closed a turn or two of the loop later
        await asyncio.sleep(0)
    engine = engine_of(session)
    assert not engine._live
    assert not engine._connector._acquired
    if engine._slots is not None:
        assert engine._slots._value == engine._cap
    pooled = [
        channel
        for channels in engine._connector._conns.values()
        for channel, _ in channels
        if channel.is_connected()
    ]
    await asyncio.to_thread(tape.wait_open, len(pooled))
    await asyncio.to_thread(tape.wait_quiet)
    return len(pooled)
