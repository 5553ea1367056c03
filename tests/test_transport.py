"""Any transport under our session, and our transport under httpx's client."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AiohttpTransport, AsyncSession, Response
from tests.support import until_error

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
BODY = "a\u2028b\rc\n".encode()
LINES = ["a\u2028b", "c"]


# under our session


async def test_a_mock() -> None:
    """httpx.MockTransport sees the request as it would go out, and is read by our decoders."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=BODY)

    transport = httpx.MockTransport(handler)
    async with AsyncSession(
        base_url="http://h.test/v1", transport=transport, security=False
    ) as session:
        async with session.stream("POST", "a", content=b"x", headers={"X": "1"}) as response:
            assert [line async for line in response.aiter_lines()] == LINES
        assert (await session.get("b")).content == BODY

    assert type(response) is Response
    assert [str(request.url) for request in seen] == ["http://h.test/v1/a", "http://h.test/v1/b"]
    assert seen[0].headers["content-length"] == "1"
    assert seen[0].content == b"x"


class Endless(httpx.AsyncByteStream):
    """Goes on for ever, and notes the end of its generator and its own."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x\n"
        finally:
            self.ended.append("generator")

    async def aclose(self) -> None:
        self.ended.append("stream")


async def test_a_mock_that_streams() -> None:
    """Another transport's stream is read as it goes; leaving closes its generator, then it."""
    body = Endless()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))

    async with (
        AsyncSession(transport=transport, security=False) as session,
        session.stream("GET", "http://h.test/") as response,
    ):
        async for line in response.aiter_lines():
            assert line == "x"
            break
        assert body.ended == []

    assert body.ended == ["generator", "stream"]


async def test_an_application() -> None:
    """httpx.ASGITransport serves an application without a network."""

    async def application(
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        body = (await receive())["body"] + scope["query_string"]
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": body})

    transport = httpx.ASGITransport(application)  # type: ignore[arg-type] # its types are its own
    async with AsyncSession(
        base_url="http://h.test", transport=transport, security=False
    ) as session:
        response = await session.post("/a", params={"q": "1"}, content=b"sent ")

    assert (response.status_code, response.content) == (201, b"sent q=1")


async def test_httpx_transport(tape: Tape) -> None:
    """httpx.AsyncHTTPTransport works, in one loop after another; its errors are ours."""
    played = tape.play(Reply(body=BODY), Delivery(codings=("gzip",)))
    short = tape.play(Reply(body=b"one\ntwo"), Delivery("content-length", end=("close", 6)))

    transport = httpx.AsyncHTTPTransport()
    async with AsyncSession(base_url=tape.url, transport=transport, security=False) as session:
        async with session.stream("GET", played.path) as response:
            assert [line async for line in response.aiter_lines()] == LINES
        async with session.stream("GET", short.path) as response:
            got, error = await until_error(response.aiter_lines())
        with pytest.raises(httpx.ConnectError) as caught:
            await session.get("http://127.0.0.1:9/")

    assert got == ["one"]
    assert isinstance(error, httpx.RemoteProtocolError)
    assert error.request.url == short.url
    assert caught.value.request.url == "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    "option", [{"verify": False}, {"proxy": "http://p:1"}, {"limits": httpx.Limits()}]
)
def test_options_of_the_built_in_transport(option: dict[str, Any]) -> None:
    """What only the built-in transport understands cannot be given along with another."""
    with pytest.raises(ValueError, match="limits, verify and proxy are the built-in transport's"):
        AsyncSession(transport=httpx.MockTransport(lambda _: httpx.Response(200)), **option)


# under httpx's client


async def test_our_transport_under_a_client(tape: Tape) -> None:
    """httpx.AsyncClient gets our engine, and a response that reads as ours does."""
    played = tape.play(Reply(body=BODY), Delivery(codings=("gzip",)))

    async with httpx.AsyncClient(
        transport=AiohttpTransport(security=False), base_url=tape.url
    ) as client:
        assert (await client.get(played.path)).content == BODY
        async with client.stream("GET", played.path) as response:
            assert isinstance(response, Response)
            assert [line async for line in response.aiter_lines()] == LINES
        async with client.stream("GET", played.path) as response:
            assert await response.aread() == BODY
        assert response.elapsed.total_seconds() > 0

    assert tape.connections == 1
    await asyncio.to_thread(tape.wait_open, 0)


async def test_leaving_early_under_a_client(tape: Tape) -> None:
    """A stream left early is cut, and a client's timeout is honoured."""
    endless = tape.play(Reply(), Delivery(endless=b"x\n"))
    silent = tape.silent()

    async with httpx.AsyncClient(transport=AiohttpTransport(security=False), timeout=10) as client:
        async with client.stream("GET", endless.url) as response:
            async for line in response.aiter_lines():
                assert line == "x"
                break
        await asyncio.to_thread(tape.wait_open, 0)
        with pytest.raises(httpx.ReadTimeout):
            await client.get(silent.url, timeout=httpx.Timeout(10, read=0.05))


def test_a_client_that_is_never_entered(tape: Tape) -> None:
    """A client may be used without `async with`, in one loop after another."""
    played = tape.play(Reply(body=b"x"), SIZED)
    transport = AiohttpTransport(security=False)

    async def ask() -> bytes:
        client = httpx.AsyncClient(transport=transport)
        content = (await client.get(played.url)).content
        await client.aclose()
        return content

    assert [asyncio.run(ask()), asyncio.run(ask())] == [b"x", b"x"]
    assert tape.connections == 2


@pytest.mark.parametrize("headers", [{"X": "a\nb"}, {"X\r\nY": "a"}, {"X": "a\0"}, {b"X": b"a\rb"}])
async def test_nothing_unsafe_leaves(tape: Tape, headers: Any) -> None:
    """What httpx lets through in a header is refused before it is written."""
    async with httpx.AsyncClient(transport=AiohttpTransport(security=False)) as client:
        with pytest.raises(httpx.LocalProtocolError, match=r"^control character b'.*' in the") as c:
            await client.get(f"{tape.url}/x", headers=headers)
        await asyncio.to_thread(tape.wait_open, 0)

    assert c.value.request.url == f"{tape.url}/x"
    assert tape.unexpected == []


# limits


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            httpx.Limits(max_keepalive_connections=5),
            "limits: max_keepalive_connections=5 cannot be honoured by this transport; "
            "None keeps any number, 0 keeps none",
        ),
        (httpx.Limits(max_connections=0), "limits: max_connections=0 allows no connection"),
        (
            httpx.Limits(keepalive_expiry=math.nan),
            "limits: keepalive_expiry=nan, give 0 or more seconds, or None",
        ),
    ],
)
def test_limits_that_cannot_be(limits: httpx.Limits, message: str) -> None:
    """A limit that the engine cannot honour is refused, not ignored."""
    with pytest.raises(ValueError, match="limits") as caught:
        AsyncSession(limits=limits, security=False)
    assert str(caught.value) == message
