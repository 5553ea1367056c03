"""The documentation page that the project starts from: each of its programs, played by the tape.

The calls are the page's; hosts are replaced by the tape's address, and what is printed is kept.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from conformance.cassettes import load
from conformance.delivery import Delivery, Reply
from conformance.exchange import PATIENCE, Exchange
from conformance.record.content import STORY
from conformance.tape import Tape
from examples.demo import play
from fasthttp import AsyncSession

TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tape]:
    monkeypatch.setenv("no_proxy", "*")
    with Tape() as tape:
        yield tape


@pytest.fixture
async def session(tape: Tape) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(security=False) as session:
        yield session


@pytest.fixture
async def api(tape: Tape) -> AsyncIterator[AsyncSession]:
    """A session with a base URL and headers of its own."""
    async with AsyncSession(base_url=tape.url, headers=TOKEN, security=False) as session:
        yield session


def recorded(tape: Tape, name: str, delivery: Delivery | None = None) -> Exchange:
    return play(tape, load(name)[0], delivery or Delivery())


async def test_basic_usage(tape: Tape, session: AsyncSession) -> None:
    """Five JSON documents, a line each, come as five lines."""
    exchange = recorded(tape, "httpbin/stream-5")

    async with session.stream("GET", exchange.url) as response:
        lines = [line async for line in response.aiter_lines()]

    assert [json.loads(line)["id"] for line in lines] == [0, 1, 2, 3, 4]
    assert exchange.requests[0].raw.startswith(b"GET /stream/5 HTTP/1.1\r\n")


async def test_lines_come_as_they_arrive(tape: Tape, session: AsyncSession) -> None:
    """The first line is there while the server still keeps back the second."""
    body = load("httpbin/stream-5")[0].response.body
    exchange = recorded(tape, "httpbin/stream-5", Delivery(held=(body.index(b"\n") + 1,)))

    async with session.stream("GET", exchange.url) as response:
        lines = response.aiter_lines()
        first = await anext(lines)
        sent = exchange.sent
        exchange.release()
        rest = [line async for line in lines]

    assert sent < len(body)
    assert first.encode() == body.partition(b"\n")[0]
    assert len(rest) == 4


async def test_server_sent_events(tape: Tape, session: AsyncSession) -> None:
    """Tokens come out of the data lines of a chat completion, until it says that it is done."""
    exchange = recorded(tape, "sse/chat")
    payload = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()
    headers = {**TOKEN, "Content-Type": "application/json"}

    answer = ""
    async with session.stream("POST", exchange.url, headers=headers, content=payload) as response:
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ")
            if data == "[DONE]":
                break
            if data != line:
                answer += json.loads(data)["choices"][0]["delta"].get("content", "")

    request = exchange.requests[0]
    assert answer == "".join(STORY)
    assert (request.method, request.body) == ("POST", payload)
    assert request.values("authorization") == [b"Bearer token"]
    assert request.values("content-type") == [b"application/json"]
    assert request.values("content-length") == [str(len(payload)).encode()]


async def test_raw_bytes_body(tape: Tape, api: AsyncSession) -> None:
    """A body goes out as it is; the answer comes in chunks of the size asked for."""
    body, answer = b'{"query": "stream this"}', bytes(range(256)) * 10
    exchange = tape.play(Reply(body=answer), Delivery(chunks=(1, 700)), path="/stream")

    async with api.stream("POST", "/stream", content=body) as response:
        chunks = [chunk async for chunk in response.aiter_bytes(1024)]

    assert exchange.requests[0].body == body
    assert [len(chunk) for chunk in chunks] == [1024, 1024, 512]
    assert b"".join(chunks) == answer


async def test_downloading_large_files(tape: Tape, tmp_path: Path) -> None:
    """A file is written chunk by chunk; the whole is never in memory."""
    exchange = recorded(tape, "sse/download", Delivery("content-length"))
    target = tmp_path / "service.log"
    sizes = set()

    with target.open("wb") as file:
        async with (
            AsyncSession(security=False, timeout=300.0) as session,
            session.stream("GET", exchange.url) as response,
        ):
            async for chunk in response.aiter_bytes(8192):
                sizes.add(len(chunk))
                file.write(chunk)

    content = load("sse/download")[0].response.body
    assert target.read_bytes() == content
    assert sizes == {8192, len(content) % 8192}


async def test_session_headers(tape: Tape, api: AsyncSession) -> None:
    """A session's headers go with every stream; those of one request come on top, for it alone."""
    exchange = tape.play(Reply(body=b"a\nb\n"), path="/events")

    for headers in (None, {"X-Trace": "1"}, None):
        async with api.stream("GET", "/events", headers=headers) as response:
            assert [line async for line in response.aiter_lines()] == ["a", "b"]

    assert [request.values("authorization") for request in exchange.requests] == [
        [b"Bearer token"]
    ] * 3
    assert [request.values("x-trace") for request in exchange.requests] == [[], [b"1"], []]


