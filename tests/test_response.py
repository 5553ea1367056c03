"""The response: what it says, and every way and order in which its body can be read."""

import asyncio
import gzip
import pickle
import zlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, Response
from tests.support import settled, until_error

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
BODY = "one\ntwo é three".encode()
ITERATORS = ["aiter_raw", "aiter_bytes", "aiter_text", "aiter_lines"]
MODES = [*ITERATORS, "aread"]
WHOLE = {
    "aiter_raw": BODY,
    "aiter_bytes": BODY,
    "aiter_text": BODY.decode(),
    "aiter_lines": ["one", "two é three"],
    "aread": BODY,
}

WHOLE_ITEMS = WHOLE | {mode: [WHOLE[mode]] for mode in ITERATORS[:3]}


async def everything(response: Response, mode: str) -> Any:
    """The body in a mode, its pieces joined but for lines."""
    if mode == "aread":
        return await response.aread()
    items = [item async for item in getattr(response, mode)()]
    return items if mode == "aiter_lines" else type(items[0])().join(items)


async def attempt(response: Response, mode: str) -> AsyncIterator[Any]:
    """What a mode yields; of aread() the one thing that it returns."""
    if mode == "aread":
        yield await response.aread()
    else:
        async for item in getattr(response, mode)():
            yield item


# what it says


async def test_attributes(tape: Tape, session: AsyncSession) -> None:
    """It is an httpx.Response, and says all that one says."""
    headers = (*TEXT, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Link", "</x>; rel=next"))
    played = tape.play(Reply(418, headers, BODY, "I'm a teapot"), Delivery("content-length"))

    async with session.stream("GET", f"{played.path}") as response:
        assert isinstance(response, httpx.Response)
        assert (response.status_code, response.reason_phrase) == (418, "I'm a teapot")
        assert (response.http_version, response.encoding) == ("HTTP/1.1", "utf-8")
        assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert dict(response.cookies) == {"a": "1", "b": "2"}
        assert response.links["next"]["url"] == "/x"
        assert (str(response.url), response.request.method) == (played.url, "GET")
        assert (response.is_success, response.is_client_error) == (False, True)
        assert (response.is_closed, response.is_stream_consumed) == (False, False)
        assert response.num_bytes_downloaded == 0
        with pytest.raises(RuntimeError, match="elapsed"):
            _ = response.elapsed
        with pytest.raises(httpx.HTTPStatusError, match="418 I'm a teapot"):
            response.raise_for_status()
        for name in ("content", "text"):
            with pytest.raises(httpx.ResponseNotRead):
                getattr(response, name)
        with pytest.raises(httpx.ResponseNotRead):
            response.json()

        await response.aread()

    assert (response.content, response.text) == (BODY, BODY.decode())
    assert (response.is_closed, response.is_stream_consumed) == (True, True)
    assert response.num_bytes_downloaded == len(BODY)
    assert 0 < response.elapsed.total_seconds() < 10


async def test_progress_counts_the_wire(tape: Tape, session: AsyncSession) -> None:
    """num_bytes_downloaded grows with what has arrived, before its coding is undone."""
    body = bytes(1_000_000)
    played = tape.play(Reply(body=body), Delivery("content-length", codings=("gzip",), held=(500,)))

    async with session.stream("GET", played.path) as response:
        chunks = response.aiter_bytes()
        await anext(chunks)
        assert 0 < response.num_bytes_downloaded <= 500
        played.release()
        async for _ in chunks:
            pass

    assert response.num_bytes_downloaded == int(response.headers["content-length"])


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain", b"\xef\xbb\xbfa\xff", "\ufeffa\ufffd"),
        ("text/plain; charset=latin-1", b"\xe9\x85", "é\x85"),
        ("text/plain; charset=utf-16", b"a\0b\0", "ab"),
        ("text/plain; charset=hex", "é".encode(), "é"),
        ("text/event-stream; charset=latin-1", "é".encode(), "é"),
    ],
)
async def test_text_is_what_aiter_text_gives(
    tape: Tape, session: AsyncSession, content_type: str, body: bytes, text: str
) -> None:
    """`.text` and aiter_text() are decoded alike, whatever the server says of the charset."""
    played = tape.play(Reply(200, (("Content-Type", content_type),), body))

    response = await session.get(played.path)

    assert response.text == text
    assert "".join([piece async for piece in response.aiter_text()]) == text


