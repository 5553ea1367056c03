"""Life and death: whatever way a stream is left, nothing of it is left over."""

import asyncio
import gc
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import count, pairwise
from random import Random
from typing import Any

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange
from conformance.tape import Tape
from fasthttp import AsyncSession
from tests.support import cancelled_at, engine_of, settled

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
MODES = ["aiter_raw", "aiter_bytes", "aiter_text", "aiter_lines", "aiter_events"]
EVENTS = (("Content-Type", "text/event-stream"),)


@pytest.fixture
def endless(tape: Tape) -> Exchange:
    return tape.play(Reply(headers=EVENTS), Delivery(endless=b"data: x\n\n" * 100))


# leaving early


@pytest.mark.parametrize("mode", MODES)
async def test_break(tape: Tape, session: AsyncSession, endless: Exchange, mode: str) -> None:
    """A break leaves an endless body at once, cuts the connection, and leaves no generator."""
    dropped: list[object] = []
    sys.set_asyncgen_hooks(finalizer=dropped.append)

    async with session.stream("GET", endless.path) as response:
        async for _ in getattr(response, mode)():
            break

    gc.collect()
    assert dropped == []
    assert await asyncio.to_thread(endless.wait_end) in {"client-closed", "client-reset"}
    assert await settled(tape, session) == 0


async def test_an_exception_passes(tape: Tape, session: AsyncSession, endless: Exchange) -> None:
    """An exception in the block comes out unchanged, and the connection is cut."""
    error = KeyError("mine")

    async def fail() -> None:
        async with session.stream("GET", endless.path) as response:
            async for _ in response.aiter_lines():
                raise error

    with pytest.raises(KeyError) as caught:
        await fail()
    assert caught.value is error
    assert await settled(tape, session) == 0


async def test_unread(tape: Tape, session: AsyncSession, endless: Exchange) -> None:
    """A block that reads nothing is left at once."""
    async with session.stream("GET", endless.path) as response:
        assert response.status_code == 200

    assert await settled(tape, session) == 0


async def test_another_task_leaves(tape: Tape, session: AsyncSession, endless: Exchange) -> None:
    """What one task entered, another can read and a third can leave."""
    context = session.stream("GET", endless.path)

    response = await asyncio.create_task(context.__aenter__())
    lines = response.aiter_lines()
    assert await asyncio.create_task(anext(lines)) == "data: x"
    await asyncio.create_task(context.__aexit__(None, None, None))

    assert await settled(tape, session) == 0


async def test_dropped_generators(tape: Tape, session: AsyncSession, endless: Exchange) -> None:
    """A caller's generator that is dropped amid a stream leaves no connection behind."""

    async def tokens() -> AsyncIterator[str]:
        async with session.stream("GET", endless.path) as response:
            async for line in response.aiter_lines():
                yield line

    stream = tokens()
    assert await anext(stream) == "data: x"
    del stream
    gc.collect()

    assert await settled(tape, session) == 0


async def test_memory_while_nobody_reads(
    tape: Tape, session: AsyncSession, endless: Exchange
) -> None:
    """While the caller does not read, a bounded amount is taken from the server."""
    other = tape.play(Reply(body=b"x"))

    async with session.stream("GET", endless.path) as response:
        sent = -1
        while sent < endless.sent:  # until the server can send no more
            sent = endless.sent
            for _ in range(20):
                await session.get(other.path)
        assert len(await response.stream.read_block()) < 2_000_000


# cancellation


async def download(session: AsyncSession, played: Exchange) -> None:
    async with session.stream("GET", played.path) as response:
        async for _ in response.aiter_lines():
            await asyncio.sleep(0)


async def upload(session: AsyncSession, played: Exchange) -> None:
    await session.post(played.path, content=bytes(8_000_000))


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("call", [download, upload])
async def test_cancelled_anywhere(
    tape: Tape,
    call: Callable[[AsyncSession, Exchange], Coroutine[Any, Any, None]],
    times: int,
) -> None:
    """A call cancelled at any of its awaits, once or more, leaves no connection and no place."""
    body = b"a\nb\nc\nd\n"
    played = tape.play(Reply(body=body), Delivery(chunks=(2, 4, 6), held=(4,)))
    played.release_all()

    async with AsyncSession(
        base_url=tape.url, limits=httpx.Limits(max_connections=1), timeout=10, security=False
    ) as session:
        for point in range(1, 200):
            was_cancelled = await cancelled_at(point, times, call(session, played))
            await settled(tape, session)
            if not was_cancelled:
                break
        await call(session, played)

    assert 3 < point < 200


