"""Checks of chapter security: where credentials go, and which redirects are not followed.

Two tapes are two origins. What redirects carry is a rule of chapter session; the whole table of
statuses and kinds of another origin is played here.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance.case import expect_message, is_error
from conformance.checks.security import OK, Allowing
from conformance.checks.session import CALLS, LENGTH, SECRETS, call, explore, lines_of, only, to
from conformance.registry import check, searched
from conformance.tape import Tape
from conformance.verdicts import Deviation, compare

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.court import Court
    from conformance.exchange import Exchange

GUARDED = Allowing(("127.0.0.0/8", "::1/128"))
CREDENTIALS = {
    "Authorization": "Bearer s",
    "Proxy-Authorization": "Basic s",
    "Cookie": "a=b",
    "X-Api-Key": "s",
    "API-KEY": "s",
    "X-Auth-Token": "s",
    "private-token": "s",
    "X-Client-Secret": "s",
}
HARMLESS = {"X-Team": "blue", "Accept": "text/plain", "X-Request-Id": "7"}


def _compare_sent(exchange: Exchange, expected: dict[str, str], gone: list[str]) -> None:
    """The last request has these headers and has lost those."""
    if not exchange.requests:
        raise Deviation("sent-wrong", exchange.url, None, "no request came")
    request = exchange.requests[-1]
    for name, value in expected.items():
        if (got := lines_of(request, name)) != [value]:
            raise Deviation("sent-wrong", [value], got, f"the header lines {name!r}")
    if leaked := [name for name in gone if request.values(name)]:
        raise Deviation("sent-extra", [], leaked, "credentials sent to the other origin")


@check("security-credentials")
async def to_another_port(case: Case) -> None:
    """Of the session's headers only those that are no credentials reach another port."""
    headers = {**CREDENTIALS, **HARMLESS}
    with Tape() as other:
        exchange = other.play(OK, LENGTH)
        for base in (case.tape.url, f"{case.tape.url}/v1", f"https://127.0.0.1:{other.port}"):
            async with case.opened(base_url=base, headers=headers, security=GUARDED) as session:
                for how in CALLS:
                    await call(case, session, how, "GET", exchange.url)
                    _compare_sent(exchange, HARMLESS, list(CREDENTIALS))


@check("security-credentials")
async def to_another_host(case: Case) -> None:
    """Another name for the same server is another origin."""
    exchange = case.play(OK, LENGTH)
    url = f"http://localhost:{case.tape.port}{exchange.path}"
    headers = {**CREDENTIALS, **HARMLESS}
    for base in (case.tape.url, "http://localhost", f"http://localhost.test:{case.tape.port}"):
        async with case.opened(base_url=base, headers=headers, security=GUARDED) as session:
            for how in CALLS:
                await call(case, session, how, "GET", url)
                _compare_sent(exchange, HARMLESS, list(CREDENTIALS))


SAYS = st.tuples(
    st.sampled_from(["X-", "My-", ""]),
    st.sampled_from(["key", "token", "secret"]),
    st.sampled_from(["", "-Id", "-1"]),
    st.sampled_from([str.lower, str.upper, str.title]),
).map(lambda parts: parts[3]("".join(parts[:3])))


@searched("security-credentials")
def names_drawn(court: Court) -> None:
    """Names that say key, token or secret, in any case."""
    explore(court, st.tuples(SAYS), _stays_home)


async def _stays_home(case: Case, name: str) -> None:
    exchange = case.play(OK, LENGTH)
    given: dict[str, Any] = {"base_url": "http://127.0.0.9", "headers": {name: "s"}}
    async with case.opened(**given, security=GUARDED) as session:
        await call(case, session, "request", "GET", exchange.url)
    _compare_sent(exchange, {}, [name])


@check("security-credentials-home")
async def at_home(case: Case) -> None:
    """Below `base_url`, and at its origin in other spellings, everything goes out."""
    exchange = case.play(OK, LENGTH)
    headers = {**CREDENTIALS, **HARMLESS}
    same = (exchange.path, exchange.url, exchange.url.replace("http", "HTTP", 1))
    named = f"http://LocalHost:{case.tape.port}"
    for base, urls in (
        (case.tape.url, same),
        (named, (exchange.path, f"http://localhost:{case.tape.port}{exchange.path}")),
        (f"http://LOCALHOST:{case.tape.port}", (f"{named}{exchange.path}",)),
    ):
        async with case.opened(base_url=base, headers=headers, security=GUARDED) as session:
            for how, url in product(CALLS, urls):
                await call(case, session, how, "GET", url)
                _compare_sent(exchange, headers, [])


