import gzip
import random
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterable

import brotli  # type: ignore[import-untyped]  # it comes without types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasthttp.decoders.body import (
    ACCEPT_ENCODING,
    BodyError,
    UnknownCoding,
    codings_of,
    decoder_for,
)

from .cuts import POINTS, cut, singly
from .growth import LINEAR, growth

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


def checked_zstd(body: bytes) -> bytes:
    return zstd.compress(body, options={zstd.CompressionParameter.checksum_flag: 1})


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "x-gzip": gzipped,
    "deflate": zlib.compress,
    "deflate, raw": raw_deflate,
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": checked_zstd,
}
KINDS = st.sampled_from(list(ENCODE))
# A text, how often it is repeated, and how many bytes that no coding can shorten follow.
RECIPES = st.tuples(
    st.binary(max_size=20), st.integers(0, 1000), st.sampled_from([0, 0, 1, 100, 20_000])
)
SKIPPABLE = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"


def made(recipe: tuple[bytes, int, int]) -> bytes:
    text, times, size = recipe
    return text * times + random.Random(4).randbytes(size)


def decoded(kind: str, pieces: Iterable[bytes]) -> tuple[bytes, str | None]:
    """What came out, and the message of the error that ended it."""
    decoder = decoder_for([kind.partition(",")[0]])
    assert decoder is not None
    out = bytearray()
    try:
        for piece in pieces:
            for block in decoder.feed(piece):
                assert 0 < len(block) <= 262_144
                out += block
        for block in decoder.flush():
            out += block
    except BodyError as error:
        return bytes(out), str(error)
    return bytes(out), None


@given(KINDS, RECIPES, POINTS)
def test_cuts(kind: str, recipe: tuple[bytes, int, int], points: list[int]) -> None:
    """Every coding gives the body back, wherever its compressed form was cut."""
    body = made(recipe)
    coded = ENCODE[kind](body)

    assert decoded(kind, [coded]) == (body, None)
    assert decoded(kind, cut(coded, points)) == (body, None)
    assert len(coded) > 500 or decoded(kind, singly(coded)) == (body, None)


@given(st.lists(RECIPES, max_size=4), st.sampled_from(["gzip", "zstd"]), POINTS)
def test_members(recipes: list[tuple[bytes, int, int]], kind: str, points: list[int]) -> None:
    """All gzip members and all zstd frames are decoded, wherever they were cut."""
    bodies = list(map(made, recipes))
    coded = b"".join(map(ENCODE[kind], bodies))

    assert decoded(kind, [coded]) == (b"".join(bodies), None)
    assert decoded(kind, cut(coded, points)) == (b"".join(bodies), None)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "deflate, raw", "br", "zstd"])
def test_cut_in_two(kind: str) -> None:
    """Cut in two at every byte, or in single bytes, the compressed form gives the same."""
    coded = ENCODE[kind](b"data: one\n\ndata: two\n\n")
    if kind in {"gzip", "zstd"}:
        coded += ENCODE[kind](b"data: three\n\n")

    whole = decoded(kind, [coded])

    assert whole[1] is None
    assert decoded(kind, singly(coded)) == whole
    for at in range(len(coded)):
        assert decoded(kind, [coded[:at], coded[at:]]) == whole


def test_raw_deflate_like_zlib() -> None:
    """Raw deflate whose first byte might begin a zlib header is raw if the second does not fit."""
    stored = b"\x08" + b"\x05\0\xfa\xff" + b"hello"

    assert decoded("deflate", [stored + raw_deflate(b" world")]) == (b"hello world", None)


def test_gzip_header() -> None:
    """A gzip header with name, comment, extra field and checksum may be cut anywhere."""
    fields = b"\x04\0abcd" + b"name\0" + b"comment\0"
    header = b"\x1f\x8b\x08\x1e" + b"\0" * 4 + b"\0\xff" + fields
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    coded = header + gzip.compress(b"body")[10:]

    for at in range(len(coded)):
        assert decoded("gzip", [coded[:at], coded[at:]]) == (b"body", None)


@pytest.mark.parametrize("kind", ENCODE)
def test_no_bytes(kind: str) -> None:
    """A body without a byte is empty, whatever its coding (HEAD, 204, 304)."""
    assert decoded(kind, []) == (b"", None)
    assert decoded(kind, [b"", b""]) == (b"", None)


