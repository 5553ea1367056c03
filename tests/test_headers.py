"""Headers: merged as the oracle says, checked before anything is connected, completed once."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.delivery import Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, headers
from spec import oracles
from spec.oracles.headers import merge as expected
from tests.support import PATIENT

pytest_plugins = ["tests.fixtures"]

names = st.sampled_from(["X-A", "x-a", "X-B", "x-B", "Accept", "ACCEPT", "X C", "", "é", "X:"])
values = st.one_of(
    st.sampled_from(["", "1", "a b", "a\tb"]), st.text("a \t\n\x7fé", max_size=3), st.none()
)
mappings = st.dictionaries(names, values, max_size=5)
good = st.dictionaries(names.filter(str.isascii), values.filter(lambda value: value != "é"))


def merged(session: Mapping[str, Any], request: Mapping[str, Any]) -> list[tuple[str, str]]:
    own = headers.merge((), headers.check(session))
    return [(name.lower(), value) for name, value in headers.merge(own, headers.check(request))]


@PATIENT
@given(st.dictionaries(names, values.filter(lambda value: value is not None), max_size=5), mappings)
@example({}, {"X-A": None, "X-B": "", "x-a": ""})
@example({"X-A": "1", "X-B": "2", "x-a": "3"}, {"x-b": "4", "X-C": "5", "X-B": "6", "x-c": "7"})
def test_the_oracle_agrees(session: dict[str, str], request: dict[str, str | None]) -> None:
    """Whatever the two mappings are, they give what the oracle says, or are refused likewise."""
    before = (dict(session), dict(request))
    try:
        wanted = expected(session, request)
    except oracles.Refused:
        with pytest.raises(ValueError, match=r"^header "):
            merged(session, request)
    else:
        assert merged(session, request) == wanted
    assert (session, request) == before


@pytest.mark.parametrize(
    ("given_headers", "message"),
    [
        ({"X-Bad": "a\r\nX: b"}, "header 'X-Bad': '\\r' at position 1 of its value"),
        ({"X-Bad": "a\0"}, "header 'X-Bad': '\\x00' at position 1 of its value"),
        ({"X-Bad": "a\x7fb"}, "header 'X-Bad': '\\x7f' at position 1 of its value"),
        ({"X-Bad": " a"}, "header 'X-Bad': its value begins or ends with a space"),
        ({"X-Bad": "a\t"}, "header 'X-Bad': its value begins or ends with a space"),
        ({"X-Bad": "Zoë"}, "header 'X-Bad': the character at position 2 of its value is not ASCII"),
        ({"X Bad": "a"}, "header name 'X Bad' is not a token (letters, digits, !#$%&'*+-.^_`|~)"),
        ({"": "a"}, "header name '' is not a token (letters, digits, !#$%&'*+-.^_`|~)"),
        (
            {"transfer-encoding": "chunked"},
            "header 'transfer-encoding' cannot be set: the body is sent whole, with its "
            "Content-Length",
        ),
        ({"Content-Length": "4"}, "header 'Content-Length': '4', but content has 5 bytes"),
        (
            {"Content-Length": "5", "content-length": "5"},
            "header 'content-length' is there twice, in different cases",
        ),
        (
            {"Host": "a.test", "HOST": "b.test"},
            "header 'host' is there twice, in different cases",
        ),
    ],
)
async def test_what_is_refused(
    tape: Tape, session: AsyncSession, given_headers: dict[str, str], message: str
) -> None:
    """What would break a request apart, or contradict it, is refused by name, unsent."""
    with pytest.raises(ValueError, match=r"^header ") as caught:
        session.stream("POST", "/", headers=given_headers, content=b"hello")
    assert str(caught.value) == message

    with pytest.raises(ValueError, match=r"^header ") as caught:
        async with AsyncSession(base_url=tape.url, headers=given_headers, security=False) as other:
            await other.post("/", content=b"hello")
    assert str(caught.value) == message
    assert tape.connections == 0


@pytest.mark.parametrize(
    ("given_headers", "message"),
    [
        ({"X-N": 1}, "header 'X-N': the value must be a str, not int"),
        ({"X-N": b"1"}, "header 'X-N': the value must be a str, not bytes"),
        ({b"X-N": "1"}, "header name b'X-N' must be a str, not bytes"),
    ],
)
def test_types(given_headers: Any, message: str) -> None:
    """Names and values are str; anything else is a TypeError that names the header."""
    with pytest.raises(TypeError) as caught:
        AsyncSession(headers=given_headers, security=False)
    assert str(caught.value) == message


@pytest.mark.parametrize("verb", ["stream", "get"])
async def test_what_goes_out(tape: Tape, verb: str) -> None:
    """Host is first, the session's headers keep their place, a call's follow and do not stay."""
    played = tape.play(Reply())
    own = {"X-One": "1", "accept": "text/plain", "X-Two": "2"}
    call = {"x-two": "zwei", "X-ONE": None, "X-Three": "3"}

    async with AsyncSession(headers=own, security=False) as session:
        for given_headers in (call, None):
            if verb == "get":
                await session.get(played.url, headers=given_headers)
            else:
                async with session.stream("GET", played.url, headers=given_headers):
                    pass

    first, second = (
        [(name.decode(), value.decode()) for name, value in request.headers]
        for request in played.requests
    )
    assert [pair for pair in first if pair[0] not in {"Accept-Encoding", "User-Agent"}] == [
        ("Host", f"127.0.0.1:{tape.port}"),
        ("accept", "text/plain"),
        ("x-two", "zwei"),
        ("X-Three", "3"),
    ]
    assert [pair for pair in second if pair[0].startswith("X-")] == [("X-One", "1"), ("X-Two", "2")]
    assert call == {"x-two": "zwei", "X-ONE": None, "X-Three": "3"}


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [
        ("GET", None, []),
        ("DELETE", None, []),
        ("POST", None, [b"0"]),
        ("PUT", None, [b"0"]),
        ("GET", b"", [b"0"]),
        ("GET", b"abc", [b"3"]),
        ("PROPFIND", b"abc", [b"3"]),
        ("POST", bytearray(b"abc"), [b"3"]),
        ("POST", memoryview(b"abc"), [b"3"]),
    ],
)
async def test_content_length(
    tape: Tape, session: AsyncSession, method: str, content: bytes | None, length: list[bytes]
) -> None:
    """Content has its length, under any method; without content only some methods say 0."""
    played = tape.play(Reply())

    await session.request(method, played.path, content=content)

    (request,) = played.requests
    assert request.values("content-length") == length
    assert request.body == bytes(content or b"")
    assert request.values("content-type") == request.values("transfer-encoding") == []


async def test_host(tape: Tape, session: AsyncSession) -> None:
    """A caller's Host is sent instead of the URL's, and one that is taken out comes back."""
    played = tape.play(Reply())

    await session.get(played.path, headers={"host": "virtual.test"})
    await session.get(played.path, headers={"Host": None})

    assert [request.values("host") for request in played.requests] == [
        [b"virtual.test"],
        [b"127.0.0.1:%d" % tape.port],
    ]


async def test_credentials_in_the_url(tape: Tape, session: AsyncSession) -> None:
    """User and password of a URL become a Basic Authorization, unless the caller sets one."""
    played = tape.play(Reply())
    url = f"http://us%65r:p%40ss@127.0.0.1:{tape.port}{played.path}"

    await session.get(url)
    await session.get(url, headers={"authorization": "Bearer t"})

    assert [request.values("authorization") for request in played.requests] == [
        [b"Basic dXNlcjpwQHNz"],
        [b"Bearer t"],
    ]


def test_pairs() -> None:
    """Pairs are taken as well as a mapping, and keep their order and number."""
    pairs = [("X", "1"), ("Y", "2"), ("X", "3")]

    assert headers.merge((("x", "0"), ("Z", "9")), headers.check(pairs)) == (
        ("X", "1"),
        ("X", "3"),
        ("Z", "9"),
        ("Y", "2"),
    )
    assert headers.basic(httpx.URL("http://é:@h/")) == "Basic w6k6"
