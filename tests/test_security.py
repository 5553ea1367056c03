"""`security=`: what it may be, and which connections the guard refuses, at the socket."""

import asyncio
import copy
import pickle
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest import mock

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from conformance.world import World
from fasthttp import AiohttpTransport, AsyncSession, BlockedAddress, Security
from fasthttp.connections import Connector

pytest_plugins = ["tests.fixtures"]

OK = Reply(body=b"ok")
SIZED = Delivery("content-length")
REFUSALS = (BlockedAddress, httpx.InvalidURL)

# Spellings of 127.0.0.1, of 169.254.169.254 and of others; {port} is a listening server's.
HOSTS = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0X7F000001"),
    *("0x7f.1", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "127.0x0.0.1", "0177.0.0.1", "0177.0.01"),
    *("127.0.0.01", "127.000.000.001", "00127.0.0.1", "127.0.0.1.", "127.0.0.1..", "127.1."),
    *("0", "00", "0x0", "0.0", "0.0.0.0", "127.255.255.254", "localhost", "LOCALHOST"),
    *("127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "１２７.0.0.1", "①②⑦.⓪.⓪.①"),
    *("𝟏𝟐𝟕.𝟎.𝟎.𝟏", "١٢٧.0.0.1", "ⓛocalhost", "ｌocalhost", "lo\u00adcalhost", "127.0.0.1\u200b"),
    *("%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127.0.0.1%00", "127.0.0.1%20", "localhost%2e"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::0.0.0.0]", "[::1%25lo]"),
    *("[::1%lo]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[::ffff:127.0.0.1%25lo]"),
    *("[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[fe80::1%25lo]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]"),
    *("[2001:0:1:1::80ff:fffe]", "public.test@127.0.0.1", "user:pw@127.0.0.1", "@127.0.0.1"),
    *("1.1.1.1:80@127.0.0.1", "1.1.1.1&@127.0.0.1", "a@b@127.0.0.1", "127.0.0.1\\@1.1.1.1"),
    *("127.0.0.1\t", "127.0.0.1\x00", "127.0.0.1;", "127.0.0.1,1.1.1.1", "[127.0.0.1]", "[::1"),
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "169.254.43518"),
    *("0251.0376.0251.0376", "169.16689662", "169.254.169.254.", "[::ffff:169.254.169.254]"),
    *("[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200"),
    *("10.0.0.1", "012.1", "0xa000001", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1"),
    *("224.0.0.1", "255.255.255.255", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[4000::1]"),
]


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server on every address of this machine, IPv4 and IPv6, that waits for connections."""
    sock = socket.socket(socket.AF_INET6)
    with sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        sock.listen()
        sock.setblocking(False)
        yield sock


@pytest.fixture
async def guarded() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(timeout=5) as session:
        yield session


@pytest.fixture
def world(tape: Tape) -> Iterator[World]:
    """Names that can be looked up, and addresses that all lead to the tape."""
    with World(tape) as world:
        yield world


def allowing(*allow: str) -> AsyncSession:
    return AsyncSession(security=Security(allow=allow), timeout=5)


async def refused(*requests: Any) -> list[Exception]:
    """What each of these raises; none of them may go well."""
    results = await asyncio.gather(*requests, return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == []
    return results


# the guard


@pytest.mark.parametrize("host", HOSTS)
async def test_spellings(listener: socket.socket, guarded: AsyncSession, host: str) -> None:
    """No spelling of a forbidden address is connected to: in `stream()`, `get()`, the transport."""
    url = f"http://{host}:{listener.getsockname()[1]}/"

    async def stream() -> None:
        async with guarded.stream("GET", url):
            pass

    async def transport() -> None:
        async with AiohttpTransport() as transport:
            await transport.handle_async_request(httpx.Request("GET", url))

    streamed, got, sent = await refused(stream(), guarded.get(url), transport())

    assert isinstance(streamed, REFUSALS)
    assert isinstance(got, REFUSALS)
    # It may be given what httpx takes for a URL, and finds no such host.
    assert isinstance(sent, (*REFUSALS, httpx.ConnectError))
    with pytest.raises(BlockingIOError):
        listener.accept()


async def test_what_a_refusal_says(tape: Tape, guarded: AsyncSession) -> None:
    """The error has the host as it was asked for, the address, the rule and the request."""
    with pytest.raises(BlockedAddress) as caught:
        await guarded.get(f"http://localhost:{tape.port}/x")

    error = caught.value
    assert (error.host, error.address) in {("localhost", "127.0.0.1"), ("localhost", "::1")}
    assert error.rule in {"loopback (127.0.0.0/8)", "loopback (::1/128)"}
    assert str(error) == (
        f"no connection to 'localhost': {error.address} is refused, {error.rule}; "
        "fasthttp.Security(allow=[...]) makes exceptions"
    )
    assert error.request.url.path == "/x"
    assert isinstance(error, httpx.ConnectError)


def test_a_refusal_can_be_copied() -> None:
    """Like any exception it can be pickled and copied, for what hands it to other processes."""
    error = BlockedAddress(
        "h", "127.0.0.1", "loopback", True, request=httpx.Request("GET", "http://h")
    )

    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (again.host, again.address, again.rule) == ("h", "127.0.0.1", "loopback")
        assert (str(again), again.request.url) == (str(error), error.request.url)


@pytest.mark.parametrize("verb", ["get", "head", "options", "delete", "post", "put", "patch"])
async def test_every_verb_is_guarded(tape: Tape, guarded: AsyncSession, verb: str) -> None:
    """Each verb, and `request()`, is refused; over TLS as well."""
    for scheme in ("http", "https"):
        url = f"{scheme}://127.0.0.1:{tape.port}/"
        errors = await refused(getattr(guarded, verb)(url), guarded.request(verb, url))
        assert [type(error) for error in errors] == [BlockedAddress] * 2
    assert tape.connections == 0


async def test_mixed_answers(tape: Tape, world: World) -> None:
    """Of a name's addresses the forbidden ones are left out, wherever they stand."""
    played = tape.play(OK, SIZED)
    for answer in (["127.0.0.1", "9.9.9.9"], ["::1", "10.0.0.1", "9.9.9.9", "fe80::1%1"]):
        async with AsyncSession(timeout=5) as session:
            url = f"http://{world.name(answer)}{played.path}"
            assert (await session.get(url)).content == b"ok"
    assert world.dialled == ["9.9.9.9"] * 2

    world.silent.add("9.9.9.9")
    async with AsyncSession(timeout=5) as session:
        with pytest.raises(httpx.ConnectError, match=r"Connection refused") as caught:
            await session.get(f"http://{world.name(['9.9.9.9', '127.0.0.1'])}/")
    assert not isinstance(caught.value, BlockedAddress)
    assert world.dialled == ["9.9.9.9"] * 3


async def test_answers_that_change(tape: Tape, world: World) -> None:
    """A name that was public is judged anew with each connection, also out of the cache."""
    played = tape.play(OK, Delivery("content-length", connection_close=True))
    url = f"http://{world.name(['9.9.9.9'], ['127.0.0.1'])}{played.path}"
    async with AsyncSession(timeout=5) as session:
        await session.get(url)
        session._transport._engine._connector.clear_dns_cache()  # type: ignore[attr-defined] # ours
        for _ in range(2):
            with pytest.raises(BlockedAddress):
                await session.get(url)

    assert world.dialled == ["9.9.9.9"]


@pytest.mark.parametrize("answer", [["no address"], ["999.1.1.1"], ["127.1"], []])
async def test_what_cannot_be_judged(world: World, answer: list[str]) -> None:
    """An answer that is no address, or none at all, is a ConnectError, and nothing is connected."""
    async with AsyncSession(timeout=5) as session:
        with pytest.raises(httpx.ConnectError) as caught:
            await session.get(f"http://{world.name(answer)}/")

    assert isinstance(caught.value, BlockedAddress) == bool(answer)
    assert world.dialled == []


async def test_many_forbidden_addresses(world: World) -> None:
    """However many addresses a name has, each is judged once."""
    name = world.name([f"10.0.{n >> 8}.{n & 255}" for n in range(2000)])
    async with AsyncSession(timeout=5) as session:
        guard = session._transport._guard  # type: ignore[attr-defined] # the built-in one
        with (
            mock.patch.object(guard, "check", wraps=guard.check) as check,
            pytest.raises(BlockedAddress),
        ):
            await session.get(f"http://{name}/")

    assert check.call_count == 2000


async def test_the_socket_itself_is_guarded(world: World) -> None:
    """Where nothing else looked at the addresses, no socket is made for a forbidden one."""
    unfiltered = mock.patch.object(
        Connector, "_convert_hosts_to_addr_infos", Connector.__base__._convert_hosts_to_addr_infos
    )
    for answer in (["127.0.0.1"], ["127.0.0.1", "10.0.0.1", "::1"]):
        async with AsyncSession(timeout=5) as session:
            with unfiltered, pytest.raises(BlockedAddress):
                await session.get(f"http://{world.name(answer)}/")

    assert world.dialled == []


async def test_pooled_connections_are_not_judged_again(tape: Tape) -> None:
    """The guard works where a connection is made, and costs the next request nothing."""
    played = tape.play(OK, SIZED)
    async with allowing("127.0.0.1") as session:
        await session.get(played.url)
        guard = session._transport._guard  # type: ignore[attr-defined] # the built-in one
        with mock.patch.object(guard, "check") as check:
            await session.get(played.url)

    assert (check.call_count, tape.connections) == (0, 1)


@pytest.mark.parametrize("inner", ["10.0.0.1", "[::1]", "localhost", "0x7f.1", "2852039166"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects(tape: Tape, world: World, inner: str, status: int) -> None:
    """A public server cannot redirect to a forbidden address, at the first hop or a later one."""
    last = tape.play(Reply(status, (("Location", f"http://{inner}/"),)), SIZED)
    first = tape.play(Reply(status, (("Location", last.path),)), SIZED)
    async with AsyncSession(follow_redirects=True, timeout=5) as session:
        with pytest.raises(BlockedAddress) as caught:
            await session.get(f"http://{world.name(['9.9.9.9'])}{first.path}")

    assert caught.value.request.url.host == inner.strip("[]")
    assert set(world.dialled) == {"9.9.9.9"}


async def test_events_are_not_tried_again(tape: Tape, guarded: AsyncSession) -> None:
    """An event stream raises a refusal at once, instead of connecting again."""
    async with guarded.events(f"{tape.url}/") as events:
        with pytest.raises(BlockedAddress):
            await anext(events)


async def test_proxies(tape: Tape, world: World) -> None:
    """The proxy's address is judged; what lies behind the proxy is its own affair."""
    async with AsyncSession(proxy=f"http://127.0.0.1:{tape.port}", timeout=5) as session:
        for url in ("http://9.9.9.9/", "https://9.9.9.9/"):
            with pytest.raises(BlockedAddress, match=r"^no connection to proxy '127.0.0.1'"):
                await session.get(url)
    assert world.dialled == []

    played = tape.play(OK, SIZED)
    security = Security(allow=["proxy.test"])
    world.names["proxy.test"] = [["10.0.0.1"]]
    async with AsyncSession(proxy="http://proxy.test", security=security, timeout=5) as session:
        await session.get(f"http://127.0.0.1{played.path}")
    assert world.dialled == ["10.0.0.1"]


async def test_own_transports() -> None:
    """A transport of the caller's own connects to what it likes."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with AsyncSession(transport=transport) as session:
        assert (await session.get("http://127.0.0.1/")).status_code == 200