@pytest.mark.parametrize("kind", ENCODE)
def test_flushed_at_once(kind: str) -> None:
    """What the server flushed comes out of the feed that brought it."""
    compressor, flush = {
        "gzip": (zlib.compressobj(wbits=31), zlib.Z_SYNC_FLUSH),
        "x-gzip": (zlib.compressobj(wbits=31), zlib.Z_SYNC_FLUSH),
        "deflate": (zlib.compressobj(), zlib.Z_SYNC_FLUSH),
        "deflate, raw": (zlib.compressobj(wbits=-15), zlib.Z_SYNC_FLUSH),
        "br": (brotli.Compressor(), None),
        "zstd": (zstd.ZstdCompressor(), zstd.ZstdCompressor.FLUSH_BLOCK),
    }[kind]
    decoder = decoder_for([kind.partition(",")[0]])
    assert decoder is not None

    for event in (b"data: 1\n\n", b"data: 2\n\n", b"x" * 65_536, b"y" * 131_072, b"data: 3\n\n"):
        compress = compressor.process if kind == "br" else compressor.compress
        flushed = compressor.flush() if flush is None else compressor.flush(flush)
        coded = compress(event) + (compressor.flush() if flush is None else compressor.flush(flush))
        assert b"".join(decoder.feed(flushed + coded)) == event


@pytest.mark.parametrize("kind", ENCODE)
def test_cut_short(kind: str) -> None:
    """A stream that ends early gives what had arrived, then the error, wherever it ends."""
    body = b"".join(b"%d: some text\n" % number for number in range(40))
    coded = ENCODE[kind](body)

    for end in range(1, len(coded)):
        out, message = decoded(kind, [coded[:end]])
        assert body.startswith(out)
        assert message is not None
        assert message.endswith(f" after {len(out):,} decoded bytes")
        assert decoded(kind, singly(coded[:end])) == (out, message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("gzip", "gzip stream ended inside member 2 after 1,234 decoded bytes"),
        ("zstd", "zstd stream ended inside frame 2 after 1,234 decoded bytes"),
    ],
)
def test_second_member_cut_short(kind: str, message: str) -> None:
    """The error of a stream that ends early counts its members, also in the first byte of one."""
    first, second = ENCODE[kind](b"x" * 1234), ENCODE[kind](b"")

    for end in range(1, len(second)):
        assert decoded(kind, [first + second[:end]]) == (b"x" * 1234, message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("deflate", "deflate stream ended too early after 1,234 decoded bytes"),
        ("br", "br stream ended too early after 0 decoded bytes"),
    ],
)
def test_single_stream_cut_short(kind: str, message: str) -> None:
    """The error of a coding of one stream does not count."""
    coded = ENCODE[kind](b"x" * 1234)

    assert decoded(kind, [coded[:-1]])[1] == message


@given(st.integers(0, 3), POINTS)
def test_zeros_behind_gzip(zeros: int, points: list[int]) -> None:
    """Zeros behind a gzip member are skipped, and another member may follow them."""
    coded = gzip.compress(b"one") + b"\0" * zeros

    assert decoded("gzip", cut(coded, points)) == (b"one", None)
    assert decoded("gzip", cut(coded + gzip.compress(b"two"), points)) == (b"onetwo", None)


@given(st.sampled_from(["gzip", "deflate", "deflate, raw"]), st.binary(min_size=2), POINTS)
def test_garbage_behind_the_end(kind: str, garbage: bytes, points: list[int]) -> None:
    """What is behind the end of a body, and begins no member, is an error after the body."""
    garbage = b"G" + garbage
    out, message = decoded(kind, cut(ENCODE[kind](b"one") + garbage, points))

    assert out == b"one"
    assert message is not None
    assert "is corrupt" in message


@pytest.mark.parametrize("kind", ["br", "zstd"])
def test_behind_br_and_zstd(kind: str) -> None:
    """Bytes behind br and zstd are an error, after the body, however cut."""
    coded = ENCODE[kind](b"one") + b"more"

    for at in range(len(coded)):
        out, message = decoded(kind, [coded[:at], coded[at:]])
        assert out == b"one"
        assert message is not None


def test_skippable_frames() -> None:
    """Zstd frames that carry no data are skipped, before, between and behind the others."""
    one, two = zstd.compress(b"one"), zstd.compress(b"two")
    coded = SKIPPABLE + one + SKIPPABLE + SKIPPABLE + two + SKIPPABLE

    assert decoded("zstd", [coded]) == (b"onetwo", None)
    assert decoded("zstd", singly(coded)) == (b"onetwo", None)


