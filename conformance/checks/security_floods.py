"""Checks of chapter security: servers that talk without end, or with far too many words.

Every flood is finite, and would be a good response if it were not so long: who accepts it ends
without an exception, and nobody's memory is filled.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import Outcome, expect_error
from conformance.checks.security import Allowing
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, NotApplicable, compare

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.exchange import Exchange

MANY = 8 * 2**20  # bytes
LINES = 8000
INTERIM = 1000
PENDING = 100_000  # characters that the suite allows
ALLOWING = Allowing()
OK_LINE = b"HTTP/1.1 200 OK\r\n"
SHORT = b"Content-Length: 2\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


async def _refused(case: Case, wire: bytes, what: str) -> None:
    """A response with this head, or of these bytes, ends in RemoteProtocolError."""
    exchange = case.play(Reply(), Delivery("until-close", head=wire))
    case.played = None  # nobody wants to see it
    async with case.opened(security=ALLOWING) as session:
        outcome = await case.read(session, exchange.url, "aread")
    try:
        expect_error(outcome, ["RemoteProtocolError"])
    except Deviation as deviation:
        deviation.note = what
        raise


@check("security-head", limit=20)
async def long_heads(case: Case) -> None:
    """One long reason, one long name, one long value, many values of moderate length."""
    many = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 1000) for number in range(MANY // 1000))
    long = b"a" * MANY
    for what, head in (
        ("the reason", b"HTTP/1.1 200 %b\r\n" % long),
        ("a header's name", OK_LINE + long + b": 1\r\n"),
        ("a header's value", OK_LINE + b"X-Long: %b\r\n" % long),
        ("all headers", OK_LINE + many),
        ("a folded header", OK_LINE + b"X-Long: a\r\n" + b" a\r\n" * (MANY // 4)),
    ):
        await _refused(case, head + SHORT + b"ok", what)


@check("security-header-lines", limit=20)
async def many_lines(case: Case) -> None:
    """Lines of four bytes, and lines of one and the same name."""
    for line in (b"a:\r\n", b"Set-Cookie:\r\n"):
        await _refused(case, OK_LINE + line * LINES + SHORT + b"ok", f"{LINES} times {line!r}")


@check("security-interim")
async def many_interim(case: Case) -> None:
    """Continue, Early Hints, and statuses that nobody knows."""
    for line in (b"100 Continue", b"103 Early Hints", b"199 Whatever"):
        interim = b"HTTP/1.1 %b\r\n\r\n" % line * INTERIM
        await _refused(case, interim + OK_LINE + SHORT + b"ok", f"{INTERIM} times {line!r}")


@check("security-chunk-lines", limit=20)
async def long_chunk_lines(case: Case) -> None:
    """A long extension of a chunk, of the last one, leading zeros, long and many trailers."""
    head, long = OK_LINE + CHUNKED, b"a" * MANY
    end = b"0\r\n\r\n"
    for what, body in (
        ("a chunk extension", b"2;x=%b\r\nok\r\n" % long + end),
        ("the last chunk's extension", b"2\r\nok\r\n0;%b\r\n\r\n" % long),
        ("a chunk size's zeros", b"0" * MANY + b"2\r\nok\r\n" + end),
        ("a trailer", b"2\r\nok\r\n0\r\nX-Long: %b\r\n\r\n" % long),
        ("all trailers", b"2\r\nok\r\n0\r\n" + b"X-A: 1\r\n" * (MANY // 8) + b"\r\n"),
    ):
        await _refused(case, head + body, what)


# Lines and events

LONG = b"x" * (40 * PENDING)
PLAIN = (("Content-Type", "text/plain"),)
EVENTS = (("Content-Type", "text/event-stream"),)


FEW = 1000  # characters that the suite allows where they come at once
CUT = 97  # bytes, where they come in pieces


async def _read(case: Case, first: bytes, more: bytes, mode: str, headers: Any) -> Outcome:
    delivery = Delivery("chunked", chunks=(len(first),))
    exchange = case.play(Reply(headers=headers, body=first + more), delivery)
    async with case.opened(security=Allowing(max_pending=PENDING)) as session:
        return await case.read(session, exchange.url, mode)


async def _few(case: Case, body: bytes, cut: int = 0) -> Outcome:
    """Read lines, or the data of events, of which each may have `FEW` characters."""
    events = body.startswith((b"data:", b":"))
    headers, mode = (EVENTS, "aiter_events") if events else (PLAIN, "aiter_lines")
    delivery = Delivery("chunked", chunks=tuple(range(cut, len(body), cut)) if cut else ())
    exchange = case.play(Reply(headers=headers, body=body), delivery)
    async with case.opened(security=Allowing(max_pending=FEW)) as session:
        outcome = await case.read(session, exchange.url, mode)
    if events:
        outcome.items = [event.data for event in outcome.items]
    return outcome


@check("security-pending", limit=20)
async def long_line(case: Case) -> None:
    """The lines before it are given, and one that is not too long is."""
    fits = b"y" * (PENDING // 2)
    outcome = await _read(case, b"one\n", fits + b"\ntwo\n", "aiter_lines", PLAIN)
    compare((None, 3), (outcome.error, len(outcome.items)), "lines that are not too long")
    for end in (b"\nlast\n", b""):
        outcome = await _read(case, b"one\ntwo\n", LONG + end, "aiter_lines", PLAIN)
        compare(["one"], outcome.items[:1], "the lines before the long one")
        expect_error(outcome, ["DecodingError"])


@check("security-pending", "event", limit=20)
async def long_event(case: Case) -> None:
    """One line of data, many of them, comments between them, a name and an id without end."""
    await _has_events(case)
    first = b"data: one\n\n"
    line = b"x" * 1000
    for body in (
        b"data: " + LONG + b"\n\n",
        (b"data: " + line + b"\n") * 4000 + b"\n",
        (b"data: " + line + b"\n:" + line + b"\n") * 4000 + b"\n",
        b":" + LONG + b"\n\n",
        b"id: " + LONG + b"\n\n",
        LONG,
    ):
        outcome = await _read(case, first, body, "aiter_events", EVENTS)
        got = [event.data for event in outcome.items]
        compare(["one"], got[:1], "the events before the long one")
        expect_error(outcome, ["DecodingError"])


async def _has_events(case: Case) -> None:
    async with case.opened(security=ALLOWING) as session:
        exchange = case.play(Reply(headers=EVENTS))
        async with session.stream("GET", exchange.url) as response:
            if not hasattr(response, "aiter_events"):
                raise NotApplicable("the response has no aiter_events()")
            await response.aread()


async def _all_before(case: Case, whole: bytes, long: bytes) -> None:
    """All that is whole comes before the exception, though it came with what is too long."""
    for end in (b"", b"\n\n", b"\n\n" + whole):
        for cut in (0, CUT):
            outcome = await _few(case, whole + long + end, cut)
            compare(["one", "two"], outcome.items, "what came whole before what is too long")
            expect_error(outcome, ["DecodingError"])


@check("security-pending", "lines-at-once")
async def lines_at_once(case: Case) -> None:
    """Lines that come in one piece with one that is too long, be that the last or not."""
    await _all_before(case, b"one\ntwo\n", b"x" * 5 * FEW)


@check("security-pending", "events-at-once")
async def events_at_once(case: Case) -> None:
    """Events that come in one piece with one that is too long, be that the last or not."""
    await _has_events(case)
    for comment in (b"", b":c\n"):
        whole = comment + b"data: one\n\ndata: two\n\n"
        await _all_before(case, whole, b"data: " + b"x" * 5 * FEW)


@check("security-pending", "exactly")
async def just_as_long(case: Case) -> None:
    """What has as many characters as are allowed is given, what has one more is not."""
    for cut in (0, CUT):
        for size, items in ((FEW, ["é" * FEW]), (FEW + 1, [])):
            outcome = await _few(case, "é".encode() * size + b"\n", cut)
            _bounded(outcome, items)


@check("security-pending", "exactly-events")
async def event_just_as_long(case: Case) -> None:
    """The same of an event, with its name and its ends, and without them."""
    await _has_events(case)
    for cut in (0, CUT):
        short = "é" * (FEW - len("data: ") - 1)  # and the end of its line
        _bounded(await _few(case, f"data: {short}\n\n".encode(), cut), [short])
        _bounded(await _few(case, f"data: {'é' * (FEW + 1)}\n\n".encode(), cut), [])


def _bounded(outcome: Outcome, items: list[str]) -> None:
    compare(items, outcome.items, f"at most {FEW} characters are allowed")
    if items:
        compare(None, outcome.error, f"at most {FEW} characters are allowed")
    else:
        expect_error(outcome, ["DecodingError"])


@check("security-pending", "in-sum")
async def small_ones_for_ever(case: Case) -> None:
    """The limit is that of one line or event, not of all of them."""
    for cut, lines in ((0, 500), (CUT, 500), (1, 160)):
        outcome = await _few(case, b"x" * 50 + b"\n" + b"a line\n" * lines, cut)
        compare((None, 1 + lines), (outcome.error, len(outcome.items)), "small lines")
    await _has_events(case)
    for cut, events in ((0, 200), (CUT, 200), (1, 60)):
        outcome = await _few(case, b":c\ndata: x\ndata: y\n\n" * events, cut)
        compare((None, events), (outcome.error, len(outcome.items)), "small events")


# Time

DRIP = OK_LINE + b"X-Drip: " + b"drip" * 50
EVERY = 0.05  # seconds
TIMEOUT = 0.4


@check("security-slow-head", limit=20)
async def dripping_head(case: Case) -> None:
    """A byte now and then, from the first one on and after a good beginning."""
    for start in (1, len(OK_LINE) + 3):
        held = tuple(range(len(DRIP) - start))
        delivery = Delivery("until-close", head=DRIP[:start], held=held)
        exchange = case.tape.play(Reply(body=DRIP[start:]), delivery)
        dripping = asyncio.create_task(_drip(exchange))
        try:
            async with case.opened(security=ALLOWING, timeout=TIMEOUT) as session:
                outcome = await case.read(session, exchange.url, "aread")
        finally:
            dripping.cancel()
            with suppress(asyncio.CancelledError):
                await dripping
            exchange.release_all()
            case.tape.forget(exchange)
        if outcome.error is None or not isinstance(outcome.error, httpx.ReadTimeout):
            note = f"the head was at byte {exchange.sent} of {len(DRIP)}"
            raise Deviation("wrong-exception", "httpx.ReadTimeout", outcome.error, note)


async def _drip(exchange: Exchange) -> None:
    """Let a byte go at a time, for half a minute; the last one ends the head's line nowhere."""
    for _ in count():
        await asyncio.sleep(EVERY)
        exchange.release()
