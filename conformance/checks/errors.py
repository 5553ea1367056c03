"""Checks of chapter errors: every way to fail, seen from the caller's side.

`FAULTS` makes each of them happen once; three rules look at the exception that comes out. What is
no HTTP at all is drawn by Hypothesis from the pieces that responses are made of.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance.case import expect_message
from conformance.checks.session import CALLS, call, explore, to
from conformance.delivery import Delivery, Reply
from conformance.registry import check, searched
from conformance.verdicts import Deviation, Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.case import Case
    from conformance.court import Court

PATIENCE = 1.0  # seconds: a timeout that never comes is for chapter timeouts to judge
GZIP = (("Content-Encoding", "gzip"),)
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"

# what happens -> the answer, and how it goes wrong
FAULTS: dict[str, tuple[Reply, Delivery]] = {
    "nothing": (Reply(), Delivery("until-close", head=b"")),
    "half a head": (Reply(), Delivery("until-close", head=b"HTTP/1.1 200 OK\r\nX-A:")),
    "no HTTP": (Reply(), Delivery("until-close", head=b"220 mail.test ESMTP\r\n")),
    "a reset before the head": (Reply(), Delivery(end_wire=("reset", 0))),
    "a reset amid the body": (Reply(body=b"0123456789"), Delivery(end=("reset", 4))),
    "a close amid the body": (Reply(body=b"0123456789"), Delivery(end=("close", 4))),
    "a bad chunk": (Reply(), Delivery("until-close", head=BAD_CHUNK)),
    "no gzip": (Reply(headers=GZIP, body=b"no gzip"), Delivery()),
    "silence before the head": (Reply(), Delivery(silent=True)),
    "silence amid the body": (Reply(body=b"0123456789"), Delivery(held=(4,))),
}


async def _fault(case: Case, session: Any, how: str, what: str) -> tuple[Exception | None, str]:
    """Have it happen; give the exception, if there is one, and the url."""
    url = case.play(*FAULTS[what]).url
    try:
        async with asyncio.timeout(PATIENCE) as limit:
            await call(case, session, how, "POST", url, content=b"x", timeout=0.1)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is judged
        return (None if limit.expired() else error), url
    return None, url


async def _each(case: Case, judge: Callable[[Exception, str, str], None]) -> None:
    """That there is an exception at all is for the rule about its fault to say."""
    async with case.opened() as session:
        for what in FAULTS:
            for how in CALLS:
                error, url = await _fault(case, session, how, what)
                if error is not None:
                    judge(error, url, what)


def _is_of_the_family(error: Exception, url: str, what: str) -> None:
    if not isinstance(error, httpx.HTTPError):
        raise Deviation("wrong-exception", "a kind of httpx.HTTPError", error, what)


def _has_request(error: Exception, url: str, what: str) -> None:
    if not isinstance(error, httpx.HTTPError):
        return
    try:
        got = str(error.request.url)
    except RuntimeError as missing:
        raise Deviation("missing", "error.request", missing, what) from error
    if got != url:
        raise Difference("wrong-value", url, got, f"error.request.url: {what}")


def _has_message(error: Exception, url: str, what: str) -> None:
    if not str(error).strip():
        raise Deviation("missing", "a message", error, what)


@check("errors-family")
async def one_family(case: Case) -> None:
    """Each fault comes out as one of httpx's exceptions."""
    await _each(case, _is_of_the_family)


@check("errors-request")
async def with_the_request(case: Case) -> None:
    """Each exception knows the request."""
    await _each(case, _has_request)


@check("errors-message")
async def with_a_message(case: Case) -> None:
    """No exception's message is empty."""
    await _each(case, _has_message)


@check("errors-message", "closed")
async def closed_amid_a_stream(case: Case) -> None:
    """A reader whose session was closed is told something."""
    exchange = case.play(Reply(body=b"0123456789"), Delivery("content-length", held=(4,)))
    async with case.opened() as session:
        block = session.stream("GET", exchange.url)
        chunks = aiter((await block.__aenter__()).aiter_bytes())
        await anext(chunks)
        case.note("the session closed amid a stream that is read on")
    try:
        async with asyncio.timeout(PATIENCE):
            await anext(chunks)
    except (httpx.HTTPError, httpx.StreamError) as error:
        _has_message(error, exchange.url, "the session was closed")
    except Exception:  # noqa: BLE001 - how it ends is judged by lifecycle-session-close
        pass
    finally:
        exchange.release_all()
        with suppress(Exception):
            await block.__aexit__(None, None, None)


