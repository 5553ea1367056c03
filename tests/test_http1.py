"""Responses read without I/O: however they are cut, and whatever they are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fasthttp.framing import MAX_CHUNK_LINE, MAX_HEAD, MAX_HEADERS, ProtocolError
from fasthttp.http1 import MAX_INTERIM, ResponseReader
from tests.decoders.cuts import POINTS, cut, singly
from tests.support import PATIENT

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

Outcome = tuple[object, bytes, bool, bool, bool]


def read(pieces: list[bytes], method: str = "GET") -> tuple[ResponseReader, bytes, str | None]:
    """What has been read of the pieces, the body among it, and the error that ended it."""
    reader, body = ResponseReader(method), list[bytes]()
    try:
        for piece in pieces:
            if piece:
                reader.feed(piece, body)
    except ProtocolError as exc:
        return reader, b"".join(body), str(exc)
    return reader, b"".join(body), None


def outcome(pieces: list[bytes], method: str = "GET") -> Outcome:
    reader, body, error = read(pieces, method)
    failed = error is not None
    return reader.head, body, reader.complete, failed, not failed and reader.surplus


def body_of(wire: bytes, method: str = "GET") -> bytes:
    reader, body, error = read([wire], method)
    assert error is None
    assert reader.complete
    return body


def refusal(wire: bytes) -> str:
    error = read([wire])[2]
    assert error is not None
    return error


def cut_short(wire: bytes) -> str:
    reader, _, error = read([wire])
    assert error is None
    with pytest.raises(ProtocolError) as caught:
        reader.eof()
    return str(caught.value)


# drawn

bodies = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
extensions = st.sampled_from([b"", b"", b";a", b';a=b;c="d"', b"  ", b"\t;x"])
trailers = st.sampled_from([b"", b"", b"X-After: 1\r\n", b"A: 1\r\nB: 2\r\n"])
zeros = st.sampled_from([b"", b"", b"0", b"000"])


@st.composite
def chunked(draw: st.DrawFn) -> bytes:
    chunks = draw(bodies)
    sizes = [b"%b%x%b\r\n" % (draw(zeros), len(chunk), draw(extensions)) for chunk in chunks]
    data = b"".join(size + chunk + b"\r\n" for size, chunk in zip(sizes, chunks, strict=True))
    return b"Transfer-Encoding: chunked\r\n\r\n" + data + b"0\r\n" + draw(trailers) + b"\r\n"


@st.composite
def sized(draw: st.DrawFn) -> bytes:
    body = b"".join(draw(bodies))
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Interim responses, a status line, and a body in one framing or another, or damaged."""
    status = draw(st.sampled_from([200, 200, 200, 204, 304, 404]))
    rest = draw(st.one_of(chunked(), sized(), st.just(b"\r\nuntil the end")))
    wire = draw(st.sampled_from([b"", HINT, HINT * 2])) + b"HTTP/1.1 %d X\r\n" % status + rest
    wire += draw(st.sampled_from([b"", b"", b"surplus", OK]))
    damage = draw(st.one_of(st.none(), st.integers(0, len(wire) - 1)))
    if damage is not None:
        wire = wire[:damage] + draw(st.binary(max_size=2)) + wire[damage + 1 :]
    return wire


@PATIENT
@given(responses(), POINTS, st.sampled_from(["GET", "HEAD"]))
@example(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", [*range(60)], "GET")
def test_cuts_change_nothing(wire: bytes, points: list[int], method: str) -> None:
    """Head, body, completeness, surplus and refusal are the same wherever the input is cut."""
    assert outcome(cut(wire, points), method) == outcome([wire], method)


@PATIENT
@given(st.lists(st.binary(max_size=60), max_size=8))
@example([b"HTTP/1.0 200\n\n"])
def test_garbage_is_a_protocol_error(pieces: list[bytes]) -> None:
    """Whatever comes in the place of a head, only ProtocolError is raised, at the latest at EOF."""
    reader, _, error = read(pieces)

    if error is None and reader.head is None:  # it may be one by chance
        with pytest.raises(ProtocolError):
            reader.eof()


@PATIENT
@given(st.lists(st.binary(max_size=60), max_size=8), st.sampled_from([CHUNKED, OK]))
def test_garbage_after_a_good_beginning(pieces: list[bytes], start: bytes) -> None:
    """Whatever follows a status line or a head, only ProtocolError is raised."""
    read([start, *pieces])


@PATIENT
@given(bodies, st.sampled_from([b"XX", b"g", b"-5", b"0x5", b"\r\n", b" 5", b"\xff"]), POINTS)
def test_what_came_before_an_error_is_kept(
    chunks: list[bytes], bad: bytes, points: list[int]
) -> None:
    """The body bytes before a broken chunk are delivered, and counted in the message."""
    good = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)

    _, body, error = read(cut(CHUNKED + good + bad + b"\r\n", points))

    assert body == b"".join(chunks)
    assert error is not None
    assert error.endswith(f"after {len(body)} body bytes")