async def test_the_caller_knows_better(tape: Tape, session: AsyncSession) -> None:
    """An assigned encoding counts, until the text has been read."""
    played = tape.play(Reply(200, TEXT, b"\xe9"))

    response = await session.get(played.path)
    response.encoding = "latin-1"

    assert response.text == "é"
    with pytest.raises(ValueError, match="cannot be set any more"):
        response.encoding = "utf-8"


async def test_pickle(tape: Tape, session: AsyncSession) -> None:
    """A response that has been read can be pickled, as httpx's can."""
    played = tape.play(Reply(200, TEXT, BODY))

    copy = pickle.loads(pickle.dumps(await session.get(played.path)))

    assert (copy.status_code, copy.text, copy.is_closed) == (200, BODY.decode(), True)


# the state table


@pytest.mark.parametrize("then", MODES)
@pytest.mark.parametrize("first", ITERATORS)
async def test_an_iterator_that_was_not_begun(
    tape: Tape, session: AsyncSession, first: str, then: str
) -> None:
    """An iterator that was made and never begun does not count: any mode gives the whole body."""
    played = tape.play(Reply(200, TEXT, BODY))

    async with session.stream("GET", played.path) as response:
        getattr(response, first)()
        assert await everything(response, then) == WHOLE[then]


@pytest.mark.parametrize("then", MODES)
@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("progress", ["amid", "after"])
async def test_a_body_is_read_once(
    tape: Tape, session: AsyncSession, first: str, progress: str, then: str
) -> None:
    """Once one mode has begun, every other is refused; but aread() keeps what it has read."""
    delivery = Delivery(held=(4,) if progress == "amid" else ())
    played = tape.play(Reply(200, TEXT, BODY), delivery)

    async with session.stream("GET", played.path) as response:
        if progress == "after":
            await everything(response, first)
        elif first == "aread":
            reading = asyncio.create_task(response.aread())
            await asyncio.sleep(0)
        else:
            await anext(getattr(response, first)())
        if (first, progress) == ("aread", "after") and then != "aiter_raw":
            assert await everything(response, then) == WHOLE[then]
        else:
            with pytest.raises(httpx.StreamConsumed):
                await everything(response, then)
        if (first, progress) == ("aread", "amid"):
            reading.cancel()


@pytest.mark.parametrize("mode", MODES)
async def test_after_the_block(tape: Tape, session: AsyncSession, mode: str) -> None:
    """A body that was not read in the block cannot be read after it."""
    played = tape.play(Reply(200, TEXT, BODY))

    async with session.stream("GET", played.path) as response:
        pass

    with pytest.raises(httpx.StreamClosed):
        await everything(response, mode)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "aiter_raw"])
async def test_replay(tape: Tape, session: AsyncSession, mode: str) -> None:
    """After aread() a mode can be repeated at will, inside the block and after it."""
    played = tape.play(Reply(200, TEXT, BODY), Delivery(codings=("gzip",)))

    async with session.stream("GET", played.path) as response:
        await response.aread()
        assert [await everything(response, mode) for _ in range(2)] == [WHOLE[mode]] * 2

    assert await everything(response, mode) == WHOLE[mode]


