"""`session.events()`: one stream of events over many connections."""

import asyncio
import math
import time

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange, Turn
from conformance.tape import Tape
from fasthttp import AsyncSession, BlockedAddress, Response, ServerSentEvent, eventsource
from fasthttp.eventsource import EventSource, delay
from tests.support import settled, until_error

pytest_plugins = ["tests.fixtures"]

TYPE = ("Content-Type", "text/event-stream")
PLAIN = Delivery()
DONE: Turn = (Reply(204, reason="No Content"), PLAIN)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word from the server there is next to no wait."""
    monkeypatch.setattr(eventsource, "DEFAULT_SECONDS", 0.0)
    monkeypatch.setattr(eventsource, "MIN_SECONDS", 0.0001)
    monkeypatch.setattr(eventsource, "MAX_SECONDS", 0.001)


def feed(body: str, delivery: Delivery = PLAIN) -> Turn:
    return Reply(headers=(TYPE,), body=body.encode()), delivery


def cut(body: str, how: str = "reset") -> Turn:
    """A stream that breaks after all of this."""
    return feed(body + "data: never sent\n\n", Delivery(end=(how, len(body.encode()))))


def refuse(status: int, body: bytes = b"") -> Turn:
    return Reply(status, body=body, reason="Refused"), PLAIN


def last_ids(played: Exchange) -> list[list[bytes]]:
    return [request.values("last-event-id") for request in played.requests]


async def data(source: EventSource) -> list[str]:
    async with source as events:
        return [event.data async for event in events]


async def until_end(source: EventSource) -> tuple[list[str], Exception | None]:
    async with source as events:
        got, error = await until_error(events)
        assert await anext(events, None) is None
    return [event.data for event in got], error


# reconnecting


async def test_goes_on_after_the_end(tape: Tape, session: AsyncSession) -> None:
    """A stream that ended is continued where it was, with id and reconnection time in force."""
    played = tape.play_sequence([feed("id: 1\nretry: 0\ndata: a\n\n"), feed("data: b\n\n"), DONE])

    async with session.events(played.path) as events:
        got = [event async for event in events]

    assert got == [
        ServerSentEvent("message", "a", "1", 0),
        ServerSentEvent("message", "b", "1", 0),
    ]
    assert last_ids(played) == [[], [b"1"], [b"1"]]
    assert await settled(tape, session) == tape.connections == 1


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_goes_on_after_a_break(tape: Tape, session: AsyncSession, how: str) -> None:
    """A stream that broke is continued after its last whole event; an unfinished one is lost."""
    played = tape.play_sequence([cut("id: 1\ndata: a\n\nid: 2\ndata: x\n", how), DONE])

    assert await data(session.events(played.path)) == ["a"]
    assert last_ids(played) == [[], [b"1"]]


async def test_nothing_is_carried_over(tape: Tape, session: AsyncSession) -> None:
    """Half a line and half a block end with their connection; a new one may begin with a BOM."""
    turns = [feed("data: x\nevent: x\ndata: half"), feed("\ufeffdata: b\n\n"), DONE]
    played = tape.play_sequence(turns)

    async with session.events(played.path) as events:
        got = [event async for event in events]

    assert got == [ServerSentEvent("message", "b", "", None)]


async def test_the_same_request_again(tape: Tape, session: AsyncSession) -> None:
    """Method, headers and content are the same each time, whatever became of the caller's."""
    played = tape.play_sequence([feed("data: a\n\n"), cut("data: b\n\n"), DONE])
    headers: dict[str, str | None] = {"X-One": "1"}
    content = b'{"stream": true}'
    source = session.events(played.path, method="post", headers=headers, content=content)
    headers.clear()

    assert await data(source) == ["a", "b"]
    assert {request.raw for request in played.requests} == {played.requests[0].raw}
    assert played.requests[0].method == "POST"
    assert played.requests[0].values("x-one") == [b"1"]
    assert played.requests[0].body == b'{"stream": true}'


