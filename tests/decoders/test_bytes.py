from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp.decoders.bytes import ByteChunker, checked_size

from .cuts import POINTS, cut
from .growth import LINEAR, growth


def blocks(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@given(st.binary(max_size=300), st.integers(1, 70), POINTS)
def test_exact(body: bytes, size: int, points: list[int]) -> None:
    """Every block has the size asked for but the last, wherever the input was cut."""
    chunker = ByteChunker(size)

    got = [block for piece in cut(body, points) for block in chunker.feed(piece)]
    got += chunker.flush()

    assert got == blocks(body, size)


@given(st.binary(max_size=100), st.integers(1, 20), POINTS)
def test_at_once(body: bytes, size: int, points: list[int]) -> None:
    """A block is returned by the feed that completes it."""
    chunker = ByteChunker(size)

    fed = returned = 0
    for piece in cut(body, points):
        fed += len(piece)
        returned += sum(map(len, chunker.feed(piece)))
        assert returned == fed - fed % size


@given(st.lists(st.binary(max_size=5)))
def test_as_it_arrives(chunks: list[bytes]) -> None:
    """Without a size chunks are handed on unchanged, except the empty ones."""
    chunker = ByteChunker(None)

    got = [block for chunk in chunks for block in chunker.feed(chunk)]

    assert got == [chunk for chunk in chunks if chunk]
    assert chunker.flush() == []


def test_whole_blocks_are_not_copied() -> None:
    """A chunk that is a block already is handed on as the same object."""
    chunk = bytes(8192)

    (block,) = ByteChunker(8192).feed(chunk)

    assert block is chunk


def test_flush_once() -> None:
    """What flush returned is not returned again, and the chunker starts anew."""
    chunker = ByteChunker(4)
    chunker.feed(b"abcdef")

    assert chunker.flush() == [b"ef"]
    assert chunker.flush() == []
    assert chunker.feed(b"ghij") == [b"ghij"]


@pytest.mark.parametrize("size", [None, 1, 8192, 2**70])
def test_sizes_accepted(size: int | None) -> None:
    """None and every positive int are sizes."""
    assert checked_size(size) == size


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (0, ValueError, "chunk_size must be at least 1, not 0"),
        (-1, ValueError, "chunk_size must be at least 1, not -1"),
        (1.5, TypeError, "chunk_size must be an int or None, not 1.5"),
        (True, TypeError, "chunk_size must be an int or None, not True"),
        (False, TypeError, "chunk_size must be an int or None, not False"),
        ("8", TypeError, "chunk_size must be an int or None, not '8'"),
    ],
)
def test_sizes_refused(size: object, error: type[Exception], message: str) -> None:
    """Any other size is refused when the chunker is made."""
    with pytest.raises(error) as caught:
        ByteChunker(size)  # type: ignore[arg-type]  # the point of the test

    assert str(caught.value) == message


def test_tiny_chunks_are_linear() -> None:
    """A block put together from tiny chunks takes time in proportion to its size."""

    def prepare(size: int) -> Callable[[], object]:
        chunker = ByteChunker(size)
        return lambda: [chunker.feed(b"0123456789abcdef") for _ in range(size // 16)]

    assert growth(prepare, 64 << 10) < LINEAR
