"""A program that leaves streams in every way, and must not print a word to stderr."""

import asyncio
import gc
from contextlib import suppress

import httpx

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession

SIZED = Delivery("content-length")


async def main(tape: Tape, session: AsyncSession) -> None:
    asyncio.get_running_loop().slow_callback_duration = 10  # how fast it is, other tests judge
    endless = tape.play(Reply(), Delivery(endless=b"x" * 5000 + b"\n"))
    short = tape.play(Reply(body=b"0123456789"), Delivery("content-length", end=("close", 4)))
    reset = tape.play(Reply(body=b"0123456789"), Delivery("content-length", end=("reset", 4)))
    upload = tape.play(Reply(), Delivery("content-length", end_wire=("reset", 0)), read="last")
    silent, fine = tape.silent(), tape.play(Reply(body=b"fine"), SIZED)

    async def read() -> None:
        async with session.stream("GET", endless.path) as response:
            async for _ in response.aiter_lines():
                await asyncio.sleep(0)

    async with session:
        await session.get(fine.path)
        async with session.stream("GET", endless.path) as response:
            async for _ in response.aiter_lines():
                break
        for exchange in (short, reset):
            with suppress(httpx.TransportError):
                await session.get(exchange.path)
        with suppress(httpx.TransportError):
            await session.post(upload.path, content=bytes(20_000_000))
        with suppress(httpx.TimeoutException):
            await session.get(silent.path, timeout=0.05)
        with suppress(httpx.ConnectError):
            await session.get("http://no-such-host.invalid/")
        with suppress(httpx.ConnectError):
            await session.get("http://127.0.0.1:9/")
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as timeout, session.stream("GET", endless.path) as got:
                async for _ in got.aiter_lines():
                    timeout.reschedule(0)  # by the loop's clock: it is over
                    await asyncio.sleep(0)

        dropped = session.stream("GET", endless.path)
        await dropped.__aenter__()
        del dropped
        gc.collect()

        task = asyncio.create_task(read())
        await asyncio.to_thread(endless.wait_request, n=4)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

        forgotten = asyncio.create_task(read())
        left_open = session.stream("GET", endless.path)
        await left_open.__aenter__()
        asyncio.create_task(session.get(silent.path)).cancel()
        await asyncio.to_thread(endless.wait_request, n=6)

    with suppress(httpx.ReadError):
        await forgotten
    assert asyncio.all_tasks() == {asyncio.current_task()}


if __name__ == "__main__":
    with Tape() as tape:
        session = AsyncSession(base_url=tape.url, timeout=10, security=False)
        asyncio.run(main(tape, session))
        asyncio.run(main(tape, session))
    print("done")