@check("errors-request", "redirects")
async def with_the_last_request(case: Case) -> None:
    """TooManyRedirects knows its request too."""
    path = "/again"
    case.play(to(path), path=path)
    async with case.opened(follow_redirects=True) as session:
        try:
            await call(case, session, "stream", "GET", case.tape.url + path)
        except httpx.TooManyRedirects as error:
            _has_request(error, case.tape.url + path, "a redirect to itself")
        else:
            raise Deviation("no-exception", "httpx.TooManyRedirects")


@check("errors-family", "host")
async def no_such_host(case: Case) -> None:
    """A host that no resolver can look up is a failure to connect like any other."""
    async with case.opened() as session:
        for host in ("a" * 70 + ".test", "a..test"):
            for how in CALLS:
                try:
                    got = await call(case, session, how, "GET", f"http://{host}:9/")
                except (httpx.HTTPError, httpx.InvalidURL):
                    continue
                except Exception as error:
                    raise Deviation("wrong-exception", "an httpx exception", error, host) from error
                raise Deviation("no-exception", "an httpx exception", got, host)


# Drawn answers

HEAD_PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 \r\n",
        b"HTTP/9.9 200 OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: 3, 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: deflate, identity\r\n",
        b"Content-Encoding: \xff\r\n",
        b"Content-Type: text/plain; charset=idna\r\n",
        b"Content-Type: text/plain; charset=hex\r\n",
        b"Content-Type: text/\xe9; charset=\x01\r\n",
        b": nothing\r\n",
        b" folded\r\n",
        b"X-A: \x00\r\n",
        b"\r\n",
        b"\n",
    ]
)
BODY_PIECES = st.sampled_from(
    [
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"-1\r\n",
        b"ffffffffffffffffff\r\n",
        b"\x1f\x8b\x08",
        b"\xff",
        b"a\n",
    ]
)


@searched("errors-family")
def answers_drawn(court: Court) -> None:
    """Whatever is answered, there is a response or one of httpx's exceptions."""
    begun = st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n"])
    pieces = st.lists(HEAD_PIECES, max_size=4).map(b"".join)
    bodies = st.lists(BODY_PIECES | st.binary(max_size=8), max_size=4).map(b"".join)
    wires = st.tuples(begun, pieces, st.sampled_from([b"", b"\r\n"]), bodies).map(b"".join)
    modes = st.sampled_from(["aread", "aiter_bytes", "aiter_text", "aiter_lines"])
    explore(court, st.tuples(wires, modes, st.sampled_from(["close", "reset"])), _answered)


async def _answered(case: Case, wire: bytes, mode: str, end: str) -> None:
    exchange = case.play(Reply(), Delivery("until-close", head=wire, end_wire=(end, len(wire))))
    async with case.opened(timeout=2.0) as session:
        read = await case.read(session, exchange.url, mode)
    if read.error is not None and not isinstance(read.error, httpx.HTTPError):
        raise Deviation("wrong-exception", "a kind of httpx.HTTPError", read.error)


# Connecting


@contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens, kept so while it is used."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@check("errors-connect")
async def nobody_listens(case: Case) -> None:
    """A refused connection is a ConnectError."""
    await _nobody_listens(case, says_where=False)


@check("errors-message", "connect")
async def nobody_listens_there(case: Case) -> None:
    """A refused connection says where."""
    await _nobody_listens(case, says_where=True)


async def _nobody_listens(case: Case, *, says_where: bool) -> None:
    with closed_port() as port:
        async with case.opened() as session:
            for how in CALLS:
                try:
                    await call(case, session, how, "GET", f"http://127.0.0.1:{port}/x")
                except httpx.ConnectError as error:
                    expect_message(error, ("127.0.0.1", str(port)) if says_where else ())
                except Exception as error:
                    if not says_where:
                        raise Deviation("wrong-exception", "httpx.ConnectError", error) from error
                else:
                    raise Deviation("no-exception", "httpx.ConnectError")