def test_zstd_window() -> None:
    """A zstd frame may ask for a window of 8 MiB and not for more (RFC 9659)."""

    def frame(window_log: int) -> bytes:
        options: dict[int, int] = {zstd.CompressionParameter.window_log: window_log}
        compressor = zstd.ZstdCompressor(options=options)
        return compressor.compress(b"one") + compressor.flush()

    assert decoded("zstd", [frame(23)]) == (b"one", None)
    assert decoded("zstd", [frame(24)]) == (
        b"",
        "zstd stream is corrupt in frame 1 after 0 decoded bytes: Unable to decompress Zstandard "
        "data: Frame requires too much memory for decoding",
    )


@pytest.mark.parametrize("size", [20, 100_000])
@pytest.mark.parametrize("kind", ["gzip", "x-gzip", "deflate"])
def test_wrong_checksum(kind: str, size: int) -> None:
    """A wrong checksum is an error after the whole body."""
    body = random.Random(1).randbytes(size)
    coded = bytearray(ENCODE[kind](body))
    coded[-5 if "gzip" in kind else -1] ^= 1

    for pieces in ([bytes(coded)], cut(bytes(coded), [5, 12, 50_000, 99_990, len(coded) - 3])):
        out, message = decoded(kind, pieces)
        assert out == body
        assert message is not None
        assert message.endswith(
            f" after {size:,} decoded bytes: "
            "Error -3 while decompressing data: incorrect data check"
        )


def damaged(kind: str, pieces: Iterable[bytes]) -> tuple[bytes, str | None]:
    out, message = decoded(kind, pieces)
    # The reason is the library's, and zstd's depends on how much it is given at once.
    return out, message and message.partition(" bytes: ")[0]


@given(KINDS.filter(lambda kind: kind != "br"), st.integers(0, 10**6), st.integers(1, 255), POINTS)
def test_damage(kind: str, place: int, flip: int, points: list[int]) -> None:
    """Damage ends in the same bytes and the same error, however cut, if the body is short."""
    body = b"".join(b"%d: text\n" % number for number in range(200))
    coded = bytearray(ENCODE[kind](body))
    coded[place % len(coded)] ^= flip

    whole = damaged(kind, [bytes(coded)])

    assert damaged(kind, cut(bytes(coded), points)) == whole
    assert damaged(kind, singly(bytes(coded))) == whole


@given(st.sampled_from(["gzip", "deflate", "deflate, raw"]), st.integers(0, 10**6), POINTS)
@settings(max_examples=30)
def test_damage_of_long_bodies(kind: str, place: int, points: list[int]) -> None:
    """Gzip and deflate lose nothing before the damage in long bodies either."""
    coded = bytearray(ENCODE[kind](LONG))
    coded[place % len(coded)] ^= 0x55

    whole = decoded(kind, [bytes(coded)])

    assert decoded(kind, cut(bytes(coded), points)) == whole


@given(st.sampled_from(["br", "zstd"]), st.integers(0, 10**6), st.integers(1, 255), POINTS)
@settings(max_examples=30)
def test_damage_of_br_and_zstd(kind: str, place: int, flip: int, points: list[int]) -> None:
    """Damage of br and zstd is an error however cut, but more or less may come before it."""
    coded = bytearray(ENCODE[kind](LONG))
    coded[place % len(coded)] ^= flip

    whole, error = damaged(kind, [bytes(coded)])
    other, same_error = damaged(kind, cut(bytes(coded), points))

    assert (error is None) == (same_error is None)
    assert whole.startswith(other) or other.startswith(whole)


@pytest.mark.parametrize("kind", ["br", "zstd"])
def test_late_damage(kind: str) -> None:
    """Damage at the very end of a long body is noticed, and nothing wrong comes before it."""
    body = random.Random(6).randbytes(300_000)
    coded = ENCODE[kind](body)
    coded = coded + b"more" if kind == "br" else coded[:-1] + bytes([coded[-1] ^ 1])

    out, message = damaged(kind, [coded])

    assert message is not None
    assert body.startswith(out)
    assert len(out) > len(body) - 65_536


