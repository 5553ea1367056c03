"""Checks of chapter lifecycle: calls that are cancelled, at every point of their way.

A session with one place in its pool tells whether the place came back: the next request gets an
answer, or waits for a place that is never free. A client without `limits` shows it at the server's
end alone: no connection is left busy.
"""

from __future__ import annotations

import asyncio
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import MODES
from conformance.checks.lifecycle import BODY, HALF, OK, PATIENCE, READING, REPLY, left, works
from conformance.delivery import Delivery
from conformance.registry import check
from conformance.verdicts import Deviation, NotApplicable, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.case import Case
    from conformance.exchange import Exchange

TURNS = 30  # of the loop: more than a call takes from its beginning to the server
CLOSING = 4  # turns between a first cancellation and a second


def one_place(case: Case) -> dict[str, Any]:
    """The arguments of a session with one place in its pool, if it can have that."""
    limits = httpx.Limits(max_connections=1)
    return {"limits": limits} if case.subject.takes("limits") else {}


async def turns(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def cancelled(task: asyncio.Task[object], why: str, *, again: int | None = None) -> None:
    """Cancel a task, once more after so many turns; it raises just that, if it has not ended."""
    task.cancel()
    if again is not None:
        await turns(again)
        task.cancel()
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        raise Deviation("hang", "asyncio.CancelledError", None, why)
    if not task.cancelled() and task.exception() is not None:
        raise Deviation("wrong-exception", "asyncio.CancelledError", task.exception(), why)


async def nothing_left(case: Case, session: Any, why: str) -> None:
    """No connection is busy, and the pool has its place."""
    try:
        await asyncio.to_thread(case.tape.wait_quiet, PATIENCE)
    except TimeoutError:
        busy = f"{case.tape.open_connections - case.tape.idle_connections} that are busy"
        raise Deviation("leak", "every connection idle or closed", busy, why) from None
    await works(case, session, why)


async def _read(session: Any, exchange: Exchange) -> object:
    async with session.stream("GET", exchange.url) as response:
        return await response.aread()


async def _at_every_turn(case: Case, again: int | None = None) -> None:
    """Cancel a call after one turn of the loop, after two, and so on."""
    exchange = case.play(REPLY, HALF)
    async with case.opened(**one_place(case)) as session:
        for count in range(TURNS):
            why = f"cancelled after {count} turns of the loop"
            task = asyncio.ensure_future(_read(session, exchange))
            await turns(count)
            await cancelled(task, why, again=again)
            await nothing_left(case, session, why)


async def _amid(case: Case, delivery: Delivery, why: str, again: int | None = None) -> None:
    """Cancel a call while it waits for the server."""
    async with case.opened(**one_place(case)) as session:
        for count in range(3):
            exchange = case.play(REPLY, delivery)
            task = asyncio.ensure_future(_read(session, exchange))
            await asyncio.to_thread(exchange.wait_held)
            await turns(5 * count)
            await cancelled(task, why, again=again)
            await nothing_left(case, session, why)


@check("lifecycle-cancel", limit=20)
async def at_every_turn(case: Case) -> None:
    case.note("a call, cancelled after so many turns of the loop")
    await _at_every_turn(case)


@check("lifecycle-cancel")
async def before_the_head(case: Case) -> None:
    case.note("a call, cancelled while it waits for the head")
    await _amid(case, Delivery(silent=True), "cancelled while waiting for the head")


@check("lifecycle-cancel")
async def amid_the_body(case: Case) -> None:
    case.note("a call, cancelled while it waits for more of the body")
    await _amid(case, HALF, "cancelled while waiting for the body")


@check("lifecycle-cancel")
async def by_a_timeout(case: Case) -> None:
    case.note("async with asyncio.timeout(0.02): a call")
    async with case.opened(**one_place(case)) as session:
        for delivery in (Delivery(silent=True), HALF):
            exchange = case.play(REPLY, delivery)
            try:
                async with asyncio.timeout(0.02):
                    await _read(session, exchange)
            except TimeoutError:
                pass
            except Exception as error:
                raise Deviation("wrong-exception", "TimeoutError", error) from error
            else:
                raise Deviation("no-exception", "TimeoutError", None)
            await nothing_left(case, session, "ended by asyncio.timeout()")


@check("lifecycle-cancel", "verbs")
async def through_a_verb(case: Case) -> None:
    """A verb that is cancelled amid the body leaves as little behind as a block."""
    async with case.opened(**one_place(case)) as session:
        for verb in ("get", "post", "delete"):
            case.note(f"session.{verb}(url), cancelled while it waits for more of the body")
            exchange = case.play(REPLY, HALF)
            task = asyncio.ensure_future(getattr(session, verb)(exchange.url))
            await asyncio.to_thread(exchange.wait_held)
            await turns(5)
            await cancelled(task, f"{verb}() cancelled while waiting for the body")
            await left(exchange)
            await nothing_left(case, session, f"{verb}() was cancelled")


@check("lifecycle-cancel", "read-on")
async def read_on(case: Case) -> None:
    """After a read that was cancelled comes the rest, or an error: half a body is no whole one."""
    for mode, by_timeout in product(READING, (True, False)):
        async with case.opened(**one_place(case)) as session:
            exchange = case.play(REPLY, HALF)
            case.note(
                f"items = resp.{mode}(); await wait_for(anext(items), ...); await anext(items)"
            )
            async with session.stream("GET", exchange.url) as response:
                items = aiter(MODES[mode](response))
                got = [await anext(items)]
                await asyncio.to_thread(exchange.wait_held)
                await _cut_off(items, got, by_timeout=by_timeout)
                exchange.release_all()
                await _rest(items, got, mode)
            await nothing_left(case, session, "a read that was cancelled")


async def _cut_off(items: AsyncIterator[Any], got: list[Any], *, by_timeout: bool) -> None:
    """Cancel a read for which there is nothing yet; an item that did come is kept."""
    while True:
        task = asyncio.ensure_future(_next(items))
        if by_timeout:
            await asyncio.wait([task], timeout=0.02)
        else:
            await turns(TURNS)
        if not task.done():
            return await cancelled(task, "a read that waits for more")
        got.append(task.result())


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items)


