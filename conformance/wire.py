"""One message as it lies on the wire, and how offsets in its body and on the wire correspond.

`Wire(head, body, chunks, tail)` frames the body; with `chunks=None` it goes out bare. The parts
are views: nothing is copied, however long the body is. A *border* is an offset in the body at which
an HTTP chunk starts or ends. `at(border)` lies after the CRLF of the chunk that ends there, so that
what is cut or held at a border leaves whole chunks on either side.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Parts = tuple[memoryview, ...]


class Wire:
    """A laid out message of `size` bytes."""

    def __init__(self, head: bytes, body: bytes, chunks: Iterable[int] | None, tail: bytes) -> None:
        self.size = 0
        self._parts: list[memoryview] = []
        self._borders: list[int] = []
        self._marks: list[int] = []  # where everything before the border has been sent
        self._starts: list[int] = []  # where the body goes on after the border
        self._add(head)
        view = memoryview(body)
        framed = chunks is not None
        for start, end in pairwise(sorted({0, len(body), *(chunks or ())})):
            self._border(start, b"%x\r\n" % (end - start) if framed else b"")
            self._add(view[start:end], b"\r\n" if framed else b"")
        self._border(len(body), b"")
        self._add(tail)

    def _add(self, *parts: bytes | memoryview) -> None:
        self._parts += [memoryview(part) for part in parts if part]
        self.size += sum(map(len, parts))

    def _border(self, offset: int, prefix: bytes) -> None:
        self._borders.append(offset)
        self._marks.append(self.size)
        self._add(prefix)
        self._starts.append(self.size)

    def at(self, offset: int) -> int:
        """Where on the wire the body before this offset has been sent."""
        index = bisect_right(self._borders, offset) - 1
        inside = offset - self._borders[index]
        return self._starts[index] + inside if inside else self._marks[index]

    def body_at(self, position: int) -> int:
        """How much of the body has been sent at this position on the wire."""
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return 0
        limit = self._borders[min(index + 1, len(self._borders) - 1)]
        return min(self._borders[index] + position - self._starts[index], limit)

    def segments(self, ends: Iterable[int]) -> Iterator[Parts]:
        """What lies between each end and the one before; the ends ascend."""
        parts, rest, at = iter(self._parts), memoryview(b""), 0
        for end in ends:
            segment = []
            while at < end:
                rest = rest or next(parts)
                segment.append(rest[: end - at])
                rest = rest[end - at :]
                at += len(segment[-1])
            yield tuple(segment)
