"""Nothing that a caller passes can become another line of the request, on any transport."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from conformance.tape import Tape
from fasthttp import AiohttpTransport, AsyncSession, Security

pytest_plugins = ["tests.fixtures"]

CONTROLS = [chr(n) for n in (*range(9), *range(10, 32), 127)]  # a tab is none in a value
LOCAL = Security(allow=["127.0.0.1"])


class Recording(httpx.AsyncBaseTransport):
    """A transport of the caller's own, which must not be asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, request=request)


@pytest.fixture(params=["built-in", "own"])
async def session(
    request: pytest.FixtureRequest, tape: Tape
) -> AsyncIterator[Callable[[], AsyncSession]]:
    """A session that has connected to nothing, and has asked its transport for nothing."""
    own = Recording()
    options: dict[str, Any] = {"transport": own} if request.param == "own" else {}
    async with AsyncSession(base_url=tape.url, security=LOCAL, timeout=5, **options) as session:
        yield session
    assert (tape.connections, own.asked) == (0, 0)


async def refused(
    session: AsyncSession,
    error: tuple[type[Exception], ...],
    method: Any = "GET",
    url: Any = "/",
    **given: Any,
) -> None:
    """It is, in `stream()` and in `request()`."""
    with pytest.raises(error):
        session.stream(method, url, **given)
    with pytest.raises(error):
        await session.request(method, url, **given)


@pytest.mark.parametrize("control", [*CONTROLS, "\t", " ", "é", "\u2028"])
async def test_methods(session: AsyncSession, control: str) -> None:
    """A method is a token."""
    await refused(session, (ValueError,), f"GET{control}X")
    await refused(session, (ValueError,), f"{control}GET")


@pytest.mark.parametrize("control", [*CONTROLS, "\t", "\\"])
@pytest.mark.parametrize("place", ["/a{}b", "/a?q={}", "/a#{}", "http://127.0.0.1{}/", "{}/a"])
async def test_urls(session: AsyncSession, place: str, control: str) -> None:
    """Control characters are refused wherever they stand in a URL, and so is a backslash."""
    await refused(session, (httpx.InvalidURL,), url=place.format(control))


@pytest.mark.parametrize("control", CONTROLS)
async def test_header_values(session: AsyncSession, control: str) -> None:
    """No control character is a part of a header's value; the error names the header."""
    for value in (f"a{control}b", control, f"a{control}"):
        with pytest.raises(ValueError, match=r"^header 'X-A': "):
            AsyncSession(headers={"X-A": value})
        await refused(session, (ValueError,), headers={"X-A": value})


@pytest.mark.parametrize("character", [*CONTROLS, "\t", " ", ":", "é", "\u2028", ""])
async def test_header_names(session: AsyncSession, character: str) -> None:
    """A header's name is a token."""
    for name in (f"X{character}Y" if character else "", character):
        with pytest.raises(ValueError, match=r"^header name "):
            AsyncSession(headers={name: "a"})
        await refused(session, (ValueError,), headers={name: "a"})


@pytest.mark.parametrize("content", ["text", 1, [b"a"], iter([b"a"]), {"a": 1}, object()])
async def test_content(session: AsyncSession, content: Any) -> None:
    """Content is bytes, or TypeError."""
    await refused(session, (TypeError,), "POST", content=content)
    with pytest.raises(TypeError):
        session.events("/", content=content)


@pytest.mark.parametrize(
    "given",
    [
        {"json": object()},
        {"json": float("nan")},
        {"data": b"a=b"},
        {"data": "a=b"},
        {"data": [("a", "b")]},
        {"files": {"f": 1}},
        {"files": 1},
        {"files": {"f": ("name", b"x", "text/plain\r\nX: y")}},
        {"files": [("f", ("name", b"x", None, {"X": "y\nZ: z"}))]},
        {"content": b"a", "json": 1},
    ],
)
async def test_what_becomes_content(session: AsyncSession, given: dict[str, Any]) -> None:
    """So are values that cannot be sent, whatever they are to become."""
    with pytest.raises((TypeError, ValueError)):
        await session.post("/", **given)


@pytest.mark.parametrize("wrong", [None, 1, b"GET", ["GET"]])
async def test_other_types(session: AsyncSession, wrong: Any) -> None:
    """Method, URL and header are str."""
    await refused(session, (TypeError,), wrong)
    await refused(session, (TypeError,), url=wrong)
    await refused(session, (TypeError,), headers={b"X": "a"})
    if wrong is not None:
        await refused(session, (TypeError,), headers={"X": wrong})


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET\r\nX: y", "http://h/"),
        httpx.Request("GET /evil HTTP/1.1\r\nX:", "http://h/"),
        httpx.Request("GET /x", "http://h/"),
        httpx.Request("GÉT", "http://h/"),
        httpx.Request("GET", "http://h/", headers={"X": "a\r\nY: b"}),
        httpx.Request("GET", "http://h/", headers={"X\nY": "a"}),
        httpx.Request("GET", "http://h/", headers=[(b"X", b"a\0")]),
    ],
    ids=repr,
)
async def test_requests_made_by_hand(tape: Tape, request_: httpx.Request) -> None:
    """The built-in transport refuses what others have put together, before it connects."""
    request_.url = httpx.URL(tape.url)
    async with AiohttpTransport(security=LOCAL) as transport:
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await transport.handle_async_request(request_)

    assert caught.value.request is request_
    assert tape.connections == 0
