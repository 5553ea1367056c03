"""The lines of a body (chapter lines)."""

import re

from spec.oracles.text import text


def lines(body: bytes, charset: str | None) -> list[str]:
    """What aiter_lines() yields: what CRLF, LF or CR ends, and what follows the last of them."""
    *complete, rest = re.split("\r\n|\n|\r", text(body, charset))
    return [*complete, rest] if rest else complete
