"""How fasthttp's costs grow with the work: rows at 1x, 4x and 16x of a small part of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.rows import MB, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALES = (1, 4, 16)
STREAMS = (10, 100, 1000, 5000)
STREAM_EVENTS = 5000  # in all, and 1,000 a second, however many streams share them


@dataclass(frozen=True)
class Growth:
    """How a row's work grows: the numbers of one scale are for a small part of it."""

    row: str
    one: Mapping[str, Any]
    path: str = ""  # its body, a format of the number that grows
    grows: tuple[str, ...] = ("count",)

    def arguments(self, scale: int) -> dict[str, Any]:
        """Return the numbers of the work, so many times as much."""
        grown = {name: self.one[name] * scale for name in self.grows}
        path = {"path": self.path.format(**grown)} if self.path else {}
        return {name: value for name, value in {**self.one, **grown, **path}.items() if name != "_"}


_BODY = ("size", "_")
GROWTH = (
    Growth("lines", {"count": 25_000, "mode": "lines"}),
    Growth("events", {"count": 25_000, "mode": "events"}),
    Growth("bytes", {"size": 50 * MB}, "plain?size={size}", ("size",)),
    Growth("bytes-8192", {"size": 50 * MB, "chunk": 8192}, "plain?size={size}", ("size",)),
    Growth("gzip", {"size": 10 * MIB, "_": 10}, "gzip?times={_}", _BODY),
    Growth("zstd", {"size": 10 * MIB, "_": 10}, "zstd?times={_}", _BODY),
    Growth("text", {"times": 100}, grows=("times",)),
    Growth("get", {"size": 200, "count": 200, "at_once": 1}),
    Growth("get-200", {"size": 200, "count": 400, "at_once": 200}),
    Growth("get-10mb", {"size": 2 * MB, "count": 5, "at_once": 1}, grows=("size",)),
)


def stream_arguments(count: int) -> dict[str, int]:
    """Return the numbers of `streams` for so many streams of one session that share the events."""
    return {"count": count, "events": STREAM_EVENTS // count, "period": count}
