"""Checks of chapter security: which addresses are connected to, and which are not.

Some ask for the tape itself by its many names; the others play in a `World`, where every address
that the session connects to is seen. What calls have in common is at the top: `Allowing`, `denied`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance.checks.session import LENGTH, call, refused
from conformance.delivery import Delivery, Reply
from conformance.registry import check, searched
from conformance.strategies import search
from conformance.verdicts import Deviation, compare
from conformance.world import UNKNOWN, World, has_ipv6
from spec.oracles.security import NETWORKS, UNSETTLED, carriers, forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.case import Case
    from conformance.court import Court

PATIENCE = 2.0  # seconds in which a refusal that is not tried again has come
HOME = "127.0.0.1"
PUBLIC = ("9.9.9.9", "2620:fe::fe")
BLOCKED = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1")
OK = Reply(body=b"ok")


@dataclass(frozen=True)
class Allowing:
    """What the suite passes as `security`: the guard is on, and lets this through."""

    allow: Any = ("127.0.0.1/32",)
    max_pending: int = 64 * 2**20


def host_of(address: str) -> str:
    """An address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


async def denied(
    case: Case, world: World | None, url: str, *messages: str, how: str = "request", **session: Any
) -> None:
    """The guard refuses the url, and nothing is connected."""
    allowed = ["ConnectError"] if messages else ["ConnectError", "InvalidURL"]

    async def act() -> object:
        async with case.opened(**{"security": True, **session}) as opened:
            return await call(case, opened, how, "GET", url)

    try:
        await refused(case, allowed, act, *messages)
    except Deviation as deviation:
        deviation.note = f"{deviation.note or deviation}: {url}"
        raise
    _nothing_dialled(world, url)


def _nothing_dialled(world: World | None, url: str) -> None:
    if world is not None and world.dialled:
        raise Deviation("sent-extra", [], world.dialled, f"addresses that {url} was connected to")


async def granted(case: Case, world: World, url: str, address: str, **session: Any) -> None:
    """The url is connected to at this address, and answered."""
    exchange = case.tape.play(OK, LENGTH)
    try:
        async with case.opened(**{"security": True, **session}) as opened:
            response = await call(case, opened, "request", "GET", url + exchange.path)
    except httpx.HTTPError as error:
        raise Deviation("wrong-exception", b"ok", error, f"{url} is not forbidden") from error
    finally:
        case.tape.forget(exchange)
    compare(b"ok", response.content, f"what {url} answers")
    if address not in world.dialled:
        raise Deviation("wrong-value", address, world.dialled, "what was connected to")
    world.dialled.clear()


# Spellings of here