@pytest.mark.parametrize("mode", ["bytes", "text", "lines"])
async def test_without_a_loop(tape: Tape, session: AsyncSession, mode: str) -> None:
    """What was read whole can be gone over without `await`, and gives the same."""
    body = 'one\u2028two\rthree \ufeff"é'.encode("utf-16-le")
    headers = [("Content-Type", "text/plain; charset=utf-16")]
    response = await session.get(tape.play(Reply(200, headers, body), SIZED).path)

    wanted = [item async for item in getattr(response, f"aiter_{mode}")()]
    assert list(getattr(response, f"iter_{mode}")()) == wanted
    assert mode != "lines" or wanted == ["one\u2028two", 'three \ufeff"é']


async def test_without_a_loop_unread(tape: Tape, session: AsyncSession) -> None:
    """A body that has not been read whole cannot be gone over without `await`."""
    async with session.stream("GET", tape.play(Reply(body=b"x"), SIZED).path) as response:
        for items in (response.iter_bytes(), response.iter_text(), response.iter_lines()):
            with pytest.raises(httpx.ResponseNotRead):
                next(items)


@pytest.mark.parametrize("mode", ITERATORS)
async def test_an_iterator_that_has_ended(tape: Tape, session: AsyncSession, mode: str) -> None:
    """An iterator that has ended, or was closed, gives no more, however often it is asked."""
    played = tape.play(Reply(200, TEXT, BODY))

    async with session.stream("GET", played.path) as response:
        items = getattr(response, mode)()
        assert await until_error(items) == (WHOLE_ITEMS[mode], None)
        assert await anext(items, None) is None
    async with session.stream("GET", played.path) as response:
        items = getattr(response, mode)()
        await anext(items)
        await items.aclose()
        assert await anext(items, None) is None


# sizes


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "1"])
async def test_a_size_that_cannot_be(tape: Tape, session: AsyncSession, size: Any) -> None:
    """A chunk_size that is no positive integer is refused at once, the body left unread."""
    played = tape.play(Reply(200, TEXT, BODY))

    async with session.stream("GET", played.path) as response:
        for mode in ("aiter_raw", "aiter_bytes", "aiter_text"):
            with pytest.raises((ValueError, TypeError), match="chunk_size"):
                getattr(response, mode)(size)
        assert await response.aread() == BODY


@pytest.mark.parametrize("codings", [(), ("gzip",), ("gzip", "deflate")])
async def test_sizes_are_exact(tape: Tape, session: AsyncSession, codings: tuple[str, ...]) -> None:
    """Every chunk but the last has the size asked for, of decoded bytes and of characters."""
    played = tape.play(Reply(200, TEXT, BODY), Delivery(codings=codings, cuts=(100, 103)))

    async with session.stream("GET", played.path) as response:
        assert [len(chunk) async for chunk in response.aiter_bytes(4)] == [4, 4, 4, 4]
    async with session.stream("GET", played.path) as response:
        assert [piece async for piece in response.aiter_text(4)] == ["one\n", "two ", "é th", "ree"]


# codings


CODED = {"gzip": gzip.compress(b"hello"), "deflate": zlib.compress(b"hello")}


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("coding", ["compress", "gzip, x-made-up", ", ".join(["gzip"] * 6)])
async def test_an_unknown_coding(tape: Tape, session: AsyncSession, coding: str, mode: str) -> None:
    """A body in a coding that cannot be undone is a DecodingError; aiter_raw() gives it."""
    played = tape.play(Reply(200, (*TEXT, ("Content-Encoding", coding)), b"hello"))

    async with session.stream("GET", played.path) as response:
        with pytest.raises(httpx.DecodingError, match=r"coding") as caught:
            await everything(response, mode)
    assert caught.value.request.url == played.url

    async with session.stream("GET", played.path) as response:
        assert await everything(response, "aiter_raw") == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "br", "compress", ", ".join(["gzip"] * 6)])
