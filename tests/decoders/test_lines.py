import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp.decoders.lines import LimitError, LineDecoder, LineTooLong

from .cuts import POINTS, cut, singly
from .growth import LINEAR, growth

TEXT = st.text(st.sampled_from("ab\r\n\r\n\x85\u2028é😀"), max_size=60)


def reference(text: str) -> list[str]:
    *lines, rest = re.split("\r\n|\r|\n", text)
    return [*lines, rest] if rest else lines


def decode(pieces: list[str], limit: int | None = None) -> list[str]:
    decoder = LineDecoder(limit)
    return [line for piece in pieces for line in decoder.feed(piece)] + decoder.flush()


@given(TEXT, POINTS)
def test_cuts(text: str, points: list[int]) -> None:
    """The lines are those of the whole text, wherever it was cut."""
    assert decode(cut(text, points)) == reference(text)
    assert decode(singly(text)) == reference(text)


@given(st.text(max_size=60), POINTS)
def test_any_text(text: str, points: list[int]) -> None:
    """Nothing but LF, CRLF and CR ends a line, whatever the text is made of."""
    assert decode(cut(text, points)) == reference(text)


@given(TEXT, POINTS)
def test_at_once(text: str, points: list[int]) -> None:
    """A line is returned by the feed that brings its end, a lone CR included."""
    decoder = LineDecoder()

    seen, got = "", []
    for piece in cut(text, points):
        seen += piece
        got += decoder.feed(piece)
        complete = reference(seen) if seen.endswith(("\r", "\n")) else reference(seen)[:-1]
        assert got == complete


@pytest.mark.parametrize("character", "\v\f\x1c\x1d\x1e\x85\u2028\u2029\0\ufeff")
def test_text_characters(character: str) -> None:
    """What str.splitlines() takes for a line end as well is text."""
    assert decode([f'{{"a": "x{character}y"}}\n']) == [f'{{"a": "x{character}y"}}']


def test_lf_after_cr() -> None:
    """A LF that comes in a later feed than its CR belongs to it; a second LF does not."""
    decoder = LineDecoder()

    assert decoder.feed("a\r") == ["a"]
    assert decoder.feed("") == []
    assert decoder.feed("\n") == []
    assert decoder.feed("\nb\r") == ["", "b"]
    assert decoder.feed("\n\nc\n") == ["", "c"]
    assert decoder.feed("d\n") == ["d"]


def test_flush_once() -> None:
    """A last line without an end comes at flush, once; a text that ends with one has none."""
    decoder = LineDecoder()
    decoder.feed("a\nb")

    assert decoder.flush() == ["b"]
    assert decoder.flush() == []
    assert decode(["a\n"]) == ["a"]
    assert decode(["\n\n"]) == ["", ""]
    assert decode([]) == []


def limited(pieces: list[str], limit: int) -> tuple[list[str], bool]:
    decoder = LineDecoder(limit)
    got = []
    try:
        for piece in pieces:
            got += decoder.feed(piece)
        got += decoder.flush()
    except LineTooLong:
        return got, True
    return got, False


@given(TEXT, st.integers(1, 6), POINTS)
def test_limit(text: str, limit: int, points: list[int]) -> None:
    """All lines before the first that is too long come out, then the error, however cut."""
    lines = reference(text)
    within = next((at for at, line in enumerate(lines) if len(line) > limit), len(lines))
    expected = (lines[:within], within < len(lines))

    assert limited([text], limit) == expected
    assert limited(cut(text, points), limit) == expected
    assert limited(singly(text), limit) == expected


def test_limit_message() -> None:
    """The error names the limit and how much had arrived, and is a ValueError."""
    decoder = LineDecoder(1000)
    decoder.feed("x" * 1000)

    with pytest.raises(LineTooLong) as caught:
        decoder.feed("x" * 500)

    assert str(caught.value) == "line of more than 1,000 characters: 1,500 have arrived"
    assert (caught.value.limit, caught.value.size) == (1000, 1500)
    assert isinstance(caught.value, LimitError)
    assert isinstance(caught.value, ValueError)


def test_limit_for_good() -> None:
    """After the error nothing comes but the error."""
    decoder = LineDecoder(3)

    assert decoder.feed("a\nabcd\nb\n") == ["a"]
    for text in ("c\n", ""):
        with pytest.raises(LineTooLong):
            decoder.feed(text)
    with pytest.raises(LineTooLong):
        decoder.flush()


def test_limit_holds_memory() -> None:
    """What was held for a line that became too long is let go."""
    decoder = LineDecoder(10)

    with pytest.raises(LineTooLong):
        decoder.feed("x" * 100)

    assert decoder._pending.size == 0


@pytest.mark.parametrize("shape", ["one line", "one feed", "feed a line", "crlf cut", "cr only"])
def test_linear(shape: str) -> None:
    """Time grows with the text and not with its square, whatever its shape."""

    def pieces(size: int) -> list[str]:
        if shape == "one line":
            return [*["x" * 256] * (size >> 8), "\n"]
        if shape == "one feed":
            return ["abcdefg\n" * (size >> 3)]
        if shape == "feed a line":
            return ["x" * 63 + "\n"] * (size >> 6)
        if shape == "crlf cut":
            return ["x" * 62 + "\r", "\n"] * (size >> 6)
        return ["abcdefg\r" * 128] * (size >> 10)

    def prepare(size: int) -> Callable[[], object]:
        feeds, decoder = pieces(size), LineDecoder(1 << 30)
        return lambda: [decoder.feed(piece) for piece in feeds]

    assert growth(prepare, 512 << 10) < LINEAR