async def test_no_content_ends_it(tape: Tape, session: AsyncSession) -> None:
    """Status 204 is the end, also of the first connection."""
    played = tape.play_sequence([DONE])

    assert await data(session.events(played.path)) == []
    assert len(played.requests) == 1


async def test_the_servers_time_is_waited_for(tape: Tape, session: AsyncSession) -> None:
    """The reconnection time counts, and being cancelled amid the wait does not shorten it."""
    played = tape.play_sequence([feed("retry: 60\ndata: a\n\n"), DONE])

    async with session.events(played.path) as events:
        await anext(events)
        began = time.monotonic()
        for _ in range(3):
            waiting = asyncio.ensure_future(anext(events, None))
            await asyncio.sleep(0.005)
            waiting.cancel()
            assert isinstance(
                (await asyncio.gather(waiting, return_exceptions=True))[0], BaseException
            )
        rest = [event async for event in events]

    assert rest == []
    assert time.monotonic() - began >= 0.06


# the request


async def test_default_headers(tape: Tape, session: AsyncSession) -> None:
    """What an event stream is asked for with; the session's own Accept stays away."""
    played = tape.play_sequence([DONE])

    await data(session.events(played.path))

    assert played.requests[0].values("accept") == [b"text/event-stream"]
    assert played.requests[0].values("cache-control") == [b"no-store"]
    assert last_ids(played) == [[]]


async def test_the_callers_headers(tape: Tape, session: AsyncSession) -> None:
    """The caller's headers replace the defaults in any case, and None removes one."""
    played = tape.play_sequence([DONE])

    await data(session.events(played.path, headers={"ACCEPT": "a/b", "cache-control": None}))

    assert played.requests[0].values("accept") == [b"a/b"]
    assert played.requests[0].values("cache-control") == []


async def test_the_callers_last_event_id(tape: Tape, session: AsyncSession) -> None:
    """The caller's Last-Event-ID is in force until the server gives another."""
    turns = [feed("data: a\n\n"), feed("id: 8\n\n"), feed("id\n\n"), DONE]
    played = tape.play_sequence(turns)

    async with session.events(played.path, headers={"last-event-id": "7"}) as events:
        got = [event async for event in events]

    assert got == [ServerSentEvent("message", "a", "7", None)]
    assert last_ids(played) == [[b"7"], [b"7"], [b"8"], []]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("…", ["…".encode()]),
        ("\U0001f600 \xe9", ["\U0001f600 \xe9".encode()]),
        ("a\tb", [b"a\tb"]),
        ("a\x01b", []),
        ("\x7f", []),
    ],
)
async def test_ids_as_headers(
    tape: Tape, session: AsyncSession, given: str, sent: list[bytes]
) -> None:
    """An id goes out in UTF-8; one that no header can carry stays away."""
    played = tape.play_sequence([feed(f"id: {given}\ndata: a\n\n"), DONE])

    assert await data(session.events(played.path)) == ["a"]
    assert last_ids(played) == [[], sent]


# failing


@pytest.mark.parametrize("status", [201, 400, 401, 404, 501])
async def test_refused_for_good(tape: Tape, session: AsyncSession, status: int) -> None:
    """A status that will not change is raised at once, with what the server said about it."""
    played = tape.play_sequence([refuse(status, b"no such feed")])

    got, error = await until_end(session.events(played.path))

    expected = httpx.DecodingError if status < 300 else httpx.HTTPStatusError
    assert (got, type(error)) == ([], expected)
    if isinstance(error, httpx.HTTPStatusError):
        assert error.response.text == "no such feed"
    assert len(played.requests) == 1


async def test_a_redirect(tape: Tape, session: AsyncSession) -> None:
    """A redirect that the session does not follow is raised."""
    played = tape.play_sequence([(Reply(302, (("Location", "/elsewhere"),)), PLAIN)])

    _, error = await until_end(session.events(played.path))

    assert isinstance(error, httpx.HTTPStatusError)
    assert error.response.status_code == 302