def test_zstd_frame_too_short() -> None:
    """A zstd frame with less than its header promises is an error, however cut."""
    frame = b"\x28\xb5\x2f\xfd\x24\xd5" + b"\x01\0\0" + b"\x99\xe9\xd8\x51"

    assert decoded("zstd", [frame])[1] is not None
    assert decoded("zstd", singly(frame)) == (
        b"",
        "zstd stream is corrupt in frame 1 after 0 decoded bytes: "
        "0 bytes where its header says 213",
    )


# Longer than a step also when it is compressed.
LONG = b"".join(b"%x" % random.Random(at).getrandbits(60) + b"-" * (at % 60) for at in range(2400))


@given(KINDS, st.binary(min_size=1, max_size=60), POINTS)
def test_garbage(kind: str, garbage: bytes, points: list[int]) -> None:
    """Bytes that are in no coding end in the same error, however cut."""
    assert damaged(kind, cut(garbage, points)) == damaged(kind, singly(garbage))


@pytest.mark.parametrize("kind", ["gzip", "deflate", "deflate, raw", "br", "zstd"])
def test_bomb(kind: str) -> None:
    """A body that grows more than a hundredfold is decoded in flat memory, piece by piece."""
    coded = ENCODE[kind](bytes(16 << 20))
    decoder = decoder_for([kind.partition(",")[0]])
    assert decoder is not None

    tracemalloc.start()
    size = sum(len(piece) for piece in decoder.feed(coded))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == 16 << 20
    assert list(decoder.flush()) == []
    assert peak < 1 << 20


