"""The floor with split and decode: what any client that hands out lines as text has to do."""

from __future__ import annotations

from benchmarks.clients import floor

CODINGS: tuple[str, ...] = ()


class Lines(floor.Exchange):
    """Decodes and splits each block, the chunk framing along with it, and counts the lines."""

    def take(self, data: bytes) -> None:
        """Make a block's lines, and those of the chunk framing: leaving them out costs more."""
        self.items += len(data.decode("utf-8", "replace").split("\n"))


class Client(floor.Client):
    exchange = Lines
