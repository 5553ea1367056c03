"""Checks of chapter headers: drawn mappings against the oracle, and what examples cannot show.

Each property draws from just what its rule is about, so that a fault is named by its own rule:
names of the two mappings that never meet, that meet in the same spelling or in another, and None.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.checks.refusals import refuses
from conformance.checks.session import CALLS, LENGTH, call, explore, lines_of, only, refused, to
from conformance.delivery import Reply
from conformance.registry import check, searched
from conformance.tape import Tape
from conformance.verdicts import Deviation, compare
from spec.oracles.headers import merge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.case import Case
    from conformance.court import Court

Headers = dict[str, str | None]
Drawn = st.SearchStrategy[Any]

TOKEN = "!#$%&'*+.^_`|~-0123456789abcxyzABCXYZ"
CONTROLS = "\n\r" + "".join(map(chr, [*range(9), 11, 12, *range(14, 32), 127]))
NAMES = st.text(TOKEN, min_size=1, max_size=8).map(lambda rest: f"X-{rest}")
VISIBLE = "".join(map(chr, range(33, 127)))
VALUES = st.from_regex(r"[!-~]([\t -~]{0,20}[!-~])?", fullmatch=True)
HOW = st.sampled_from(CALLS)


def mapping(values: Drawn = VALUES, names: Drawn = NAMES, least: int = 0) -> Drawn:
    """Drawn headers; no name twice, in whatever case."""
    pairs = st.lists(
        st.tuples(names, values), min_size=least, max_size=5, unique_by=lambda p: p[0].lower()
    )
    return pairs.map(dict)


def apart(pair: tuple[Headers, Headers]) -> tuple[Headers, Headers]:
    """The two mappings, the second without the names of the first."""
    own, given = pair
    known = {name.lower() for name in own}
    return own, {name: value for name, value in given.items() if name.lower() not in known}


@st.composite
def meeting(draw: st.DrawFn, *, respelt: bool, values: Drawn = VALUES) -> tuple[Headers, Headers]:
    """Two mappings that share names: spelt the same, or in other letter cases."""
    own = draw(mapping(least=1))
    spell: st.SearchStrategy[Callable[[str], str]] = st.just(str)
    if respelt:
        spell = st.sampled_from([str.upper, str.lower, str.swapcase])
    shared = draw(st.lists(st.sampled_from(sorted(own)), min_size=1, unique=True))
    given = {draw(spell)(name): draw(values) for name in shared}
    return own, apart((given, draw(mapping())))[1] | given


# Merging


async def _merged(case: Case, pair: tuple[Headers, Headers], how: str) -> None:
    """The lines of every name on the wire are those that the oracle gives."""
    own, given = pair
    expected = merge(own, given)
    exchange = case.play(Reply(body=b"ok"), LENGTH)
    async with case.opened(headers=dict(own)) as session:
        await call(case, session, how, "GET", exchange.url, headers=dict(given))
    case.did = f"AsyncSession(headers={own!r}), {case.did}"
    for name in {name.lower() for name in (*own, *given)}:
        wanted = [value for key, value in expected if key == name]
        got = lines_of(only(exchange), name)
        if got != wanted:
            raise Deviation("sent-wrong", wanted, got, f"the header lines {name!r} on the wire")


@searched("headers-merged")
def merged_drawn(court: Court) -> None:
    """What only one of the two mappings names goes out."""
    explore(court, st.tuples(st.tuples(mapping(), mapping()).map(apart), HOW), _merged)


@searched("headers-precedence")
def precedence_drawn(court: Court) -> None:
    """The call's value goes out where both spell a name alike."""
    explore(court, st.tuples(meeting(respelt=False), HOW), _merged)


@searched("headers-case")
def case_drawn(court: Court) -> None:
    """The call's value goes out where the names differ in case."""
    explore(court, st.tuples(meeting(respelt=True), HOW), _merged)


@searched("headers-none-taken")
def none_drawn(court: Court) -> None:
    """None removes, whatever the case."""
    explore(court, st.tuples(meeting(respelt=True, values=st.none()), HOW), _merged)


@check("headers-precedence", "empty-value")
async def empty_takes_the_place(case: Case) -> None:
    """A call's empty value is a value, and replaces the session's."""
    for how in CALLS:
        await _merged(case, ({"X-Team": "blue", "X-Own": "1"}, {"X-Team": ""}), how)


@check("headers-order")
async def in_their_order(case: Case) -> None:
    """The session's names first, then the call's new ones; what they are is for other rules."""
    own: Headers = {"X-C": "1", "X-A": "2", "X-B": "3"}
    given: Headers = {"X-E": "4", "x-a": "5", "X-D": "6"}
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened(headers=dict(own)) as session:
        await call(case, session, "stream", "GET", exchange.url, headers=dict(given))
    sent = [(name.decode().lower(), value.decode()) for name, value in only(exchange).headers]
    expected = merge(own, given)
    got = [pair for pair in sent if pair[0].startswith("x-")]
    if sorted(got) == sorted(expected):
        compare(expected, got, "the order")


@check("headers-untouched")
async def mappings_stay(case: Case) -> None:
    """Neither mapping changes, even if it could; one that cannot be changed does as well."""
    own: Headers = {"X-Team": "blue", "authorization": "Bearer t"}
    given: Headers = {"x-team": "red", "AUTHORIZATION": "Bearer u", "X-New": "1"}
    kept = copy.deepcopy((own, given))
    exchange = case.play(Reply(body=b"ok"))
    for wrapped in (dict, MappingProxyType):
        mine, call_own = (own, given) if wrapped is dict else map(MappingProxyType, (own, given))
        async with case.opened(headers=mine) as session:
            for how in CALLS:
                sending: dict[str, Any] = {"headers": call_own, "content": b"x"}
                await call(case, session, how, "POST", exchange.url, **sending)
    after = [[*headers.items()] for headers in (own, given)]
    compare([[*headers.items()] for headers in kept], after, "the caller's own mappings")


