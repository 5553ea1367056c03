"""One request and its response on one connection: what is written, read, and waited for."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AiohttpTransport, AsyncSession, exchange
from fasthttp.timeouts import Timeouts
from tests.support import OK_HEAD, connect, engine_of, settled, tick

if TYPE_CHECKING:
    from fasthttp.channel import Channel

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
BIG = bytes(20_000_000)  # more than all the buffers on the way take


async def test_a_request_on_the_wire(tape: Tape, session: AsyncSession) -> None:
    """Request line, Host first, headers in order, Content-Length last, then the content."""
    played = tape.play(Reply(), path="/a%2Fb?q=1")

    headers = {"User-Agent": "me", "X-One": "1", "Accept-Encoding": None}
    await session.post("/a%2Fb?q=1", headers=headers, content=b"hello")

    assert played.requests[0].raw == (
        b"POST /a%%2Fb?q=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\nUser-Agent: me\r\n"
        b"X-One: 1\r\nContent-Length: 5\r\n\r\nhello" % tape.port
    )


@pytest.mark.parametrize("size", [0, 1, exchange.WRITE_SIZE, exchange.WRITE_SIZE + 1, len(BIG)])
async def test_content_arrives_whole(tape: Tape, session: AsyncSession, size: int) -> None:
    """Content of any size arrives byte for byte, and the connection can be used again."""
    played = tape.play(Reply(), SIZED)
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)

    for _ in range(2):
        await session.post(played.path, content=content)

    assert [request.body == content for request in played.requests] == [True, True]
    assert await settled(tape, session) == tape.connections == 1


async def test_an_upload_is_refused_early(tape: Tape, session: AsyncSession) -> None:
    """A server that answers without reading is heard; the rest of the content stays unsent."""
    played = tape.play(Reply(413, body=b"too large"), SIZED, read="last")

    response = await session.post(played.path, content=BIG)

    assert (response.status_code, response.content) == (413, b"too large")
    assert await asyncio.to_thread(played.wait_end) in {"client-closed", "client-reset"}
    assert len(played.requests[0].body) < len(BIG)
    assert await settled(tape, session) == 0


@pytest.fixture
def hang_up() -> Iterator[str]:
    """A server that reads a head only, answers 413, and closes with the rest unread."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += sock.recv(100)
                sock.sendall(b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize("size", [300_000, 1_000_000, len(BIG)])
async def test_an_answer_outlives_its_connection(
    hang_up: str, session: AsyncSession, size: int
) -> None:
    """What a server says before it resets an upload is read, though writing has failed."""
    for _ in range(5):
        response = await session.post(hang_up, content=BIG[:size])
        assert (response.status_code, response.content) == (413, b"no")


async def test_writing_to_a_dead_connection_is_silent(
    tape: Tape, session: AsyncSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that resets amid an upload gives one error, and asyncio nothing to warn of."""
    played = tape.play(Reply(), Delivery("content-length", end_wire=("reset", 0)), read="last")

    with pytest.raises(httpx.ReadError, match=r"connection lost, no response: .*\(\d+, "):
        await session.post(played.path, content=BIG)

    assert caplog.records == []


async def test_a_server_that_does_not_read(tape: Tape, session: AsyncSession) -> None:
    """A write that makes no progress within the timeout ends in WriteTimeout."""
    played = tape.play(Reply(), read="held")
    await connect(tape, session)

    with pytest.raises(httpx.WriteTimeout) as caught:
        await session.post(played.path, content=BIG, timeout=0.1)

    assert str(caught.value) == "the server took no bytes of the request for 0.1 seconds"
    assert caught.value.request.url == played.url
    played.release()
    assert await settled(tape, session) == 0


class SlowTransport:
    """Takes one byte each time that it is looked at."""

    def __init__(self) -> None:
        self.left = 0

    def write(self, data: bytes) -> None:
        self.left += len(data)

    def get_write_buffer_size(self) -> int:
        self.left -= 1
        return self.left


class SlowChannel:
    def __init__(self) -> None:
        self.transport = SlowTransport()

    @property
    def writing_paused(self) -> bool:
        return self.transport.left > 0

    def is_connected(self) -> bool:
        return True


async def test_slow_writing_is_no_timeout() -> None:
    """A server that takes a little within each timeout is waited for, however long it takes."""
    channel = SlowChannel()
    timeouts = Timeouts(write=0.01)
    under_way = exchange.Exchange(channel, "POST", timeouts, lambda *_: None)  # type: ignore[arg-type] # no socket is as slow as this

    await under_way._write(b"x" * 20)

    assert channel.transport.left == 0
    assert under_way._error is None


async def test_silence_ends_in_read_timeout(tape: Tape, session: AsyncSession) -> None:
    """A server that says nothing at all is given up, with the connection."""
    silent = tape.silent()
    await connect(tape, session)

    with pytest.raises(httpx.ReadTimeout) as caught:
        await session.get(silent.path, timeout=0.1)

    assert str(caught.value) == "timed out after 0.1 seconds: no response"
    assert await settled(tape, session) == 0


async def test_a_trickling_head_is_no_excuse(tape: Tape, session: AsyncSession) -> None:
    """A head that comes byte by byte has to be whole within one timeout."""
    played = tape.play(Reply(), Delivery(cuts=tuple(range(1, 40))))
    over = threading.Event()
    await connect(tape, session)
    tape.step = partial(over.wait, 0.02)

    with pytest.raises(httpx.ReadTimeout, match=r"0\.2 seconds: read \d+ bytes of the headers$"):
        await session.get(played.path, timeout=0.2)
    over.set()


async def test_silence_amid_a_body(tape: Tape, session: AsyncSession) -> None:
    """A body that stops coming is given up with the numbers, after what did come."""
    played = tape.play(Reply(body=b"0123456789"), Delivery("content-length", held=(4,)))
    await connect(tape, session)

    async with session.stream("GET", played.path, timeout=0.3) as response:
        chunks = response.aiter_bytes()
        assert await anext(chunks) == b"0123"
        with pytest.raises(httpx.ReadTimeout) as caught:
            await anext(chunks)

    assert str(caught.value) == "timed out after 0.3 seconds: read 4 of 10 bytes"
    assert caught.value.request.url == played.url


async def test_a_slow_body_lives(tape: Tape, session: AsyncSession) -> None:
    """A body that takes far longer than the timeout is whole, if each gap is shorter."""
    played = tape.play(Reply(body=b"012345"), Delivery(chunks=(1, 2, 3, 4, 5), held=(1, 2, 3, 4)))
    silent = tape.silent()
    await connect(tape, session)
    got = b""

    async with session.stream("GET", played.path, timeout=0.3) as response:
        async for chunk in response.aiter_bytes():
            got += chunk
            await tick(session, silent, 0.1)  # the consumer's own time does not count
            await tick(session, silent, 0.1)
            await tick(session, silent, 0.1)
            played.release()

    assert got == b"012345"


async def test_expect_continue(tape: Tape, session: AsyncSession) -> None:
    """With Expect: 100-continue the content waits for the 100, and is then sent whole."""
    played = tape.play(Reply(), SIZED)

    response = await session.put(played.path, headers={"Expect": "100-continue"}, content=b"hello")

    assert response.status_code == 200
    assert played.requests[0].body == b"hello"
    assert await settled(tape, session) == 1


async def test_expect_continue_refused(tape: Tape, session: AsyncSession) -> None:
    """After a final answer in the place of the 100 no byte of the content is sent."""
    played = tape.play(Reply(417, body=b"no"), SIZED, read="last")

    response = await session.put(played.path, headers={"Expect": "100-continue"}, content=b"hello")

    assert (response.status_code, response.content) == (417, b"no")
    await asyncio.to_thread(played.wait_end)
    assert (played.requests[0].body, played.requests[0].complete) == (b"", False)


async def test_expect_continue_ignored(
    tape: Tape, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing to the expectation gets the content after a while."""
    monkeypatch.setattr(exchange, "CONTINUE_SECONDS", 0.05)
    played = tape.play(Reply(), SIZED, continues=False)

    response = await session.put(played.path, headers={"Expect": "100-continue"}, content=b"hello")

    assert response.status_code == 200
    assert played.requests[0].body == b"hello"


async def test_a_request_that_ends_the_connection(tape: Tape, session: AsyncSession) -> None:
    """After Connection: close in the request the connection is not used again."""
    played = tape.play(Reply(body=b"x"), SIZED)

    await session.get(played.path, headers={"Connection": "close"})

    assert not engine_of(session)._connector._conns  # whether the server has closed it yet or not
    assert await settled(tape, session) == 0


@pytest.mark.parametrize(
    "extra", [b"0123456789", OK_HEAD + b"Content-Length: 4\r\n\r\nevil", b"\r\n"]
)
async def test_surplus_bytes_go_with_the_connection(
    tape: Tape, session: AsyncSession, extra: bytes
) -> None:
    """Bytes behind a response belong neither to it nor to the next one."""
    played = tape.play(Reply(body=b"hello"), Delivery("content-length", extra=extra))

    for _ in range(2):
        assert (await session.get(played.path)).content == b"hello"

    assert tape.connections == 2


async def test_surplus_bytes_that_come_late(tape: Tape, session: AsyncSession) -> None:
    """An idle connection that speaks is closed, and the next response is its own."""
    wire = OK_HEAD + b"Content-Length: 2\r\n\r\nok"
    late = Delivery("content-length", head=wire, held=(0,))
    played = tape.play_sequence([(Reply(body=b"HTTP/1.1 200 OK\r\n"), late), Reply(body=b"mine")])

    assert (await session.get(played.path)).content == b"ok"
    played.release()
    await asyncio.to_thread(played.wait_end)

    assert (await session.get(played.path)).content == b"mine"
    assert tape.connections == 2


async def test_the_server_ends_its_side_first(session: AsyncSession) -> None:
    """The end of a body is noticed though the server does not read the rest of the request."""
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\n\r\nenough")
        writer.write_eof()
        await left.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        response = await session.post(f"http://127.0.0.1:{port}/", content=BIG)
        left.set()

    assert (response.status_code, response.content) == (413, b"enough")


async def test_two_tasks_reading(tape: Tape, session: AsyncSession) -> None:
    """The second task to read one response gets a clear error, the first all of the body."""
    played = tape.play(Reply(body=b"hello"), Delivery(held=(0,)))

    async with session.stream("GET", played.path) as response:
        chunks = response.aiter_bytes()
        first = asyncio.create_task(anext(chunks))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already being read by another task"):
            await anext(chunks)
        with pytest.raises(RuntimeError, match="already being read by another task"):
            await response.stream.read_block()
        with pytest.raises(httpx.StreamConsumed):
            await response.aread()
        played.release()
        assert await first == b"hello"


async def test_closing_while_another_task_reads(tape: Tape, session: AsyncSession) -> None:
    """Leaving the block ends the read that another task is waiting in."""
    played = tape.play(Reply(body=b"hello"), Delivery(held=(0,)))

    async with session.stream("GET", played.path) as response:
        reading = asyncio.create_task(response.aread())
        await asyncio.sleep(0)

    with pytest.raises(httpx.StreamClosed):
        await reading
    assert await settled(tape, session) == 0


async def blocks(*given: bytes) -> AsyncIterator[bytes]:
    for block in given:
        yield block


async def test_streamed_content(tape: Tape) -> None:
    """Content from a generator goes out in chunks, or as long as its Content-Length says."""
    played = tape.play(Reply(), SIZED)

    async with httpx.AsyncClient(transport=AiohttpTransport(security=False)) as client:
        await client.post(played.url, content=blocks(b"one", b"", b"two"))
        await client.post(played.url, content=blocks(b"ab", b"c"), headers={"Content-Length": "3"})

    assert [request.body for request in played.requests] == [b"onetwo", b"abc"]
    assert played.requests[0].raw.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert tape.connections == 1


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (2, "the content has 3 or more bytes, its Content-Length is 2"),
        (4, "the content has 3 bytes, its Content-Length is 4"),
    ],
)
async def test_streamed_content_of_another_length(tape: Tape, length: int, message: str) -> None:
    """Content that is not as long as announced is an error, and ends the connection."""
    played = tape.play(Reply(), SIZED)
    content, headers = blocks(b"ab", b"c"), {"Content-Length": str(length)}

    async with httpx.AsyncClient(transport=AiohttpTransport(security=False)) as client:
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await client.post(played.url, content=content, headers=headers)
        await asyncio.to_thread(tape.wait_open, 0)

    assert str(caught.value) == message


