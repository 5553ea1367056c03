"""Checks of chapter security: which calls are guarded, and what makes exceptions to the guard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import expect_error, is_error
from conformance.checks.eventsource import source
from conformance.checks.security import (
    BLOCKED,
    OK,
    PATIENCE,
    PUBLIC,
    Allowing,
    denied,
    granted,
    host_of,
    only_allowed,
)
from conformance.checks.session import CALLS, LENGTH, call, refused, to
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.tape import Tape
from conformance.verdicts import Deviation, compare
from conformance.world import World, has_ipv6

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.exchange import Exchange

# Calls

VERBS = ("get", "head", "options", "delete", "post", "put", "patch")


@check("security-calls")
async def every_call(case: Case) -> None:
    """Each way to make a request is refused, and connects to nothing."""
    url = case.play(OK, LENGTH).url
    async with case.opened(security=True) as session:
        verbs = [verb for verb in VERBS if hasattr(session, verb)]
        for how in (*CALLS, *verbs):

            async def act(how: str = how) -> object:
                if how in CALLS:
                    return await call(case, session, how, "GET", url)
                case.note(f"await session.{how}({url!r})")
                return await getattr(session, how)(url)

            await refused(case, ["ConnectError"], act)
        for method in ("POST", "PROPFIND"):

            async def send(method: str = method) -> object:
                return await call(case, session, "stream", method, url, content=b"x")

            await refused(case, ["ConnectError"], send)


@check("security-redirects")
async def every_hop(case: Case) -> None:
    """An allowed server redirects to one that is not: by address, by name, after some hops."""
    with World(case.tape) as world:
        await world.sees(case)
        for inner in (*map(host_of, BLOCKED), "localhost", world.name(["10.0.0.1"])):
            for status in (302, 307):
                start = world.name([PUBLIC[0]])
                last = case.play(to(f"http://{inner}/secret", status), LENGTH)
                exchange = case.play(to(last.path), LENGTH)
                await _hop_is_denied(case, world, f"http://{start}{exchange.path}")


async def _hop_is_denied(case: Case, world: World, url: str) -> None:
    try:
        async with case.opened(security=True, follow_redirects=True) as session:
            got = await call(case, session, "request", "GET", url)
    except httpx.ConnectError:
        only_allowed(world, url)
    except httpx.HTTPError as error:
        raise Deviation("wrong-exception", "httpx.ConnectError", error) from error
    else:
        raise Deviation("no-exception", "httpx.ConnectError", got.content)


@check("security-final")
async def no_second_try(case: Case) -> None:
    """A stream of events that would reconnect raises at once, where there are such streams."""
    url = case.play(OK, LENGTH).url
    session = case.session(security=True)
    events_of = source(session)
    case.note(f"async with session.events({url!r}) as events: ...")
    connections = case.tape.connections
    try:
        async with asyncio.timeout(PATIENCE), session, events_of(url) as events:
            async for event in events:
                raise Deviation("extra", [], event)
    except TimeoutError:
        raise Deviation("hang", "httpx.ConnectError", None, "it is tried again") from None
    except httpx.HTTPError as error:
        if not is_error(error, ["ConnectError"]):
            raise Deviation("wrong-exception", "httpx.ConnectError", error) from error
    else:
        raise Deviation("no-exception", "httpx.ConnectError", None)
    compare(connections, case.tape.connections, "connections")


@check("security-message")
async def says_what(case: Case) -> None:
    """Host and address are in the message, whichever of them the caller wrote."""
    with World(case.tape) as world:
        await world.sees(case)
        for address in BLOCKED:
            for host in (address, world.name([address])):
                await denied(case, world, f"http://{host_of(host)}/", host, address)


# Exceptions


@check("security-allow")
async def just_these(case: Case) -> None:
    """Networks and addresses open what they have, and their neighbours stay shut."""
    networks = Allowing(("10.1.0.0/16", "169.254.169.254", "fd00:1::/32"))
    inside = ["10.1.0.0", "10.1.255.255", "169.254.169.254"]
    inside += ["fd00:1::5"] if has_ipv6() else []
    outside = ("10.0.255.255", "10.2.0.0", "169.254.169.253", "127.0.0.1", "fd00:2::1", "::1")
    with World(case.tape) as world:
        await world.sees(case)
        for address in inside:
            for host in (host_of(address), world.name([address])):
                await granted(case, world, f"http://{host}", address, security=networks)
        for address in outside:
            for host in (host_of(address), world.name([address])):
                await denied(case, world, f"http://{host}/", security=networks)
        await granted(case, world, f"http://{PUBLIC[0]}", PUBLIC[0], security=networks)
        mixed = world.name(["10.2.0.1", "10.1.0.1"])
        await granted(case, world, f"http://{mixed}", "10.1.0.1", security=networks)


@check("security-allow", "here")
async def opens_the_tape(case: Case) -> None:
    """With 127.0.0.1 allowed the tape can be reached, its neighbour cannot."""
    exchange = case.play(OK, LENGTH)
    async with case.opened(security=Allowing()) as session:
        for how in CALLS:
            response = await call(case, session, how, "GET", exchange.url)
            compare(b"ok", response.content, "what the tape answers")
    for host in ("127.0.0.2", "127.1.0.1", "0.0.0.0"):
        await denied(case, None, f"http://{host}:{case.tape.port}/", security=Allowing())


@check("security-allow-names")
async def just_this_name(case: Case) -> None:
    """A name opens itself in any case, and nothing that looks like it, nor its address."""
    with World(case.tape) as world:
        await world.sees(case)
        name = world.name(["10.0.0.1"])
        allowing = Allowing((name,))
        for host in (name, name.upper()):
            await granted(case, world, f"http://{host}", "10.0.0.1", security=allowing)
        for host in (f"www.{name}", f"{name}.evil.test", f"x{name}", "example.test"):
            world.names[host] = [["10.0.0.1"]]
            await denied(case, world, f"http://{host}/", security=allowing)
        for host in ("10.0.0.1", world.name(["10.0.0.1"])):
            await denied(case, world, f"http://{host}/", security=allowing)


@check("security-off")
async def everything_is_open(case: Case) -> None:
    """With False every address is connected to, and the session's headers go to any origin."""
    six = has_ipv6()
    with World(case.tape) as world:
        await world.sees(case)
        for address in BLOCKED:
            if six or ":" not in address:
                await granted(case, world, f"http://{host_of(address)}", address, security=False)
    headers = {"Authorization": "Bearer s", "X-Api-Key": "k", "Cookie": "a=b"}
    with Tape() as other:
        exchange = other.play(OK, LENGTH)
        async with case.opened(base_url=case.tape.url, headers=headers) as session:
            for how in CALLS:
                await call(case, session, how, "GET", exchange.url)
        for request in exchange.requests:
            if lost := [name for name in headers if not request.values(name)]:
                raise Deviation("sent-wrong", list(headers), lost, "headers that did not go out")