@pytest.mark.parametrize(("status", "read"), [(200, 3), (500, 0)])
async def test_checking_the_status_first(
    tape: Tape, session: AsyncSession, status: int, read: int
) -> None:
    """The status is known before the body, which need not be read then."""
    body = load("httpbin/stream-3")[0].response.body
    exchange = tape.play(Reply(status, body=body), Delivery(held=(0,)))
    lines = []

    async with session.stream("GET", exchange.url) as response:
        seen = response.status_code
        if seen == 200:
            exchange.release()
            lines = [line async for line in response.aiter_lines()]

    assert (seen, len(lines)) == (status, read)


async def test_reading_modes(tape: Tape, session: AsyncSession) -> None:
    """One body, four ways to read it; what is yielded is an httpx response."""
    exchange = recorded(tape, "httpbin/encoding-utf8")
    body = load("httpbin/encoding-utf8")[0].response.body
    text = body.decode()

    async with session.stream("GET", exchange.url) as response:
        assert isinstance(response, httpx.Response)
        assert await response.aread() == body
    async with session.stream("GET", exchange.url) as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes(100)]) == body
    async with session.stream("GET", exchange.url) as response:
        assert "".join([piece async for piece in response.aiter_text()]) == text
    async with session.stream("GET", exchange.url) as response:
        assert [line async for line in response.aiter_lines()] == text.removesuffix("\n").split(
            "\n"
        )


async def test_a_relative_url_needs_a_base(session: AsyncSession, api: AsyncSession) -> None:
    """A relative path is resolved against the base URL, and without one refused."""
    with pytest.raises(httpx.UnsupportedProtocol):
        session.stream("GET", "/events")

    api.stream("GET", "/events")  # sent only when its block is entered


async def test_timeout_of_one_call(tape: Tape) -> None:
    """A call's timeout takes the place of the session's, for this call only."""
    silent, late = tape.silent(), tape.silent(Reply(body=b"here"))

    async with asyncio.timeout(PATIENCE), AsyncSession(timeout=None, security=False) as session:
        with pytest.raises(httpx.ReadTimeout):
            async with session.stream("GET", silent.url, timeout=0.05):
                pass
        asking = asyncio.create_task(session.get(late.url))
        await asyncio.to_thread(late.wait_held)
        late.release()
        response = await asking

    assert response.content == b"here"


def test_the_signature() -> None:
    """`stream()` takes what the page says, in this order, with these defaults."""
    parameters = list(inspect.signature(AsyncSession.stream).parameters.values())[1:]

    assert [(parameter.name, parameter.default) for parameter in parameters] == [
        ("method", inspect.Parameter.empty),
        ("url", inspect.Parameter.empty),
        ("headers", None),
        ("content", None),
        ("timeout", None),
    ]
    assert [parameter.kind.description for parameter in parameters] == [
        "positional or keyword",
        "positional or keyword",
        "keyword-only",
        "keyword-only",
        "keyword-only",
    ]


def test_both_imports() -> None:
    """The session has two import paths."""
    from fasthttp.session import AsyncSession as FromModule

    assert FromModule is AsyncSession