@check("security-credentials-home")
async def without_a_base(case: Case) -> None:
    """A session without `base_url` sends its headers wherever it is sent."""
    exchange = case.play(OK, LENGTH)
    headers = {**CREDENTIALS, **HARMLESS}
    async with case.opened(headers=headers, security=GUARDED) as session:
        for how in CALLS:
            await call(case, session, how, "GET", exchange.url)
            _compare_sent(exchange, headers, [])


@check("security-credentials-home")
async def brought_along(case: Case) -> None:
    """What a call brings itself goes where it is sent."""
    own = {"Authorization": "Bearer own", "X-Api-Key": "own"}
    with Tape() as other:
        exchange = other.play(OK, LENGTH)
        async with case.opened(base_url=case.tape.url, security=GUARDED) as session:
            for how in CALLS:
                await call(case, session, how, "GET", exchange.url, headers=own)
                _compare_sent(exchange, own, [])


# Redirects

STATUSES = (301, 302, 303, 307, 308)


@check("session-redirects-origin", "table", limit=20)
async def every_status_and_origin(case: Case) -> None:
    """Another port and another host, by every status: of what the caller set, nothing harmful."""
    own = {"Authorization": "Bearer s", "X-Api-Key": "k"}
    given = {name: SECRETS[name] for name in SECRETS if name not in own}
    with Tape() as other:
        target = other.play(OK, LENGTH)
        here = case.play(OK, LENGTH)
        elsewhere = f"http://localhost:{case.tape.port}{here.path}"
        async with case.opened(follow_redirects=True, headers=own) as session:
            for status, how in product(STATUSES, CALLS):
                for url, exchange in ((target.url, target), (elsewhere, here)):
                    start = case.play(to(url, status), LENGTH)
                    await call(case, session, how, "POST", start.url, headers=given, content=b"x")
                    _compare_sent(exchange, {}, list(SECRETS))


@check("security-userinfo")
async def names_in_a_location(case: Case) -> None:
    """A user name, with a password and without, an empty one too, is not followed."""
    with Tape() as other:
        target = other.play(OK, LENGTH)
        for user in ("user:pass@", "user@", ":pass@", f"{other.host}:{other.port}@"):
            for host in (f"{other.host}:{other.port}", f"{case.tape.host}:{case.tape.port}"):
                start = case.play(to(f"http://{user}{host}{target.path}"), LENGTH)
                await _not_followed(case, start, target)
        relative = case.play(to(f"//user:pass@{other.host}:{other.port}{target.path}"), LENGTH)
        await _not_followed(case, relative, target)


async def _not_followed(case: Case, start: Exchange, target: Exchange) -> None:
    connections, requests = target.tape.connections, len(target.requests)
    try:
        async with case.opened(follow_redirects=True, security=GUARDED) as session:
            got = await call(case, session, "request", "GET", start.url)
    except httpx.HTTPError as error:
        if not is_error(error, ["RemoteProtocolError"]):
            raise Deviation("wrong-exception", "httpx.RemoteProtocolError", error) from error
    else:
        raise Deviation("no-exception", "httpx.RemoteProtocolError", got)
    only(start)
    compare(connections, target.tape.connections, "connections to the target")
    compare(requests, len(target.requests), "requests to the target")


@check("security-loop")
async def names_the_loop(case: Case) -> None:
    """Two addresses that send each other on: one of them is in the message."""
    paths = ["/there/and", "/back/again"]
    for here, there in (paths, paths[::-1]):
        case.play(to(there), LENGTH, path=here)
    async with case.opened(follow_redirects=True, security=GUARDED) as session:
        try:
            await call(case, session, "request", "GET", case.tape.url + paths[0])
        except httpx.TooManyRedirects as error:
            if not any(path in str(error) for path in paths):
                expect_message(error, (paths[0],))
        else:
            raise Deviation("no-exception", "httpx.TooManyRedirects", None)
