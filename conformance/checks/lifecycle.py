"""Checks of chapter lifecycle: connections, iterators and sessions, from their making to their end.

What a client did with a connection is seen at the server's end: how an answer ended, and which
requests came on the same connection.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import MODES
from conformance.delivery import FRAMINGS, Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation, NotApplicable, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conformance.case import Case
    from conformance.exchange import Exchange
    from conformance.subject import Subject

PATIENCE = 2.0  # seconds in which what has to happen at once must have happened
BODY = b"data: one\n\ndata: two\n\n"
REPLY = Reply(headers=(("Content-Type", "text/event-stream"),), body=BODY)
OK = Reply(body=b"ok")
READING = ("aiter_bytes", "aiter_text", "aiter_lines", "aiter_raw")
HALF = Delivery(held=(len(BODY) // 2,))


async def left(exchange: Exchange, *, n: int = 1) -> None:
    """The client closes the connection of the nth answer."""
    try:
        how = await asyncio.to_thread(exchange.wait_end, PATIENCE, n=n)
    except TimeoutError:
        raise Deviation("leak", "the connection closed", exchange.state) from None
    if not how.startswith("client-"):
        raise Deviation("leak", "the connection closed by the client", how)


async def works(case: Case, session: Any, why: str) -> None:
    """The session makes another exchange, and gets its own answer."""
    exchange = case.tape.play(OK, Delivery("content-length"))
    try:
        async with asyncio.timeout(PATIENCE), session.stream("GET", exchange.url) as response:
            compare(b"ok", await response.aread(), f"the next request, after {why}")
    except (TimeoutError, httpx.HTTPError) as error:
        raise Deviation("leak", "an answer to the next request", error, why) from error
    finally:
        case.tape.forget(exchange)


def reuses(exchange: Exchange, why: str) -> None:
    """All requests of an exchange came over one connection."""
    got = [request.connection for request in exchange.requests]
    if len(set(got)) > 1:
        raise Deviation("wrong-value", "one connection", f"{len(set(got))} connections", why)


# Connections


@check("lifecycle-reuse")
async def read_to_the_end(case: Case) -> None:
    for framing in FRAMINGS[:2]:
        async with case.opened() as session:
            exchange = case.play(REPLY, Delivery(framing))
            for mode in (*READING, "aread"):
                await case.read(session, exchange.url, mode)
            reuses(exchange, f"responses that were read to their end, {framing}")


@check("lifecycle-reuse")
async def without_a_body(case: Case) -> None:
    async with case.opened() as session:
        exchange = case.play(Reply(204, reason="No Content"))
        for method in ("GET", "HEAD", "GET"):
            await case.read(session, exchange.url, "aread", method)
        reuses(exchange, "responses without a body")


class _Own(Exception):  # noqa: N818 - no error, but the caller's way out
    """The caller's."""


@check("lifecycle-early-exit", limit=20)
async def endless(case: Case) -> None:
    for mode in (None, *READING):
        async with case.opened() as session:
            exchange = case.play(OK, Delivery(endless=b"more and more\n" * 500))
            await _leave(case, session, exchange, mode, None)
            await left(exchange)


@check("lifecycle-early-exit")
async def by_an_exception(case: Case) -> None:
    error = _Own("the caller's own")
    async with case.opened() as session:
        exchange = case.play(REPLY, HALF)
        try:
            await _leave(case, session, exchange, "aiter_bytes", error)
        except _Own as got:
            if got is not error:
                raise Deviation("wrong-exception", error, got) from None
        else:
            raise Deviation("no-exception", error, None, "it did not pass")
        await left(exchange)


async def _leave(
    case: Case, session: Any, exchange: Exchange, mode: str | None, error: Exception | None
) -> None:
    """Read one item, or none, and leave the block."""
    try:
        async with asyncio.timeout(PATIENCE), case.stream(session, "GET", exchange.url) as response:
            if mode:
                case.did = case.did.replace("...", f"async for x in resp.{mode}(): break")
                async for _ in MODES[mode](response):
                    break
            if error is not None:
                raise error
    except TimeoutError:
        raise Deviation("hang", "the block left at once", None, f"mode {mode}") from None


@check("lifecycle-own-bytes")
async def next_answer(case: Case) -> None:
    sized = Delivery("content-length")
    for delivery in (Delivery(), HALF, sized, Delivery("content-length", held=HALF.held)):
        async with case.opened() as session:
            exchange = case.play(REPLY, delivery)
            for mode in (None, *READING):
                await _leave(case, session, exchange, mode, None)
                await works(case, session, "a response that was left early")


