import re
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp.decoders.events import EventDecoder, EventTooLong, ServerSentEvent
from fasthttp.decoders.lines import LimitError
from fasthttp.decoders.text import TextDecoder

from .cuts import POINTS, cut, singly
from .event_cases import CASES
from .growth import LINEAR, growth

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
VALUES = st.text(st.sampled_from("ab 1:\0\ufeff\u2028é"), max_size=4)
FIELDS = st.one_of(
    st.builds("data:{}".format, VALUES),
    st.builds("data: {}".format, VALUES),
    st.builds("id:{}".format, VALUES),
    st.builds("event: {}".format, VALUES),
    st.builds("retry:{}".format, st.sampled_from(["1", "007", "", " 5", "-5", "1_0", "٣", "x"])),
    st.builds(":{}".format, VALUES),
    st.sampled_from(["data", "id", "event", "retry", "", "", "", " data: x", "Data: x"]),
    VALUES,
)
STREAMS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "\ufeff", "\ufeff\ufeff"]),
    st.lists(st.builds("{}{}".format, FIELDS, ENDS), max_size=12).map("".join),
    FIELDS | st.just(""),
)


def reference(text: str) -> tuple[list[ServerSentEvent], str, int | None]:
    """The events, the last event ID and the reconnection time, from the whole stream."""
    *lines, _ = re.split("\r\n|\r|\n", text.removeprefix("\ufeff"))
    events, last_id, retry = [], "", None
    kind, data, new_id = "", "", ""
    for line in lines:
        match = re.match("(?s)([^:]*)(?:: ?(.*))?$", line)
        assert match
        name, value = match[1], match[2] or ""
        if line == "":
            last_id = new_id
            if data:
                events.append(ServerSentEvent(kind or "message", data[:-1], last_id, retry))
            kind = data = ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            new_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return events, last_id, retry


def decode(pieces: list[str]) -> tuple[list[ServerSentEvent], str, int | None]:
    decoder = EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.flush()
    return events, decoder.last_event_id, decoder.retry


@given(STREAMS, POINTS)
def test_cuts(text: str, points: list[int]) -> None:
    """The events are those of the whole stream, wherever it was cut."""
    expected = reference(text)

    assert decode([text]) == expected
    assert decode(cut(text, points)) == expected
    assert decode(singly(text)) == expected


@given(STREAMS, POINTS)
def test_at_once(text: str, points: list[int]) -> None:
    """An event is returned by the feed that brings the end of its blank line."""
    decoder = EventDecoder()

    seen, got = "", []
    for piece in cut(text, points):
        seen += piece
        got += decoder.feed(piece)
        expected, last_id, retry = reference(seen)
        assert got == expected
        assert (decoder.last_event_id, decoder.retry) == (last_id, retry)


@pytest.mark.parametrize(("case", "body", "events", "last_id", "retry"), CASES)
def test_cases(
    case: str, body: bytes, events: list[tuple[str, str, str]], last_id: str, retry: int | None
) -> None:
    """The cases of the collection, whole, byte by byte, and cut in two at every byte."""
    plans = [[body], singly(body), *([body[:at], body[at:]] for at in range(len(body)))]
    for plan in plans:
        text, decoder = TextDecoder(), EventDecoder()

        got = [event for piece in plan for event in decoder.feed(text.feed(piece))]
        got += decoder.feed(text.flush())
        got += decoder.flush()

        assert [event[:3] for event in got] == events, (case, plan)
        assert decoder.retry == retry, (case, plan)
        assert decoder.last_event_id == (last_id or (got[-1].id if got else "")), (case, plan)


def test_blank_line_of_a_lone_cr() -> None:
    """An event whose blank line is a lone CR does not wait for what follows (S54)."""
    assert EventDecoder().feed("data: a\r\r") == [ServerSentEvent("message", "a", "", None)]


def test_retry_is_the_latest() -> None:
    """An event carries the reconnection time in force, which an earlier one may have set."""
    events, _, retry = decode(["retry: 10\ndata: a\n\ndata: b\nretry: 020\n\ndata: c\n\n"])

    assert [event.retry for event in events] == [10, 20, 20]
    assert retry == 20


def test_retry_beyond_reason() -> None:
    """A reconnection time of more digits than Python converts is ignored."""
    assert decode(["retry: 7\nretry: " + "9" * 5000 + "\n"])[2] == 7


def test_retry_before_the_blank_line() -> None:
    """A reconnection time counts when its line has ended; an id only with its blank line."""
    decoder = EventDecoder()

    decoder.feed("retry: 5\nid: 9\n")

    assert (decoder.retry, decoder.last_event_id) == (5, "")


