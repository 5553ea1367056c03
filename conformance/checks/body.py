"""Checks of chapter body: the whole body, what can follow what, and bodies that were cut short.

At the top is what the checks of bytes, text and lines share: `read` and `recorded`.
"""

from __future__ import annotations

import asyncio
import codecs
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance import cassettes, strategies
from conformance.case import MODES, Outcome, expect_error
from conformance.delivery import FRAMINGS, Delivery, Reply, script
from conformance.registry import check, searched
from conformance.strategies import Sent, search
from conformance.verdicts import Deviation, NotApplicable, compare
from spec.oracles.text import text as text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.case import Case
    from conformance.court import Court

WHOLE = Delivery("content-length")
READ_MODES = ("aiter_bytes", "aiter_text", "aiter_lines", "aread")
RECEIVED = ["RemoteProtocolError", "ReadError", "DecodingError"]  # of what came, by any name
PLAIN = (("Content-Type", "text/plain; charset=utf-8"),)
TURNS = 20  # of the event loop, for what is under way to be noticed
LARGE = bytes(range(256)) * 1200  # bytes: more than one read of any client


async def outcome(
    case: Case, session: Any, sent: Sent, mode: str, size: int | None = None
) -> Outcome:
    """Play an answer, and read it in one mode to its end, or to its exception."""
    exchange = case.play(*sent)
    return await case.read(session, exchange.url, mode, size=size)


async def read(case: Case, session: Any, sent: Sent, mode: str, size: int | None = None) -> Any:
    """What a mode gives of an answer: bytes or text as a whole, or the list of lines."""
    got = await outcome(case, session, sent, mode, size)
    if got.error is not None:
        raise Deviation("crash", None, got.error, "an exception where none has a cause")
    return as_whole(got.items, mode)


def as_whole(items: list[Any], mode: str) -> Any:
    """The items of a mode, joined where they are parts of one thing."""
    if mode == "aread":
        return items[0]
    return items if mode == "aiter_lines" else ("" if mode == "aiter_text" else b"").join(items)


def recorded(*names: str) -> Iterator[Reply]:
    """Recorded responses that have a body, to be framed anew."""
    for name in names:
        for interaction in cassettes.load(name):
            response = interaction.response
            if response.body:
                yield Reply(
                    response.status, response.entity_headers, response.body, response.reason
                )


# The whole


@searched("body-aread")
def any_body(court: Court) -> None:
    async def judge(case: Case, sent: Sent) -> None:
        async with case.reading() as session:
            compare(sent[0].body, await read(case, session, sent, "aread"))

    search(court, strategies.sent(), judge)


@check("body-aread")
async def large(case: Case) -> None:
    async with case.opened() as session:
        for framing in FRAMINGS:
            sent = Reply(body=LARGE), Delivery(framing)
            compare(LARGE, await read(case, session, sent, "aread"))


@check("body-aread", "recorded", plans=True)
async def recorded_whole(case: Case) -> None:
    async with case.opened() as session:
        replies = recorded("httpbin/get", "sse/chat-error", "httpbin/drip")
        for reply, framing in zip(replies, FRAMINGS, strict=True):
            compare(reply.body, await read(case, session, (reply, Delivery(framing)), "aread"))


@check("body-content")
async def kept(case: Case) -> None:
    """The properties work after `aread()`, inside the block and after it, whatever the status."""
    told = {"error": "é", "n": [1, 2]}
    body = json.dumps(told, ensure_ascii=False).encode()
    async with case.opened() as session:
        for status in (200, 401, 404, 422, 500, 503):
            reply = Reply(status, (("Content-Type", "application/json"),), body)
            exchange = case.play(reply, WHOLE)
            async with case.stream(session, "GET", exchange.url) as response:
                await response.aread()
                _has(response, body, told, f"status {status}, inside the block")
            _has(response, body, told, f"status {status}, after the block")


def _has(response: Any, body: bytes, told: object, note: str) -> None:
    compare(body, response.content, f"content: {note}")
    compare(body.decode(), response.text, f"text: {note}")
    compare(told, response.json(), f"json(): {note}")


# Which mode can follow


@searched("body-replay")
def from_memory(court: Court) -> None:
    """What is in memory gives twice, and once more after the block, what the stream gives."""

    async def judge(case: Case, drawn: tuple[Sent, str]) -> None:
        sent, mode = drawn
        async with case.reading() as session:
            streamed = await read(case, session, (sent[0], WHOLE), mode)
            exchange = case.play(*sent)
            async with case.stream(session, "GET", exchange.url) as response:
                case.note(f"await resp.aread(), then {mode} twice, and once more after the block")
                await response.aread()
                compare(streamed, await _read(response, mode), "the first time")
                compare(streamed, await _read(response, mode), "the second time")
            compare(streamed, await _read(response, mode), "after the block")

    search(court, st.tuples(strategies.sent(), st.sampled_from(READ_MODES)), judge)


