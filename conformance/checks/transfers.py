"""Checks of what stalls, stops or is cut amid a request or a response, and of the connection then.

They belong to the chapters session, body, bytes and lifecycle. Two servers play what the tape does
not: one that answers and reads no further, one that never closes. They run in the client's loop.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx

from conformance.checks.cancellation import nothing_left, one_place, turns
from conformance.checks.lifecycle import OK, works
from conformance.checks.session import CALLS, LENGTH, call, only
from conformance.checks.timeouts import full_listener
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conformance.case import Case
    from conformance.exchange import Exchange

SOON = 5.0  # seconds for what has no reason to wait: wide, for slow machines
UPLOAD = 16 << 20  # bytes: more than the buffers on both sides hold
READ_AHEAD = 32 << 20  # bytes a client may have taken beyond what its caller has read
SILENCE = 0.25  # seconds without a byte taken: the client has stopped reading


async def soon(wait: Awaitable[Any], what: str) -> Any:
    """What comes of it, at once."""
    try:
        async with asyncio.timeout(SOON):
            return await wait
    except TimeoutError:
        raise Deviation("hang", what, None) from None


async def send(session: Any, how: str, url: str, content: bytes) -> httpx.Response:
    """POST a content that is too long to be noted."""
    response: httpx.Response
    if how == "request":
        response = await session.request("POST", url, content=content)
        return response
    async with session.stream("POST", url, content=content) as response:
        await response.aread()
    return response


# Uploads


@check("session-content", "slow-server", limit=20, heavy=True)
async def to_a_slow_server(case: Case) -> None:
    """A server that does not read at first gets all of it when it does."""
    content = bytes(range(256)) * (UPLOAD // 256)
    async with case.opened(timeout=60.0) as session:
        exchange = case.play(Reply(body=b"ok"), LENGTH, read="held")
        posting = asyncio.ensure_future(send(session, "request", exchange.url, content))
        case.note(f"session.post(url, content={UPLOAD} bytes), the server reading later")
        try:
            await asyncio.to_thread(exchange.wait_request)
            await turns(30)
            exchange.release_all()
            response = await soon(posting, "the upload goes on when the server reads on")
        finally:
            posting.cancel()
        compare(b"ok", response.content, "the answer")
    _arrived(exchange, content)


def _arrived(exchange: Exchange, content: bytes) -> None:
    request = only(exchange)
    if request.body != content:
        got = f"{len(request.body)} bytes"
        raise Deviation("sent-wrong", f"{len(content)} bytes", got, "the body sent")


@check("session-content", "answered-early", limit=20, heavy=True)
async def answered_before_it_is_read(case: Case) -> None:
    """A success that comes before the content was read takes nothing away from the content."""
    content = bytes(range(256)) * (UPLOAD // 256)
    async with case.opened() as session:
        for how in CALLS:
            exchange = case.play(Reply(body=b"ok"), LENGTH, read="last")
            wait = send(session, how, exchange.url, content)
            case.note(f"session.{how}('POST', url, content={UPLOAD} bytes), answered at once")
            compare(b"ok", (await soon(wait, "the answer")).content, "the answer")
            await asyncio.to_thread(exchange.wait_end)
            _arrived(exchange, content)


TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large"
)


@check("session-response-early", limit=20)
async def refused_and_not_read(case: Case) -> None:
    """The server refuses the content, and reads no more than a little of it."""
    async with serving(TOO_LARGE) as (url, _), case.opened(timeout=60.0) as session:
        for how in CALLS:
            case.note(f"session.{how}('POST', url, content={UPLOAD} bytes), refused and not read")
            response = await soon(send(session, how, url, bytes(UPLOAD)), "the answer")
            compare(413, response.status_code, "the status code")
            compare(b"too large", response.content, "the answer")


@check("session-content", "expecting", limit=20)
async def no_continue_comes(case: Case) -> None:
    """A server that knows no 100 gets the content that it waits for."""
    exchange = case.play(OK, LENGTH, continues=False)
    async with case.opened(timeout=60.0) as session:
        expecting: dict[str, Any] = {"headers": {"Expect": "100-continue"}, "content": b"abc"}
        wait = call(case, session, "stream", "POST", exchange.url, **expecting)
        compare(b"ok", (await soon(wait, "an answer without a 100")).content, "the answer")
    compare(b"abc", only(exchange).body, "the content")


@check("lifecycle-own-bytes", "half-sent")
async def refused_amid_the_content(case: Case) -> None:
    """What follows a request that was sent by half is not taken for the other half."""
    refusal = Reply(413, (), b"too large", "Content Too Large")
    async with case.opened(**one_place(case)) as session:
        for how in CALLS:
            exchange = case.play(refusal, LENGTH, read="last")
            wait = send(session, how, exchange.url, bytes(UPLOAD))
            case.note(f"session.{how}('POST', url, content={UPLOAD} bytes), answered by 413")
            with suppress(httpx.NetworkError):  # that it could not be written is an answer as well
                compare(413, (await soon(wait, "the answer")).status_code, "the status code")
            await works(case, session, "a request that the server refused amid its content")
            await nothing_left(case, session, "a request that was refused")


# Downloads


@check("bytes-memory", "again", limit=20)
async def stalls_again(case: Case) -> None:
    """A caller who reads on and stops once more is not read ahead of either."""
    piece = bytes(1 << 20)
    async with case.opened() as session:
        exchange = case.play(Reply(body=b"first"), Delivery(endless=piece))
        async with case.stream(session, "GET", exchange.url) as response:
            case.note("anext(resp.aiter_bytes()) until the server goes on, three times")
            chunks, taken = aiter(response.aiter_bytes()), 0
            for _ in range(3):
                before = await _stopped(exchange, taken)
                while exchange.sent == before:
                    taken += len(await anext(chunks))
                    await asyncio.sleep(0)
            await _stopped(exchange, taken)


async def _stopped(exchange: Exchange, taken: int) -> int:
    """The server cannot send on: how much it has sent by then."""
    while True:
        before = exchange.sent
        if before - taken > READ_AHEAD:
            most = f"at most {READ_AHEAD} bytes"
            raise Deviation("wrong-value", most, before - taken, "read ahead of the caller")
        try:
            await asyncio.to_thread(exchange.tape.wait, _more(exchange, before), str, SILENCE)
        except TimeoutError:
            return before


def _more(exchange: Exchange, before: int) -> Callable[[], bool]:
    return lambda: exchange.sent > before


# Connections that are not to be used again


@check("body-excess", "idle")
async def said_while_idle(case: Case) -> None:
    """What comes later, when nobody has asked, goes with its connection just as well."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    for extra in (whole, whole[:20], b"0123456789"):
        async with case.opened() as session:
            late = Delivery("content-length", held=(5,), extra=extra)
            exchange, following = case.play(Reply(body=b"hello"), late), case.play(OK, LENGTH)
            response = await call(case, session, "stream", "GET", exchange.url)
            compare(b"hello", response.content, "the response before it")
            await asyncio.to_thread(exchange.wait_held)
            exchange.release_all()
            await asyncio.to_thread(exchange.wait_end)
            await turns(10)
            case.note(f"the server says {extra!r} when nobody has asked; then another GET")
            after = await call(case, session, "stream", "GET", following.url)
            compare(b"ok", after.content, "the next answer")
            if only(following).connection == only(exchange).connection:
                raise Deviation("wrong-value", "a new connection", "the same", "the next request")