@pytest.mark.parametrize("kind", ENCODE)
def test_memory_of_a_long_body(kind: str) -> None:
    """Of what has been decoded nothing but a little is kept."""
    coded = ENCODE[kind](random.Random(5).randbytes(4 << 20))
    decoder = decoder_for([kind.partition(",")[0]])
    assert decoder is not None

    tracemalloc.start()
    pieces = (coded[at : at + 10_000] for at in range(0, len(coded), 10_000))
    size = sum(len(block) for piece in pieces for block in decoder.feed(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == 4 << 20
    assert peak < 1 << 20


def test_bomb_in_a_bomb() -> None:
    """Codings on top of each other are decoded in flat memory too."""
    coded = zstd.compress(gzip.compress(gzip.compress(bytes(16 << 20))))
    decoder = decoder_for(["gzip", "gzip", "zstd"])
    assert decoder is not None

    tracemalloc.start()
    size = sum(len(piece) for piece in decoder.feed(coded))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == 16 << 20
    assert peak < 1 << 20


def test_lazy() -> None:
    """Nothing is decoded that is not asked for."""
    decoder = decoder_for(["gzip"])
    assert decoder is not None
    good = gzip.compress(bytes(800_000))

    pieces = decoder.feed(good + gzip.compress(b"")[:-1] + b"?")

    assert [len(next(pieces)) for _ in range(3)] == [262_144] * 3
    with pytest.raises(BodyError):
        list(pieces)


@given(st.lists(KINDS, max_size=4), RECIPES, POINTS)
def test_lists(kinds: list[str], recipe: tuple[bytes, int, int], points: list[int]) -> None:
    """Codings on top of each other are undone in reverse order."""
    coded = body = made(recipe)
    for kind in kinds:
        coded = ENCODE[kind](coded)
    decoder = decoder_for([kind.partition(",")[0] for kind in kinds])
    pieces = cut(coded, points)

    if decoder is None:
        assert kinds == []
        return
    out = [block for piece in pieces for block in decoder.feed(piece)]
    assert b"".join([*out, *decoder.flush()]) == body


def test_list_cut_short() -> None:
    """Of a list the outermost coding that is not finished is named."""
    for coded, message in (
        (gzipped(zlib.compress(b"body"))[:-1], "gzip stream ended inside member 1 after 12"),
        (gzipped(zlib.compress(b"body")[:-1]), "deflate stream ended too early after 4"),
    ):
        decoder = decoder_for(["deflate", "gzip"])
        assert decoder is not None

        assert b"".join(decoder.feed(coded)) == b"body"
        with pytest.raises(BodyError, match=f"{message} decoded bytes"):
            list(decoder.flush())


@pytest.mark.parametrize(
    ("values", "codings"),
    [
        ([], []),
        (["gzip"], ["gzip"]),
        (["GZIP"], ["gzip"]),
        (["deflate, gzip"], ["deflate", "gzip"]),
        (["deflate", " Gzip ,br"], ["deflate", "gzip", "br"]),
        (["", " , ,identity,"], ["identity"]),
    ],
)
def test_codings_of(values: list[str], codings: list[str]) -> None:
    """All lines count, in order; case, spaces and empty elements do not."""
    assert codings_of(values) == codings


@pytest.mark.parametrize("codings", [[], ["identity"], ["", "identity", "identity"]])
def test_nothing_to_undo(codings: list[str]) -> None:
    """Without a coding but identity there is no decoder."""
    assert decoder_for(codings) is None


def test_identity_in_a_list() -> None:
    """Identity among other codings changes nothing."""
    decoder = decoder_for(["gzip", "identity"])
    assert decoder is not None

    assert b"".join(decoder.feed(gzip.compress(b"body"))) == b"body"


def test_unknown_coding() -> None:
    """A coding that cannot be undone is named, with those that can."""
    with pytest.raises(UnknownCoding) as caught:
        decoder_for(["gzip", "compress"])

    assert str(caught.value) == (
        "content coding 'compress' is not supported; supported are gzip, deflate, br, zstd"
    )
    assert isinstance(caught.value, BodyError)
    assert isinstance(caught.value, ValueError)


def test_too_many_codings() -> None:
    """Five codings are undone, six are refused."""
    assert decoder_for(["gzip"] * 5 + ["identity"]) is not None
    with pytest.raises(BodyError) as caught:
        decoder_for(["gzip"] * 6)

    assert str(caught.value) == "6 content codings, at most 5 are undone"


def test_accept_encoding() -> None:
    """All four codings are offered where their libraries are installed."""
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_without_the_extras() -> None:
    """Without its library a coding is not offered, and the error says what to install."""
    out = run(
        "import sys\n"
        "sys.modules |= dict.fromkeys(['brotli', 'backports', '_zstd'])\n"
        "from fasthttp.decoders.body import ACCEPT_ENCODING, UnknownCoding, decoder_for\n"
        "print(ACCEPT_ENCODING)\n"
        "for name in ['br', 'zstd']:\n"
        "    try: decoder_for([name])\n"
        "    except UnknownCoding as error: print(error)\n"
    )

    assert out.splitlines() == [
        "gzip, deflate",
        "content coding 'br' needs fasthttp[br]; supported are gzip, deflate",
        "content coding 'zstd' needs fasthttp[zstd]; supported are gzip, deflate",
    ]


@pytest.mark.parametrize(
    "stand_in",
    [
        "import brotli; brotli.Decompressor = object",
        "sys.modules['brotli'] = sys",
        "sys.modules['brotli'] = type(sys)('brotli')",
    ],
)
def test_old_brotli(stand_in: str) -> None:
    """A brotli that cannot bound its output, or is something else, is not offered."""
    out = run(
        f"import sys; {stand_in}\n"
        "from fasthttp.decoders.body import ACCEPT_ENCODING\n"
        "print(ACCEPT_ENCODING)\n"
    )

    assert out.strip() == "gzip, deflate, zstd"


def test_zstd_is_imported_late() -> None:
    """The zstd library is imported when it is first used."""
    out = run(
        "import sys\n"
        "from fasthttp.decoders.body import decoder_for\n"
        "names = {'backports.zstd', 'compression.zstd'}\n"
        "def loaded(): return not names.isdisjoint(sys.modules)\n"
        "print(loaded())\n"
        "list(decoder_for(['zstd']).feed(b'('))\n"
        "print(loaded())\n"
    )

    assert out.split() == ["False", "True"]


@pytest.mark.parametrize("shape", ["one chunk", "tiny chunks", "members", "zeros"])
def test_linear(shape: str) -> None:
    """Time grows with the body and not with its square, whatever its shape."""

    def pieces(size: int) -> list[bytes]:
        member = gzip.compress(random.Random(3).randbytes(64))
        if shape == "one chunk":
            return [gzip.compress(random.Random(3).randbytes(size))]
        if shape == "tiny chunks":
            return cut(gzip.compress(random.Random(3).randbytes(size >> 2)), [*range(0, size, 64)])
        if shape == "members":
            return [member * (size >> 8)]
        return [member, b"\0" * size]

    def prepare(size: int) -> Callable[[], object]:
        feeds, decoder = pieces(size), decoder_for(["gzip"])
        assert decoder is not None
        return lambda: [list(decoder.feed(piece)) for piece in feeds]

    assert growth(prepare, 512 << 10) < LINEAR