@check("body-replay")
async def each_mode_again(case: Case) -> None:
    body = "é\none\r\n\ntwo".encode()
    lines = ["é", "one", "", "two"]
    expected = {"aiter_bytes": body, "aiter_text": body.decode(), "aiter_lines": lines}
    async with case.opened() as session:
        exchange = case.play(Reply(body=body))
        async with case.stream(session, "GET", exchange.url) as response:
            await response.aread()
            for mode in (*READ_MODES, *READ_MODES):
                compare(expected.get(mode, body), await _read(response, mode), mode)
        for mode in (*READ_MODES, *READ_MODES):
            compare(expected.get(mode, body), await _read(response, mode), f"{mode} after")


@check("body-replay-sync")
async def each_mode_without_a_loop(case: Case) -> None:
    body = "é\u2028one\rtwo\x85\r\n\nthree".encode()
    async with case.opened() as session:
        response = await session.get(case.play(Reply(headers=PLAIN, body=body)).url)
        if not isinstance(response, httpx.Response):
            raise NotApplicable("its responses are not httpx's")
        for mode in ("iter_bytes", "iter_text", "iter_lines"):
            case.note(f"resp = await session.get(...); list(resp.{mode}())")
            expected = await _read(response, f"a{mode}")
            compare(expected, as_whole(list(getattr(response, mode)()), f"a{mode}"), mode)


UNFINISHED = "één two".encode() + b"\xe2\x82"


@check("body-replay-sync", "sizes")
async def sizes_without_a_loop(case: Case) -> None:
    """With a size, and with a last character that is not whole, nothing is lost at the end."""
    async with case.opened() as session:
        response = await session.get(case.play(Reply(headers=PLAIN, body=UNFINISHED)).url)
        if not isinstance(response, httpx.Response):
            raise NotApplicable("its responses are not httpx's")
        case.note("resp = await session.get(...); list(resp.iter_bytes(4)), and so on")
        expected = [b"\xc3\xa9\xc3\xa9", b"n tw", b"o\xe2\x82"]
        compare(expected, list(response.iter_bytes(4)), "iter_bytes(4)")
        compare(["één", " tw", "o\ufffd"], list(response.iter_text(3)), "iter_text(3)")
        compare(["één two\ufffd"], list(response.iter_lines()), "iter_lines()")


@check("body-content", "unfinished")
async def text_to_its_end(case: Case) -> None:
    """A last character that is not whole is U+FFFD in `text`, too."""
    async with case.opened() as session:
        exchange = case.play(Reply(headers=PLAIN, body=UNFINISHED), WHOLE)
        async with case.stream(session, "GET", exchange.url) as response:
            await response.aread()
            compare("één two\ufffd", response.text, "text")


async def _read(response: Any, mode: str) -> Any:
    if mode == "aread":
        return await response.aread()
    return as_whole([item async for item in MODES[mode](response)], mode)


@check("body-not-read")
async def nothing_to_show(case: Case) -> None:
    """Before anything is read, and while an iterator is at it."""
    async with case.opened() as session:
        exchange = case.play(Reply(body=b'{"a":\n1}'), Delivery("chunked", held=(6,)))
        async with case.stream(session, "GET", exchange.url) as response:
            _refuses_all(response, "before the body is read")
            iterator = aiter(response.aiter_bytes())
            await anext(iterator)
            _refuses_all(response, "while the body is read")
            exchange.release_all()
            rest = [chunk async for chunk in iterator]
            compare(b"1}", b"".join(rest), "what was still to be read")


def _refuses_all(response: Any, when: str) -> None:
    reading: dict[str, Callable[[], object]] = {
        "content": lambda: response.content,
        "text": lambda: response.text,
        "json()": response.json,
    }
    for name, act in reading.items():
        try:
            got = act()
        except httpx.ResponseNotRead:
            continue
        except Exception as error:
            raise Deviation("wrong-exception", "httpx.ResponseNotRead", error, name) from error
        raise Deviation("no-exception", "httpx.ResponseNotRead", got, f"{name}, {when}")


@check("body-closed")
async def after_the_block(case: Case) -> None:
    """Whether the iterator was made inside the block or after it."""
    async with case.opened() as session:
        for mode in (*READ_MODES, "aiter_raw"):
            exchange = case.play(Reply(body=b"one\ntwo\n"))
            async with case.stream(session, "GET", exchange.url) as response:
                made = None if mode == "aread" else aiter(MODES[mode](response))
            case.note(f"{mode} after the block")
            if made is not None:
                await _closed(anext(made), f"{mode}, made inside the block")
            await _closed(_read(response, mode), mode)


async def _closed(reading: Awaitable[object], note: str) -> None:
    try:
        got = await reading
    except httpx.StreamClosed:
        return
    except StopAsyncIteration:
        raise Deviation("no-exception", "httpx.StreamClosed", b"", note) from None
    except Exception as error:
        raise Deviation("wrong-exception", "httpx.StreamClosed", error, note) from error
    raise Deviation("no-exception", "httpx.StreamClosed", got, note)


