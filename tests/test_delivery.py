"""Deliveries: the script that a reply and its delivery make."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.delivery import (
    Close,
    Delivery,
    Hold,
    Repeat,
    Reply,
    Reset,
    Script,
    Send,
    script,
)
from conformance.plans import drawn

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
HELLO = Reply(body=b"hello")


def told(played: Script) -> list[Any]:
    """The script as bytes and names."""
    return [step.data if type(step) is Send else type(step).__name__ for step in played.steps]


def wire(played: Script) -> bytes:
    return b"".join(played.segments)


@pytest.mark.parametrize(
    ("framing", "expected"),
    [
        ("chunked", [HEAD + b"5\r\nhello\r\n0\r\n\r\n"]),
        ("content-length", [SIZED + b"hello"]),
        ("until-close", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "Close"]),
    ],
)
def test_framings(framing: str, expected: list[Any]) -> None:
    """Each framing announces itself, and ends the message in its own way."""
    assert told(script(HELLO, Delivery(framing))) == expected


def test_the_head_keeps_status_reason_and_lines() -> None:
    """Header lines are sent in their order and case, repeated ones too."""
    reply = Reply(404, (("B-b", "1"), ("a", "\xe9"), ("B-b", "2")), b"x", "Gone Fishing")

    assert script(reply, Delivery("content-length")).head == (
        b"HTTP/1.1 404 Gone Fishing\r\nB-b: 1\r\na: \xe9\r\nB-b: 2\r\nContent-Length: 1\r\n\r\n"
    )


def test_codings_are_named_and_applied() -> None:
    """Content-Encoding lists the codings in the order in which they are applied."""
    played = script(HELLO, Delivery("content-length", ("identity", "raw-deflate", "x-gzip")))

    assert b"Content-Encoding: identity, deflate, x-gzip\r\n" in played.head
    assert b"Content-Length: %d\r\n" % len(played.body) in played.head
    assert played.body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("method", "status", "line"),
    [
        ("HEAD", 200, b"Content-Length: 5\r\n"),
        ("GET", 103, b""),
        ("GET", 204, b""),
        ("GET", 304, b""),
    ],
)
def test_no_body_where_there_is_none(method: str, status: int, line: bytes) -> None:
    """HEAD, 1xx, 204 and 304 send the head alone, whatever holds and chunks there would be."""
    delivery = Delivery("content-length", chunks=(2,), held=(2,))

    played = script(Reply(status, (), b"hello"), delivery, method)

    assert told(played) == [b"HTTP/1.1 %d OK\r\n%b\r\n" % (status, line)]
    assert played.body == b""


def test_chunks_end_http_chunks_and_segments() -> None:
    """Each chunk is a segment of its own; the last one takes the end of the body along."""
    played = script(HELLO, Delivery(chunks=(0, 2)))

    assert told(played) == [HEAD, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n"]
    assert played.pieces == (b"he", b"llo")


def test_a_chunk_at_the_end_sends_the_end_alone() -> None:
    """With a chunk end at the end of the body the terminating chunk is a segment of its own."""
    assert told(script(HELLO, Delivery(chunks=(5,)))) == [HEAD + b"5\r\nhello\r\n", b"0\r\n\r\n"]


def test_the_size_of_a_chunk_is_hexadecimal() -> None:
    """A chunk of 26 bytes is announced as 1a."""
    assert told(script(Reply(body=b"x" * 26), Delivery()))[0].startswith(HEAD + b"1a\r\nx")


def test_chunks_cut_an_unchunked_body_too() -> None:
    """Without chunked framing `chunks` end segments."""
    assert told(script(HELLO, Delivery("content-length", chunks=(2,)))) == [SIZED + b"he", b"llo"]


def test_joined_chunks_share_a_segment() -> None:
    """With joined several HTTP chunks arrive at once."""
    played = script(HELLO, Delivery(chunks=(2, 4), joined=True))

    assert told(played) == [HEAD + b"2\r\nhe\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\n"]
    assert played.pieces == (b"hello",)


def test_cuts_lie_on_the_wire() -> None:
    """With cuts segments end anywhere in the message, inside heads and size lines too."""
    at = len(HEAD)

    played = script(HELLO, Delivery(cuts=(4, at + 1, at + 5)))

    assert told(played) == [
        HEAD[:4],
        HEAD[4:] + b"5",
        b"\r\nhe",
        b"llo\r\n0\r\n\r\n",
    ]
    assert played.pieces == (b"he", b"llo")


def test_holds_stop_behind_what_they_name() -> None:
    """With held whatever lies before the offset is sent, whole chunks with their line end."""
    chunked = script(HELLO, Delivery(chunks=(2,), held=(0, 2, 5)))
    inside = script(HELLO, Delivery(held=(2,)))

    assert told(chunked) == [
        HEAD,
        "Hold",
        b"2\r\nhe\r\n",
        "Hold",
        b"3\r\nllo\r\n",
        "Hold",
        b"0\r\n\r\n",
    ]
    assert told(inside) == [HEAD + b"5\r\nhe", "Hold", b"llo\r\n0\r\n\r\n"]


def test_a_hold_at_the_end_of_a_sized_body_comes_last() -> None:
    """A body of known length is complete before the hold at its end."""
    played = script(HELLO, Delivery("until-close", held=(5,)))

    assert told(played)[1:] == ["Hold", "Close"]


def test_a_hold_needs_nothing_before_it() -> None:
    """A hold at the very beginning comes first."""
    assert told(script(HELLO, Delivery("content-length", head=b"", held=(0,)))) == [
        "Hold",
        b"hello",
    ]


def test_silence_holds_everything() -> None:
    """With silent nothing is sent before a release."""
    assert told(script(HELLO, Delivery("content-length", silent=True))) == [
        "Hold",
        SIZED + b"hello",
    ]


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (Delivery("content-length", end=("close", 2)), [SIZED + b"he", "Close"]),
        (Delivery("content-length", end=("reset", 0)), [SIZED, "Reset"]),
        (Delivery("content-length", end=("close", 5)), [SIZED + b"hello", "Close"]),
        (Delivery(chunks=(2,), end=("close", 2)), [HEAD + b"2\r\nhe\r\n", "Close"]),
        (Delivery(chunks=(2,), end=("close", 3)), [HEAD + b"2\r\nhe\r\n", b"3\r\nl", "Close"]),
        (Delivery(end=("reset", 5)), [HEAD + b"5\r\nhello\r\n", "Reset"]),
        (Delivery(end_wire=("close", len(HEAD) + 2)), [HEAD + b"5\r", "Close"]),
        (Delivery(end_wire=("close", 0)), ["Close"]),
        (Delivery(end=("close", 4), held=(2,)), [HEAD + b"5\r\nhe", "Hold", b"ll", "Close"]),
    ],
)
def test_early_ends(delivery: Delivery, expected: list[Any]) -> None:
    """With end or end_wire the message stops there, and then the connection does."""
    assert told(script(HELLO, delivery)) == expected


def test_an_early_end_shows_what_is_sent() -> None:
    """The script's body is the coded body as far as it is sent."""
    played = script(HELLO, Delivery(chunks=(2,), end=("close", 3)))

    assert played.pieces == (b"he", b"l")