async def _rest(items: AsyncIterator[Any], got: list[Any], mode: str) -> None:
    whole = BODY.decode() if mode == "aiter_text" else BODY
    if mode == "aiter_lines":
        whole = BODY.decode().replace("\n", "")
    try:
        async with asyncio.timeout(PATIENCE):
            async for item in items:
                got.append(item)
    except (httpx.HTTPError, httpx.StreamError):
        return  # it says that there is more
    except Exception as error:
        what = "the rest, or an httpx exception"
        raise Deviation("wrong-exception", what, error, f"read on by {mode}") from error
    compare(whole, type(whole)().join(got), f"what {mode} gives with a cancelled read in between")


@check("lifecycle-double-cancel", limit=20)
async def twice(case: Case) -> None:
    case.note("a call, cancelled twice")
    for again in range(CLOSING):
        await _amid(case, Delivery(silent=True), f"cancelled again after {again} turns", again)
        await _amid(case, HALF, f"cancelled again after {again} turns", again)


@check("lifecycle-double-cancel", limit=20)
async def twice_at_every_turn(case: Case) -> None:
    case.note("a call, cancelled after so many turns of the loop, and again one turn later")
    await _at_every_turn(case, again=1)


def _needs_limits(case: Case) -> None:
    if not case.subject.takes("limits"):
        raise NotApplicable("the session takes no limits: nobody waits for a place")


@check("lifecycle-cancel-waiting", limit=20)
async def while_waiting(case: Case) -> None:
    _needs_limits(case)
    case.note("a call, cancelled while it waits for the only place in the pool")
    async with case.opened(**one_place(case)) as session:
        exchange = case.play(REPLY, HALF)
        async with session.stream("GET", exchange.url):
            waiting = [asyncio.ensure_future(_read(session, exchange)) for _ in range(3)]
            await turns(TURNS)
            for task in waiting:
                await cancelled(task, "cancelled while waiting for a place")
        await nothing_left(case, session, "others were cancelled while waiting for a place")


@check("lifecycle-cancel-waiting", limit=20)
async def just_given_one(case: Case) -> None:
    _needs_limits(case)
    case.note("a call, cancelled so many turns after the only place in the pool became free")
    for count in range(10):
        why = f"cancelled {count} turns after the place became free"
        async with case.opened(**one_place(case)) as session:
            first, answer = case.play(REPLY, HALF), case.play(OK, Delivery("content-length"))
            block = session.stream("GET", first.url)
            await block.__aenter__()
            given, next_one = (asyncio.ensure_future(_read(session, answer)) for _ in range(2))
            await turns(TURNS)
            await block.__aexit__(None, None, None)
            await turns(count)
            await cancelled(given, why)
            try:
                async with asyncio.timeout(PATIENCE):
                    await next_one
            except (TimeoutError, httpx.HTTPError) as error:
                note = f"{why}; another call was waiting, too"
                raise Deviation("leak", "the place given to the next", error, note) from error
            await nothing_left(case, session, why)