# Cut short


@searched("body-truncated")
def cut_anywhere(court: Court) -> None:
    async def judge(case: Case, drawn: tuple[Sent, str]) -> None:
        async with case.reading() as session:
            got = await outcome(case, session, *drawn)
            expect_error(got, RECEIVED)

    search(court, st.tuples(strategies.cut_short(), st.sampled_from(READ_MODES)), judge)


@searched("body-delivered")
def all_before_the_cut(court: Court) -> None:
    """Judged whatever exception came of it; a character that was cut may be U+FFFD or nothing."""

    async def judge(case: Case, drawn: tuple[Sent, str, int | None]) -> None:
        sent, mode, size = drawn
        async with case.reading() as session:
            got = await outcome(case, session, sent, mode, size)
            arrived = _arrived(case)
            if mode == "aiter_bytes":
                compare(arrived, got.data, "all that had arrived")
            elif got.text != text_of(arrived, None):
                compare(_complete_text(arrived), got.text, "all that had arrived")

    modes = st.one_of(
        st.tuples(st.just("aiter_bytes"), st.none() | st.integers(1, 9)),
        st.tuples(st.just("aiter_text"), st.none()),
    )
    texts = strategies.cut_short(strategies.texts.map(str.encode), PLAIN)
    search(court, st.tuples(texts, modes).map(lambda drawn: (drawn[0], *drawn[1])), judge)


def _arrived(case: Case) -> bytes:
    """As much of the body as the last answer sent."""
    assert case.played is not None
    return script(*case.played).body


def _complete_text(body: bytes) -> str:
    return codecs.getincrementaldecoder("utf-8")("replace").decode(body)


@check("body-delivered")
async def an_unfilled_chunk(case: Case) -> None:
    async with case.opened() as session:
        for framing in ("content-length", "chunked"):
            sent = Reply(body=b"0123456789"), Delivery(framing, end=("close", 6))
            got = await outcome(case, session, sent, "aiter_bytes", 4)
            compare(b"012345", got.data, "chunk_size=4, cut after 6 bytes")


@check("body-delivered", "unfilled-text")
async def an_unfilled_piece_of_text(case: Case) -> None:
    await _unfilled(case, "aiter_text", "012345")


@check("body-delivered", "unfilled-raw")
async def an_unfilled_chunk_as_sent(case: Case) -> None:
    await _unfilled(case, "aiter_raw", b"012345")


async def _unfilled(case: Case, mode: str, arrived: str | bytes) -> None:
    sent = Reply(headers=PLAIN, body=b"0123456789"), Delivery("content-length", end=("close", 6))
    async with case.opened() as session:
        exchange, got = case.play(*sent), type(arrived)()
        async with case.stream(session, "GET", exchange.url) as response:
            case.note(f"[x async for x in resp.{mode}(4)], cut after 6 bytes")
            try:
                pieces = getattr(response, mode)(4)
            except TypeError as error:
                raise NotApplicable(f"its {mode}() takes no size") from error
            with suppress(httpx.TransportError):
                async for piece in pieces:
                    got += piece
        compare(arrived, got, f"{mode}(4), cut after 6 bytes")


@searched("body-delivered-lines")
def complete_lines(court: Court) -> None:
    async def judge(case: Case, sent: Sent) -> None:
        async with case.reading() as session:
            got = await outcome(case, session, sent, "aiter_lines")
            *complete, _ = _arrived(case).decode("utf-8", "replace").split("\n")
            compare(complete, got.items, "the lines whose LF had arrived")

    lines = st.lists(st.sampled_from(("", "a", "é", "data: 1", "long" * 99)), min_size=1)
    bodies = lines.map(lambda parts: "\n".join([*parts, "the last"]).encode())
    search(court, strategies.cut_short(bodies), judge)


# At leisure


@check("body-slow-reader")
async def everything_was_sent(case: Case) -> None:
    """One part is read, then the server sends all it has and closes, then the rest is read."""
    for size in (40_000, len(LARGE), 1_000_000):
        body = (LARGE * (size // len(LARGE) + 1))[:size]
        for framing in FRAMINGS:
            async with case.reading() as session:
                exchange = case.play(Reply(body=body), Delivery(framing, connection_close=True))
                async with case.stream(session, "GET", exchange.url) as response:
                    case.note(f"async for chunk in resp.aiter_bytes(): slowly, {size} bytes")
                    parts = []
                    async for chunk in response.aiter_bytes():
                        parts.append(chunk)
                        if len(parts) == 1:
                            await _sent_or_stuck(exchange)
                        await _turns()
                compare(body, b"".join(parts))


async def _sent_or_stuck(exchange: Any) -> None:
    """Wait until the server is done, or has sent what can be sent to a client that pauses."""
    try:
        await asyncio.to_thread(exchange.wait_end, 0.3)
    except TimeoutError:
        return
    await _turns()


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