@check("security-argument")
async def strange_arguments(case: Case) -> None:
    """What is no setting, or has an exception that is none, is refused by the constructor."""
    strange: tuple[Any, ...] = ("off", 7, object(), [], Allowing("10.0.0.1"))
    entries = ("10.0.0.0/33", "10.0.0.1/8 ", 8, "http://intern.test", "")
    for value in (*strange, *(Allowing((entry,)) for entry in entries)):
        case.note(f"AsyncSession(security={value!r})")
        try:
            case.session(security=value)
        except (ValueError, TypeError):
            continue
        raise Deviation("no-exception", "ValueError or TypeError", None, f"security={value!r}")


@check("security-checks-stay")
async def checks_stay(case: Case) -> None:
    """Bad headers are refused, and a body that was cut short is one, guarded or not."""
    short = Delivery("content-length", end=("close", 4))
    for security in (Allowing(), False):
        exchange = case.play(Reply(body=b"0123456789"), short)
        async with case.opened(security=security) as session:
            outcome = await case.read(session, exchange.url, "aiter_bytes")
            expect_error(outcome, ["RemoteProtocolError"])
            bad = {"X-Bad": "a\0b"}

            async def act(
                session: Any = session, exchange: Exchange = exchange, bad: Any = bad
            ) -> object:
                return await call(case, session, "request", "GET", exchange.url, headers=bad)

            await refused(case, ["ValueError"], act, "x-bad")
