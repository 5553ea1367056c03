"""Connections: made, used again, counted, found stale, closed; and what is said when that fails."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import trustme

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession
from tests.support import engine_of, settled, until_error

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
NEVER = Delivery("content-length", end_wire=("close", 0))


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_a_connection_is_used_again(tape: Tape, session: AsyncSession, framing: str) -> None:
    """Responses read to their end share one connection, and so do those without a body."""
    played = tape.play(Reply(body=b"hello"), Delivery(framing))
    empty = tape.play(Reply(204))

    for _ in range(2):
        await session.get(played.path)
        await session.head(played.path)
        async with session.stream("GET", played.path) as response:
            assert [line async for line in response.aiter_lines()] == ["hello"]
        await session.get(empty.path)

    assert tape.connections == 1
    assert await settled(tape, session) == 1


async def test_a_body_that_is_here_is_not_in_the_way(tape: Tape, session: AsyncSession) -> None:
    """A body that has arrived whole frees its connection, even if nobody ever reads it."""
    played = tape.play(Reply(404, body=b"not found"), SIZED)

    for _ in range(3):
        async with session.stream("GET", played.path) as response:
            assert response.status_code == 404

    assert tape.connections == 1


@pytest.mark.parametrize(
    ("reply", "delivery"),
    [
        (Reply(body=b"x"), Delivery("until-close")),
        (Reply(body=b"x"), Delivery(connection_close=True)),
        (Reply(headers=(("Connection", "close"),), body=b"x"), SIZED),
    ],
)
async def test_a_connection_that_ends_is_not_kept(
    tape: Tape, session: AsyncSession, reply: Reply, delivery: Delivery
) -> None:
    """A connection that the server ends, or says that it ends, is closed."""
    played = tape.play(reply, delivery)

    for _ in range(2):
        assert (await session.get(played.path)).content == b"x"

    assert tape.connections == 2
    assert await settled(tape, session) == 0


async def test_a_stale_connection_is_noticed(tape: Tape, session: AsyncSession) -> None:
    """A connection that the server closed while it was idle is not used for the next request."""
    played = tape.play(Reply(body=b"x"), SIZED)

    await session.get(played.path)
    for method in ("GET", "POST"):
        assert await settled(tape, session) == 1
        # The loop has no chance to notice by itself: no await lies between the two.
        tape.close_idle()
        await session.request(method, played.path)

    assert [request.method for request in played.requests] == ["GET", "GET", "POST"]
    assert [request.connection for request in played.requests] == [1, 2, 3]


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_safe_request_is_tried_again(tape: Tape, session: AsyncSession, end: str) -> None:
    """A GET that meets the end of an idle connection goes out again on a new one."""
    lost = Delivery("content-length", end_wire=(end, 0))
    played = tape.play_sequence([(Reply(), SIZED), (Reply(), lost), (Reply(body=b"ok"), SIZED)])

    await session.get(played.path)

    assert (await session.get(played.path)).content == b"ok"
    assert [request.connection for request in played.requests] == [1, 1, 2]


@pytest.mark.parametrize("content", [None, b"an order"])
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_post_is_never_repeated(
    tape: Tape, session: AsyncSession, end: str, content: bytes | None
) -> None:
    """A POST that meets the end of an idle connection fails: it may have been processed."""
    lost = Delivery("content-length", end_wire=(end, 0))
    played = tape.play_sequence([(Reply(), SIZED), (Reply(), lost)])
    await session.post(played.path, content=content)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError), match=r"no response"):
        await session.post(played.path, content=content)

    assert len(played.requests) == 2
    assert tape.unexpected == []


async def test_only_an_idle_connection_excuses(tape: Tape, session: AsyncSession) -> None:
    """No request is repeated that failed on a new connection, or after a first byte."""
    fresh = tape.play(Reply(), NEVER)
    late = tape.play_sequence(
        [(Reply(), SIZED), (Reply(), Delivery("content-length", end_wire=("close", 1)))]
    )

    with pytest.raises(httpx.RemoteProtocolError, match=r"too early: no response$"):
        await session.get(fresh.path)
    await session.get(late.path)
    with pytest.raises(httpx.RemoteProtocolError, match=r"read 1 bytes of the headers$"):
        await session.get(late.path)

    assert (len(fresh.requests), len(late.requests)) == (1, 2)


# limits


async def test_the_pool_is_full(tape: Tape) -> None:
    """A call that finds every connection in use waits for the timeout, then says so."""
    held = tape.play(Reply(body=b"slow"), Delivery(held=(0,)))
    quick = tape.play(Reply(body=b"quick"))
    limits = httpx.Limits(max_connections=1)

    async with AsyncSession(limits=limits, timeout=10, security=False) as session:
        async with session.stream("GET", held.url) as response:
            with pytest.raises(httpx.PoolTimeout) as caught:
                await session.get(quick.url, timeout=0.05)
            waiting = asyncio.create_task(session.get(quick.url))
            held.release()
            assert await response.aread() == b"slow"
        assert (await waiting).content == b"quick"
        assert await settled(tape, session) == 1

    assert str(caught.value) == (
        "no connection became free in 0.05 seconds: all 1 of max_connections are in use"
    )
    assert caught.value.request.url == quick.url
    assert len(quick.requests) == 1


async def test_there_is_no_hidden_cap(tape: Tape, session: AsyncSession) -> None:
    """Without limits there are as many open streams as the caller likes."""
    held = tape.play(Reply(body=b"x"), Delivery(held=(0,)))

    contexts = [session.stream("GET", held.path) for _ in range(150)]
    responses = [await context.__aenter__() for context in contexts]
    held.release_all()
    bodies = [await response.aread() for response in responses]

    assert bodies == [b"x"] * 150
    assert await settled(tape, session) == tape.connections == 150


async def test_no_connection_is_kept(tape: Tape) -> None:
    """max_keepalive_connections=0 and keepalive_expiry=0 mean one connection for each request."""
    played = tape.play(Reply(body=b"x"), SIZED)

    for limits in (httpx.Limits(max_keepalive_connections=0), httpx.Limits(keepalive_expiry=0)):
        async with AsyncSession(limits=limits, security=False) as session:
            await session.get(played.url)
            await session.get(played.url)
            assert await settled(tape, session) == 0

    assert tape.connections == 4


async def test_idle_connections_expire(tape: Tape) -> None:
    """A connection that was idle for longer than keepalive_expiry is not used again."""
    played = tape.play(Reply(body=b"x"), SIZED)

    async with AsyncSession(limits=httpx.Limits(keepalive_expiry=0.01), security=False) as session:
        await session.get(played.url)
        await asyncio.to_thread(tape.wait_open, 0)
        await session.get(played.url)

    assert tape.connections == 2


# connecting


@pytest.fixture
def refused() -> Iterator[int]:
    """A port that nobody listens on, and nobody else can take."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def test_nobody_listens(refused: int, session: AsyncSession) -> None:
    """A refused connection is a ConnectError that names host and port."""
    with pytest.raises(httpx.ConnectError) as caught:
        await session.get(f"http://127.0.0.1:{refused}/x")

    assert str(caught.value).startswith(f"cannot connect to 127.0.0.1:{refused}: [Errno ")
    assert caught.value.request.url.path == "/x"


