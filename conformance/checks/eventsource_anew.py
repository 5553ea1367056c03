"""Checks of chapter events: what `session.events()` keeps, and what it does not, when it goes on.

Each connection is a stream of its own: what was unfinished in one has no part in the next. And what
counts as a failure decides whether there is a next one, and when.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx

from conformance.checks.events import ARRIVAL, feed, told
from conformance.checks.eventsource import (
    BROKEN,
    END,
    FIRST,
    answers,
    expect,
    expect_requests,
    follow,
    hurried,
    played,
    says,
    sequence,
    source,
)
from conformance.checks.security import Allowing
from conformance.delivery import Delivery
from conformance.registry import check
from conformance.verdicts import Deviation, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.case import Case
    from conformance.exchange import Turn

BEGUN = b"retry: 1\nid: 1\ndata: first\n\n"
HALVES = (b"event: x\nid: 2\ndata: half\n", b"event: x\nid: 2\ndata: half\ndata: a line")
HELD_BACK: Turn = feed(b"data: late\n\n"), Delivery(silent=True)
HEAD_ONLY: Turn = feed(b"data: late\n\n"), Delivery(end=("close", 0))
SOON = 0.3  # seconds: the timeout of a session whose server says nothing


# Streams that were cut


def _next(body: bytes) -> list[Turn]:
    """A stream as it comes: in one piece, and byte for byte."""
    return [says(body), says(body, chunks=tuple(range(1, len(body))))]


@check("events-end", "a-new-stream")
async def half_an_event(case: Case) -> None:
    """What was unfinished when the connection ended joins nothing: neither data, type nor id."""
    cuts: tuple[dict[str, Any], ...] = ({}, {"cut": True})
    for half, cut, following in product(HALVES, cuts, _next(b":c\ndata: a\n\n")):
        body = BEGUN + half
        first = says(body + b"x", end=("close", len(body))) if cut else says(body)
        outcome, _ = await played(case, first, following, END)
        expect(outcome, ["first", "a", "end"])
        got = [told(event)[:3] for event in outcome.items]
        ids = [("message", data, "1") for data in ("first", "a", "end")]
        compare(ids, got, "types, data and ids")


@check("events-bom", "a-new-stream")
async def mark_of_each(case: Case) -> None:
    """Every connection's stream may begin with a mark."""
    for following in _next(b"\xef\xbb\xbfdata: a\n\n"):
        outcome, _ = await played(case, FIRST, following, END)
        expect(outcome, ["first", "a", "end"])


@check("security-pending", "a-new-stream")
async def size_of_each(case: Case) -> None:
    """What one connection left unfinished counts nothing in the next."""
    half = b"data: " + b"x" * 600 + b"\n"
    for following in _next(half + b"\n"):
        with sequence(case, says(BEGUN + half), following, END) as exchange:
            async with case.opened(security=Allowing(max_pending=1000)) as session:
                outcome = await follow(case, session, exchange)
        got = [event.data for event in outcome.items]
        compare((None, "end"), (outcome.error, *got[-1:]), "how it ended")


@check("security-pending", "of-every-connection")
async def limit_of_each(case: Case) -> None:
    """An event that is too long ends `session.events()`, be it of the first connection or not."""
    long = says(b"data: fits\n\ndata: " + b"x" * 5000 + b"\n\n")
    for before, data in (([], []), ([FIRST], ["first"])):
        with sequence(case, *before, long, END) as exchange:
            async with case.opened(security=Allowing(max_pending=1000)) as session:
                outcome = await follow(case, session, exchange)
        expect(outcome, [*data, "fits"], httpx.DecodingError)


# Ids


@check("events-last-event-id", "the-callers")
async def taken_back(case: Case) -> None:
    """The id that the caller begins with goes out until the server sets another, or none."""
    turns = [FIRST, says(b"id\ndata: a\n\n"), END]
    outcome, exchange = await played(case, *turns, headers={"Last-Event-ID": "7"})
    expect(outcome, ["first", "a", "end"])
    got = [request.values("last-event-id") for request in exchange.requests]
    if got != [[b"7"], [b"7"], []]:
        raise Deviation("sent-wrong", [[b"7"], [b"7"], []], got, "Last-Event-ID")