# None


async def _never_none(case: Case, own: Headers, name: str, how: str) -> None:
    """Whether the call is made or refused, no line of this name is on the wire."""
    exchange = case.play(Reply(body=b"ok"), LENGTH)
    async with case.opened(headers=dict(own)) as session:
        with suppress(Exception):  # a refusal will do
            await call(case, session, how, "GET", exchange.url, headers={name: None})
        case.did = f"AsyncSession(headers={own!r}), {case.did}"
        for request in exchange.requests:
            if got := lines_of(request, name):
                raise Deviation("sent-extra", [], got, f"the header lines {name!r} on the wire")
        await _is_usable(case, session)


async def _is_usable(case: Case, session: Any) -> None:
    """A refusal costs one call, and not the session."""
    following = case.play(Reply(body=b"ok"), LENGTH)
    compare(b"ok", (await call(case, session, "stream", "GET", following.url)).content)


@searched("headers-none")
def never_as_text(court: Court) -> None:
    """A name that the session has, in any case, and one that it does not have."""
    own = st.just({"Authorization": "Bearer t", "X-Team": "blue"})
    names = st.sampled_from(["Authorization", "authorization", "X-TEAM", "X-Other"])
    explore(court, st.tuples(own, names, HOW), _never_none)


# Refusals


def _asking(case: Case, name: str, value: str, where: str) -> Callable[[], Awaitable[object]]:
    """Have the constructor or a call take this header."""
    url = f"{case.tape.url}/refused"
    headers = {name: value}

    async def act() -> object:
        case.note(f"headers={headers!r} in the {where}")
        if where == "constructor":
            async with case.opened(headers=headers) as session:
                return await session.request("GET", url)
        async with case.opened() as session:
            return await call(case, session, where, "GET", url, headers=headers)

    return act


async def _refused(case: Case, name: str, value: str, where: str) -> None:
    await refuses(case, _asking(case, name, value, where))


async def _named(case: Case, name: str, value: str, where: str) -> None:
    await refused(case, ["ValueError"], _asking(case, name, value, where), "x-bad")


WHERE = st.sampled_from(["constructor", *CALLS])
_VISIBLE = st.text(VISIBLE, max_size=5)
_FILLED = st.text(VISIBLE, min_size=1, max_size=5)
_SPACE = st.sampled_from([" ", "\t", "  "])
_FOREIGN = st.sampled_from(sorted({*map(chr, range(256))} - {*TOKEN} - {*VISIBLE} | {*'"(),/:;<'}))
CONTROLLED = st.tuples(_VISIBLE, st.sampled_from(CONTROLS), _VISIBLE).map("".join)
EDGED = st.tuples(_SPACE, _FILLED).map("".join) | st.tuples(_FILLED, _SPACE).map("".join)
BAD_NAMES = st.tuples(st.just("X-Bad"), _FOREIGN, st.text(TOKEN, max_size=4)).map("".join)


@searched("headers-value-refused")
def value_refused_drawn(court: Court) -> None:
    """A control character anywhere in a value is refused."""
    explore(court, st.tuples(st.just("X-Bad"), CONTROLLED, WHERE), _refused)


@searched("headers-value-space")
def space_refused_drawn(court: Court) -> None:
    """White space at either end of a value is refused."""
    explore(court, st.tuples(st.just("X-Bad"), EDGED, WHERE), _refused)


@searched("headers-name-refused")
def name_refused_drawn(court: Court) -> None:
    """One character that no token has makes a name refused."""
    explore(court, st.tuples(BAD_NAMES, st.just("1"), WHERE), _refused)


@searched("headers-refusal-named")
def refusal_named_drawn(court: Court) -> None:
    """Whatever is wrong with a header, it is named, and nothing is connected."""
    values = st.tuples(st.just("X-Bad"), CONTROLLED | EDGED, WHERE)
    names = st.tuples(BAD_NAMES, st.just("1"), WHERE)
    explore(court, values | names, _named)


# Host


@check("headers-host")
async def one_host(case: Case) -> None:
    """One Host line, with the port and without credentials; a caller's takes its place."""
    exchange = case.play(Reply(body=b"ok"))
    authority = case.tape.url.removeprefix("http://")
    own_host = {"host": "other.test"}
    calls: list[tuple[str, dict[str, Any], str]] = [
        (exchange.url, {}, authority),
        (f"http://name:word@{authority}{exchange.path}", {}, authority),
        (exchange.url, {"headers": own_host}, "other.test"),
    ]
    async with case.opened() as session:
        for url, arguments, expected in calls:
            for how in CALLS:
                await call(case, session, how, "GET", url, **arguments)
                got = lines_of(exchange.requests[-1], "host")
                if got != [expected]:
                    raise Deviation("sent-wrong", [expected], got, "the Host lines on the wire")


@check("headers-host", "redirected")
async def host_of_the_target(case: Case) -> None:
    """After a redirect to another origin, Host is that origin's."""
    with Tape() as other:
        target = other.play(Reply(body=b"ok"))
        exchange = case.play(to(target.url))
        async with case.opened(follow_redirects=True) as session:
            await call(case, session, "stream", "GET", exchange.url)
        expected, got = [other.url.removeprefix("http://")], lines_of(only(target), "host")
        if got != expected:
            raise Deviation("sent-wrong", expected, got, "the Host lines on the wire")
