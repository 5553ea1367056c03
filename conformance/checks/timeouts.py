"""Checks of chapter timeouts: each of the four waits, and what is no wait.

Time is measured from below only: a wait may end late on a slow machine, never early. What each
wait is for is made so that it cannot come: a server that holds back, a listener whose queue is
full, a peer that does not read, a pool whose one connection is in use.
"""

from __future__ import annotations

import asyncio
import math
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx

from conformance.checks.errors import closed_port
from conformance.checks.session import CALLS, LENGTH, call, to, together
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, NotApplicable, compare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from conformance.case import Case

SHORT = 0.3  # seconds: the timeout of what must time out
LIMIT = 3.0  # seconds in which it must have done so: wide, for slow machines
EARLY = 0.9  # of the timeout: clocks differ a little
AMID = Delivery("chunked", held=(3,))  # silence amid the body
UPLOAD = 16 << 20  # bytes: more than the buffers on both sides hold


async def times_out(wait: Awaitable[object], kind: type[Exception], what: str) -> None:
    """The wait ends in a kind of this exception, after the timeout and not before."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT):
            got = await wait
    except kind as error:
        waited = time.monotonic() - began
        if waited < EARLY * SHORT:
            raise Deviation("wrong-value", f"{SHORT} s", f"{waited:.2f} s", what) from error
    except httpx.HTTPError as error:
        raise Deviation("wrong-exception", f"httpx.{kind.__name__}", error, what) from error
    except TimeoutError:
        raise Deviation("hang", f"httpx.{kind.__name__} after {SHORT} s", None, what) from None
    else:
        raise Deviation("no-exception", f"httpx.{kind.__name__} after {SHORT} s", got, what)


@check("timeouts-silence")
async def silence(case: Case) -> None:
    """Before the head and amid the body, through `stream()` and through a verb."""
    await _silence(case, httpx.TimeoutException)


@check("timeouts-named", "read")
async def silence_named(case: Case) -> None:
    """Silence before the head and amid the body is the read's."""
    await _silence(case, httpx.ReadTimeout)


async def _silence(case: Case, kind: type[Exception]) -> None:
    exchanges = [case.tape.silent(Reply()), case.play(Reply(body=b"one two"), AMID)]
    async with case.opened() as session:
        given = {"timeout": SHORT}
        case.note(f"session.stream('GET', url, timeout={SHORT}), the server falling silent")
        waits = [
            times_out(call(case, session, how, "GET", exchange.url, **given), kind, where)
            for exchange, where in zip(exchanges, ("before the head", "amid the body"), strict=True)
            for how in CALLS
        ]
        try:
            await together(*waits)
        finally:
            exchanges[0].release_all()
            case.tape.forget(exchanges[0])


@check("timeouts-silence", "redirected")
async def silence_where_it_leads(case: Case) -> None:
    """What a redirect leads to falls silent: the timeout is in force there as well."""
    if not case.subject.takes("follow_redirects"):
        raise NotApplicable("the session follows no redirects")
    kind = httpx.TimeoutException
    targets = [case.tape.silent(Reply()), case.play(Reply(body=b"one two"), AMID)]
    try:
        for own in (True, False):
            named = {} if own else {"timeout": SHORT}
            seconds = SHORT if own else 60.0
            async with case.opened(follow_redirects=True, timeout=seconds) as session:
                waits = [
                    times_out(
                        call(case, session, how, "GET", case.play(to(target.path)).url, **named),
                        kind,
                        "behind a redirect",
                    )
                    for target in targets
                    for how in CALLS
                ]
                await together(*waits)
    finally:
        targets[0].release_all()
        case.tape.forget(targets[0])


VERBS = ("get", "head", "options", "delete", "post", "put", "patch")


@check("timeouts-request", "verbs")
async def through_each_verb(case: Case) -> None:
    """A call's timeout takes the place of the session's in every verb that there is."""
    silent, kind = case.tape.silent(Reply()), httpx.TimeoutException
    async with case.opened(timeout=60.0) as session:
        case.note(f"session.get(url, timeout={SHORT}) and the other verbs, the server silent")
        waits = [
            times_out(getattr(session, verb)(silent.url, timeout=SHORT), kind, verb)
            for verb in VERBS
            if hasattr(session, verb)
        ]
        try:
            await together(*waits)
        finally:
            silent.release_all()
            case.tape.forget(silent)


@check("timeouts-not-total")
async def longer_than_the_timeout(case: Case) -> None:
    """A stream of many small waits."""
    async with case.opened(timeout=0.5) as session:
        await _trickle(case, session)


@check("timeouts-caller")
async def slow_between_two_reads(case: Case) -> None:
    """A caller who is slow, while the server says nothing."""
    async with case.opened(timeout=0.5) as session:
        await _slow_caller(case, session)


async def _trickle(case: Case, session: Any) -> None:
    """Eight gaps of a tenth of a second, in all longer than the timeout."""
    exchange = case.play(Reply(body=b"12345678"), Delivery("chunked", held=tuple(range(1, 8))))
    got = b""
    async with case.stream(session, "GET", exchange.url) as response:
        async for chunk in response.aiter_bytes():
            got += chunk
            await _later(exchange.release, 0.1)
    compare(b"12345678", got, "a stream that keeps sending")


async def _slow_caller(case: Case, session: Any) -> None:
    """Longer than the timeout between two reads, then a wait that is shorter."""
    exchange = case.play(Reply(body=b"one two"), Delivery("chunked", held=(3,)))
    async with case.stream(session, "GET", exchange.url) as response:
        chunks = aiter(response.aiter_bytes())
        got = await anext(chunks)
        await asyncio.sleep(0.7)
        await _later(exchange.release_all, 0.1)
        async for chunk in chunks:
            got += chunk
    compare(b"one two", got, "a caller who takes his time")