SPELLINGS = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "127.0.0.1."),
    *("0x7f000001", "0X7F000001", "0x7f.1", "0x7f.0.0.1", "127.0x0.1", "0x7f.0x0.0x0.0x1"),
    *("017700000001", "0177.1", "0177.0.0.01", "0177.00.000.0000001", "0x7f.00.0.1"),
    *("127.000.000.001", "0", "0.0.0.0", "0x0", "00", "0.0", "127.0.0.1%2e", "%31%32%37.0.0.1"),
    *("localhost", "LocalHost", "localhost.", "localhost%2e", "%6cocalhost", "l%6Fcalhost"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::0.0.0.0]", "[0::]"),
    *("[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]"),
    *("[::ffff:0.0.0.0]", "[::1%25lo]", "[::1%lo]", "[::ffff:127.0.0.1%251]", "[fe80::1%25lo]"),
    # Digits and dots that are not ASCII, and become so on the way (RFC 3490, NFKC).
    *("\uff11\uff12\uff17.\uff10.\uff10.\uff11", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460"),
    *("127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "127\uff610\uff610\uff611"),
    *("\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54", "\u24db\u24de\u24d2alhost"),
    *("\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1", "127.\u00b9", "\u0661\u0662\u0667.0.0.1"),
    # A name and password before the host.
    *("public.test@127.0.0.1", "user:pass@127.0.0.1", "9.9.9.9:80@127.0.0.1", "@127.0.0.1"),
    *("127.0.0.1@localhost", "public.test%40@127.1", "a@b@127.0.0.1"),
)


@check("security-loopback", limit=60)
async def spellings(case: Case) -> None:
    """None of many ways to spell this machine reaches the tape."""
    for host in SPELLINGS:
        await denied(case, None, f"http://{host}:{case.tape.port}/")
    for path in ("\\@public.test/", "#@public.test/", "?@public.test/", "/@public.test"):
        await denied(case, None, f"http://127.0.0.1:{case.tape.port}{path}")


@check("security-loopback")
async def unless_told(case: Case) -> None:
    """A session that is told nothing about security is guarded."""
    url = f"{case.tape.url}/"

    async def act() -> object:
        async with case.subject.make() as session:
            return await call(case, session, "request", "GET", url)

    await refused(case, ["ConnectError"], act)


def _spelt(value: int, base: str, width: int) -> str:
    """A number as the parsers of addresses read it."""
    return {"d": f"{value}", "x": f"0x{value:0{width}x}", "o": f"0{value:0{width}o}"}[base]


def _home(number: int, parts: int, bases: str, width: int, end: str) -> str:
    """An IPv4 address in so many parts, the last of which has what is left."""
    cut = [number >> shift & 255 for shift in (24, 16, 8)][: parts - 1]
    last = number & (1 << 8 * (5 - parts)) - 1
    return (
        ".".join(
            _spelt(value, base, width) for value, base in zip([*cut, last], bases, strict=False)
        )
        + end
    )


HOMES = st.builds(
    _home,
    st.integers(0x7F000000, 0x7FFFFFFF) | st.integers(0, 0xFFFFFF),
    st.integers(1, 4),
    st.text("dxo", min_size=4, max_size=4),
    st.integers(1, 6),
    st.sampled_from(["", "."]),
)


@searched("security-loopback")
def spellings_drawn(court: Court) -> None:
    """Any address of 127.0.0.0/8 and 0.0.0.0/8, by any number and kind of parts."""
    search(court, HOMES, _home_is_denied)


async def _home_is_denied(case: Case, host: str) -> None:
    with World(case.tape) as world:
        await world.sees(case)
        await denied(case, world, f"http://{host}/")


# Ranges


def _edges() -> Iterator[str]:
    """The first and the last address of every network, and one in the middle."""
    for text in NETWORKS:
        start, _, size = text.partition("/")
        first = ip_address(start)
        span = 1 << first.max_prefixlen - int(size)
        for offset in (0, span // 2 - 1, span - 1):
            yield str(first + offset)


def _settled(address: str) -> bool:
    return not any(ip_address(address) in network for network in UNSETTLED)


FORBIDDEN = tuple(filter(_settled, dict.fromkeys((*BLOCKED, *_edges()))))
ADDRESSES = st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))) | st.integers(
    0, 2**128 - 1
).map(lambda number: str(IPv6Address(number)))


@check("security-ranges", limit=30)
async def edges(case: Case) -> None:
    """The edges of every network that is not reachable globally."""
    with World(case.tape) as world:
        await world.sees(case)
        for address in FORBIDDEN:
            await denied(case, world, f"http://{host_of(address)}/")


@searched("security-ranges")
def addresses_drawn(court: Court) -> None:
    """Any address that is forbidden, as it is and behind a name."""
    drawn = ADDRESSES.filter(lambda address: forbidden(address) and _settled(address))
    search(court, drawn, _is_denied)


async def _is_denied(case: Case, address: str) -> None:
    with World(case.tape) as world:
        await world.sees(case)
        for host in (host_of(address), world.name([address])):
            await denied(case, world, f"http://{host}/")


@check("security-embedded")
async def carried(case: Case) -> None:
    """Forbidden IPv4 addresses inside of IPv6 addresses, as they are and behind a name."""
    for inner in ("127.0.0.1", "169.254.169.254", "10.1.2.3", "0.0.0.0", "100.64.0.1"):
        for address in carriers(inner).values():
            await _is_denied(case, address)


@searched("security-embedded")
def carried_drawn(court: Court) -> None:
    """Any forbidden IPv4 address inside of any of them."""
    inner = st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)))
    drawn = st.tuples(inner.filter(forbidden).filter(_settled), st.sampled_from([*carriers(HOME)]))
    search(court, drawn.map(lambda pair: carriers(pair[0])[pair[1]]), _is_denied)


