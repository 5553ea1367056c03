"""Text out of bytes, in the charset of the Content-Type, never failing.

What comes out, joined, is what `bytes.decode(charset, "replace")` makes of the whole body: a
character whose bytes arrive in two chunks is one character, and what is none becomes U+FFFD.

The server names the charset, so the name is not trusted: only codecs of `TEXT_CODECS` are ever
looked up. Anything else, and no charset at all, means UTF-8; so does an event stream, whatever it
claims.
"""

import codecs
import re
import sys
from collections.abc import Callable
from encodings.aliases import aliases
from typing import Protocol

# The charsets of Python whose text is the same however the input is cut, by module name.
# Missing on purpose: utf_7 (reads an unfinished run again with every chunk: quadratic time, and
# browsers refuse it), iso2022_jp_2 (raises RuntimeError, "internal codec error", for some input),
# idna, punycode, unicode_escape, hex and their like, which are not charsets.
_NAMES = """
ascii latin_1 utf_8 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le
iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9
iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16
cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
koi8_r koi8_t koi8_u kz1048 ptcp154 tis_620 hp_roman8
cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865
cp866 cp869 cp874 cp1006 cp1125 cp037 cp273 cp424 cp500 cp875 cp1026 cp1140
mac_arabic mac_croatian mac_cyrillic mac_farsi mac_greek mac_iceland mac_latin2 mac_roman
mac_romanian mac_turkish
big5 big5hkscs cp950 gb2312 gbk gb18030 hz euc_kr cp949 johab
shift_jis shift_jis_2004 shift_jisx0213 cp932 euc_jp euc_jis_2004 euc_jisx0213
iso2022_jp iso2022_jp_1 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
"""
TEXT_CODECS = frozenset(_NAMES.split())

_LABEL = re.compile(r"[a-z0-9][a-z0-9 ._:+-]{0,39}", re.ASCII)
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:\\.|[^"\\])*(?:"|\Z)|[^;]*)', re.DOTALL)
_NATIVE = -1 if sys.byteorder == "little" else 1


def codec_named(label: str) -> str | None:
    """Return the name of the codec that `label` means, None if it is not one of `TEXT_CODECS`."""
    label = label.strip(" \t\"'").lower()
    if not _LABEL.fullmatch(label):
        return None
    name = re.sub("[^a-z0-9]+", "_", label)
    name = aliases.get(name, name)
    return name.replace("_", "-") if name in TEXT_CODECS else None


def charset_of(content_type: str | None) -> str:
    """Return the codec of a body with this Content-Type: its charset if usable, else UTF-8."""
    essence, semicolon, _ = (content_type or "").partition(";")
    if not semicolon or essence.strip().lower() == "text/event-stream":
        return "utf-8"
    for name, value in _PARAMETER.findall(content_type or ""):
        if name.lower() == "charset":
            return codec_named(value) or "utf-8"
    return "utf-8"


class TextDecoder:
    """Decodes bytes of one charset, with U+FFFD for what is none of its characters.

    Args:
        charset: the name of a codec or one of its aliases; UTF-8 if it is not one of `TEXT_CODECS`.
    """

    __slots__ = ("_decode", "_tail")

    def __init__(self, charset: str = "utf-8") -> None:
        codec = codec_named(charset) or "utf-8"
        self._decode = None if codec == "utf-8" else _decode_of(codec)
        self._tail = b""

    def feed(self, chunk: bytes) -> str:
        """Return the characters that are complete with `chunk`."""
        if self._decode is not None:
            return self._decode(chunk, False)
        # What Python's incremental decoder does for UTF-8, in two calls less.
        if self._tail:
            chunk = self._tail + chunk
        text, used = codecs.utf_8_decode(chunk, "replace", False)
        self._tail = chunk[used:]
        return text

    def flush(self) -> str:
        """Return what becomes of a last character that is not complete."""
        if self._decode is not None:
            return self._decode(b"", True)
        tail, self._tail = self._tail, b""
        return tail.decode("utf-8", "replace")


class _Decode(Protocol):
    def __call__(self, data: bytes, final: bool, /) -> str: ...


def _decode_of(codec: str) -> _Decode:
    match codec.partition("-"):
        case "utf", _, "8-sig":
            return _utf8_sig()
        case "utf", _, "16":
            return _marked(codecs.utf_16_ex_decode)
        case "utf", _, "32":
            return _marked(codecs.utf_32_ex_decode)
        case "iso2022", _, _:
            return _iso2022(codec)
    return codecs.getincrementaldecoder(codec)("replace").decode


def _utf8_sig() -> _Decode:
    # Python's own loses the first two bytes of a byte order mark if the body ends there.
    plain = TextDecoder("utf-8")
    started = False

    def decode(data: bytes, final: bool) -> str:
        nonlocal started
        text = plain.flush() if final else plain.feed(data)
        if started or not text:
            return text
        started = True
        return text.removeprefix("\ufeff")

    return decode


_ExDecode = Callable[[bytes, str, int, bool], tuple[str, int, int]]


def _marked(ex_decode: _ExDecode) -> _Decode:
    # Python's own raises UnicodeError if there is no byte order mark; decoding the whole does not.
    tail, order = b"", 0

    def decode(data: bytes, final: bool) -> str:
        nonlocal tail, order
        data = tail + data
        text, used, order = ex_decode(data, "replace", order, final)
        if used and not order:
            order = _NATIVE
        tail = data[used:]
        return text

    return decode


def _iso2022(codec: str) -> _Decode:
    # An escape sequence may be 16 bytes long before it is known to be broken, but Python keeps only
    # 8 bytes back and raises UnicodeError beyond: then the last ones wait here for the next chunk.
    decoder = codecs.getincrementaldecoder(codec)("replace")
    held = b""

    def decode(data: bytes, final: bool) -> str:
        nonlocal held
        data = held + data
        before = decoder.getstate()
        for keep in range(17):
            end = max(len(data) - keep, 0)
            try:
                text = decoder.decode(data[:end], final)
            except UnicodeError:
                decoder.setstate(before)
            else:
                held = data[end:]
                return text
        raise AssertionError(f"{codec} keeps more than 16 bytes of {data[-24:]!r}")

    return decode
