"""Faults in reading lines."""

from __future__ import annotations

from fasthttp.decoders.lines import LineDecoder
from tests.saboteurs import Sabotaged, saboteur


class _SplitLines(LineDecoder):
    """`str.splitlines()`, as if it knew only LF, CR and CRLF."""

    def feed(self, text: str) -> list[str]:
        return [part for line in super().feed(text) for part in line.splitlines() or [""]]


@saboteur("lines-endings")
class UnicodeSeparators(Sabotaged):
    """Splits lines at U+2028, NEL and their kind too (B01)."""

    patches = {"fasthttp.response.LineDecoder": _SplitLines}
