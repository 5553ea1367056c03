"""Redirects: where they lead, what goes along, and what is not followed."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, redirects
from tests.support import settled

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")


def to(location: str, status: int = 302, body: bytes = b"moved") -> Reply:
    return Reply(status, (("Location", location),), body)


@pytest.fixture
async def following(tape: Tape) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(
        base_url=tape.url, timeout=10, follow_redirects=True, security=False
    ) as session:
        yield session


@pytest.fixture
def elsewhere() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


@pytest.mark.parametrize("verb", ["get", "stream"])
async def test_off_by_default(tape: Tape, session: AsyncSession, verb: str) -> None:
    """A redirect is a response like any other, and says where it would lead."""
    moved = tape.play(to("/next?q#f"), SIZED)

    async with session.stream("GET", moved.path) as streamed:
        response = await session.get(moved.path) if verb == "get" else streamed
        assert (response.status_code, await response.aread()) == (302, b"moved")

    assert response.next_request is not None
    assert response.next_request.url == f"{tape.url}/next?q"
    assert response.history == []
    assert tape.unexpected == []


async def test_followed(tape: Tape, following: AsyncSession) -> None:
    """Relative and absolute redirects are followed to a response that lists those before it."""
    last = tape.play(Reply(body=b"here"), SIZED)
    middle = tape.play(to(last.url, 307), SIZED)
    first = tape.play(to(middle.path, 301), SIZED)

    async with following.stream("GET", first.path) as response:
        assert await response.aread() == b"here"

    assert [earlier.status_code for earlier in response.history] == [301, 307]
    assert [earlier.url for earlier in response.history] == [first.url, middle.url]
    assert [len(earlier.history) for earlier in response.history] == [0, 1]
    assert (str(response.url), response.next_request) == (last.url, None)
    assert tape.connections == 1
    assert await settled(tape, following) == 1


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (303, "PUT", "GET"),
        (308, "DELETE", "DELETE"),
        (303, "HEAD", "HEAD"),
        (301, "OPTIONS", "OPTIONS"),
    ],
)
async def test_methods(
    tape: Tape, following: AsyncSession, status: int, method: str, then: str
) -> None:
    """A POST stays one, with its content, for 307 and 308 only; else it is a GET without any."""
    last = tape.play(Reply(), SIZED)
    first = tape.play(to(last.path, status), SIZED)
    content = b"payload" if then == method == "POST" or method in {"POST", "PUT"} else None
    headers = {"Content-Type": "text/plain"} if content else None

    response = await following.request(method, first.path, content=content, headers=headers)

    (request,) = last.requests
    assert (request.method, response.request.method) == (then, then)
    if then == method and content:
        assert (request.body, request.values("content-type")) == (content, [b"text/plain"])
    else:
        assert request.body == b""
        names = ("content-type", "content-length", "transfer-encoding")
        assert [request.values(name) for name in names] == [[], [], []]


async def test_another_origin(tape: Tape, elsewhere: Tape, following: AsyncSession) -> None:
    """To another origin only harmless headers go along; to the same one, all of them."""
    there = elsewhere.play(Reply(), SIZED)
    here = tape.play(to(there.url, 307), SIZED)
    first = tape.play(to(here.path, 307), SIZED)
    secrets = {"Authorization": "a", "Cookie": "b", "X-Api-Key": "c", "Proxy-Authorization": "d"}
    harmless = {"Accept": "e", "Range": "bytes=0-", "Content-Type": "f", "User-Agent": "g"}

    await following.post(first.path, headers=secrets | harmless, content=b"x")

    def sent(name: str) -> list[bytes]:
        return [value for played in (here, there) for value in played.requests[0].values(name)]

    assert [sent(name) for name in secrets] == [[b"a"], [b"b"], [b"c"], [b"d"]]
    assert [sent(name) for name in harmless] == [[v.encode()] * 2 for v in harmless.values()]
    assert sent("host") == [f"127.0.0.1:{played.port}".encode() for played in (tape, elsewhere)]


async def test_url_credentials_stay(tape: Tape, elsewhere: Tape, following: AsyncSession) -> None:
    """User and password of the first URL go along within its origin, and not beyond."""
    there = elsewhere.play(Reply(), SIZED)
    here = tape.play(to(there.url), SIZED)
    first = tape.play(to(here.path), SIZED)

    await following.get(f"http://u:p@127.0.0.1:{tape.port}{first.path}")

    assert here.requests[0].values("authorization") == [b"Basic dTpw"]
    assert there.requests[0].values("authorization") == []


async def test_twenty_and_no_more(tape: Tape, following: AsyncSession) -> None:
    """Twenty redirects are followed; the next one is an error that says so."""
    turns = [(to("/loop"), SIZED)] * 20
    tape.play_sequence([*turns, (Reply(body=b"out"), SIZED)], path="/loop")
    endless = tape.play(to("/endless"), SIZED, path="/endless")

    response = await following.get("/loop")
    with pytest.raises(httpx.TooManyRedirects) as caught:
        await following.get(endless.path)

    assert (response.content, len(response.history)) == (b"out", 20)
    assert str(caught.value) == f"over 20 redirects, the last to {endless.url}"
    assert caught.value.request.url == endless.url
    assert len(endless.requests) == 21
    assert await settled(tape, following) == 1


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("ftp://h.test/", "does not start with http:// or https://"),
        ("http://u:p@127.0.0.1/", "redirect to a URL with a user name, at 127.0.0.1, refused"),
        ("http://[::1", "refused"),
        ("http://h.test:99999/", "the greatest is 65535"),
        ("javascript:alert(1)", "does not start with http:// or https://"),
    ],
)
async def test_not_followed(
    tape: Tape, session: AsyncSession, following: AsyncSession, location: str, why: str
) -> None:
    """A Location that leads nowhere good is an error to follow, and readable when not followed."""
    moved = tape.play(to(location), SIZED)

    with pytest.raises(httpx.RemoteProtocolError, match="redirect") as caught:
        await following.get(moved.path)
    assert why in str(caught.value)
    assert caught.value.request.url == moved.url
    assert await settled(tape, following) == 1

    response = await session.get(moved.path)
    assert (response.content, response.next_request) == (b"moved", None)


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_no_redirect(tape: Tape, following: AsyncSession, status: int) -> None:
    """Other 3xx responses are final, with a Location or without; so is a 302 that has none."""
    other = tape.play(to("/x", status), SIZED)
    nowhere = tape.play(Reply(302, body=b"nowhere"), SIZED)

    assert (await following.get(other.path)).status_code == status
    assert (await following.get(nowhere.path)).content == b"nowhere"


def test_never_in_the_clear() -> None:
    """A redirect from https to http is refused; the other way round it is followed."""

    def redirect(source: str, target: str) -> httpx.Response:
        request = httpx.Request("GET", source)
        return httpx.Response(302, headers={"Location": target}, request=request)

    with pytest.raises(httpx.RemoteProtocolError) as caught:
        redirects.next_request(redirect("https://h.test/a", "http://h.test/b"))
    assert str(caught.value) == (
        "redirect from https to 'http://h.test/b' refused: it would go on in the clear"
    )

    following = redirects.next_request(redirect("http://h.test/a", "//h.test:81/b"))
    assert following is not None
    assert following.url == "http://h.test:81/b"
    following = redirects.next_request(redirect("http://h.test/a", "https://h.test/b"))
    assert following is not None
    assert following.url == "https://h.test/b"


async def test_a_large_body_is_not_read(tape: Tape, following: AsyncSession) -> None:
    """The body of a redirect that is followed is dropped, even one that never ends."""
    last = tape.play(Reply(body=b"here"), SIZED)
    first = tape.play(to(last.path, body=b""), Delivery(endless=b"x" * 1000))

    response = await following.get(first.path)

    assert await settled(tape, following) == 1
    assert response.content == b"here"