@check("lifecycle-stale")
async def closed_while_idle(case: Case) -> None:
    async with case.opened() as session:
        exchange = case.play(OK, Delivery("content-length"))
        for method in ("GET", "POST", "GET"):
            outcome = await case.read(session, exchange.url, "aread", method)
            if outcome.error is not None:
                note = "on a connection that the server had closed while it was idle"
                raise Deviation("crash", b"ok", outcome.error, note)
            try:
                await asyncio.to_thread(case.tape.close_idle, timeout=PATIENCE)
            except TimeoutError:
                raise NotApplicable("the session keeps no idle connection") from None
    numbers = {request.connection for request in exchange.requests}
    compare(3, len(numbers), "new connections")


@check("lifecycle-stale", "unseen")
async def closed_while_the_loop_is_held(case: Case) -> None:
    """The end has come, and the loop has not had the time to look; then there is a POST."""
    async with case.opened() as session:
        exchange = case.play(OK, Delivery("content-length"))
        for method in ("GET", "POST"):
            outcome = await case.read(session, exchange.url, "aread", method)
            if outcome.error is not None:
                note = "on a connection that the server had closed while the loop was held"
                raise Deviation("crash", b"ok", outcome.error, note)
            try:
                case.tape.close_idle(timeout=PATIENCE)  # in this thread: nothing else runs
            except TimeoutError:
                raise NotApplicable("the session keeps no idle connection") from None


@check("lifecycle-no-repeat")
async def post_without_an_answer(case: Case) -> None:
    for how in ("close", "reset"):
        for warm in (False, True):
            async with case.opened() as session:
                if warm:
                    await works(case, session, "nothing")
                exchange = case.play(OK, Delivery(end_wire=(how, 0)))
                content = b"an order"
                outcome = await case.read(session, exchange.url, "aread", "POST", content=content)
            if len(exchange.requests) != 1:
                note = "on a connection that was used before" if warm else "on a new connection"
                got = f"{len(exchange.requests)} requests"
                raise Deviation("sent-extra", "one request", got, note)
            if outcome.error is None:
                raise Deviation("no-exception", "httpx.TransportError", outcome.items)


# None is safe, nor does repeating them do the same once more (RFC 9110, 9.2.2).
CHANGING = ("PATCH", "LOCK", "CHARGE")


@check("lifecycle-no-repeat", "methods")
async def others_without_an_answer(case: Case) -> None:
    """Nor is any other request that changes something, with a content or without one."""
    for method, content in product(CHANGING, (None, b"an order")):
        async with case.opened() as session:
            await works(case, session, "nothing")
            exchange = case.play(OK, Delivery(end_wire=("close", 0)))
            outcome = await case.read(session, exchange.url, "aread", method, content=content)
        if len(exchange.requests) != 1:
            got = f"{len(exchange.requests)} requests"
            raise Deviation("sent-extra", "one request", got, f"{method}, content {content!r}")
        if outcome.error is None:
            raise Deviation("no-exception", "httpx.TransportError", outcome.items)


@check("lifecycle-concurrent")
async def interleaved(case: Case) -> None:
    bodies = [b"".join(b"%d:%d\n" % (at, line) for line in range(6)) for at in range(5)]
    # With each line comes half of the next one, which has to be kept apart as well.
    deliveries = [Delivery(held=tuple(range(6, 23, 4))) for _ in bodies]
    async with case.opened() as session, AsyncExitStack() as stack:
        played = [
            case.play(Reply(body=body), how) for body, how in zip(bodies, deliveries, strict=True)
        ]
        case.note("five streams at the same time, a line of each in turn")
        blocks = [session.stream("GET", exchange.url) for exchange in played]
        responses = [await stack.enter_async_context(block) for block in blocks]
        lines = [aiter(response.aiter_lines()) for response in responses]
        got: list[list[str]] = [[] for _ in bodies]
        for turn in range(6):
            for at in reversed(range(5)):
                if at == 1 and turn == 3:
                    await responses[1].aclose()
                if at == 1 and turn >= 3:
                    continue
                got[at].append(await anext(lines[at]))
                played[at].release()
        for at in (0, 2, 3, 4):
            compare(bodies[at].decode().splitlines(), got[at], f"stream {at} of five")
        compare(["1:0", "1:1", "1:2"], got[1], "stream 1 of five")


@check("lifecycle-open-streams", limit=20)
async def many(case: Case) -> None:
    most = 110
    async with case.opened(timeout=3.0) as session, AsyncExitStack() as stack:
        exchange = case.play(REPLY, HALF)
        case.note(f"{most} streams at the same time")
        for at in range(most):
            try:
                await stack.enter_async_context(session.stream("GET", exchange.url))
            except httpx.HTTPError as error:
                note = f"{at} streams were open"
                raise Deviation("wrong-exception", f"{most} open streams", error, note) from error


# Iterators, tasks and loops


