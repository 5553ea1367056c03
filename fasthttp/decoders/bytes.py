"""Blocks of an exact size out of chunks of any size.

`ByteChunker(size)` returns blocks of `size` bytes, and at `flush()` the shorter rest, if any.
`ByteChunker(None)` hands on every chunk as it arrives. No block is ever empty.

A size that cannot be honoured is refused when the chunker is made, before anything has been read.
"""


def checked_size(size: object) -> int | None:
    """Return `size` if it can be a chunk size: None or a positive int.

    Raises:
        TypeError: it is neither None nor an int; True and False are not sizes.
        ValueError: it is below 1.
    """
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"chunk_size must be an int or None, not {size!r}")
    if size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {size}")
    return size


class ByteChunker:
    """Cuts bytes into blocks of `size`; None: as they arrive."""

    __slots__ = ("_pending", "_size")

    def __init__(self, size: int | None = None) -> None:
        self._size = checked_size(size)
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the blocks that `chunk` completes."""
        size, pending = self._size, self._pending
        if size is None:
            return [chunk] if chunk else []
        missing = size - len(pending)
        if len(chunk) < missing:
            pending += chunk
            return []
        blocks, start = [], 0
        if pending:
            pending += chunk[:missing]
            blocks.append(bytes(pending))
            pending.clear()
            start = missing
        stop = len(chunk) - (len(chunk) - start) % size
        blocks += [chunk[at : at + size] for at in range(start, stop, size)]
        pending += chunk[stop:]
        return blocks

    def flush(self) -> list[bytes]:
        """Return what is left: one block shorter than `size`, or none."""
        rest = bytes(self._pending)
        self._pending.clear()
        return [rest] if rest else []