@pytest.mark.parametrize(
    ("method", "status", "delivery"),
    [
        ("HEAD", 200, SIZED),
        ("GET", 204, SIZED),
        ("GET", 304, SIZED),
        ("GET", 200, SIZED),
        ("GET", 200, Delivery()),
    ],
)
async def test_nothing_is_no_error(
    tape: Tape, session: AsyncSession, coding: str, method: str, status: int, delivery: Delivery
) -> None:
    """Where there is no body its coding does not matter, not even an unknown one."""
    played = tape.play(Reply(status, (("Content-Encoding", coding),)), delivery)

    response = await session.request(method, played.path)

    assert response.content == b""
    assert [line async for line in response.aiter_lines()] == []
    assert await settled(tape, session) == 1


# cut short

CUTS = [
    (Delivery("content-length", end=("close", 8)), "read 8 of 16 bytes"),
    (Delivery("chunked", end=("close", 8)), "read 8 bytes in chunks, 8 of 16 bytes of the last"),
    (Delivery("chunked", chunks=(8,), end=("close", 8)), "read 8 bytes in chunks, the last chunk"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("delivery", "message"), CUTS)
async def test_cut_short(
    tape: Tape, session: AsyncSession, delivery: Delivery, message: str, mode: str
) -> None:
    """A body that ends too early is an error with numbers, after all that arrived of it."""
    played = tape.play(Reply(200, TEXT, BODY), delivery)

    async with session.stream("GET", played.path) as response:
        got, error = await until_error(attempt(response, mode))

    arrived = {
        "aiter_raw": [BODY[:8]],
        "aiter_bytes": [BODY[:8]],
        "aiter_text": ["one\ntwo "],
        "aiter_lines": ["one"],
        "aread": [],
    }
    assert got == arrived[mode]
    assert isinstance(error, httpx.RemoteProtocolError)
    assert f"the server closed the connection too early: {message}" in str(error)
    assert error.request.url == played.url
    assert await settled(tape, session) == 0


@pytest.mark.parametrize("size", [3, 5, 100])
async def test_cut_short_amid_a_chunk(tape: Tape, session: AsyncSession, size: int) -> None:
    """What has not filled a chunk of the size asked for is delivered before the error too."""
    played = tape.play(Reply(200, TEXT, BODY), CUTS[0][0])

    async with session.stream("GET", played.path) as response:
        chunks, error = await until_error(response.aiter_bytes(size))
    async with session.stream("GET", played.path) as response:
        pieces, _ = await until_error(response.aiter_text(size))

    assert (b"".join(chunks), "".join(pieces)) == (BODY[:8], "one\ntwo ")
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    assert isinstance(error, httpx.RemoteProtocolError)


@pytest.mark.parametrize("framing", ["content-length", "chunked", "until-close"])
async def test_reset(tape: Tape, session: AsyncSession, framing: str) -> None:
    """A connection that is reset is a ReadError under every framing, after what arrived."""
    played = tape.play(Reply(200, TEXT, BODY), Delivery(framing, end=("reset", 8), held=(8,)))

    async with session.stream("GET", played.path) as response:
        chunks = response.aiter_bytes()
        assert await anext(chunks) == BODY[:8]
        played.release()
        with pytest.raises(httpx.ReadError, match=r"^connection lost, read 8 ") as caught:
            await anext(chunks)
        with pytest.raises(httpx.ReadError):
            await anext(chunks)

    assert caught.value.request.url == played.url


@pytest.mark.parametrize("mode", MODES[1:])
async def test_damage_amid_a_coded_body(tape: Tape, session: AsyncSession, mode: str) -> None:
    """A compressed body that is not finished is a DecodingError, after what could be decoded."""
    half = Delivery("content-length", codings=("gzip",), flush_at=(8,))
    whole = tape.play(Reply(200, TEXT, BODY), half)
    async with session.stream("GET", whole.path) as response:
        coded = await everything(response, "aiter_raw")
    cut = tape.play(Reply(200, (*TEXT, ("Content-Encoding", "gzip")), coded[:-8]), SIZED)

    async with session.stream("GET", cut.path) as response:
        got, error = await until_error(attempt(response, mode))

    arrived = {
        "aiter_bytes": [BODY],
        "aiter_text": [BODY.decode()],
        "aiter_lines": ["one"],
        "aread": [],
    }
    assert got == arrived[mode]
    assert isinstance(error, httpx.DecodingError)
    assert str(error) == "gzip stream ended inside member 1 after 16 decoded bytes"
    assert error.request.url == cut.url
    assert isinstance(error.__cause__, ValueError)


@pytest.mark.parametrize("mode", MODES)
async def test_a_slow_reader_loses_nothing(tape: Tape, session: AsyncSession, mode: str) -> None:
    """A body is whole though the server closed long before it is read."""
    body = b"x" * 99 + b"\n"
    played = tape.play(Reply(200, TEXT, body * 50_000), Delivery("until-close"))
    other = tape.play(Reply(body=b"x"), SIZED)

    async with session.stream("GET", played.path) as response:
        for _ in range(50):
            await session.get(other.path)
        got = await everything(response, mode)

    assert len(got) == (50_000 if mode == "aiter_lines" else 5_000_000)


# adopted


class Once(httpx.AsyncByteStream):
    """A stream that can be gone through once, and notes that it was closed."""

    def __init__(self, *blocks: bytes | Exception) -> None:
        self.blocks = iter(blocks)
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self.blocks:
            if isinstance(block, Exception):
                raise block
            await asyncio.sleep(0)
            yield block

    async def aclose(self) -> None:
        self.closed += 1


def adopted(response: httpx.Response) -> Response:
    return Response.adopt(response, httpx.Request("GET", "http://h.test/"), 0.0)


async def test_adopting_a_stream() -> None:
    """Another transport's stream is read by our decoders, empty blocks left out, then closed."""
    coded = CODED["gzip"] * 2
    stream = Once(coded[:1], b"", coded[1:])
    response = adopted(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))

    assert [chunk async for chunk in response.aiter_bytes(5)] == [b"hello", b"hello"]
    assert (stream.closed, response.is_closed) == (1, True)