REACHABLE = ("1.0.0.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1")
MORE = ("169.253.0.1", "172.15.0.1", "172.32.0.0", "192.167.1.1", "198.20.0.0", "223.255.255.254")
REACHABLE_IPV6 = ("2600::1", "2a00:1450::1", "2c0f:fb50::1", "2003::1", "2001:200::1")


@check("security-public")
async def the_world(case: Case) -> None:
    """Addresses on the other side of every edge, and behind names."""
    six = [*REACHABLE_IPV6, PUBLIC[1]] if has_ipv6() else []
    with World(case.tape) as world:
        await world.sees(case)
        for address in (*REACHABLE, *MORE, PUBLIC[0], *six):
            await granted(case, world, f"http://{host_of(address)}", address)
            await granted(case, world, f"http://{world.name([address])}", address)


# Names


@check("security-names")
async def private_names(case: Case) -> None:
    """Names of forbidden addresses, one or several, are refused."""
    with World(case.tape) as world:
        await world.sees(case)
        for answer in (*([address] for address in BLOCKED), ["127.0.0.1", "::1"], list(BLOCKED)):
            await denied(case, world, f"http://{world.name(answer)}/")
            await denied(case, world, f"http://{world.name(answer, under='example')}:8080/")


@check("security-answers")
async def mixed_answers(case: Case) -> None:
    """A public address beside forbidden ones, in any order: only that one is connected to."""
    public = PUBLIC[0]
    with World(case.tape) as world:
        await world.sees(case)
        for answer in (
            [public, "127.0.0.1"],
            ["127.0.0.1", public],
            ["::1", "10.0.0.1", public, "169.254.169.254"],
        ):
            url = f"http://{world.name(answer)}/{len(case.tape.unexpected)}"
            await _tried(case, url)
            only_allowed(world, url)
        # The public one does not answer: nobody goes on to the next.
        for answer in ([public, "127.0.0.1"], [public, "::1", "10.0.0.1"]):
            world.silent.add(public)
            url = f"http://{world.name(answer)}/"
            await _tried(case, url)
            only_allowed(world, url)


async def _tried(case: Case, url: str, **session: Any) -> None:
    """Request it, whatever comes of it."""
    with suppress(httpx.HTTPError):
        async with case.opened(**{"security": True, "timeout": 1.0, **session}) as opened:
            await call(case, opened, "request", "GET", url)


def only_allowed(world: World, url: str) -> None:
    wrong = [address for address in world.dialled if forbidden(address)]
    world.dialled.clear()
    if wrong:
        raise Deviation("sent-extra", [], wrong, f"addresses that {url} was connected to")


@check("security-connected")
async def changing_answers(case: Case) -> None:
    """A name that is public at first and private from then on, within one request and over two."""
    with World(case.tape) as world:
        await world.sees(case)
        for later in (["127.0.0.1"], ["::1"], ["169.254.169.254"]):
            for first in ([[PUBLIC[0]]], [[PUBLIC[0]], [PUBLIC[0]]]):
                url = f"http://{world.name(*first, later)}/"
                for _ in range(2):  # sessions of their own: each looks the name up
                    await _tried(case, url)
                    only_allowed(world, url)
        url = f"http://{world.name([PUBLIC[0]], ['127.0.0.1'])}"
        exchange = case.play(OK, Delivery("content-length", connection_close=True))
        async with case.opened(security=True, timeout=1.0) as session:
            for _ in range(3):  # one session, a new connection for each
                with suppress(httpx.HTTPError):
                    await call(case, session, "request", "GET", url + exchange.path)
        only_allowed(world, url)


@check("security-unresolved")
async def broken_look_ups(case: Case) -> None:
    """A look-up fails the first time, gives nothing, or rubbish, and here the second time."""
    home = ["127.0.0.1"]
    with World(case.tape) as world:
        await world.sees(case)
        for answer in (UNKNOWN, OSError("the look-up broke"), [], ["no address"], ["999.1.1.1"]):
            for answers in ([answer], [answer, home]):
                await denied(case, world, f"http://{world.name(*answers)}/")
        for host in ("[fe80::1%25nowhere]", "nobody.invalid", "1.2.3.4.5", "256.256.256.256"):
            await denied(case, world, f"http://{host}/")