async def _later(act: Any, seconds: float) -> None:
    """Have it done in so many seconds, without waiting for it."""
    asyncio.get_running_loop().call_later(seconds, act)


@contextmanager
def full_listener() -> Iterator[str]:
    """The address of a listener that answers no further SYN, because its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(16):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.05)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
            except OSError as error:
                raise NotApplicable(f"this system refuses where others wait: {error}") from error
        else:
            raise NotApplicable("on this system a full queue still takes connections")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@check("timeouts-refused")
async def never_without_end(case: Case) -> None:
    """Negative, or nan, given to the constructor or to the call, and the server says nothing."""
    wrong = (-1, -0.5, -math.inf, math.nan)
    await together(
        *(_ends(case.apart(), seconds, own=own) for seconds in wrong for own in (False, True))
    )


async def _ends(case: Case, seconds: float, *, own: bool) -> None:
    exchange = case.tape.silent(Reply())
    where = f"timeout={seconds} in the {'constructor' if own else 'call'}"
    given = {"timeout": seconds}
    try:
        async with asyncio.timeout(LIMIT) as limit:
            async with case.opened(**(given if own else {"timeout": 30.0})) as session:
                named = {} if own else given
                got = await call(case, session, "stream", "GET", exchange.url, **named)
    except Exception as error:
        if limit.expired():
            raise Deviation("hang", "an exception", None, where) from error
    else:
        raise Deviation("no-exception", "an exception", got, where)
    finally:
        exchange.release_all()
        case.tape.forget(exchange)


@check("timeouts-connect")
async def no_connection(case: Case) -> None:
    """A listener whose queue is full lets nobody connect."""
    await _no_connection(case, httpx.TimeoutException)


@check("timeouts-named", "connect")
async def no_connection_named(case: Case) -> None:
    """What was never connected is the connection's."""
    await _no_connection(case, httpx.ConnectTimeout)


async def _no_connection(case: Case, kind: type[Exception]) -> None:
    with full_listener() as url:
        async with case.opened() as session:
            wait = call(case, session, "stream", "GET", url, timeout=SHORT)
            await times_out(wait, kind, "a connection that is not made")


@check("timeouts-write")
async def nobody_reads(case: Case) -> None:
    """The server takes the head and then reads no more."""
    await _nobody_reads(case, httpx.TimeoutException)


@check("timeouts-named", "write")
async def nobody_reads_named(case: Case) -> None:
    """What cannot be written is the write's."""
    await _nobody_reads(case, httpx.WriteTimeout)


async def _nobody_reads(case: Case, kind: type[Exception]) -> None:
    exchange = case.play(Reply(body=b"ok"), read="held")
    async with case.opened() as session:
        case.note(f"session.stream('POST', url, content=bytes({UPLOAD})), nobody reading")
        async with asyncio.timeout(2 * LIMIT):
            await times_out(_upload(session, exchange.url), kind, "a stuck upload")


async def _upload(session: Any, url: str) -> None:
    async with session.stream("POST", url, content=bytes(UPLOAD), timeout=SHORT):
        pass


@check("timeouts-pool")
async def pool_in_use(case: Case) -> None:
    """With every connection in use a call waits for the timeout; later there is room again."""
    await _pool_in_use(case, httpx.TimeoutException)


@check("timeouts-named", "pool")
async def pool_in_use_named(case: Case) -> None:
    """What waited for a connection of the pool's is the pool's."""
    await _pool_in_use(case, httpx.PoolTimeout)


async def _pool_in_use(case: Case, kind: type[Exception]) -> None:
    for size in (1, 2):
        async with case.opened(limits=httpx.Limits(max_connections=size)) as session:
            held = [case.play(Reply(body=b"later"), Delivery(held=(2,))) for _ in range(size)]
            streams = [session.stream("GET", exchange.url) for exchange in held]
            responses = [await stream.__aenter__() for stream in streams]
            try:
                url = case.play(Reply(body=b"ok"), LENGTH).url
                full = f"max_connections={size}, all in use"
                for _ in range(2):
                    wait = call(case, session, "stream", "GET", url, timeout=SHORT)
                    await times_out(wait, kind, full)
            finally:
                for exchange in held:
                    exchange.release_all()
                for stream, response in zip(streams, responses, strict=True):
                    await response.aread()
                    await stream.__aexit__(None, None, None)
            await _room_for(case, session, size)


@check("timeouts-pool", "refused")
async def refused_connections(case: Case) -> None:
    """Connections that nobody takes leave the only place in the pool to the next call."""
    async with case.opened(limits=httpx.Limits(max_connections=1), timeout=SHORT) as session:
        with closed_port() as port:
            for _ in range(3):
                with suppress(Exception):
                    await call(case, session, "stream", "GET", f"http://127.0.0.1:{port}/x")
        url = case.play(Reply(body=b"ok"), LENGTH).url
        try:
            response = await call(case, session, "stream", "GET", url, timeout=LIMIT)
        except httpx.TimeoutException as error:
            note = "after three connections that were refused"
            raise Deviation("leak", "an answer to the next request", error, note) from error
        compare(b"ok", response.content, "the answer to the next request")


async def _room_for(case: Case, session: Any, size: int) -> None:
    """So many streams can be open at once again: no place was lost with an error."""
    exchanges = [case.play(Reply(body=b"ok"), Delivery(held=(1,))) for _ in range(size)]
    async with asyncio.timeout(LIMIT):
        streams = [session.stream("GET", exchange.url) for exchange in exchanges]
        responses = [await stream.__aenter__() for stream in streams]
        for exchange in exchanges:
            exchange.release_all()
        for stream, response in zip(streams, responses, strict=True):
            await response.aread()
            await stream.__aexit__(None, None, None)