def test_an_early_end_keeps_a_head_whole() -> None:
    """Where no body is sent, an early end in the body comes after the head."""
    played = script(HELLO, Delivery("content-length", end=("close", 3)), "HEAD")

    assert told(played) == [SIZED, "Close"]


def test_what_is_sent_around_the_message() -> None:
    """What is before and extra surrounds the message; head replaces the one made here."""
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"

    around = script(HELLO, Delivery("content-length", before=early, extra=b"junk"))
    instead = script(HELLO, Delivery("content-length", head=raw))

    assert told(around) == [early + SIZED + b"hellojunk"]
    assert told(instead) == [raw + b"hello"]


def test_a_reply_keeps_its_own_framing() -> None:
    """A reply with framing headers gets no others, and its body goes out as it stands."""
    broken = Reply(200, (("transfer-encoding", "chunked"),), b"zz\r\nhello\r\n0\r\n\r\n")

    assert told(script(broken, Delivery("content-length"))) == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
    ]


def test_connection_close_is_announced_and_done() -> None:
    """The header says so once, unless the reply brings its own, and then it happens."""
    own = Reply(200, (("Connection", "Close"),), b"hello")
    delivery = Delivery("content-length", connection_close=True)

    assert told(script(HELLO, delivery)) == [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "Close",
    ]
    assert script(own, delivery).head.lower().count(b"connection:") == 1


