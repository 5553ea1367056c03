"""Pieces of text of an exact number of characters; `None` hands on every piece as it arrives."""

from .bytes import checked_size


class TextChunker:
    """Cuts text into pieces of `size` characters, the last one shorter; never an empty one."""

    __slots__ = ("_missing", "_pending", "_size")

    def __init__(self, size: int | None = None) -> None:
        self._size = checked_size(size)
        self._pending: list[str] = []
        self._missing = size or 0

    def feed(self, text: str) -> list[str]:
        """Return the pieces that `text` completes."""
        size = self._size
        if size is None or not text:
            return [text] if text else []
        self._pending.append(text)
        if len(text) < self._missing:
            self._missing -= len(text)
            return []
        whole = "".join(self._pending)
        stop = len(whole) - len(whole) % size
        self._pending = [whole[stop:]]
        self._missing = size - (len(whole) - stop)
        return [whole[at : at + size] for at in range(0, stop, size)]

    def flush(self) -> list[str]:
        """Return what is left, if anything."""
        rest = "".join(self._pending)
        self._pending, self._missing = [], self._size or 0
        return [rest] if rest else []