async def test_ipv6_is_named_in_brackets(refused: int, session: AsyncSession) -> None:
    """An IPv6 address and its port can be told apart in the message."""
    with pytest.raises(httpx.ConnectError, match=rf"^cannot connect to \[::1\]:{refused}: "):
        await session.get(f"http://[::1]:{refused}/")


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.invalid", "2130706433"])
async def test_a_name_that_cannot_be_resolved(host: str, session: AsyncSession) -> None:
    """A host that does not exist, or cannot exist, is a ConnectError that names it."""
    with pytest.raises(httpx.ConnectError, match=rf"^cannot connect to {host}:81: "):
        await session.get(f"http://{host}:81/")


@pytest.fixture
def deaf() -> Iterator[str]:
    """A listener that accepts nobody, its queue full: connecting to it never ends."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_connecting_takes_too_long(deaf: str, session: AsyncSession) -> None:
    """A connection that is not made within the timeout is a ConnectTimeout."""
    with pytest.raises(httpx.ConnectTimeout) as caught:
        await session.get(f"http://{deaf}/", timeout=0.1)

    assert str(caught.value) == f"no connection to {deaf} within 0.1 seconds"
    assert not engine_of(session)._connector._acquired


# closing


async def test_closing_ends_open_streams(tape: Tape, session: AsyncSession) -> None:
    """Closing the session ends the streams that are read, with what arrived and a message."""
    held = tape.play(Reply(body=b"one\ntwo"), Delivery("content-length", held=(4,)))

    async with session.stream("GET", held.path) as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "one"
        reading = asyncio.create_task(until_error(lines))
        await asyncio.sleep(0)
        await session.close()
        rest, error = await reading

    assert rest == []
    assert isinstance(error, httpx.ReadError)
    assert str(error) == "the session was closed while this response was read"
    assert error.request.url == held.url
    await asyncio.to_thread(tape.wait_open, 0)


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A name that is looked up for as long as the test runs, as with a name server that is down."""
    over, look_up = threading.Event(), socket.getaddrinfo

    def looked_up(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "undecided.invalid":
            over.wait(30)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    yield "undecided.invalid"
    over.set()


async def test_closing_ends_calls(tape: Tape, deaf: str, undecided: str) -> None:
    """Closing the session ends calls that wait: for a place, a connection, a name, a response."""
    silent = tape.silent()
    quick = tape.play(Reply(), SIZED)
    limits = httpx.Limits(max_connections=3)

    async with AsyncSession(limits=limits, timeout=60, security=False) as session:
        await session.get(quick.url)  # so that the next one has an idle connection to blame
        urls = [silent.url, f"http://{deaf}/", f"http://{undecided}/", quick.url]
        calls = [asyncio.create_task(session.get(url)) for url in urls]
        await asyncio.to_thread(silent.wait_held)
        await session.close()
        errors = await asyncio.gather(*calls, return_exceptions=True)

    assert [f"{type(error).__name__}: {error}" for error in errors] == [
        "ReadError: the session was closed while this response was read",
        f"ConnectError: the session was closed while connecting to {deaf}",
        f"ConnectError: the session was closed while connecting to {undecided}:80",
        f"ConnectError: the session was closed while connecting to 127.0.0.1:{tape.port}",
    ]
    assert len(quick.requests) == 1
    assert len(silent.requests) == 1
    await asyncio.to_thread(tape.wait_open, 0)


@pytest.mark.parametrize("tls", [False, True])
async def test_transports_are_gone_when_close_returns(tape: Tape, secure: str, tls: bool) -> None:
    """When close() returns, every socket is closed: the loop could end there and then."""
    endless = tape.play(Reply(), Delivery(endless=b"x" * 1000))

    async with AsyncSession(verify=False, security=False) as session:
        open_stream = session.stream("GET", f"{secure}held" if tls else endless.url)
        await open_stream.__aenter__()
        connector = engine_of(session)._connector
        (channel,) = connector._acquired
        assert channel.transport is not None
        sock = channel.transport.get_extra_info("socket")
        assert sock.fileno() > 0

    assert sock.fileno() == -1
    assert not connector.cut


async def test_a_dropped_response_is_no_leak(tape: Tape, session: AsyncSession) -> None:
    """A response that is forgotten, without its block being left, does not keep its connection."""
    endless = tape.play(Reply(), Delivery(endless=b"x" * 1000))

    context = session.stream("GET", endless.path)
    items = (await context.__aenter__()).aiter_bytes()
    await anext(items)
    del context, items
    gc.collect()

    assert await settled(tape, session) == 0


# TLS


@pytest.mark.parametrize("verify", ["context", False])
async def test_tls(secure: str, authority: trustme.CA, verify: str | bool) -> None:
    """With a context that trusts the server, and with verify=False, it is talked to."""
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async with AsyncSession(
        verify=context if verify == "context" else False, security=False
    ) as session:
        for _ in range(2):
            assert (await session.get(secure)).content == b"ok"
        (pooled,) = engine_of(session)._connector._conns.values()
        assert len(pooled) == 1


async def test_tls_is_verified(secure: str) -> None:
    """A certificate that the system does not trust is refused, by default."""
    async with AsyncSession(security=False) as session:
        with pytest.raises(httpx.ConnectError, match=r"^cannot connect to localhost:\d+: .*VERIFY"):
            await session.get(secure)
