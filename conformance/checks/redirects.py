"""Checks of chapter session: redirects, what a request becomes on its way, and what goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from conformance import cassettes
from conformance.checks.cancellation import nothing_left, one_place
from conformance.checks.session import CALLS, LENGTH, SECRETS, call, lines_of, only, recorded, to
from conformance.delivery import Reply
from conformance.registry import Play, check
from conformance.tape import Tape
from conformance.verdicts import Deviation, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.case import Case
    from conformance.peer import Recorded


@check("session-redirects-off")
async def redirects_are_responses(case: Case) -> None:
    """Each of the five statuses comes back by itself, its body readable, its target not asked."""
    target = case.play(Reply(body=b"target"))
    replies = [to(target.url, status) for status in (301, 302, 303, 307, 308)]
    replies.append(recorded("httpbin/absolute-redirect-3"))
    async with case.opened() as session:
        for reply in replies:
            for how in CALLS:
                exchange = case.play(reply, LENGTH)
                response = await call(case, session, how, "GET", exchange.url)
                compare((reply.status, reply.body), (response.status_code, response.content))
                if target.requests:
                    raise Deviation("sent-extra", [], target.requests, "the redirect was followed")


@check("session-redirects-off", "elsewhere")
async def wherever_they_lead(case: Case) -> None:
    """One that leads where no client may follow comes back like any other."""
    async with case.opened() as session:
        for location in ("ftp://tape.test/x", "http://user:word@tape.test/x"):
            for how in CALLS:
                exchange = case.play(to(location), LENGTH)
                response = await call(case, session, how, "GET", exchange.url)
                got = (response.status_code, response.content, response.headers.get("location"))
                compare((302, b"moved", location), got, "status, body and Location")


def _chain(kind: str, *, history: bool) -> Play:
    async def follow(case: Case) -> None:
        """The recorded chain of three is followed to its end."""
        name = f"httpbin/{kind}-redirect-3"
        interactions = cassettes.load(name)
        urls = [
            case.play(
                recorded(name, number, case.tape.url), LENGTH, path=interaction.request.target
            ).url
            for number, interaction in enumerate(interactions)
        ]
        async with case.opened(follow_redirects=True) as session:
            for how in CALLS:
                response = await call(case, session, how, "GET", urls[0])
                if history:
                    compare(urls[-1], str(response.url), "its url")
                    compare(urls[:-1], [str(past.url) for past in response.history], "history")
                else:
                    compare(interactions[-1].response.body, response.content, "the final response")

    return follow


for _kind in ("relative", "absolute"):
    check("session-redirects-followed", f"recorded-{_kind}")(_chain(_kind, history=False))
    check("session-redirects-history", f"recorded-{_kind}")(_chain(_kind, history=True))


@check("session-redirects-followed", "no-end", limit=20)
async def there_is_an_end(case: Case) -> None:
    """An address that sends to itself is left some time, with TooManyRedirects."""
    case.play(to("/round"), LENGTH, path="/round")
    async with case.opened(follow_redirects=True) as session:
        for how in CALLS:
            try:
                got = await call(case, session, how, "GET", f"{case.tape.url}/round")
            except httpx.TooManyRedirects:
                continue
            except Exception as error:
                raise Deviation("wrong-exception", "httpx.TooManyRedirects", error) from error
            raise Deviation("no-exception", "httpx.TooManyRedirects", got)


@check("session-redirects-followed", "user-name")
async def from_an_address_with_a_name(case: Case) -> None:
    """Where the address that answered has a user name, a relative Location still leads on."""
    async with case.opened(follow_redirects=True) as session:
        for how in CALLS:
            target = case.play(Reply(body=b"arrived"), LENGTH)
            first = case.play(to(target.path), LENGTH)
            named = first.url.replace("http://", "http://user:word@")
            response = await call(case, session, how, "GET", named)
            compare(b"arrived", response.content, "what a relative redirect leads to")


LARGE = 4 << 20  # bytes: more than a client reads ahead


@check("session-redirects-followed", "one-place")
async def nothing_stays_behind(case: Case) -> None:
    """A redirect has a long body; its connection is free for what follows, or was refused."""
    async with case.opened(follow_redirects=True, **one_place(case), timeout=2.0) as session:
        for location in ("/arrived", "ftp://tape.test/x"):
            reply = Reply(302, (("Location", location),), bytes(LARGE), "Found")
            first = case.play(reply, LENGTH)
            if location.startswith("/"):
                case.play(Reply(body=b"arrived"), LENGTH, path=location)
            case.note(f"session.get({first.url!r}), a redirect to {location} with a long body")
            response = None
            try:
                response = await call(case, session, "stream", "GET", first.url)
            except httpx.TimeoutException as error:
                raise Deviation("leak", "the redirect's place in the pool", error) from error
            except httpx.HTTPError as error:
                if location.startswith("/"):
                    raise Deviation("wrong-exception", b"arrived", error) from error
                await nothing_left(case, session, "a redirect that was refused")
                continue
            compare(b"arrived", response.content, f"what a redirect to {location} leads to")
            await nothing_left(case, session, "a redirect that was followed")


@check("session-redirects-limit")
async def twenty_and_no_more(case: Case) -> None:
    """Twenty redirects lead to a response, twenty-one to TooManyRedirects."""
    async with case.opened(follow_redirects=True) as session:
        for count in (20, 21):
            path = f"/round/{count}"
            turns = [*[to(path)] * count, Reply(body=b"arrived")]
            exchange = case.tape.play_sequence(turns, path=path)
            try:
                response = await call(case, session, "stream", "GET", exchange.url)
            except httpx.TooManyRedirects as error:
                if count == 20:
                    raise Deviation("wrong-exception", b"arrived", error) from error
            else:
                got = (len(exchange.requests), response.content)
                compare((21, b"arrived"), got, f"requests and body after {count} redirects")
            finally:
                case.tape.forget(exchange)


@check("session-redirects-content")
async def content_on_the_way(case: Case) -> None:
    """307 and 308 send the POST again; after the others it is a bare GET."""
    async for status, request in _posted(case):
        kept = status > 303
        framing = [lines_of(request, name) for name in ("content-length", "transfer-encoding")]
        got = (request.method, request.body, *framing)
        expected: tuple[Any, ...] = ("POST", b"abc", ["3"], []) if kept else ("GET", b"", [], [])
        if not kept and framing[0] == ["0"]:
            got = (*got[:2], [], got[3])  # that there is none may be said
        if got != expected:
            raise Deviation("sent-wrong", expected, got, f"what follows a {status}")


KEPT = ("POST", "PUT", "PATCH", "DELETE")  # with their content, by 307 and 308


@check("session-redirects-content", "methods")
async def methods_on_the_way(case: Case) -> None:
    """What holds for a POST holds for others: 303 asks for a GET; a HEAD is a HEAD to the end."""
    async with case.opened(follow_redirects=True) as session:
        for method, status in [(method, status) for method in KEPT for status in (303, 307, 308)]:
            expected = ("GET", b"") if status == 303 else (method, b"abc")
            await _becomes(case, session, (method, status), expected, content=b"abc")
        for status in (301, 302, 303, 307, 308):
            await _becomes(case, session, ("HEAD", status), ("HEAD", b""))


async def _becomes(
    case: Case, session: Any, met: tuple[str, int], expected: tuple[str, bytes], **sending: Any
) -> None:
    """A request of this method that meets this status is followed by what is expected."""
    target = case.play(Reply(body=b"ok"), LENGTH)
    first = case.play(to(target.path, met[1]), LENGTH)
    await call(case, session, "stream", met[0], first.url, **sending)
    request = only(target)
    if (request.method, request.body) != expected:
        got = (request.method, request.body)
        raise Deviation("sent-wrong", expected, got, f"what a {met[0]} becomes by {met[1]}")


@check("session-redirects-content-type")
async def type_on_the_way(case: Case) -> None:
    """The type goes with the content, and stays behind without it."""
    async for status, request in _posted(case):
        expected = ["text/plain"] if status > 303 else []
        if (got := lines_of(request, "content-type")) != expected:
            raise Deviation("sent-wrong", expected, got, f"Content-Type after a {status}")


async def _posted(case: Case) -> AsyncIterator[tuple[int, Recorded]]:
    """Each status of a redirect, and what a POST that met it became."""
    headers = {"Content-Type": "text/plain", "X-Mine": "1"}
    async with case.opened(follow_redirects=True) as session:
        for status in (301, 302, 303, 307, 308):
            target = case.play(Reply(body=b"ok"))
            exchange = case.play(to(target.path, status))
            sending: dict[str, Any] = {"headers": headers, "content": b"abc"}
            await call(case, session, "stream", "POST", exchange.url, **sending)
            yield status, only(target)


OTHERS = {"X-Mine": "1", "If-None-Match": '"e"', "X-Tenant": "blue"}


async def _elsewhere(case: Case, own: dict[str, str], given: dict[str, str]) -> None:
    """Another port is another origin: none of these reach it."""
    names = [*own, *given]
    with Tape() as other:
        async with case.opened(follow_redirects=True, headers=own) as session:
            for status in (302, 307):
                target = other.play(Reply(body=b"ok"))
                exchange = case.play(to(target.url, status))
                for how in CALLS:
                    await call(
                        case, session, how, "POST", exchange.url, headers=given, content=b"x"
                    )
                for request in target.requests:
                    if leaked := [name for name in names if request.values(name)]:
                        raise Deviation("sent-extra", [], leaked, "sent to the other origin")


@check("session-redirects-origin")
async def nothing_goes_along(case: Case) -> None:
    """Of the credentials that the session or the call has, none go along."""
    own = {name: SECRETS[name] for name in ("Authorization", "X-Api-Key")}
    await _elsewhere(case, own, {name: SECRETS[name] for name in SECRETS if name not in own})


@check("session-redirects-origin-others")
async def only_what_is_harmless(case: Case) -> None:
    """Headers of the caller's own making stay behind as well."""
    await _elsewhere(case, {"X-Tenant": OTHERS["X-Tenant"]}, OTHERS)
