"""The codings that the tape plays, undone by the reference decoders."""

import gzip
import importlib
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import codings
from conformance.codings import coded, flush_ends, header_name, playable, split

# Imported by name: neither has types for every version that the tests run on.
brotli: Any = importlib.import_module("brotli")
zstd: Any = importlib.import_module(
    "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
)

BODY = b"data: one\n\ndata: two\n\n" * 20

UNDO: dict[str, Any] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "x-gzip": gzip.decompress,
    "gzip-members": gzip.decompress,
    "deflate": zlib.decompress,
    "raw-deflate": lambda body: zlib.decompress(body, -15),
    "br": brotli.decompress,
    "zstd": zstd.decompress,
    "zstd-frames": zstd.decompress,
}

SO_FAR: dict[str, Any] = {
    "identity": bytes,
    "gzip": lambda body: zlib.decompressobj(31).decompress(body),
    "deflate": lambda body: zlib.decompressobj(15).decompress(body),
    "raw-deflate": lambda body: zlib.decompressobj(-15).decompress(body),
    "br": lambda body: brotli.Decompressor().process(body),
    "zstd": lambda body: zstd.ZstdDecompressor().decompress(body),
}


@pytest.mark.parametrize("name", codings.CODINGS)
@given(body=st.binary(max_size=300), data=st.data())
def test_every_coding_can_be_undone(name: str, body: bytes, data: st.DataObject) -> None:
    """Whatever the body and its flushes, the coded body decodes to it."""
    flush_at = data.draw(st.lists(st.integers(0, len(body)), max_size=4))

    assert UNDO[name](b"".join(coded(body, [name], flush_at))) == body


@pytest.mark.parametrize("name", SO_FAR)
def test_a_flushed_piece_can_be_decoded_without_the_next(name: str) -> None:
    """What lies before a flush is decodable before the rest has arrived."""
    first, second, _ = coded(BODY, [name], (11, 30))

    assert SO_FAR[name](first) == BODY[:11]
    assert SO_FAR[name](first + second) == BODY[:30]


@pytest.mark.parametrize(("name", "magic"), [("gzip-members", b"\x1f\x8b"), ("zstd-frames", b"(")])
def test_members_stand_alone(name: str, magic: bytes) -> None:
    """Each piece is a member of its own, with its own header."""
    pieces = coded(BODY, [name], (11, 30))

    assert [UNDO[name](piece) for piece in pieces] == [BODY[:11], BODY[11:30], BODY[30:]]
    assert all(piece.startswith(magic) for piece in pieces)


def test_codings_are_applied_in_order() -> None:
    """The first coding of a list is the innermost."""
    body = b"".join(coded(BODY, ["deflate", "gzip"]))

    assert zlib.decompress(gzip.decompress(body)) == BODY


def test_flush_ends_are_where_the_pieces_end() -> None:
    """Cutting the coded body at the flush ends gives its pieces."""
    pieces = coded(BODY, ["gzip"], (11, 30))

    ends = flush_ends(BODY, ["gzip"], (11, 30))

    assert split(b"".join(pieces), ends) == [*pieces]


def test_the_same_body_is_coded_alike() -> None:
    """No time stamp gets in."""
    assert coded(BODY, ["gzip"]) == coded(BODY, ["gzip"])
    assert coded(BODY, ["gzip"])[0][4:8] == bytes(4)


def test_header_names() -> None:
    """Variants are called by the name of their coding."""
    names = {name: header_name(name) for name in codings.CODINGS if header_name(name) != name}

    assert names == {"gzip-members": "gzip", "raw-deflate": "deflate", "zstd-frames": "zstd"}


def test_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coding whose module is not installed says what it needs."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(ModuleNotFoundError) as caught:
        coded(BODY, ["zstd"])
    assert str(caught.value) == (
        "the coding 'zstd' needs one of the modules compression.zstd, backports.zstd"
    )
    assert not playable("zstd")
    assert not playable("br")
    assert playable("gzip")


def test_what_cannot_be_coded_is_refused() -> None:
    """Unknown codings and flushes outside the body are named."""
    with pytest.raises(ValueError, match=r"^unknown coding 'lzw'; known: identity, gzip, "):
        coded(BODY, ["lzw"])
    with pytest.raises(ValueError, match=r"^flush at \[3, 6\]: outside the 5 bytes of body$"):
        coded(b"12345", ["gzip"], (3, 6))