@asynccontextmanager
async def watched_generators() -> AsyncIterator[list[str]]:
    """The names of the async generators that the garbage collector has to end meanwhile."""
    found: list[str] = []
    hooks = sys.get_asyncgen_hooks()

    def finalizer(generator: Any) -> None:
        found.append(generator.__qualname__)
        if hooks.finalizer is not None:
            hooks.finalizer(generator)

    gc.collect()
    sys.set_asyncgen_hooks(firstiter=hooks.firstiter, finalizer=finalizer)
    try:
        yield found
        gc.collect()
        await asyncio.sleep(0)
    finally:
        sys.set_asyncgen_hooks(*hooks)


@check("lifecycle-generators")
async def breaking_out(case: Case) -> None:
    async with watched_generators() as found, case.opened() as session:
        for mode in READING:
            exchange = case.play(REPLY, HALF)
            await _leave(case, session, exchange, mode, None)
    if found:
        raise Deviation("leak", "no generator for the garbage collector", found)


@check("lifecycle-dropped")
async def half_read(case: Case) -> None:
    for mode in READING:
        async with case.opened() as session:
            exchange = case.play(REPLY, HALF)
            case.note(f"items = resp.{mode}(); await anext(items); del items")
            async with session.stream("GET", exchange.url) as response:
                items = aiter(MODES[mode](response))
                await anext(items)
                del items
                gc.collect(0)
                await asyncio.sleep(0)
            await left(exchange)
            await works(case, session, "an iterator that was dropped")


async def _apart(awaitable: Awaitable[Any]) -> Any:
    """What an awaitable gives in a task of its own."""

    async def run() -> Any:
        return await awaitable

    return await asyncio.get_running_loop().create_task(run())


@check("lifecycle-tasks")
async def one_task_each(case: Case) -> None:
    async with case.opened() as session:
        for delivery, amid in ((Delivery(), False), (HALF, True)):
            exchange = case.play(REPLY, delivery)
            case.note("the block entered, the body read, and the block left, each in its own task")
            block = session.stream("GET", exchange.url)
            response = await _apart(block.__aenter__())
            items = aiter(response.aiter_bytes())
            got = await _apart(anext(items))
            if not amid:
                got += b"".join([part async for part in items])
                compare(BODY, got)
            await _apart(block.__aexit__(None, None, None))
            if amid:
                await left(exchange)
            await works(case, session, "a block that another task left")


@check("lifecycle-loops")
async def opened_again(case: Case) -> None:
    session = case.session()
    exchange = case.play(OK, Delivery("content-length"))

    async def use() -> bytes:
        async with session, session.stream("GET", exchange.url) as response:
            return bytes(await response.aread())

    case.note("one session, opened and closed in this event loop, and twice in new ones")

    def use_apart() -> bytes:
        return asyncio.run(use())

    for turn in range(4):
        try:
            compare(b"ok", await (use() if turn < 2 else asyncio.to_thread(use_apart)))
        except (RuntimeError, httpx.HTTPError) as error:
            raise Deviation("crash", b"ok", error, "the session was opened anew") from error


