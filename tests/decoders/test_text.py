import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp.decoders.text import TEXT_CODECS, TextDecoder, charset_of, codec_named

from .cuts import POINTS, cut, singly

CODECS = sorted(name.replace("_", "-") for name in TEXT_CODECS)
# Bytes that mean something special in one charset or another: escapes, shifts, lead bytes, marks.
NASTY = st.lists(
    st.sampled_from(b"\x00\n\r\x0e\x0f\x1b$()*.&@ABDIJNQa0159~{}\x80\x81\x84\x8e\x8f\xa1\xa4\xb0")
    | st.sampled_from(b"\xbb\xbf\xc3\xc9\xd8\xdc\xe2\xed\xef\xf0\xf4\xfe\xff"),
    max_size=30,
).map(bytes)
CHARACTERS = st.text(
    st.sampled_from("aZ ~\\\n\0Åé€–Яя漢字かなカナ한글ｱ～\ufeff\u2028😀"), max_size=20
)


def decode(pieces: list[bytes], charset: str) -> str:
    decoder = TextDecoder(charset)
    return "".join(map(decoder.feed, pieces)) + decoder.flush()


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str]:
    """Bytes, and a charset they may or may not be in, cut short and damaged at will."""
    charset = draw(st.sampled_from(CODECS))
    body = draw(NASTY | st.binary(max_size=30) | CHARACTERS.map(lambda t: encoded(t, charset)))
    body = body[: draw(st.integers(0, len(body)))]
    return body + draw(st.just(b"") | NASTY), charset


def encoded(text: str, charset: str) -> bytes:
    return text.encode(charset, "ignore")


@given(bodies(), POINTS)
def test_cuts(case: tuple[bytes, str], points: list[int]) -> None:
    """The text is that of the whole body, decoded with replacement, wherever it was cut."""
    body, charset = case

    assert decode(cut(body, points), charset) == body.decode(charset, "replace")
    assert decode(singly(body), charset) == body.decode(charset, "replace")


@pytest.mark.parametrize("charset", CODECS)
def test_every_codec(charset: str) -> None:
    """Every accepted charset gives back the text that was encoded, byte by byte."""
    body = encoded("aZ ~\\\n\0Åé€–Яя漢字かなカナ한글ｱ～\ufeff\u2028😀", charset)

    assert len(body) >= 6
    assert decode(singly(body), charset) == body.decode(charset, "replace")


@given(st.text(), POINTS)
def test_utf8(text: str, points: list[int]) -> None:
    """Text in UTF-8 survives every cut without a replacement character of our making."""
    assert decode(cut(text.encode(), points), "utf-8") == text


def test_at_once() -> None:
    """A character is returned by the feed that completes it, not one later."""
    decoder = TextDecoder("utf-8")

    assert [decoder.feed(byte) for byte in singly("aé😀b".encode())] == [
        *("a", "", "é", "", "", "", "😀", "b")
    ]
    assert decoder.flush() == ""


def test_flush_once() -> None:
    """An unfinished character becomes one U+FFFD at flush, and the decoder starts anew."""
    decoder = TextDecoder("utf-8")
    decoder.feed(b"\xe2\x82")

    assert decoder.flush() == "\ufffd"
    assert decoder.flush() == ""
    assert decoder.feed(b"\xac") == "\ufffd"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (b"\xef", "utf-8-sig", "\ufffd"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "utf-8-sig", "\ufeffa"),
        (b"\xef\xbb\xbfa\xef\xbb\xbf", "utf-8-sig", "a\ufeff"),
        (b"\xef\xbb\xbfa", "utf-8", "\ufeffa"),
        (b"\xff\xfea\0", "utf-16", "a"),
        (b"\xfe\xff\0a", "utf-16", "a"),
        (b"\xed\xa0\x80", "utf-8", "\ufffd\ufffd\ufffd"),
        (b"a\x1b$" + b"0" * 20 + b"B", "iso-2022-jp", "a\ufffd$" + "0" * 20 + "B"),
    ],
)
def test_corners(body: bytes, charset: str, text: str) -> None:
    """Byte order marks, surrogates and broken escape sequences, whole and byte by byte."""
    assert decode([body], charset) == text
    assert decode(singly(body), charset) == text


