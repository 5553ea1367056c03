"""Examples as call, wire and result. Neighbours with the same call share it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from docs.generate.calls import call, modes
from docs.generate.outcomes import outcome
from docs.generate.wires import Drawing, drawing
from docs.generate.words import escape, python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec.catalogue import Requirement


@dataclass(frozen=True)
class Play:
    """One example, in HTML."""

    name: str | None
    call: str
    wire: Drawing | None
    result: str


def plays(requirement: Requirement) -> str:
    """The examples of a requirement; empty if it has none."""
    found = [
        Play(
            example.name,
            _call(example.fields),
            drawing(requirement.chapter, example.fields),
            outcome(example.fields),
        )
        for example in requirement.examples
    ]
    boxes: list[list[str]] = []  # the rows of each box
    short = False  # whether the last box has rows that are only a call and a result
    for call_, group in groupby(found, key=lambda play: play.call):
        rows = list(group)
        single = len(rows) == 1 and rows[0].wire is None
        if single and short:
            boxes[-1].append(_short_row(rows[0]))
        elif single:
            boxes.append([_short_row(rows[0])])
        else:
            boxes.append([_cell("call", call_), *_rows(rows)])
        short = single
    return "\n\n".join(_box(rows) for rows in boxes)


def _call(fields: dict[str, object]) -> str:
    if "gives" not in fields:
        return python(call(fields))
    first, then = modes(fields)
    return f'<i class="head">first</i> {escape(first)}\n<i class="head">then</i> {escape(then)}'


def _box(rows: list[str]) -> str:
    return "\n".join(['<div class="play">', *filter(None, rows), "</div>"])


def _rows(group: list[Play]) -> Iterator[str]:
    """The rows below a call; what is the same of all their wires is said once, below them."""
    wires = [play.wire for play in group if play.wire]
    cuts, framings = ({wire.cut for wire in wires}, {wire.framings for wire in wires})
    for play in group:
        yield _row(play, cut=len(cuts) > 1, framings=len(framings) > 1)
    common = [*(cuts if len(cuts) == 1 else ()), *(framings if len(framings) == 1 else ())]
    if any(common):
        yield f'<p class="play-manner">{escape("; ".join(filter(None, common)))}</p>'


def _short_row(play: Play) -> str:
    """A call and its result, side by side."""
    cells = _cell("call", play.call) + _cell("result", play.result)
    return f'<div class="play-row">{_name(play)}{cells}</div>'


def _row(play: Play, *, cut: bool, framings: bool) -> str:
    """A wire, if there is one, and its result."""
    result = _cell("result", play.result)
    if play.wire is None:
        return f'<div class="play-row play-row-single">{_name(play)}{result}</div>'
    told = [play.wire.cut * cut, play.wire.framings * framings]
    wire = _cell("wire", play.wire.html, "drawn", "; ".join(filter(None, told)))
    return f'<div class="play-row">{_name(play)}{wire}{result}</div>'


def _name(play: Play) -> str:
    return f'<span class="play-name">{escape(play.name)}</span>' if play.name else ""


def _cell(label: str, html: str, kind: str = "", manner: str = "") -> str:
    # &#10; for a line break: Markdown takes a blank line for the end of raw HTML.
    text = html.replace("\n", "&#10;")
    below = f'<span class="play-label">{escape(manner)}</span>' if manner else ""
    return (
        f'<div class="play-cell play-{label}"><span class="play-label">{label}</span>'
        f'<code class="highlight {kind}">{text}</code>{below}</div>'
    )
