"""What has to hold whatever a server says: of the session, of the reader, of each decoder.

`search(name, examples)` tries so many inputs of one of the `PROPERTIES`. The tests of `test_fuzz`
do that with a few hundred; `python -m tests.fuzz SECONDS` goes on for as long as it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fasthttp.decoders.body import BodyError, decoder_for
from fasthttp.decoders.events import EventDecoder
from fasthttp.decoders.lines import LimitError, LineDecoder
from fasthttp.decoders.text import TextDecoder
from fasthttp.framing import ProtocolError
from fasthttp.http1 import ResponseReader
from tests.fuzz.inputs import CHANGES, CUTS, NAMED, RESPONSES, TEXT, WORDS, changed, pieces
from tests.fuzz.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable

rig: Rig | None = None
MODES = ("aread", "aiter_bytes", "aiter_text", "aiter_lines", "aiter_events", "aiter_raw")


def session(data: bytes, cuts: list[int], end: str, method: str, mode: str, early: bool) -> None:
    """The session ends every exchange in time, with httpx's errors only, and leaves nothing."""
    global rig  # noqa: PLW0603 - one for all examples
    rig = rig or Rig()
    rig.listen(pieces(data, cuts), end, method, mode, early and mode != "aread")


# The parts, without I/O


def _responded(pieces: list[bytes], method: str) -> tuple[Any, ...]:
    reader, body = ResponseReader(method), list[bytes]()
    failed = False
    try:
        for piece in pieces:
            reader.feed(piece, body)
        reader.eof()
    except ProtocolError as error:
        failed = bool(str(error))
    return reader.head, b"".join(body), failed, not failed and reader.complete


def reader(data: bytes, cuts: list[int], method: str) -> None:
    """Any bytes are a response or a ProtocolError, and wherever they are cut the same one."""
    whole, cut = _responded([data], method), _responded(pieces(data, cuts), method)
    assert cut == whole


CODED_BYTES = st.tuples(
    st.sampled_from(NAMED), st.lists(CHANGES, max_size=3), st.sampled_from(["", "gzip", "deflate"])
)


def _decoded(pieces: list[bytes], codings: list[str]) -> tuple[bytes, bool]:
    decoder, out = decoder_for(codings), list[bytes]()
    assert decoder is not None
    try:
        for piece in pieces:
            for part in decoder.feed(piece):
                assert 0 < len(part) <= 65536
                out.append(part)
        out.extend(decoder.flush())
    except BodyError as error:
        return b"".join(out), bool(str(error))
    return b"".join(out), False


def body(drawn: Any, cuts: list[int]) -> None:
    """A damaged body gives what can be decoded and a BodyError, wherever it is cut."""
    (coding, data), changes, outer = drawn
    codings = [coding, outer] if outer else [coding]
    damaged = changed(data, changes)
    whole, cut = _decoded([damaged], codings), _decoded(pieces(damaged, cuts), codings)
    assert cut[1] == whole[1]
    # How much comes out before the damage is seen is the engine's affair; what does is the same.
    shorter, longer = sorted((cut[0], whole[0]), key=len)
    assert longer.startswith(shorter)
    assert whole[1] or cut == whole


SHORTER = st.tuples(st.sampled_from(NAMED[:5]), st.integers(1, 40))


def short(drawn: Any, cuts: list[int]) -> None:
    """A body that lacks its last bytes is an error, after a part of what it was."""
    (coding, data), lacking = drawn
    got, failed = _decoded(pieces(data[:-lacking], cuts), [coding])
    assert failed
    assert (TEXT * 3).startswith(got)


CHARSETS = st.sampled_from(["utf-8", "utf-16", "iso-2022-jp", "gb18030", "shift_jis", "utf-7"])
PIECES = st.lists(WORDS | st.binary(max_size=9) | st.sampled_from([TEXT]), max_size=9)


def _found(decoder: Any, strings: list[str]) -> tuple[list[Any], bool]:
    """What a decoder gives, and whether there was too much of one thing."""
    got: list[Any] = []
    try:
        for string in strings:
            got += decoder.feed(string)
        return got + decoder.flush(), False
    except LimitError:
        return got, True


def _said(pieces: list[bytes], charset: str, limit: int | None) -> tuple[Any, ...]:
    decoder = TextDecoder(charset)
    strings = [*map(decoder.feed, pieces), decoder.flush()]
    return _found(LineDecoder(limit), strings), _found(EventDecoder(limit), strings)


def text(parts: list[bytes], cuts: list[int], charset: str, limit: int | None) -> None:
    """Any bytes are lines and events, wherever they are cut; only too much of one is an error."""
    data = b"".join(parts)
    whole, cut = _said([data], charset, limit), _said(pieces(data, cuts), charset, limit)
    assert cut == whole


END = st.sampled_from(["close", "close", "close", "stay", "reset"])
METHOD = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"])
LIMIT = st.sampled_from([None, 10, 100])

# name -> what is asserted, and of what
PROPERTIES: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {
    "session": (session, (RESPONSES, CUTS, END, METHOD, st.sampled_from(MODES), st.booleans())),
    "reader": (reader, (RESPONSES, CUTS, st.sampled_from(["GET", "HEAD"]))),
    "body": (body, (CODED_BYTES, CUTS)),
    "short": (short, (SHORTER, CUTS)),
    "text": (text, (PIECES, CUTS, CHARSETS, LIMIT)),
}


def search(name: str, examples: int, *, derandomize: bool = True) -> None:
    """Try so many inputs, the same ones each time unless `derandomize` is off."""
    assertion, drawn = PROPERTIES[name]
    how = settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    how(given(*drawn)(assertion))()