@check("lifecycle-session-close")
async def amid_a_stream(case: Case) -> None:
    exchange = case.play(REPLY, HALF)
    idle = case.play(OK, Delivery("content-length"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(case.session())
        blocks = [session.stream("GET", exchange.url) for _ in range(2)]
        streams = [aiter((await block.__aenter__()).aiter_bytes()) for block in blocks]
        await case.read(session, idle.url, "aread")
        case.note("the session closed amid two streams, one of which a task is reading")
        for items in streams:
            await anext(items)
        waiting = asyncio.ensure_future(anext(streams[0]))
        await asyncio.sleep(0)
    await _ends_in_an_error(waiting)
    await _ends_in_an_error(anext(streams[1]))
    for block in blocks:
        await block.__aexit__(None, None, None)
    await left(exchange, n=1)
    await left(exchange, n=2)
    await _none_open(case)


async def _ends_in_an_error(reading: Awaitable[bytes]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            got = await reading
    except (httpx.HTTPError, httpx.StreamError):
        return
    except TimeoutError:
        raise Deviation("hang", "an httpx exception", None) from None
    except Exception as error:
        raise Deviation("wrong-exception", "an httpx exception", error) from error
    else:
        raise Deviation("no-exception", "an httpx exception", got)


async def _none_open(case: Case) -> None:
    try:
        await asyncio.to_thread(case.tape.wait_open, 0, PATIENCE)
    except TimeoutError:
        got = f"{case.tape.open_connections} open connections"
        raise Deviation("leak", "no open connection", got) from None


# The loop

BEATS = 5
BLOCKED = 0.3  # seconds of this thread's time without a beat


@check("lifecycle-heartbeat")
async def while_the_server_waits(case: Case) -> None:
    for mode in (*READING, "aread"):
        async with case.opened() as session:
            exchange = case.play(REPLY, HALF)
            beats = 0

            async def beat(exchange: Exchange = exchange) -> None:
                nonlocal beats
                await asyncio.to_thread(exchange.wait_held)
                while beats < BEATS:
                    await asyncio.sleep(0.01)
                    beats += 1
                exchange.release()

            late = threading.Timer(1.0, exchange.release_all)
            late.start()
            heart = asyncio.ensure_future(beat())
            await case.read(session, exchange.url, mode)
            late.cancel()
            heart.cancel()
        if beats < BEATS:
            raise Deviation("hang", f"{BEATS} beats", f"{beats} beats", "while the server waited")


async def _longest_gap(read: Callable[[], Awaitable[Any]]) -> float:
    """The longest time of this thread in which no other task got its turn."""
    gap, last = 0.0, time.thread_time()

    async def beat() -> None:
        nonlocal gap, last
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            gap, last = max(gap, now - last), now

    heart = asyncio.ensure_future(beat())
    try:
        await asyncio.sleep(0)
        await read()
        await asyncio.sleep(0)
    finally:
        heart.cancel()
    return gap


@check("lifecycle-heartbeat", limit=30, heavy=True)
async def while_much_is_read(case: Case) -> None:
    size = 4 << 20
    for body in (b"x" * size, b"a line of a log, no longer than that\n" * (size // 37)):
        for mode in (*READING, "aread"):
            async with case.opened() as session:
                exchange = case.play(Reply(body=body), Delivery("content-length"))
                gap = await _longest_gap(lambda: case.read(session, exchange.url, mode))  # noqa: B023 - awaited in this turn
            _not_blocked(gap, f"mode {mode}")


LINES = b"a\n" * (5 << 20)  # a few kilobytes under gzip, and work for seconds


@check("lifecycle-heartbeat", "decoded", limit=60, heavy=True)
async def while_little_becomes_much(case: Case) -> None:
    """What a few kilobytes unfold to is given in turns."""
    async with case.opened(timeout=30.0) as session:
        exchange = case.play(Reply(body=LINES), Delivery("content-length", codings=("gzip",)))
        case.note("async for line in resp.aiter_lines(): five million of them, under gzip")
        async with session.stream("GET", exchange.url) as response:
            gap = await _longest_gap(lambda: _gone_over(response))
    _not_blocked(gap, "under gzip")


@check("lifecycle-heartbeat", "in-memory", limit=60, heavy=True)
async def while_it_is_read_again(case: Case) -> None:
    """A body that is in memory is given in turns as well."""
    async with case.opened(timeout=30.0) as session:
        exchange = case.play(Reply(body=LINES), Delivery("content-length"))
        case.note("await resp.aread(); async for line in resp.aiter_lines(): five million of them")
        async with session.stream("GET", exchange.url) as response:
            await response.aread()
            gap = await _longest_gap(lambda: _gone_over(response))
    _not_blocked(gap, "from memory")


async def _gone_over(response: Any) -> None:
    """Read the lines, and keep none; that they come whole is for other rules to judge."""
    with suppress(httpx.HTTPError):
        async for _ in response.aiter_lines():
            pass


def _not_blocked(gap: float, how: str) -> None:
    if gap > BLOCKED:
        got = f"{gap:.2f} s in which no other task ran, {how}"
        raise Deviation("hang", f"less than {BLOCKED:g} s", got)


# A whole program


@check("lifecycle-quiet", limit=60)
async def in_a_process_of_its_own(case: Case) -> None:
    answers = [
        case.play(REPLY),
        case.play(OK, Delivery(endless=b"more and more\n" * 50)),
        case.play(REPLY, Delivery("content-length", end=("close", 12))),
        case.tape.silent(),
    ]
    name = importable(case.subject)
    urls = [exchange.url for exchange in answers]
    case.note("python -X dev -W error: streams that are read, left, cut, cancelled and closed")
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "conformance.quiet", name, *urls]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, env=environment, timeout=30
        )
    except subprocess.TimeoutExpired:
        raise Deviation("hang", "the end of the program", None) from None
    finally:
        case.tape.forget(answers[-1])
    if not done.stdout.startswith("imported"):
        raise NotApplicable(f"{name} cannot be imported with warnings as errors: {done.stderr}")
    if done.stderr or done.returncode:
        lines = done.stderr.splitlines()
        note = f"the last of {len(lines)} lines on stderr; exit code {done.returncode}"
        raise Deviation("extra", "nothing on stderr", lines[-1] if lines else "", note)


def importable(subject: Subject) -> str:
    """The name by which another process can import the session class."""
    if ":" in subject.name:
        return subject.name
    return f"{subject.make.__module__}:{subject.make.__qualname__}"