@pytest.mark.parametrize("charset", ["utf-16", "utf-32"])
def test_without_a_mark(charset: str) -> None:
    """UTF-16 and UTF-32 need no byte order mark in front; one that comes later is text."""
    mark, body = "".encode(charset), "a\ufeffb".encode(charset)

    assert decode(singly(body.removeprefix(mark)), charset) == "a\ufeffb"


HOSTILE = [
    *("hex", "idna", "zlib", "bz2", "base64", "quopri", "uu", "rot13", "rot_13", "undefined"),
    *("punycode", "unicode_escape", "raw_unicode_escape", "unicode-escape", "charmap", "mbcs"),
    *("oem", "utf-7", "utf_7", "unicode_internal", "bogus", "", " ", '""', "''", '"', "\0", "a\0b"),
    *("x" * 100_000, "utf-8" + "\0", "../../etc/passwd", "encodings.hex", "os", "é", "utf\u20138"),
    *("aliases", "__init__", "-", "..", "%s", "{}", "\r\n", "\ud800"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    """A charset that is none, or not one for text, means UTF-8 and is never looked up."""
    body = "aé😀\x85".encode() + b"\xff\xe2"

    assert codec_named(name) is None
    assert charset_of(f"text/plain; charset={name}") == "utf-8"
    assert decode(singly(body), name) == body.decode("utf-8", "replace")


@given(st.text())
def test_any_content_type(content_type: str) -> None:
    """No Content-Type makes it fail, and the answer always is a codec that can be used."""
    assert codec_named(charset_of(content_type)) is not None
    assert codec_named(charset_of(f"text/plain;charset={content_type}")) is not None


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, "utf-8"),
        ("", "utf-8"),
        ("text/html", "utf-8"),
        ("text/html; charset=UTF-8", "utf-8"),
        ("text/html;charset=iso-8859-1", "latin-1"),
        ('text/html; charset="windows-1252"', "cp1252"),
        ("text/html; charset='koi8-r'", "koi8-r"),
        ("text/html; CHARSET = Shift_JIS ", "shift-jis"),
        ("text/html; a=b; charset=gb18030; charset=utf-16", "gb18030"),
        ('text/html; a="; charset=big5"; charset=euc-kr', "euc-kr"),
        ('text/html; a="\\"; charset=big5"; charset=euc-kr', "euc-kr"),
        ('text/html; a="; charset=big5', "utf-8"),
        ("text/html; xcharset=big5", "utf-8"),
        ("text/html; charset", "utf-8"),
        ("text/html; charset=bogus; charset=big5", "utf-8"),
        ("charset=big5", "utf-8"),
        ("text/event-stream; charset=windows-1252", "utf-8"),
        (" Text/Event-Stream ;charset=utf-16", "utf-8"),
        ("text/event-stream-foo; charset=utf-16", "utf-16"),
    ],
)
def test_charset_of(content_type: str | None, charset: str) -> None:
    """The first charset parameter counts, quoted or not, but never for an event stream."""
    assert charset_of(content_type) == charset


@pytest.mark.parametrize("charset", CODECS)
def test_names(charset: str) -> None:
    """Every accepted charset is a codec of Python's, found under its own name."""
    assert codecs.lookup(charset).name
    assert codec_named(charset) == charset


def test_long_parameters_are_linear() -> None:
    """A Content-Type made to upset the parser is read once, not once for each of its quotes."""
    content_type = "a" + ';a="\\' * 200_000

    assert charset_of(content_type) == "utf-8"


def test_module_names() -> None:
    """The table lists Python's module names, so that no alias slips in twice."""
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in TEXT_CODECS)
