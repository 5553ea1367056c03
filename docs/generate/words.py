"""Small things that every page needs: escaping, code, plurals, links between rules and faults."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from spec.catalogue import load

__all__ = ["code", "count", "escape", "linked", "plain", "python", "strip"]

_FAULT = re.compile(r"\bB\d\d\b")
_CODE = re.compile(r"(`[^`]*`)")
_ID = re.compile(r"(?<![\w/#-])[a-z]+(?:-[a-z0-9]+)+(?![\w-])")


def python(source: str) -> str:
    """Python as highlighted HTML, without a wrapper."""
    # The formatter drops what surrounds the code, which may be spaces that matter.
    return str(highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))).rstrip(
        "\n"
    )


def code(text: str) -> str:
    """Text in a code element."""
    return f"<code>{escape(text, quote=False)}</code>"


def count(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def plain(text: str) -> str:
    """Inline Markdown, of which only backticks are known, as HTML."""
    parts = _CODE.split(text)
    return "".join(
        code(part[1:-1]) if part.startswith("`") else escape(part, quote=False) for part in parts
    )


def strip(text: str) -> str:
    """Inline Markdown without its marks."""
    return text.replace("`", "")


def linked(text: str, up: str = "") -> str:
    """Markdown in which rules and faults are links; `up` leads to the folder of the chapters."""
    return "".join(
        _linked_code(part, up) if part.startswith("`") else _linked_words(part, up)
        for part in _CODE.split(text)
    )


def address(id_: str, up: str = "") -> str:
    """The Markdown link target of a requirement."""
    return f"{up}{load()[id_].chapter}.md#{id_}"


@cache
def _known() -> frozenset[str]:
    return frozenset(load())


def _linked_code(part: str, up: str) -> str:
    id_ = part.strip("`")
    return f"[{part}]({address(id_, up)})" if id_ in _known() else part


def _linked_words(part: str, up: str) -> str:
    part = _FAULT.sub(lambda found: f"[{found[0]}]({up}bugs.md#{found[0].lower()})", part)
    return _ID.sub(
        lambda found: (
            f"[{found[0]}]({address(found[0], up)})" if found[0] in _known() else found[0]
        ),
        part,
    )
