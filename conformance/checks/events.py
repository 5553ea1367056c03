"""Checks of chapter events: reading recorded streams, arrival, size, payloads."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from conformance.cassettes import load
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, compare
from spec.oracles import events as oracle

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.case import Case

Events = list[tuple[str, str, str, int | None]]

TYPE = ("Content-Type", "text/event-stream")
ARRIVAL = 2.0  # seconds in which what has arrived must be delivered: wide, for slow machines
GROWTH = 16.0  # how much longer eight times as much may take


def feed(body: bytes) -> Reply:
    """An event stream that says this."""
    return Reply(headers=(TYPE,), body=body)


def told(event: Any) -> tuple[str, str, str, int | None]:
    """An event as the oracle writes it."""
    return event.event, event.data, event.id, event.retry


async def read(case: Case, body: bytes, delivery: Delivery | None = None) -> Events:
    """The events of one body."""
    async with case.reading() as session:
        exchange = case.play(feed(body), delivery)
        outcome = await case.read(session, exchange.url, "aiter_events")
    if outcome.error is not None:
        raise Deviation("crash", None, outcome.error)
    return [told(event) for event in outcome.items]


# Recorded streams


def recorded(name: str) -> bytes:
    """The body of a recorded stream."""
    return load(f"sse/{name}")[0].response.body


async def _as_recorded(
    case: Case, name: str, look: Callable[[Events], object], delivery: Delivery | None = None
) -> None:
    body = recorded(name)
    expected = [tuple(event) for event in oracle.events(body)]
    got = await read(case, body, delivery)
    compare(look(expected), look(got), f"the recorded stream {name}")  # type: ignore[arg-type] # tuples of four


@check("events-text", plans=True)
async def recorded_chat(case: Case) -> None:
    await _as_recorded(case, "chat", lambda events: [event[1] for event in events if event[1]])


@check("events-attributes")
async def recorded_large_event(case: Case) -> None:
    middle = len(recorded("large-event")) // 2
    cuts = tuple(range(middle, middle + 200))
    sizes: Callable[[Events], object] = lambda events: [len(event[1]) for event in events]  # noqa: E731 - reads as the others
    await _as_recorded(case, "large-event", sizes, Delivery(chunks=cuts))


@check("events-data")
async def recorded_lines(case: Case) -> None:
    await _as_recorded(
        case, "multi-line-data", lambda events: [event[1].count("\n") for event in events]
    )


@check("events-data")
async def many_lines(case: Case) -> None:
    """An event of 2,500 lines, in one piece and in many."""
    lines = [f"line {number}" for number in range(2500)]
    body = "".join(f"data: {line}\n" for line in lines).encode() + b"\ndata: end\n\n"
    for cuts in ((), tuple(range(0, len(body), 777))):
        got = await read(case, body, Delivery(chunks=cuts))
        compare(["\n".join(lines), "end"], [event[1] for event in got])


@check("events-text")
async def recorded_separators(case: Case) -> None:
    await _as_recorded(
        case, "multi-line-data", lambda events: [e[1] for e in events if e[0] == "poem"]
    )


@check("events-chunks", plans=True)
async def recorded_feed(case: Case) -> None:
    body = recorded("feed-lf")
    whole = await read(case, body, Delivery("content-length", chunks=(len(body),)))
    compare(whole, await read(case, body), "cut, and uncut")


async def _same_feed(case: Case, name: str) -> None:
    plain = await read(case, recorded("feed-lf"))
    compare(plain, await read(case, recorded(name)), f"the recorded streams feed-lf and {name}")


@check("events-line-ends", plans=True)
async def recorded_crlf(case: Case) -> None:
    await _same_feed(case, "feed-crlf")


@check("events-line-ends", plans=True)
async def recorded_cr(case: Case) -> None:
    await _same_feed(case, "feed-cr")


@check("events-bom", plans=True)
async def recorded_bom(case: Case) -> None:
    await _same_feed(case, "feed-bom")


# Arrival


@check("events-arrival")
async def one_at_a_time(case: Case) -> None:
    ends = (b"\n", b"\r", b"\r\n")
    blocks = [b"data: %d%b%b" % (at, end, end) for at, end in enumerate(ends)]
    body = b"".join(blocks)
    held = tuple(len(b"".join(blocks[: at + 1])) for at in range(len(blocks)))
    await _arrive(case, body, held)


@check("events-arrival")
async def before_the_line_feed(case: Case) -> None:
    # The blank line of the first has come with its CR; the LF comes with the second.
    await _arrive(case, b"data: 0\r\n\r\ndata: 1\r\n\r\n", (10, 22))


async def _arrive(case: Case, body: bytes, held: tuple[int, ...]) -> None:
    async with case.opened() as session:
        exchange = case.play(feed(body), Delivery(held=held))
        async with case.stream(session, "GET", exchange.url) as response:
            case.note("resp.aiter_events(), the server waiting after each event")
            events = aiter(response.aiter_events())
            for at in range(len(held)):
                try:
                    async with asyncio.timeout(ARRIVAL):
                        event = await anext(events)
                except (TimeoutError, StopAsyncIteration):
                    note = "not delivered although it has arrived, and the server waits"
                    raise Deviation("missing", f"event {at}", None, note) from None
                compare(str(at), event.data)
                exchange.release()


# Size


@check("events-linear", limit=60)
async def large_in_small_chunks(case: Case) -> None:
    small = max([await _seconds(case, 1 << 17) for _ in range(3)])
    large = await _seconds(case, 1 << 20)
    if large > GROWTH * small:  # once more: the machine may have had something else to do
        large = min(large, await _seconds(case, 1 << 20))
    if large > GROWTH * small:
        raise Deviation(
            "wrong-value",
            f"under {GROWTH:g} times as long for 8 times as much",
            f"{large / small:.1f} times: {small:.3f} s and {large:.3f} s of CPU",
            "an event of 128 KiB and one of 1 MiB, in chunks of 1 KiB",
        )


async def _seconds(case: Case, size: int) -> float:
    """The CPU time that this thread takes to read one event of a size."""
    body = b"data: " + bytes(size).replace(b"\0", b"x") + b"\n\n"
    async with case.opened() as session:
        exchange = case.play(feed(body), Delivery(chunks=tuple(range(1024, size, 1024))))
        async with case.stream(session, "GET", exchange.url) as response:
            began = time.thread_time()
            events = [event async for event in response.aiter_events()]
            took = time.thread_time() - began
    compare([size], [len(event.data) for event in events])
    return took


# Values


@check("events-json")
async def json_payload(case: Case) -> None:
    body = b'data: {"a": ["\xc3\xa9",\ndata:  1]}\n\ndata: [DONE]\n\n'
    async with case.opened() as session:
        exchange = case.play(feed(body))
        outcome = await case.read(session, exchange.url, "aiter_events")
        case.note("event.json()")
        if len(outcome.items) != 2:
            raise Deviation("wrong-value", "2 events", outcome.items)
        if not hasattr(outcome.items[0], "json"):
            raise Deviation("missing", "event.json()", outcome.items[0], "there is no such method")
        compare({"a": ["é", 1]}, outcome.items[0].json())
        try:
            got = outcome.items[1].json()
        except ValueError:
            return
        raise Deviation("no-exception", "ValueError for data that is no JSON", got)