async def test_content_that_fails(tape: Tape) -> None:
    """An exception of the caller's generator comes out as it is, and ends the connection."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise KeyError("mine")

    played = tape.play(Reply(), SIZED)
    async with httpx.AsyncClient(transport=AiohttpTransport(security=False)) as client:
        with pytest.raises(KeyError, match="mine"):
            await client.post(played.url, content=broken())
        await asyncio.to_thread(tape.wait_open, 0)


# the one timer of an exchange


class Clock:
    """The event loop's clock, stopped; `pass_` moves it on and lets run what is due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)

    async def pass_(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


def alone(read: float) -> exchange.Exchange:
    """An exchange that waits for an answer on no connection."""
    channel = cast("Channel", object())
    return exchange.Exchange(channel, "GET", Timeouts(read=read), lambda *_: None)


async def test_each_wait_has_its_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that an earlier wait has set ends no later one, and that one still ends in time."""
    clock, waiting = Clock(monkeypatch), alone(read=10)

    reading = asyncio.create_task(waiting.head())
    await clock.pass_(0)
    await clock.pass_(6)
    waiting.receive(OK_HEAD + b"Content-Length: 9\r\n\r\n")
    await reading
    reading = asyncio.create_task(waiting.read())
    await clock.pass_(0)
    await clock.pass_(9.9)
    assert not reading.done()
    await clock.pass_(0.2)

    with pytest.raises(httpx.ReadTimeout, match="after 10 seconds: read 0 of 9 bytes"):
        await reading


async def test_a_shorter_wait_ends_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait with less time than the one before it does not outlast it."""
    clock, waiting = Clock(monkeypatch), alone(read=10)

    long = asyncio.create_task(waiting._wait(clock.now + 100))
    await clock.pass_(0)
    waiting.wake()
    assert await long
    short = asyncio.create_task(waiting._wait(clock.now + 1))
    await clock.pass_(0)
    await clock.pass_(1.1)

    assert short.done()
    assert not short.result()


async def test_no_timer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of an exchange is the end of its timer."""
    clock, waiting = Clock(monkeypatch), alone(read=10)

    reading = asyncio.create_task(waiting.head())
    await clock.pass_(0)
    timer = waiting._timer
    waiting.close()

    assert timer is not None
    assert timer.cancelled()
    with pytest.raises(httpx.StreamClosed):
        await reading
