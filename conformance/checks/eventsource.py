"""Checks of chapter events: `session.events()`, over the connections that it takes.

Most of them begin with a stream that says `retry: 1`, so that nothing has to wait for long, and
are over when an event says `end`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import Outcome, show_arguments
from conformance.checks.events import feed, recorded, told
from conformance.checks.session import together
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, NotApplicable, compare
from spec import catalogue
from spec.examples import body as body_of
from spec.oracles import events as oracle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from conformance.case import Case
    from conformance.exchange import Exchange, Turn
    from spec.examples import Example

FIRST: Turn = feed(b"retry: 1\ndata: first\n\n"), Delivery()
END: Turn = feed(b"data: end\n\n"), Delivery(held=(11,))
BROKEN: Turn = Reply(), Delivery(end_wire=("close", 12))  # the head of a response, cut
GONE: Turn = Reply(204, reason="No Content"), Delivery()


def says(body: bytes, **delivery: Any) -> Turn:
    """An event stream that says this."""
    return feed(body), Delivery(**delivery)


def answers(status: int, *headers: tuple[str, str]) -> Turn:
    """An answer with a status, and a body that could be read as an event."""
    return Reply(status, headers, b"data: no event\n\n", "As Asked"), Delivery()


@contextmanager
def sequence(case: Case, *turns: Turn) -> Iterator[Exchange]:
    """The answers to one request after the other."""
    exchange = case.tape.play_sequence(turns)
    try:
        yield exchange
    finally:
        exchange.release_all()
        case.tape.forget(exchange)


def source(session: Any) -> Callable[..., Any]:
    """`session.events`; where there is none, one rule says so: events-request."""
    if not hasattr(session, "events"):
        raise NotApplicable("it has no session.events()")
    events: Callable[..., Any] = session.events
    return events


async def follow(
    case: Case, session: Any, exchange: Exchange, last: str = "end", **arguments: Any
) -> Outcome:
    """Read events until one says `last`, the iteration ends, or it raises an exception."""
    called = show_arguments(exchange.url, **arguments)
    case.note(f"async with session.events({called}) as events: [event async for event in events]")
    items: list[Any] = []
    try:
        async with source(session)(exchange.url, **arguments) as events:
            async for event in events:
                items.append(event)
                if event.data == last:
                    break
    except (httpx.HTTPError, httpx.StreamError) as error:
        return Outcome(items, error)
    return Outcome(items, None)


async def played(case: Case, *turns: Turn, **arguments: Any) -> tuple[Outcome, Exchange]:
    """What comes of a sequence of answers."""
    with sequence(case, *turns) as exchange:
        async with case.opened() as session:
            return await follow(case, session, exchange, **arguments), exchange


def expect(outcome: Outcome, data: list[str], error: type[Exception] | None = None) -> None:
    """The events have this data, and then comes this exception, or none."""
    if error is None and outcome.error is not None:
        raise Deviation("crash", data, outcome.error)
    compare(data, [event.data for event in outcome.items])
    if error is not None and not isinstance(outcome.error, error):
        code = "no-exception" if outcome.error is None else "wrong-exception"
        raise Deviation(code, f"httpx.{error.__name__}", outcome.error)


def expect_requests(exchange: Exchange, count: int) -> None:
    """So many requests came."""
    got = len(exchange.requests)
    if got != count:
        code = "sent-extra" if got > count else "sent-wrong"
        raise Deviation(code, f"{count} requests", f"{got} requests")


# Reconnecting


@check("events-reconnect")
async def goes_on(case: Case) -> None:
    turns = [
        FIRST,
        says(b"data: a\n\n"),
        says(b"data: b\n\ndata: x", end=("close", 11)),
        says(b"data: c\n\ndata: x", end=("reset", 11)),
        BROKEN,
        END,
    ]
    asked = {"method": "POST", "content": b"asked", "headers": {"X-Asked": "1"}}
    outcome, exchange = await played(case, *turns, **asked)
    expect(outcome, ["first", "a", "b", "c", "end"])
    for request in exchange.requests:
        got = (request.method, request.body, request.values("x-asked"))
        if got != ("POST", b"asked", [b"1"]):
            raise Deviation("sent-wrong", ("POST", b"asked", [b"1"]), got, "a later request")


@check("events-reconnect")
async def recorded_feed(case: Case) -> None:
    whole = recorded("feed-lf")
    broken = says(whole, end=("close", whole.index(b"id: 3") + 2))
    expected = [event.data for event in oracle.events(whole)]
    with sequence(case, broken, says(recorded("feed-resumed"))) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange):
            outcome = await follow(case, session, exchange, last=expected[-1])
    expect(outcome, expected)


@check("events-request")
async def callers_headers(case: Case) -> None:
    given = {"accept": "a/b", "Cache-Control": "max-age=1"}
    _, exchange = await played(case, END, headers=given)
    for name, value in given.items():
        got = exchange.requests[0].values(name)
        if got != [value.encode()]:
            raise Deviation("sent-wrong", [value.encode()], got, f"the header {name}")


def _stated(requirement: str, key: str) -> list[Example]:
    examples = catalogue.load()[requirement].examples
    return [example for example in examples if example.fields.get(key) is not None]


async def _sends_last_id(case: Case, example: Example) -> None:
    stated = example.fields["last-id"].encode()
    outcome, exchange = await played(case, FIRST, says(body_of(example.fields)), END)
    if outcome.error is not None:
        raise Deviation("crash", None, outcome.error)
    got = exchange.requests[-1].values("last-event-id")
    if got != ([stated] if stated else []):
        raise Deviation("sent-wrong", [stated] if stated else [], got, "Last-Event-ID")


def _last_ids(requirement: str) -> None:
    examples = _stated(requirement, "last-id")

    @check(requirement, "last-id")
    async def play(case: Case) -> None:
        await together(*(_sends_last_id(case, example) for example in examples))


for _requirement in ("events-last-event-id", "events-id", "events-no-data"):
    _last_ids(_requirement)


@check("events-last-event-id")
async def kept(case: Case) -> None:
    turns = [FIRST, says(b"id: 7\ndata: a\n\n"), says(b"data: b\n\n"), BROKEN, says(b":\n"), END]
    outcome, exchange = await played(case, *turns)
    expect(outcome, ["first", "a", "b", "end"])
    compare(["", "7", "7", "7"], [told(event)[2] for event in outcome.items], "the events' ids")
    got = [request.values("last-event-id") for request in exchange.requests]
    if got != [[], [], [b"7"], [b"7"], [b"7"], [b"7"]]:
        raise Deviation("sent-wrong", "none, none, and then 7", got, "Last-Event-ID")


# Waiting


async def _wait_after(case: Case, *turns: Turn) -> float:
    """The seconds between the end of the last of these streams and the next request."""
    before, (last, _) = turns[:-1], turns[-1]
    held = last, Delivery(held=(len(last.body),))  # its end is ours to send
    with sequence(case, *before, held, END) as exchange:
        async with case.opened() as session, _beside(follow(case, session, exchange)) as following:
            await _comes(exchange.wait_held, following)
            released = time.monotonic()
            exchange.release()
            await _comes(partial(exchange.wait_request, n=len(turns) + 1), following)
            waited = time.monotonic() - released
            error = (await following).error
    if error is not None:
        raise Deviation("crash", None, error)
    return waited


@asynccontextmanager
async def _beside(following: Coroutine[Any, Any, Outcome]) -> AsyncIterator[asyncio.Task[Outcome]]:
    """A task that has ended when the block has, however that ends.

    Left behind, it would go on in a session that is closed, and in generators that are.
    """
    task = asyncio.ensure_future(following)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _comes(wait: Callable[[float], object], following: asyncio.Task[Outcome]) -> None:
    """Until the tape has come so far; it never will when the session has ended the events."""
    while True:
        ended = following.done()  # asked first: what it has sent by then is on the tape
        try:
            await asyncio.to_thread(wait, 0.2)
        except TimeoutError:
            if not ended:
                continue
            error = following.result().error
            code = "missing" if error is None else "crash"
            raise Deviation(code, "another connection", error, "the events ended") from None
        return


async def _waits(case: Case, retry: int, *turns: Turn) -> None:
    waited = await _wait_after(case, *turns)
    if waited < retry / 1000:
        raise Deviation("wrong-value", f"{retry} ms", f"{waited * 1000:.0f} ms", "before it came")


@check("events-reconnect-delay")
async def waits(case: Case) -> None:
    stated = _stated("events-reconnect-delay", "retry")
    of_examples = [
        _waits(case, example.fields["retry"], says(body_of(example.fields))) for example in stated
    ]
    earlier = _waits(case, 250, says(b"retry: 250\n\n"), says(b"data: a\n\n"))
    await together(*of_examples, earlier)


@check("events-reconnect-delay")
async def short(case: Case) -> None:
    waited = await _wait_after(case, FIRST, says(b"data: a\n\n"))
    if waited > 1.5:
        raise Deviation("wrong-value", "1 ms", f"{waited:.1f} s", "the server asked for no delay")


@asynccontextmanager
async def hurried(exchange: Exchange, least: float = 0.05) -> AsyncIterator[list[list[float]]]:
    """Long timers of this loop fire at once; gives them, in seconds, by requests so far."""
    loop = asyncio.get_running_loop()
    call_at = loop.call_at
    asked: list[list[float]] = []

    def at_once(when: float, *arguments: Any, **named: Any) -> asyncio.TimerHandle:
        seconds = when - loop.time()
        if seconds < least:
            return call_at(when, *arguments, **named)
        so_far = len(exchange.requests)
        asked.extend([] for _ in range(so_far + 1 - len(asked)))
        asked[so_far].append(seconds)
        return call_at(loop.time() + 0.001, *arguments, **named)

    loop.call_at = at_once  # type: ignore[assignment] # the same, but for the time
    try:
        yield asked
    finally:
        loop.call_at = call_at  # type: ignore[method-assign] # as it was


async def _backing_off(case: Case, failures: int) -> list[float]:
    """The waits after so many failures in a row, the server having asked for 5 s."""
    turns = [says(b"retry: 5000\n\n"), *[BROKEN] * failures, END]
    with sequence(case, *turns) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange) as asked:
            outcome = await follow(case, session, exchange, max_failures=None)
    expect(outcome, ["end"])
    waits = [max(timers, default=0.0) for timers in asked[2:]]
    if len(waits) != failures:
        note = f"{failures} failures, and timers of the event loop after {len(waits)} of them"
        raise Deviation("missing", "a wait after each failure", waits, note)
    return waits


@check("events-backoff")
async def growing(case: Case) -> None:
    waits = await _backing_off(case, 10)
    if waits[-1] < 1.5 * waits[0]:
        raise Deviation("wrong-value", "waits that grow", waits, "seconds after each failure")
    if waits[-1] > 600:
        raise Deviation("wrong-value", "waits that have a cap", waits, "seconds after each failure")


@check("events-backoff")
async def varying(case: Case) -> None:
    first, second = await _backing_off(case, 4), await _backing_off(case, 4)
    if all(abs(one - other) < 0.01 * one for one, other in zip(first, second, strict=True)):
        raise Deviation("wrong-value", "waits that differ by chance", [first, second])


@check("events-backoff")
async def begun_anew(case: Case) -> None:
    turns = [says(b"retry: 5000\n\n"), *[BROKEN] * 4, says(b"data: a\n\n"), END]
    with sequence(case, *turns) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange) as asked:
            expect(await follow(case, session, exchange, max_failures=None), ["a", "end"])
    failed, worked = max(asked[5], default=0.0), max(asked[6], default=0.0)
    if worked > 0.9 * failed:
        raise Deviation("wrong-value", f"less than {failed:.1f} s", f"{worked:.1f} s")


@check("events-give-up")
async def after_failures(case: Case) -> None:
    turns = [FIRST, BROKEN, BROKEN, END]
    outcome, exchange = await played(case, *turns, max_failures=2)
    expect(outcome, ["first"], httpx.TransportError)
    expect_requests(exchange, 3)


@check("events-give-up")
async def counted_anew(case: Case) -> None:
    turns = [FIRST, BROKEN, says(b"data: a\n\n"), BROKEN, END]
    outcome, _ = await played(case, *turns, max_failures=2)
    expect(outcome, ["first", "a", "end"])


@check("events-give-up")
async def never(case: Case) -> None:
    with sequence(case, FIRST, *[BROKEN] * 30, END) as exchange:
        async with case.opened(timeout=None) as session, hurried(exchange):
            outcome = await follow(case, session, exchange, max_failures=None)
    expect(outcome, ["first", "end"])


# Ending


@check("events-no-content")
async def ended(case: Case) -> None:
    for turns, data in (([GONE, END], []), ([FIRST, GONE, END], ["first"])):
        outcome, exchange = await played(case, *turns)
        expect(outcome, data)
        expect_requests(exchange, len(turns) - 1)


@check("events-refused")
async def refused(case: Case) -> None:
    page = answers(200, ("Content-Type", "text/html"))
    kinds = [(answers(status), httpx.HTTPStatusError) for status in (401, 403, 404)]
    for turn, error in [*kinds, (page, httpx.RequestError)]:
        for before, data in (([], []), ([FIRST], ["first"])):
            outcome, exchange = await played(case, *before, turn, END)
            expect(outcome, data, error)
            expect_requests(exchange, len(before) + 1)


@check("events-reconnect-off")
async def one_connection(case: Case) -> None:
    cut = says(b"retry: 1\ndata: first\n\ndata: x", end=("close", 26))
    for turn, data, error in (
        (FIRST, ["first"], None),
        (cut, ["first"], httpx.TransportError),
        (BROKEN, [], httpx.TransportError),
        (GONE, [], None),
    ):
        outcome, exchange = await played(case, turn, END, reconnect=False)
        expect(outcome, data, error)
        expect_requests(exchange, 1)


@check("events-close")
async def amid_an_event(case: Case) -> None:
    with sequence(case, says(b"data: a\n\ndata: b", held=(16,))) as exchange:
        async with case.opened() as session:
            async with source(session)(exchange.url) as events:
                case.note("async with session.events(url) as events: await anext(events)")
                compare("a", (await anext(events)).data)
            await _expect_left(exchange)


@check("events-close")
async def amid_a_wait(case: Case) -> None:
    with sequence(case, says(b"retry: 100\ndata: a\n\n"), END) as exchange:
        async with case.opened() as session:
            async with source(session)(exchange.url) as events:
                case.note("the block is left while a task waits for the second connection")
                await anext(events)
                waiting = asyncio.ensure_future(anext(events))
                await asyncio.to_thread(exchange.wait_end)
                await asyncio.sleep(0.01)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            await asyncio.sleep(0.2)
            expect_requests(exchange, 1)


async def _expect_left(exchange: Exchange) -> None:
    left = partial(exchange.wait_end, 2.0)
    try:
        how = await asyncio.to_thread(left)
    except TimeoutError:
        raise Deviation("leak", "the connection closed", exchange.state) from None
    if not how.startswith("client-"):
        raise Deviation("leak", "the connection closed by the client", how)