def test_flush_discards() -> None:
    """An event without its blank line is no event."""
    decoder = EventDecoder()
    decoder.feed("data: a\n")

    assert decoder.flush() == []


def test_event() -> None:
    """An event cannot be changed, compares by its fields, and has defaults."""
    event = ServerSentEvent(data="x")

    assert event == ServerSentEvent("message", "x", "", None)
    assert not hasattr(event, "__dict__")
    with pytest.raises(AttributeError):
        event.data = "y"  # type: ignore[misc]  # the point of the test


def test_json() -> None:
    """The usual payload is parsed; what is not JSON is a ValueError."""
    assert ServerSentEvent(data='{"a":\n[1]}').json() == {"a": [1]}
    with pytest.raises(ValueError, match="Expecting value"):
        ServerSentEvent(data="[DONE]").json()


def test_many_data_lines() -> None:
    """Thousands of data lines make one event, also when they come one by one."""
    values = [str(number) for number in range(5000)]
    stream = "".join(f"data: {value}\n" for value in values) + "\n"

    for pieces in ([stream], stream.splitlines(keepends=True), cut(stream, [20, 5000, 9999])):
        (event,) = decode(pieces)[0]
        assert event.data == "\n".join(values)


def limited(pieces: list[str], limit: int) -> tuple[list[ServerSentEvent], bool]:
    decoder = EventDecoder(limit)
    got = []
    try:
        for piece in pieces:
            got += decoder.feed(piece)
        got += decoder.flush()
    except EventTooLong:
        return got, True
    return got, False


def too_long(text: str, limit: int) -> int | None:
    """Where the first block of more than `limit` characters begins, its line ends counted once."""
    start = size = 0
    for match in re.finditer("([^\r\n]*)(\r\n|\r|\n|$)", text):
        size = size + len(match[1]) + bool(match[2]) if match[1] else 0
        start = start if match[1] else match.end()
        if size > limit:
            return start
    return None


@given(STREAMS.map(lambda text: text.lstrip("\ufeff")), st.integers(1, 40), POINTS)
def test_limit(text: str, limit: int, points: list[int]) -> None:
    """All events before the first that is too long come out, then the error, however cut."""
    start = too_long(text, limit)
    expected = (reference(text[:start])[0], start is not None)

    assert limited([text], limit) == expected
    assert limited(cut(text, points), limit) == expected
    assert limited(singly(text), limit) == expected


def test_limit_message() -> None:
    """The error names the limit and how much had arrived, and comes for good."""
    decoder = EventDecoder(1000)
    decoder.feed("data: " + "x" * 994)

    with pytest.raises(EventTooLong) as caught:
        decoder.feed("x" * 500)

    assert (
        str(caught.value) == "server-sent event of more than 1,000 characters: 1,500 have arrived"
    )
    assert isinstance(caught.value, LimitError)
    with pytest.raises(EventTooLong):
        decoder.feed("\n\n")
    with pytest.raises(EventTooLong):
        decoder.flush()


def test_limit_holds_memory() -> None:
    """What was held for an event that became too long is let go."""
    decoder = EventDecoder(100)
    decoder.feed("data: " + "x" * 50 + "\ndata: ")

    with pytest.raises(EventTooLong):
        decoder.feed("x" * 100)

    assert decoder._line.size == 0
    assert decoder._data == []


def test_memory_of_tiny_lines() -> None:
    """An event of very many very short lines takes memory in proportion to its size."""
    decoder = EventDecoder()
    block = "data: ab\n" * 1000

    tracemalloc.start()
    for _ in range(200):
        decoder.feed(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3 * 200 * len(block)


@pytest.mark.parametrize("shape", ["one line", "lines", "feed a line", "feed an event", "one feed"])
def test_linear(shape: str) -> None:
    """Time grows with the stream and not with its square, whatever its shape."""

    def pieces(size: int) -> list[str]:
        if shape == "one line":
            return ["data: ", *["x" * 256] * (size >> 8), "\n\n"]
        if shape == "lines":
            return [*["data: 12345678\n" * 16] * (size >> 8), "\n"]
        if shape == "feed a line":
            return ["data: " + "x" * 57 + "\n"] * (size >> 6)
        if shape == "feed an event":
            return ["data: " + "x" * 56 + "\n\n"] * (size >> 6)
        return [("data: " + "x" * 56 + "\n\n") * (size >> 6)]

    def prepare(size: int) -> Callable[[], object]:
        feeds, decoder = pieces(size), EventDecoder(1 << 30)
        return lambda: [decoder.feed(piece) for piece in feeds]

    assert growth(prepare, 512 << 10) < LINEAR
