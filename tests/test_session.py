"""The session: opened and closed, its verbs and what they carry."""

import json
from typing import Any

import httpx
import pytest

import fasthttp.session
from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")


def test_two_imports() -> None:
    """The class has two names, and is one."""
    assert fasthttp.AsyncSession is fasthttp.session.AsyncSession


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base_url": httpx.URL("http://h.test")}, "base_url must be a str, not URL"),
        ({"transport": 5}, "transport must be an httpx.AsyncBaseTransport, not 5"),
        ({"verify": "ca.pem"}, "verify must be True, False or an ssl.SSLContext, not 'ca.pem'"),
    ],
)
def test_arguments_of_another_type(arguments: dict[str, Any], message: str) -> None:
    """An argument of another type is a TypeError that names it."""
    with pytest.raises(TypeError) as caught:
        AsyncSession(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("url", [b"http://h.test/", ["/"], httpx.URL("http://h.test/")])
async def test_urls_of_another_type(session: AsyncSession, url: Any) -> None:
    """A url that is no str is a TypeError, also where it has no hash."""
    message = f"^url must be a str, not {type(url).__name__}$"
    with pytest.raises(TypeError, match=message):
        session.stream("GET", url)
    with pytest.raises(TypeError, match=message):
        await session.get(url)


# open and closed


async def test_closed_until_opened(tape: Tape) -> None:
    """A session that is not open says what to do, and one that was closed can be opened again."""
    played = tape.play(Reply(body=b"x"), SIZED)
    session = AsyncSession(base_url=tape.url, security=False)

    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^this session is closed: use `async with Async"):
            session.stream("GET", played.path)
        with pytest.raises(RuntimeError, match=r"or `await session.open\(\)` first$"):
            await session.get(played.path)
        await session.open()
        await session.open()
        assert (await session.get(played.path)).content == b"x"
        await session.close()
        await session.close()


async def test_closed_before_the_block_is_entered(tape: Tape) -> None:
    """What `stream()` returned while the session was open sends nothing once it is closed."""
    async with AsyncSession(base_url=tape.url, security=False) as session:
        late = session.stream("GET", "/")

    with pytest.raises(RuntimeError, match=r"^this session is closed"):
        await late.__aenter__()
    assert tape.connections == 0


async def test_a_block_is_entered_once(tape: Tape, session: AsyncSession) -> None:
    """To enter a block within itself is an error that leaves the response as it is."""
    played = tape.play(Reply(body=b"x"), SIZED)

    async with (block := session.stream("GET", played.path)) as response:
        with pytest.raises(RuntimeError, match=r"^this block is entered already: each needs a str"):
            await block.__aenter__()
        assert await response.aread() == b"x"


async def test_the_block_gives_the_session() -> None:
    """`async with` gives the session itself."""
    session = AsyncSession(security=False)
    async with session as entered:
        assert entered is session


async def test_a_whole_response_outlives_the_session(tape: Tape) -> None:
    """What a verb returned is in memory, also after the session was closed."""
    played = tape.play(Reply(body=b"one\ntwo"))

    async with AsyncSession(security=False) as session:
        response = await session.get(played.url)

    assert [line async for line in response.aiter_lines()] == ["one", "two"]


# verbs


@pytest.mark.parametrize("verb", ["get", "head", "options", "delete", "post", "put", "patch"])
async def test_verbs(tape: Tape, session: AsyncSession, verb: str) -> None:
    """Each verb sends its method, and returns a response that has been read."""
    played = tape.play(Reply(404, body=b"hello"), SIZED)

    response = await getattr(session, verb)(played.path, headers={"X": "1"}, timeout=5)

    (request,) = played.requests
    assert (request.method, request.values("x")) == (verb.upper(), [b"1"])
    assert response.content == (b"" if verb == "head" else b"hello")
    assert (response.status_code, response.is_closed) == (404, True)


@pytest.mark.parametrize(("given", "sent"), [("get", "GET"), ("Propfind", "PROPFIND")])
async def test_methods(tape: Tape, session: AsyncSession, given: str, sent: str) -> None:
    """Any token is a method, in upper case; in `stream()` and in `request()`."""
    played = tape.play(Reply())

    await session.request(given, played.path)
    async with session.stream(given, played.path):
        pass

    assert [request.method for request in played.requests] == [sent, sent]


@pytest.mark.parametrize(
    ("method", "error"),
    [("", ValueError), ("GET /", ValueError), ("GÉT", ValueError), (b"GET", TypeError)],
)
async def test_no_method(
    tape: Tape, session: AsyncSession, method: Any, error: type[Exception]
) -> None:
    """What is no token is refused before anything is connected."""
    with pytest.raises(error, match="method"):
        session.stream(method, "/")
    with pytest.raises(error, match="method"):
        await session.request(method, "/")
    assert tape.connections == 0


@pytest.mark.parametrize(
    ("arguments", "target", "content_type", "body"),
    [
        ({"params": {"q": "x y&z"}}, "?q=x+y%26z", [], b""),
        ({"params": {"q": [1, 2]}}, "?q=1&q=2", [], b""),
        ({"json": {"a": [1, None, "é"]}}, "", [b"application/json"], None),
        ({"json": 0}, "", [b"application/json"], b"0"),
        ({"data": {"a": "1 2"}}, "", [b"application/x-www-form-urlencoded"], b"a=1+2"),
        ({"data": {}}, "", [], b""),
        ({"content": b"\0raw"}, "", [], b"\0raw"),
        (
            {"json": [], "headers": {"content-type": "application/x-mine"}},
            "",
            [b"application/x-mine"],
            b"[]",
        ),
        ({"json": [], "headers": {"content-type": None}}, "", [], b"[]"),
    ],
)
async def test_what_a_verb_carries(
    tape: Tape,
    session: AsyncSession,
    arguments: dict[str, Any],
    target: str,
    content_type: list[bytes],
    body: bytes | None,
) -> None:
    """Params, json, data and content go out with the type that belongs to them."""
    played = tape.play(Reply(), path=f"/a{target}")

    await session.post("/a", **arguments)

    (request,) = played.requests
    assert request.values("content-type") == content_type
    assert request.values("content-length") == [b"%d" % len(request.body)]
    if body is None:
        assert json.loads(request.body) == arguments["json"]
    else:
        assert request.body == body


async def test_files(tape: Tape, session: AsyncSession) -> None:
    """Files go out in multipart form, with the fields of data."""
    played = tape.play(Reply())

    await session.put(played.path, data={"a": "1"}, files={"f": ("name.txt", b"content")})

    (request,) = played.requests
    (content_type,) = request.values("content-type")
    kind, _, boundary = content_type.partition(b"; boundary=")
    assert kind == b"multipart/form-data"
    assert request.body.count(b"--" + boundary) == 3
    assert b'name="f"; filename="name.txt"\r\nContent-Type: text/plain' in request.body
    assert b"\r\n\r\ncontent\r\n" in request.body


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": "text"}, "content must be bytes, not str"),
        ({"content": iter([b"x"])}, "content must be bytes, not list_iterator"),
        (
            {"content": b"", "json": 1},
            "content cannot go along with json, data or files: give one",
        ),
    ],
)
async def test_content_that_cannot_be(
    tape: Tape, session: AsyncSession, arguments: dict[str, Any], message: str
) -> None:
    """What cannot be sent is a TypeError before anything is connected."""
    with pytest.raises(TypeError) as caught:
        await session.post("/", **arguments)
    assert str(caught.value) == message
    assert tape.connections == 0


async def test_cookies_are_not_kept(tape: Tape, session: AsyncSession) -> None:
    """No cookie of a response goes out again; the caller's Cookie header does."""
    played = tape.play(Reply(200, (("Set-Cookie", "login=1; Path=/"),)))

    for headers in (None, None, {"Cookie": "mine=1"}):
        await session.get(played.path, headers=headers)

    assert [request.values("cookie") for request in played.requests] == [[], [], [b"mine=1"]]


async def test_errors_name_the_request(tape: Tape, session: AsyncSession) -> None:
    """An error of a verb or on entering a block has the request that it is about."""
    played = tape.play(Reply(), Delivery("content-length", head=b"HTTP/1.1 nonsense\r\n\r\n"))

    with pytest.raises(httpx.RemoteProtocolError, match="bad status line") as caught:
        await session.post(played.path)
    assert (caught.value.request.method, str(caught.value.request.url)) == ("POST", played.url)

    with pytest.raises(httpx.RemoteProtocolError, match="bad status line") as caught:
        async with session.stream("GET", played.path):
            pass
    assert caught.value.request.method == "GET"


async def test_streaming_is_live(tape: Tape, session: AsyncSession) -> None:
    """The block is entered, and each line read, while the server still holds back the rest."""
    played = tape.play(Reply(body=b"one\ntwo\n"), Delivery(held=(0, 4)))

    async with session.stream("GET", played.path) as response:
        assert response.status_code == 200
        lines = response.aiter_lines()
        played.release()
        assert await anext(lines) == "one"
        played.release()
        assert await anext(lines) == "two"
        assert await anext(lines, None) is None