async def test_adopting_what_was_read() -> None:
    """A response that was read before it came here is read from what it kept."""
    early = httpx.Response(200, stream=Once(b"hel", b"lo"), headers={"Content-Encoding": "x"})
    await early.aread()

    response = adopted(early)

    assert [line async for line in response.aiter_lines()] == ["hello"]
    assert response.text == "hello"


async def test_adopting_content() -> None:
    """A response made of content is decoded by us, though httpx has decoded it in its way."""
    members = CODED["gzip"] * 2
    response = adopted(httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=members))

    assert await response.aread() == b"hellohello"


async def test_an_interrupted_stream_is_no_end() -> None:
    """After a read of another transport's stream was cancelled, nothing looks like its end."""
    response = adopted(httpx.Response(200, stream=Once(b"one", b"two")))
    chunks = response.aiter_bytes()
    assert await anext(chunks) == b"one"

    reading: Awaitable[bytes] = anext(chunks)
    task = asyncio.ensure_future(reading)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    with pytest.raises(httpx.ReadError, match="an earlier read was interrupted"):
        await anext(chunks)
    await response.aclose()


async def test_foreign_errors_pass() -> None:
    """What another transport's stream raises comes out, with the request where it is httpx's."""
    lost = adopted(httpx.Response(200, stream=Once(b"one", httpx.ReadError("lost"))))
    broken = adopted(httpx.Response(200, stream=Once(b"one", KeyError("mine"))))

    got, error = await until_error(lost.aiter_bytes(2))
    assert got == [b"on", b"e"]
    assert isinstance(error, httpx.ReadError)
    assert error.request.url == "http://h.test/"

    got, error = await until_error(broken.aiter_bytes())
    assert (got, repr(error)) == ([b"one"], "KeyError('mine')")