async def test_another_content_type(tape: Tape, session: AsyncSession) -> None:
    """What is no event stream is raised, and its connection given up."""
    page = (Reply(headers=(("Content-Type", "text/html"),), body=b"<p>"), PLAIN)
    played = tape.play_sequence([feed("data: a\n\n"), page])

    got, error = await until_end(session.events(played.path))

    assert got == ["a"]
    assert isinstance(error, httpx.DecodingError)
    assert str(error) == (
        "expected Content-Type text/event-stream, got 'text/html' with status 200"
    )
    await settled(tape, session)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_tried_again(tape: Tape, session: AsyncSession, status: int) -> None:
    """A status that may change by itself is tried again."""
    played = tape.play_sequence([refuse(status), refuse(status), feed("data: a\n\n"), DONE])

    assert await data(session.events(played.path)) == ["a"]


async def test_a_body_that_cannot_be_decoded(tape: Tape, session: AsyncSession) -> None:
    """A coding that cannot be undone is raised."""
    reply = Reply(headers=(TYPE, ("Content-Encoding", "gzip")), body=b"not gzip")
    played = tape.play_sequence([reply])

    got, error = await until_end(session.events(played.path))

    assert (got, type(error)) == ([], httpx.DecodingError)


@pytest.mark.parametrize("most", [1, 3])
async def test_failures_in_a_row(tape: Tape, session: AsyncSession, most: int) -> None:
    """So many connections fail in a row, then the last one's error is raised."""
    played = tape.play_sequence([cut("")] * 5)

    got, error = await until_end(session.events(played.path, max_failures=most))

    assert (got, type(error)) == ([], httpx.ReadError)
    assert len(played.requests) == most


async def test_failures_are_counted_anew(tape: Tape, session: AsyncSession) -> None:
    """A connection that brought something, or that ended in order, is no failure."""
    bad, good = [cut(""), refuse(503)], [feed(""), cut(":\n")]
    played = tape.play_sequence([*bad, good[0], *bad, good[1], *bad, DONE])

    assert await data(session.events(played.path, max_failures=3)) == []
    assert len(played.requests) == 9


async def test_failures_without_limit(tape: Tape, session: AsyncSession) -> None:
    """With None there is no giving up."""
    played = tape.play_sequence([*[refuse(503)] * 15, DONE])

    assert await data(session.events(played.path, max_failures=None)) == []


async def test_a_server_that_is_gone(session: AsyncSession) -> None:
    """A connection that cannot be made is a failure as well."""
    got, error = await until_end(session.events("http://127.0.0.1:9/", max_failures=2))

    assert (got, type(error)) == ([], httpx.ConnectError)


async def test_silence(tape: Tape, session: AsyncSession) -> None:
    """A read timeout is a failure; it is the call's."""
    played = tape.silent()

    got, error = await until_end(session.events(played.path, timeout=0.01, max_failures=2))

    assert (got, type(error)) == ([], httpx.ReadTimeout)


# only one connection


async def test_one_connection(tape: Tape, session: AsyncSession) -> None:
    """With `reconnect=False` the end of the stream ends the iteration."""
    played = tape.play_sequence([feed("data: a\n\n")])

    assert await data(session.events(played.path, reconnect=False)) == ["a"]


@pytest.mark.parametrize(
    ("turn", "error"),
    [(cut("data: a\n\n"), httpx.ReadError), (refuse(503), httpx.HTTPStatusError)],
)
async def test_one_connection_that_fails(
    tape: Tape, session: AsyncSession, turn: Turn, error: type[Exception]
) -> None:
    """With `reconnect=False` any error is raised, after the events before it."""
    played = tape.play_sequence([turn])

    got, raised = await until_end(session.events(played.path, reconnect=False))

    assert type(raised) is error
    assert got == ["a"][: turn[0].status == 200]
    assert len(played.requests) == 1


# refused arguments


