"""Checks of chapter lines: endings, cuts, long lines, and the time that it takes."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from conformance import strategies
from conformance.checks.body import WHOLE, read, recorded
from conformance.delivery import FRAMINGS, Delivery, Reply
from conformance.registry import check, searched
from conformance.strategies import Sent, search
from conformance.verdicts import Deviation, NotApplicable, compare
from spec.oracles.lines import lines as lines_of

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.court import Court

MEGABYTE = 1 << 20
SIZES = (MEGABYTE, 4 * MEGABYTE)
MOST_GROWTH = 9.0  # from one size to the other: 4 is proportion, 16 is the square
FAST = 0.4  # seconds of computing: below it growth is not worth judging


@searched("lines-endings")
def any_text(court: Court) -> None:
    """Delivered whole, and ended: cuts, empty lines and the last line have rules of their own."""
    search(court, strategies.texts.map(_without_a_lone_cr), _ended_rightly)


@searched("lines-cr")
def any_text_with_a_cr(court: Court) -> None:
    """The same, and a CR that stands alone is an end."""
    search(court, strategies.texts.map(lambda text: f"a\rb{text}"), _ended_rightly)


def _without_a_lone_cr(text: str) -> str:
    return re.sub("\r+(?!\n)", "", re.sub("\r+\n", "\r\n", text))


async def _ended_rightly(case: Case, text: str) -> None:
    body = f"{text}\n".encode()
    async with case.reading() as session:
        got = await read(case, session, (Reply(body=body), WHOLE), "aiter_lines")
    compare(_filled(lines_of(body, None)), _filled(got), "the lines that are not empty")


def _filled(lines: list[str]) -> list[str]:
    return [line for line in lines if line]


@check("lines-endings", "recorded", plans=True)
async def recorded_lines(case: Case) -> None:
    await _as_recorded(case, "httpbin/stream-5", "sse/chat", "sse/feed-crlf", "sse/multi-line-data")


@check("lines-cr", "recorded", plans=True)
async def recorded_with_cr(case: Case) -> None:
    await _as_recorded(case, "sse/feed-cr")


async def _as_recorded(case: Case, *names: str) -> None:
    async with case.opened() as session:
        for reply in recorded(*names):
            got = await read(case, session, (reply, Delivery()), "aiter_lines")
            compare(lines_of(reply.body, None), got)


@searched("lines-chunks")
def cut_anywhere(court: Court) -> None:
    """Cut, a body gives the lines that the client itself finds in it whole."""

    async def judge(case: Case, sent: Sent) -> None:
        reply, delivery = sent
        async with case.reading() as session:
            whole = await read(case, session, (reply, WHOLE), "aiter_lines")
            got = await read(case, session, (reply, delivery), "aiter_lines")
            compare(whole, got, "as they are when it comes whole")

    search(court, strategies.sent(strategies.texts.map(str.encode)), judge)


@searched("lines-last")
def with_and_without_an_ending(court: Court) -> None:
    """A last line without an ending is the line that it is with one."""

    async def judge(case: Case, sent: Sent) -> None:
        reply, delivery = sent
        ended = Reply(body=reply.body + b"\n")
        async with case.reading() as session:
            expected = await read(case, session, (ended, WHOLE), "aiter_lines")
            compare(expected, await read(case, session, (reply, delivery), "aiter_lines"))

    bodies = strategies.texts.map(lambda text: f"{text}the last".encode())
    search(court, strategies.sent(bodies), judge)


@check("lines-length")
async def two_megabytes(case: Case) -> None:
    long = "0123456789abcdef" * (2 * MEGABYTE // 16)
    body = f"{long}\nshort\n{long}".encode()
    async with case.opened() as session:
        for framing in FRAMINGS:
            sent = Reply(body=body), Delivery(framing, chunks=(100, MEGABYTE, 3 * MEGABYTE))
            got = await read(case, session, sent, "aiter_lines")
            compare([long, "short", long], got)


@check("lines-length", "recorded")
async def recorded_length(case: Case) -> None:
    async with case.opened() as session:
        for reply in recorded("sse/large-event"):
            cuts = tuple(range(50_000, len(reply.body), 50_000))
            got = await read(case, session, (reply, Delivery(chunks=cuts)), "aiter_lines")
            compare(lines_of(reply.body, None), got)


@check("lines-linear", limit=60)
async def many_lines_in_a_chunk(case: Case) -> None:
    """A coding makes one chunk of them; whoever undoes it in small steps has no long chunks."""

    async def seconds(session: Any, size: int) -> float:
        body = b"0123456\n" * (size // 8)
        return await _computing(case, session, (Reply(body=body), Delivery(codings=("gzip",))))

    await _grows_in_proportion(case, seconds)


@check("lines-linear", limit=60)
async def many_chunks_in_a_line(case: Case) -> None:
    async def seconds(session: Any, size: int) -> float:
        cuts = tuple(range(4096, size, 4096))
        sent = Reply(body=b"a" * size), Delivery("content-length", chunks=cuts)
        return await _computing(case, session, sent)

    await _grows_in_proportion(case, seconds)


async def _grows_in_proportion(case: Case, seconds: Any) -> None:
    async with case.opened() as session:
        short, long = [await seconds(session, size) for size in SIZES]
    if long > FAST and long > MOST_GROWTH * short:
        raise Deviation(
            "wrong-value",
            f"at most {MOST_GROWTH:g} times as long for 4 MB as for 1 MB",
            f"{long:.2f} s for 4 MB, {short:.2f} s for 1 MB",
        )


async def _computing(case: Case, session: Any, sent: Sent) -> float:
    """The processor's time that this thread, the client's, spends on reading all lines."""
    exchange = case.play(*sent)
    began = time.thread_time()
    async with case.stream(session, "GET", exchange.url) as response:
        case.note(f"[line async for line in resp.aiter_lines()], {len(sent[0].body)} bytes")
        try:
            async for _ in response.aiter_lines():
                pass
        except Exception as error:
            raise NotApplicable(f"so much is not read at all: {error!r}") from error
    return time.thread_time() - began