# framings


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"Content-Length: 5, 5\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200\nContent-Length: 5\n\nhello", b"hello"),
        (CHUNKED + b"5;a=b\r\nhello\r\n0\r\nX-After: 1\r\n\r\n", b"hello"),
        (CHUNKED + b"A \r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
        (OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)
def test_where_a_body_ends(wire: bytes, body: bytes) -> None:
    """Lengths, chunks, statuses without a body: each ends where RFC 9112, 6.3 says."""
    assert body_of(wire) == body


def test_head_has_no_body() -> None:
    """The response to HEAD is complete with its headers, whatever they announce."""
    assert body_of(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD") == b""


def test_only_the_end_ends_a_body_without_length() -> None:
    """A body with no length at all is complete when the connection ends, and not before."""
    reader, body, _ = read([OK + b"\r\nhello"])

    assert not reader.complete
    assert reader.progress() == "read 5 bytes of unknown length"
    reader.eof()
    assert (body, reader.complete, reader.reusable) == (b"hello", True, False)


def test_interim_responses_are_skipped() -> None:
    """1xx responses come before the response, and are counted; 101 is the response."""
    reader, body, _ = read([HINT + HINT + OK + b"Content-Length: 2\r\n\r\nok"])

    assert reader.head is not None
    assert (reader.head.status, reader.interim, body) == (200, 2, b"ok")

    reader, _, _ = read([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes"])
    assert reader.head is not None
    assert (reader.head.status, reader.complete, reader.reusable) == (101, True, False)


def test_the_head_is_kept_as_sent() -> None:
    """Names keep their case, values lose the space around them, a folded line is one value."""
    reader, _, _ = read([b"HTTP/1.0 299 Any reason\r\nX-A: \t1 \r\nX-a:2\r\nB: x\r\n  y\r\n\r\n"])

    assert reader.head == (
        b"HTTP/1.0",
        299,
        b"Any reason",
        ((b"X-A", b"1"), (b"X-a", b"2"), (b"B", b"x y")),
    )


# what may follow


@pytest.mark.parametrize(
    ("wire", "reusable"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", True),
        (OK + b"Content-Length: 2\r\n\r\no", False),
        (OK + b"Content-Length: 2\r\n\r\nok" + b"more", False),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + b"more", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nmore", False),
        (OK + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", True),
    ],
)
def test_when_another_request_may_follow(wire: bytes, reusable: bool) -> None:
    """Only a complete response with nothing behind it, that lets the connection stay."""
    assert read([wire])[0].reusable is reusable


# refusals


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", "not an HTTP/1 response: b'SSH-2.0-OpenSSH_9.9\\r\\n'"),
        (b"HTTP/2 200\r\n\r\n", "bad status line: b'HTTP/2 200'"),
        (b"HTTP/1.1 099 X\r\n\r\n", "bad status line: b'HTTP/1.1 099 X'"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "bad status line: b'HTTP/1.1 abc OK'"),
        (OK + b"no colon\r\n\r\n", "bad header line: b'no colon'"),
        (OK + b"X : a\r\n\r\n", "bad header line: b'X :'"),
        (OK + b" folded: nothing\r\n\r\n", "bad header line: b'one that goes on'"),
        (OK + b"X: a\r\n b\rc\r\n\r\n", "bad header line: b'one that goes on'"),
        (OK + b"X: a\rb\r\n\r\n", "bad header line: b'X:'"),
        (OK + b"X: a\0b\r\n\r\n", "bad header line: b'X:'"),
        (OK + b"Content-Length: 2, 5\r\n\r\n", "conflicting Content-Length values: 2, 5"),
        (OK + b"Content-Length: -5\r\n\r\n", "bad Content-Length: b'-5'"),
        (OK + b"Content-Length: \xb2\r\n\r\n", "bad Content-Length: b'\\xb2'"),
        (OK + b"Content-Length:\r\n\r\n", "bad Content-Length: b''"),
        (
            OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "both Transfer-Encoding and Content-Length: where the body ends is unsure",
        ),
        (
            OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
            "Transfer-Encoding 'gzip, chunked' in HTTP/1.1: only chunked in HTTP/1.1 is known",
        ),
        (
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding 'chunked' in HTTP/1.0: only chunked in HTTP/1.1 is known",
        ),
        (CHUNKED + b"2\r\nokXX", "no CRLF after a chunk: b'XX', after 2 body bytes"),
        (CHUNKED + b"2\r\nok\r\n5\nhello", "bad chunk size: b'5\\nhello', after 2 body bytes"),
        (CHUNKED + b"0\r\nbroken\r\n\r\n", "bad header line: b'broken'"),
        (OK + b"X: 1\r\n" * (MAX_HEADERS + 1) + b"\r\n", "257 headers, more than 256"),
        (HINT * (MAX_INTERIM + 1), "over 32 interim (1xx) responses"),
        (
            OK + b"X: " + b"x" * MAX_HEAD + b"\r\n\r\n",
            "a status line and headers of over 65536 bytes",
        ),
        (CHUNKED + b"0\r\nX: " + b"x" * MAX_HEAD, "trailers of over 65536 bytes"),
        (
            CHUNKED + b"1\r\na\r\n1;" + b"x" * MAX_CHUNK_LINE + b"\r\n",
            "a chunk size line of over 4096 bytes, after 1 body bytes",
        ),
    ],
)
def test_what_is_refused(wire: bytes, message: str) -> None:
    """What is no HTTP/1.1, or leaves the end of the body in doubt, is refused by name."""
    assert refusal(wire) == message


@pytest.mark.parametrize("size", [MAX_HEAD - 1, MAX_HEAD, MAX_HEAD + 1])
@pytest.mark.parametrize("alone", [0, 1, 2, 6])
def test_the_longest_head_is_the_same_in_any_cut(size: int, alone: int) -> None:
    """A head of just the greatest length is read, and one byte more refused, however it comes."""
    start = OK + b"X: "
    wire = start + b"x" * (size - len(start)) + b"\r\n\r\n"
    first = len(wire) - alone

    head, _, _, failed, _ = outcome([wire[:first], *singly(wire[first:])])

    assert failed is (size > MAX_HEAD)
    assert (head is None) is failed


# ends


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"", "no response"),
        (b"HTTP/1.1 200", "read 12 bytes of the headers"),
        (HINT, "read 0 bytes of the headers"),
        (OK + b"Content-Length: 10\r\n\r\n0123", "read 4 of 10 bytes"),
        (
            CHUNKED + b"a\r\n0123",
            "read 4 bytes in chunks, 4 of 10 bytes of the last of them",
        ),
        (CHUNKED + b"4\r\n0123", "read 4 bytes in chunks, the last chunk missing"),
        (CHUNKED + b"4\r\n0123\r", "read 4 bytes in chunks, the last chunk missing"),
        (CHUNKED + b"4\r\n0123\r\n", "read 4 bytes in chunks, the last chunk missing"),
        (
            CHUNKED + b"4\r\n0123\r\n1",
            "read 4 bytes in chunks, a chunk size unfinished at b'1'",
        ),
        (CHUNKED + b"4\r\n0123\r\n0\r\n", "read 4 bytes in chunks, the trailers unfinished"),
        (CHUNKED + b"0\r\nX: 1\r\n", "read 0 bytes in chunks, the trailers unfinished"),
    ],
)
def test_an_early_end_is_told_in_numbers(wire: bytes, message: str) -> None:
    """The end of the connection amid a response says how far the response had come."""
    assert cut_short(wire) == f"the server closed the connection too early: {message}"