async def test_cancelled_amid_tls(secure: str) -> None:
    """The same over TLS and with a name to look up: nothing is left, not even a place."""
    limits = httpx.Limits(max_connections=1)

    async with AsyncSession(verify=False, limits=limits, timeout=10, security=False) as session:
        engine = engine_of(session)
        for point in range(1, 100):
            if not await cancelled_at(point, 2, session.get(secure)):
                break
            assert not engine._live
            assert not engine._connector._acquired
        assert (await session.get(secure)).content == b"ok"

    assert 3 < point < 100
    assert not engine._connector.cut


async def test_a_cancelled_read_loses_nothing(tape: Tape, session: AsyncSession) -> None:
    """After a read that was cancelled, here by a timeout, the next one goes on where it was."""
    coded = Delivery("content-length", codings=("gzip",), flush_at=(3,), held=(20,))
    body = bytes(Random(0).randbytes(100)) * 50_000
    played = tape.play(Reply(body=body), coded)
    got = b""

    async with session.stream("GET", played.path) as response:
        chunks = response.aiter_bytes()
        for point in count(1):
            task = asyncio.create_task(anext(chunks, None))
            await asyncio.sleep(0)
            if point % 2:
                played.release()
                task.cancel()
            await asyncio.wait([task])
            if task.cancelled():
                continue
            if (chunk := task.result()) is None:
                break
            got += chunk

    assert got == body


async def test_asyncio_timeout(tape: Tape, session: AsyncSession) -> None:
    """asyncio.timeout() around a stream ends it with TimeoutError, and with its connection."""
    held = tape.play(Reply(body=b"hello"), Delivery(held=(2,)))
    got = b""

    async def read() -> None:
        nonlocal got
        async with asyncio.timeout(10) as limit, session.stream("GET", held.path) as response:
            async for chunk in response.aiter_bytes():
                got += chunk
                limit.reschedule(asyncio.get_running_loop().time() + 0.01)

    with pytest.raises(TimeoutError):
        await read()
    assert got == b"he"
    assert await settled(tape, session) == 0


async def test_churn(tape: Tape) -> None:
    """Many tasks on few connections, cancelled at random, leave every place free."""
    played = tape.play(Reply(body=b"hello"), Delivery(chunks=(1, 2, 3)))
    random = Random(1)

    async with AsyncSession(
        base_url=tape.url, limits=httpx.Limits(max_connections=3), timeout=10, security=False
    ) as session:
        for _ in range(15):
            tasks = [asyncio.create_task(download(session, played)) for _ in range(8)]
            for _ in range(random.randrange(30)):
                await asyncio.sleep(0)
            for task in random.sample(tasks, 5):
                task.cancel()
            await asyncio.wait(tasks)
            assert [task.exception() for task in tasks if not task.cancelled()] == [None] * sum(
                not task.cancelled() for task in tasks
            )
        await settled(tape, session)
        await asyncio.gather(*(download(session, played) for _ in range(6)))


# loops and processes


def test_two_loops(tape: Tape) -> None:
    """A session that was closed works again in another event loop, and so do its connections."""
    played = tape.play(Reply(body=b"x"), SIZED)
    session = AsyncSession(base_url=tape.url, security=False)

    async def twice() -> bytes:
        async with session:
            await session.get(played.path)
            return (await session.get(played.path)).content

    assert [asyncio.run(twice()), asyncio.run(twice())] == [b"x", b"x"]
    assert tape.connections == 2