@check("events-last-event-id", "no-header")
async def that_no_header_can_have(case: Case) -> None:
    """An id with a control character is left out, and ends nothing."""
    outcome, exchange = await played(case, FIRST, says(b"id: a\x01b\ndata: a\n\n"), END)
    expect(outcome, ["first", "a", "end"])
    got = exchange.requests[-1].values("last-event-id")
    if got not in ([], [b"a\x01b"]):
        raise Deviation("sent-wrong", "no Last-Event-ID", got, "Last-Event-ID")


# What is tried again


@check("events-reconnect", "a-timeout")
async def after_a_timeout(case: Case) -> None:
    """A server that is silent, in a stream or before it, is a connection that failed."""
    begun = says(b"retry: 1\ndata: first\n\ndata: late\n\n", held=(22,))
    with sequence(case, begun, HELD_BACK, END) as exchange:
        async with case.opened(timeout=SOON) as session:
            outcome = await follow(case, session, exchange)
    expect(outcome, ["first", "end"])


@check("events-refused", "for-now")
async def refused_for_now(case: Case) -> None:
    """Statuses that say that it may be another time."""
    statuses = (408, 425, 429, 500, 502, 503, 504)
    for before, data in (([], []), ([FIRST], ["first"])):
        later = says(b"retry: 1\n\n"), *before
        turns = [turn for status in statuses for turn in (*later, answers(status))]
        with sequence(case, *turns, END) as exchange:
            async with case.opened(timeout=None) as session, hurried(exchange):
                outcome = await follow(case, session, exchange)
        expect(outcome, [*data * len(statuses), "end"])


@check("events-refused", "says-why")
async def what_it_said(case: Case) -> None:
    """The body of the response is there when the exception is."""
    outcome, _ = await played(case, answers(401), END)
    expect(outcome, [], httpx.HTTPStatusError)
    assert isinstance(outcome.error, httpx.HTTPStatusError)
    try:
        text = outcome.error.response.text
    except httpx.StreamError as error:
        raise Deviation("wrong-exception", "the body as text", error, "error.response") from error
    compare("data: no event\n\n", text, "error.response.text")


@check("events-retry", "enormous")
async def longer_than_any_clock(case: Case) -> None:
    """A reconnection time of 400 digits is waited for as long as can be, and ends nothing."""
    with sequence(case, says(b"retry: " + b"9" * 400 + b"\ndata: a\n\n"), END) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange):
            outcome = await follow(case, session, exchange)
    expect(outcome, ["a", "end"])


@check("events-backoff", "from-nothing")
async def growing_from_nothing(case: Case) -> None:
    """A server that asked for no delay, and is gone, is not knocked at without a pause."""
    failures = 14
    with sequence(case, says(b"retry: 0\n\n"), *[BROKEN] * failures, END) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange) as asked:
            outcome = await follow(case, session, exchange, max_failures=None)
    expect(outcome, ["end"])
    last = max(asked[-1], default=0.0) if len(asked) > failures + 1 else 0.0
    if last < 0.05:
        note = f"seconds after {failures} failures, the server having said retry: 0"
        raise Deviation("wrong-value", "waits that grow", last, note)


# Which connections have failed


@check("events-give-up", "some-bytes")
async def broke_after_a_byte(case: Case) -> None:
    """A connection that brought a byte of a stream has worked, however it ended."""
    cut = says(b":ping\n\n", end=("close", 1))
    outcome, _ = await played(case, FIRST, cut, cut, BROKEN, cut, cut, END, max_failures=2)
    expect(outcome, ["first", "end"])