ENDING = {
    "Connection: close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "Connection: Close": b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok",
    "one of several": b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
GOING_ON = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x-mine\r\n\r\n"


@check("lifecycle-stale", "announced")
async def not_when_an_end_is_announced(case: Case) -> None:
    """A connection whose end the server has announced takes no second request."""
    for what, wire in ENDING.items():
        await _only_once(case, wire, what)


@check("lifecycle-stale", "asked-for")
async def not_when_an_end_is_asked_for(case: Case) -> None:
    """A connection whose end the request asks for takes no second request."""
    await _only_once(case, GOING_ON, "Connection: close in the request", {"Connection": "close"})


@check("lifecycle-stale", "switched")
async def not_when_it_speaks_otherwise(case: Case) -> None:
    """A connection that speaks another protocol now takes no request."""
    upgrade = {"Connection": "upgrade", "Upgrade": "x-mine"}
    await _only_once(case, SWITCHED, "status 101", upgrade)


async def _only_once(
    case: Case, wire: bytes, what: str, headers: dict[str, str] | None = None
) -> None:
    """The server would take more requests on the connection; none comes."""
    async with serving(wire) as (url, numbers), case.opened() as session:
        for _ in range(2):
            await soon(call(case, session, "stream", "GET", url, headers=headers), "an answer")
    compare([1, 2], numbers, f"the connections of two requests, {what}")


@asynccontextmanager
async def serving(wire: bytes) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers so, reads only heads, and never closes; each head's connection."""
    numbers: list[int] = []
    opened: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        number = len(opened)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                numbers.append(number)
                writer.write(wire)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # gone, or sends what is no head

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        try:
            yield f"http://{host}:{port}/", numbers
        finally:
            for writer in opened:
                writer.transport.abort()
            await turns(3)


@check("lifecycle-session-close", "connecting")
async def closed_while_connecting(case: Case) -> None:
    """A call that waits for its connection ends with the session."""
    with full_listener() as url:
        async with case.opened(timeout=60.0) as session:
            connecting = asyncio.ensure_future(session.request("GET", url))
            await turns(30)
            case.note("the session closed while a call waits to be connected")
        await asyncio.wait([connecting], timeout=SOON)
        if not connecting.done():
            connecting.cancel()
            raise Deviation("hang", "an exception", None, "it waits on for its connection")
        if connecting.exception() is None:
            raise Deviation("no-exception", "an exception", connecting.result())