def test_closing_from_another_loop(tape: Tape) -> None:
    """A session is closed in its own loop; elsewhere it stays open, and says so."""
    played = tape.play(Reply(body=b"x"), SIZED)
    session = AsyncSession(base_url=tape.url, security=False)

    async def use() -> None:
        await session.open()
        await session.get(played.path)
        with pytest.raises(RuntimeError, match=r"in another event loop: `await session.close"):
            await asyncio.to_thread(asyncio.run, session.close())
        assert (await session.get(played.path)).content == b"x"
        await session.close()
        await asyncio.to_thread(played.wait_end, n=1)

    asyncio.run(use())
    assert tape.connections == 1


def test_a_loop_that_ended_too_early(tape: Tape) -> None:
    """A session whose loop ended while it was open says so, and can be opened in the next."""
    played = tape.play(Reply(body=b"x"), Delivery(connection_close=True))
    session = AsyncSession(base_url=tape.url, security=False)

    async def leave_open() -> None:
        await session.open()
        await session.get(played.path)
        await session.stream("GET", played.path).__aenter__()
        await asyncio.to_thread(played.wait_end, n=2)

    async def again() -> bytes:
        with pytest.raises(RuntimeError, match=r"opened in another event loop: `await session"):
            await session.get(played.path)
        async with session:
            return (await session.get(played.path)).content

    asyncio.run(leave_open())
    assert asyncio.run(again()) == b"x"


def test_nothing_on_stderr() -> None:
    """A program that leaves its streams in every possible way prints nothing to stderr."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.quiet"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stderr, done.returncode, done.stdout) == ("", 0, "done\n")


# the loop, and memory


async def longest_step(work: Coroutine[Any, Any, None]) -> float:
    """The most processor time that passed in this thread from one heartbeat to the next."""
    loop, beats = asyncio.get_running_loop(), [time.thread_time()]

    def beat() -> None:
        beats.append(time.thread_time())
        if not working.done():
            loop.call_later(0.005, beat)

    working = asyncio.ensure_future(work)
    beat()
    await working
    beats.append(time.thread_time())
    return max(later - earlier for earlier, later in pairwise(beats))


OPENING = """
import asyncio, sys
from tests.test_lifecycle import longest_step
from fasthttp import AsyncSession

assert "aiohttp" not in sys.modules
print(asyncio.run(longest_step(AsyncSession(security=False).open())))
assert "aiohttp" in sys.modules
"""


def test_opening_lets_others_run() -> None:
    """Opening the first session, which imports the engine, does not hold the loop."""
    command = [sys.executable, "-W", "error", "-c", OPENING]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stderr, done.returncode) == ("", 0)
    assert float(done.stdout) < 0.05


@pytest.mark.parametrize("mode", [*MODES[:-1], "aread"])
async def test_a_large_body_lets_others_run(tape: Tape, session: AsyncSession, mode: str) -> None:
    """While 100 MB arrive, a heartbeat goes on, in every read mode."""
    played = tape.play(Reply(body=((b"0123456789" * 10)[:99] + b"\n") * 1_000_000), SIZED)

    async def read() -> None:
        async with session.stream("GET", played.path) as response:
            if mode == "aread":
                assert len(await response.aread()) == 100_000_000
            else:
                async for _ in getattr(response, mode)():
                    pass

    assert await longest_step(read()) < 0.15


async def test_a_small_body_that_grows(tape: Tape, session: AsyncSession) -> None:
    """1 MB that inflates to 1 GB is read in flat memory, and others run."""
    deflate = zlib.compressobj(wbits=-15)
    block = deflate.compress(bytes(16_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    coded = (("Content-Encoding", "deflate"),)
    played = tape.play(Reply(200, coded, block * 64 + b"\x03\x00"), SIZED)
    size = 0

    async def read() -> None:
        nonlocal size
        async with session.stream("GET", played.path) as response:
            async for chunk in response.aiter_bytes():
                size += len(chunk)

    tracemalloc.start()
    try:
        step = await longest_step(read())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 64 * 16_000_000
    assert peak < 4_000_000
    assert step < 0.15


async def test_the_pool_is_empty_after_all(tape: Tape, session: AsyncSession) -> None:
    """What is not read, not closed and not kept is not remembered either."""
    played = tape.play(Reply(body=b"x"), SIZED)

    for _ in range(50):
        await session.get(played.path)

    engine = engine_of(session)
    assert (engine._live, engine._connector._connecting, engine._connector.cut) == (set(),) * 3