@check("events-give-up", "no-byte")
async def broke_before_a_byte(case: Case) -> None:
    """A head alone is no byte of the stream."""
    outcome, exchange = await played(case, FIRST, HEAD_ONLY, HEAD_ONLY, END, max_failures=2)
    expect(outcome, ["first"], httpx.TransportError)
    expect_requests(exchange, 3)


# Ending


@asynccontextmanager
async def _long_timers(least: float) -> AsyncIterator[asyncio.Event]:
    """An event that is set when this loop is asked for a timer of so many seconds."""
    loop = asyncio.get_running_loop()
    call_at, asked = loop.call_at, asyncio.Event()

    def noting(when: float, *arguments: Any, **named: Any) -> asyncio.TimerHandle:
        if when - loop.time() > least:
            asked.set()
        return call_at(when, *arguments, **named)

    loop.call_at = noting  # type: ignore[assignment] # the same, and it is noted
    try:
        yield asked
    finally:
        loop.call_at = call_at  # type: ignore[method-assign] # as it was


@asynccontextmanager
async def _waiting(events: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """A task that waits to connect again, long, after the first event: by a timer, most likely."""
    async with _long_timers(30) as waits:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        begun = asyncio.ensure_future(waits.wait())
        await asyncio.wait([begun, waiting], timeout=ARRIVAL, return_when="FIRST_COMPLETED")
        begun.cancel()
        yield waiting


async def _ended(waiting: asyncio.Task[Any], wanted: str, *kinds: type[BaseException]) -> None:
    """Expect that the task ends in one of these, soon."""
    done, _ = await asyncio.wait([waiting], timeout=ARRIVAL)
    waiting.cancel()
    result = (await asyncio.gather(waiting, return_exceptions=True))[0]
    if not done:
        raise Deviation("hang", wanted, None, "it is still waited for")
    if not isinstance(result, kinds):
        raise Deviation("wrong-exception", wanted, result)


@check("events-close", "of-a-waiting-task")
async def another_waits(case: Case) -> None:
    """The block is left while another task waits for the second connection: it ends, too."""
    with sequence(case, says(b"retry: 60000\ndata: a\n\n"), END) as exchange:
        async with case.opened(timeout=None) as session:
            async with source(session)(exchange.url) as events, _waiting(events) as waiting:
                case.note("the block is left while a task waits in anext(events)")
                if waiting.done():  # it did not wait, which another rule forbids
                    return
            await _ended(waiting, "the iteration ended", StopAsyncIteration, httpx.StreamError)


@check("lifecycle-session-close", "of-events")
async def session_closes(case: Case) -> None:
    """The session is closed while a task waits for an event: there is no other connection."""
    body = b"retry: 1\ndata: a\n\n"
    with sequence(case, says(body + b"data: b\n\n", held=(len(body),)), END) as exchange:
        async with case.opened() as session:
            events = await _entered(session, exchange.url)
            case.note("the session is closed while a task waits in anext(events)")
            await anext(events)
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.to_thread(exchange.wait_held)
            await asyncio.sleep(0)  # it has begun to read
        await _ended(waiting, "an exception of httpx's", httpx.HTTPError, httpx.StreamError)
    expect_requests(exchange, 1)


@check("lifecycle-session-close", "of-events-between")
async def session_closes_between(case: Case) -> None:
    """The session is closed while a task waits for the second connection, a minute or so."""
    with sequence(case, says(b"retry: 60000\ndata: a\n\n"), END) as exchange:
        async with case.opened(timeout=None) as session:
            events = await _entered(session, exchange.url)
            async with _waiting(events) as waiting:
                case.note("the session is closed while a task waits in anext(events)")
                if waiting.done():  # it did not wait, which another rule forbids
                    return
        await _ended(waiting, "an exception of httpx's", httpx.HTTPError, httpx.StreamError)
    expect_requests(exchange, 1)


async def _entered(session: Any, url: str) -> AsyncIterator[Any]:
    """The events of a block that is left to itself."""
    return aiter(await source(session)(url).__aenter__())