def test_an_endless_body_is_repeated() -> None:
    """With endless a piece that comes again and again, after the body, and no end."""
    chunked = script(HELLO, Delivery(endless=b"more"))
    bare = script(HELLO, Delivery("until-close", endless=b"more"))

    assert told(chunked) == [HEAD + b"5\r\nhello\r\n", "Repeat"]
    assert chunked.segments[-1] == b"4\r\nmore\r\n"
    assert isinstance(bare.steps[1], Repeat)
    assert bare.segments[-1] == b"more"


@given(data=st.data(), body=st.binary(max_size=60))
def test_cuts_never_change_what_is_sent(data: st.DataObject, body: bytes) -> None:
    """Whatever is cut and held, the segments join to the same message, and none is empty."""
    reply = Reply(body=body)
    framing = data.draw(st.sampled_from(["chunked", "content-length", "until-close"]))
    chunks = data.draw(drawn(len(body)))
    joined = script(reply, Delivery(framing, chunks=chunks, joined=True))

    delivery = Delivery(
        framing,
        chunks=chunks,
        cuts=data.draw(drawn(len(wire(joined)))),
        held=data.draw(drawn(len(body))),
    )
    played = script(reply, delivery)

    assert wire(played) == wire(joined)
    assert all(played.segments)
    assert b"".join(played.pieces) == body
    assert {*delivery.chunks, *delivery.held} <= {*played.cuts}
    assert sum(isinstance(step, Hold) for step in played.steps) == len(delivery.held)


@given(data=st.data(), body=st.binary(min_size=1, max_size=60))
def test_an_early_end_sends_a_prefix(data: st.DataObject, body: bytes) -> None:
    """Cut anywhere, what is sent is the beginning of the message, with so much of the body."""
    reply = Reply(body=body)
    chunks = data.draw(drawn(len(body)))
    whole = wire(script(reply, Delivery(chunks=chunks)))
    stop = data.draw(st.integers(0, len(body)))

    played = script(reply, Delivery(chunks=chunks, end=("reset", stop)))

    assert whole.startswith(wire(played))
    assert played.body == body[:stop]
    assert isinstance(played.steps[-1], Reset)


@pytest.mark.parametrize(
    ("delivery", "message"),
    [
        (Delivery("chunky"), "unknown framing 'chunky'; known: chunked, content-length, until-clo"),
        (Delivery(chunks=(2, 6)), "chunk end at 6: outside the 5 bytes of coded body"),
        (Delivery(chunks=(-1,)), "chunk end at -1: outside the 5 bytes of coded body"),
        (Delivery(held=(7,)), "hold at 7: outside the 5 bytes of coded body"),
        (Delivery(end=("close", 9)), "early end at 9: outside the 5 bytes of coded body"),
        (Delivery(end=("fade", 1)), "unknown end 'fade'; known: close, reset"),
        (Delivery(end=("close", 2), held=(3,)), "hold at 3: outside the 2 bytes before the early"),
        (Delivery("content-length", cuts=(999,)), "cut at 999: outside the 43 bytes on the wire"),
        (
            Delivery("content-length", end_wire=("close", 99)),
            "early end at 99: outside the 43 bytes on the wire",
        ),
        (Delivery(extra=b"x", end=("close", 1)), "a message has one of: end, end_wire, extra, end"),
        (
            Delivery("content-length", endless=b"x"),
            "an endless body has neither a length nor a coding",
        ),
    ],
)
def test_what_cannot_be_played_is_refused(delivery: Delivery, message: str) -> None:
    """A delivery that does not fit its reply is refused, with the numbers."""
    with pytest.raises(ValueError, match="^" + message):
        script(HELLO, delivery)


def test_a_large_body_is_not_copied() -> None:
    """The segments are views of the reply's own bytes."""
    reply = Reply(body=bytes(20_000_000))

    tracemalloc.start()
    played = script(reply, Delivery(chunks=tuple(range(0, 20_000_000, 1_000_000))))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 1_000_000
    assert played.steps[-1] != Close()
