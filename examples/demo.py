"""What `make demo` shows: a recorded chat completion and a recorded download, both streamed.

The server is the tape of the conformance suite, on loopback; nothing leaves this machine.
"""

import asyncio
import io
import os
import sys
import tempfile
import time

from conformance.cassettes import Interaction, load
from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange
from conformance.tape import Tape
from examples.chat import chat, show
from examples.download import Progress, amount, download
from fasthttp import AsyncSession

TICK = 0.025  # seconds between two tokens


class Meter:
    """Shows tokens, and remembers when each came."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.times: list[float] = []

    def __call__(self, token: str) -> None:
        show(token)
        self.times.append(time.perf_counter() - self.started)


class Quarters:
    """A line for each quarter: progress where there is no terminal to draw it on."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, done: int, total: int | None) -> None:
        if total and done * 4 // total > self.shown:
            self.shown = done * 4 // total
            print(amount(done, total), flush=True)


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def play(tape: Tape, recorded: Interaction, delivery: Delivery) -> Exchange:
    said, asked = recorded.response, recorded.request
    reply = Reply(said.status, said.entity_headers, said.body, said.reason)
    return tape.play(reply, delivery, method=asked.method, path=asked.target)


async def pace(exchange: Exchange) -> None:
    while True:
        await asyncio.sleep(TICK)
        exchange.release()


async def show_chat(tape: Tape, session: AsyncSession) -> str:
    title("A chat completion, as it arrives")
    recorded = load("sse/chat")[0]
    body = recorded.response.body
    ends = tuple(at + 2 for at in range(len(body)) if body.startswith(b"\n\n", at))
    # The server keeps back what follows each event, until the timer lets it go on.
    exchange = play(tape, recorded, Delivery(chunks=ends, held=ends))
    meter, timer = Meter(), asyncio.create_task(pace(exchange))
    try:
        await chat(session, exchange.url, "Tell me a story in many scripts.", meter)
    finally:
        timer.cancel()
    print()
    return (
        f"chat: {len(meter.times)} tokens in {meter.times[-1]:.2f} s, the first after "
        f"{meter.times[0]:.2f} s, by session.stream() and response.aiter_lines()"
    )


async def show_download(tape: Tape, session: AsyncSession) -> str:
    title("A large file, with its progress")
    recorded = load("sse/download")[0]
    exchange = play(tape, recorded, Delivery("content-length"))
    progress = Progress()
    with tempfile.TemporaryFile() as file:
        await download(session, exchange.url, file, progress if sys.stderr.isatty() else Quarters())
        seconds = time.perf_counter() - progress.started
        progress.end()
        file.seek(0)
        content = file.read()
    if content != recorded.response.body:
        raise SystemExit("download: the file is NOT what was recorded")
    return (
        f"download: {len(content):,} bytes in {seconds:.3f} s, {len(content) / 1e6 / seconds:.0f} "
        "MB/s, by response.aiter_bytes(); the file is what was recorded"
    )


async def main() -> None:
    with Tape() as tape:
        async with AsyncSession(security=False) as session:
            shown = [await show_chat(tape, session), await show_download(tape, session)]
    title("What was shown")
    print("\n".join(shown))


if __name__ == "__main__":
    os.environ["no_proxy"] = "*"  # a proxy for the network has no part in this
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the story has signs that few charsets have
    asyncio.run(main())