async def test_arguments_are_checked_at_once(tape: Tape, session: AsyncSession) -> None:
    """What cannot be right is refused by the call, and nothing is connected."""
    with pytest.raises(ValueError, match="max_failures must be at least 1, or None, not 0"):
        session.events("/", max_failures=0)
    with pytest.raises(ValueError, match="not a token"):
        session.events("/", method="G T")
    with pytest.raises(ValueError, match="header 'Last-Event-ID'"):
        session.events("/", headers={"Last-Event-ID": "a\nb"})
    with pytest.raises(httpx.UnsupportedProtocol):
        session.events("ftp://tape.test/")
    with pytest.raises(RuntimeError, match="closed"):
        AsyncSession(security=False).events("http://tape.test/")

    assert tape.connections == 0


async def test_too_long(tape: Tape, session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event over `max_pending` ends the stream: the next connection would bring it again."""
    monkeypatch.setattr(Response, "max_pending", 20)
    played = tape.play_sequence([feed("data: a\n\ndata: of more than that\n\n"), DONE])

    got, error = await until_end(session.events(played.path))

    assert got == ["a"]
    assert isinstance(error, httpx.DecodingError)
    assert "server-sent event of more than 20 characters" in str(error)
    assert len(played.requests) == 1


async def test_blocked() -> None:
    """An address that the guard refuses is not tried again."""
    calls = 0

    def refuse(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        raise BlockedAddress("tape.test", "127.0.0.1", "loopback")

    async with AsyncSession(transport=httpx.MockTransport(refuse)) as session:
        got, error = await until_end(session.events("http://tape.test/"))

    assert (got, calls) == ([], 1)
    assert isinstance(error, BlockedAddress)


# leaving


async def test_leaving_amid_an_event(tape: Tape, session: AsyncSession) -> None:
    """Leaving the block cuts the connection, and there is no other."""
    played = tape.play(*feed("data: a\n\ndata: b", Delivery(held=(16,))))

    async with session.events(played.path) as events:
        await anext(events)

    assert await asyncio.to_thread(played.wait_end) in {"client-closed", "client-reset"}
    assert await anext(events, None) is None
    assert await settled(tape, session) == 0
    assert len(played.requests) == 1


async def test_leaving_a_stream_that_was_never_read(tape: Tape, session: AsyncSession) -> None:
    """Nothing is connected before the first event is asked for."""
    async with session.events("/"):
        pass

    assert tape.connections == 0


async def test_leaving_while_another_task_waits(tape: Tape, session: AsyncSession) -> None:
    """Who waits for the next connection is let go at once."""
    played = tape.play_sequence([feed("retry: 60000\ndata: a\n\n")])

    async with session.events(played.path) as events:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0)
        while events._busy is None:  # noqa: ASYNC110 - until the end of the body has come
            await asyncio.sleep(0)

    assert await asyncio.wait_for(waiting, 5) is None
    assert len(played.requests) == 1


async def test_leaving_while_another_task_connects(tape: Tape, session: AsyncSession) -> None:
    """Who waits for a response is let go at once, and the connection is cut."""
    played = tape.silent()

    async with session.events(played.path, timeout=math.inf) as events:
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.to_thread(played.wait_request)
        await events.aclose()
        await events.aclose()

    assert await asyncio.wait_for(waiting, 5) is None
    assert await settled(tape, session) == 0


async def test_leaving_while_another_task_reads(tape: Tape, session: AsyncSession) -> None:
    """Who waits for an event is let go at once, and the connection is cut."""
    played = tape.play(*feed("data: a\n\n", Delivery(held=(9,))))

    async with session.events(played.path) as events:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0)

    assert await asyncio.wait_for(waiting, 5) is None
    assert await settled(tape, session) == 0


async def test_two_readers(tape: Tape, session: AsyncSession) -> None:
    """A second task that reads is told so, and does the first no harm."""
    played = tape.play_sequence([feed("data: a\n\n", Delivery(silent=True)), DONE])

    async with session.events(played.path) as events:
        first = asyncio.ensure_future(anext(events))
        await asyncio.to_thread(played.wait_request)
        with pytest.raises(RuntimeError, match="already being read by another task"):
            await anext(events)
        played.release_all()

        assert (await first).data == "a"


async def test_cancelled_while_connecting(tape: Tape, session: AsyncSession) -> None:
    """A call that is cancelled leaves nothing behind, and the next one connects again."""
    played = tape.play_sequence([feed("data: a\n\n", Delivery(silent=True)), feed("data: b\n\n")])

    async with session.events(played.path) as events:
        first = asyncio.ensure_future(anext(events))
        await asyncio.to_thread(played.wait_request)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        assert (await anext(events)).data == "b"


async def test_the_session_is_closed(tape: Tape, session: AsyncSession) -> None:
    """Closing the session ends the stream in an error that says so, not in a new connection."""
    played = tape.play(*feed("data: a\n\n", Delivery(held=(9,))))

    async with session.events(played.path) as events:
        await anext(events)
        await session.close()
        with pytest.raises(httpx.ReadError, match="the session was closed"):
            await anext(events)


async def test_others_run_between_two_connections() -> None:
    """Where neither server nor transport has anybody wait, others have their turn all the same."""
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        status = 200 if asked < 1000 else 204
        return httpx.Response(status, headers=[TYPE], content=b"retry: 0\n\n")

    async def read() -> None:
        async with AsyncSession(transport=httpx.MockTransport(answer)) as session:
            assert await data(session.events("http://h.test/")) == []

    reading = asyncio.ensure_future(read())
    for _ in range(100):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])

    assert 0 < asked < 1000


async def test_the_session_is_closed_between_two_connections(
    tape: Tape, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits out a minute for a session that is closed."""
    wait, begun = EventSource._wait, asyncio.Event()

    async def noted(source: EventSource, request: httpx.Request) -> None:
        begun.set()
        await wait(source, request)

    played = tape.play_sequence([feed("retry: 60000\ndata: a\n\n"), DONE])

    async with session.events(played.path) as events:
        await anext(events)
        monkeypatch.setattr(EventSource, "_wait", noted)
        waiting = asyncio.ensure_future(anext(events))
        await begun.wait()
        await session.close()
        with pytest.raises(httpx.ReadError, match=r"waited to connect$") as caught:
            await waiting

    assert caught.value.request.url == played.url
    assert len(played.requests) == 1


def test_nobody_is_told_in_a_loop_that_is_gone() -> None:
    """A session that was left open in a closed loop can be opened and closed in another."""
    session, gone = AsyncSession(), asyncio.new_event_loop()
    gone.run_until_complete(session.open())
    waiting: asyncio.Future[None] = gone.create_future()
    waiting.add_done_callback(lambda _: None)  # as of somebody who waits
    session._waiting.add(waiting)
    gone.close()

    async def again() -> None:
        async with session:
            pass

    asyncio.run(again())

    assert not waiting.done()


# how long


@pytest.mark.parametrize(
    ("retry", "failures", "seconds"),
    [
        (None, 0, 3.0),
        (0, 0, 0.0),
        (250, 0, 0.25),
        (250, 1, 0.25),
        (250, 2, 0.5),
        (250, 5, 4.0),
        (0, 1, 0.01),
        (0, 4, 0.08),
        (None, 9, 60.0),
        (0, 10_000, 60.0),
        (90_000, 0, 90.0),
        (90_000, 7, 90.0),
        (10**400, 0, 86_400.0),
    ],
)
def test_delay(
    monkeypatch: pytest.MonkeyPatch, retry: int | None, failures: int, seconds: float
) -> None:
    """The server's time, doubled from the second failure on up to a minute, and a bit by chance."""
    monkeypatch.undo()  # the waits of the other tests
    waits = {delay(retry, failures) for _ in range(20)}

    assert all(seconds <= wait <= 1.25 * seconds for wait in waits)
    assert len(waits) > 10 or not seconds
