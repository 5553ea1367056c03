"""Faults in reading lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fasthttp.decoders.lines import LineDecoder
from fasthttp.decoders.text import TextDecoder
from fasthttp.reading import Items
from tests.saboteurs import Sabotaged, saboteur
from tests.saboteurs.text import ShortMemory

if TYPE_CHECKING:
    from fasthttp.response import Response

AITER_LINES = "fasthttp.response.Response.aiter_lines"
LINE_DECODER = "fasthttp.response.LineDecoder"


class _SplitLines(LineDecoder):
    """`str.splitlines()`, as if it knew only LF, CR and CRLF."""

    def feed(self, text: str) -> list[str]:
        return [part for line in super().feed(text) for part in line.splitlines() or [""]]


@saboteur("lines-endings")
class UnicodeSeparators(Sabotaged):
    """Splits lines at U+2028, NEL and their kind too (B01)."""

    patches = {LINE_DECODER: _SplitLines}


class _Forgetful(LineDecoder):
    def feed(self, text: str) -> list[str]:
        self._ends.after_cr = False
        return super().feed(text)


class _LineFeedsOnly(LineDecoder):
    def feed(self, text: str) -> list[str]:
        kept = re.sub("\r(?!\n|$)", "\ue000", text)
        return [line.replace("\ue000", "\r") for line in super().feed(kept)]


@saboteur("lines-cr", "lines-cr-arrival")
class LineFeedsOnly(Sabotaged):
    """Leaves a CR in its line."""

    patches = {LINE_DECODER: _LineFeedsOnly}


@saboteur("lines-blank", "lines-chunks", "lines-endings")
class ForgetsTheCR(Sabotaged):
    """Takes a CRLF that comes in two chunks for two endings (B03)."""

    patches = {LINE_DECODER: _Forgetful}


def _with_short_memory(self: Response) -> Items[str]:
    decoder, lines = ShortMemory(self.encoding), LineDecoder()
    return Items(
        self._open,
        self._ended,
        lambda piece: lines.feed(decoder.feed(piece)),
        lambda: [*lines.feed(decoder.flush()), *lines.flush()],
    )


@saboteur("lines-chunks", "lines-endings", "security-pending")
class FourByteLines(Sabotaged):
    """Breaks a character of four bytes whose last byte comes alone (B08)."""

    patches = {AITER_LINES: _with_short_memory}


class _OneBlank(LineDecoder):
    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self.before = "x"

    def feed(self, text: str) -> list[str]:
        kept = []
        for line in super().feed(text):
            if line or self.before:
                kept.append(line)
            self.before = line
        return kept


@saboteur("lines-blank")
class BlankRuns(Sabotaged):
    """Takes several empty lines for one."""

    patches = {LINE_DECODER: _OneBlank}


def _text_unfinished(self: Response) -> Items[str]:
    decoder, lines = TextDecoder(self.encoding), LineDecoder()
    return Items(
        self._open, self._ended, lambda piece: lines.feed(decoder.feed(piece)), lines.flush
    )


@saboteur("lines-last", "security-pending")
class TextNotFlushed(Sabotaged):
    """Loses a last line of which only half a character has come."""

    patches = {AITER_LINES: _text_unfinished}


class _OneBehind(LineDecoder):
    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self.newest: list[str] = []

    def feed(self, text: str) -> list[str]:
        lines = [*self.newest, *super().feed(text)]
        self.newest = lines[-1:]
        return lines[:-1]

    def flush(self) -> list[str]:
        newest, self.newest = self.newest, []
        return [*newest, *super().flush()]


@saboteur(
    "security-pending",
    "lines-arrival",
    "lines-cr-arrival",
    "body-delivered-lines",
    "lifecycle-concurrent",
)
class OneBehind(Sabotaged):
    """Holds the newest line back until the next one comes (B05)."""

    patches = {LINE_DECODER: _OneBehind}


class _AwaitsLF(LineDecoder):
    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self.held = ""

    def feed(self, text: str) -> list[str]:
        text, self.held = self.held + text, ""
        if text.endswith("\r"):
            text, self.held = text[:-1], "\r"
        return super().feed(text)

    def flush(self) -> list[str]:
        return [*super().feed(self.held), *super().flush()]


@saboteur("lines-cr-arrival")
class AwaitsTheLF(Sabotaged):
    """Waits after a CR to see whether a LF follows (B06)."""

    patches = {LINE_DECODER: _AwaitsLF}


class _Limited(LineDecoder):
    def __init__(self, limit: int | None = None) -> None:
        super().__init__(min(limit or 64 * 1024, 64 * 1024))


@saboteur("lines-length")
class LimitedLines(Sabotaged):
    """Refuses lines of more than 64 KiB (B17)."""

    patches = {LINE_DECODER: _Limited}


class _Quadratic(LineDecoder):
    """Right, and looks at everything again with each chunk."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self.buffer = ""

    def feed(self, text: str) -> list[str]:
        self.buffer = "".join([self.buffer, self._ends.feed(text)])
        *lines, self.buffer = self.buffer.split("\n")
        return lines

    def flush(self) -> list[str]:
        rest, self.buffer = self.buffer, ""
        return [rest] if rest else []


@saboteur("lines-linear", "security-pending")
class LooksAgain(Sabotaged):
    """Searches an unfinished line from its start with each chunk of it (B15)."""

    patches = {LINE_DECODER: _Quadratic}
