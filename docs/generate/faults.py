"""The 96 faults of real clients: which rules answer them, and which clients have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from conformance import scoreboard as board
from docs.generate.folders import GENERATED, ROOT, write
from docs.generate.results import clients, reports, totals
from docs.generate.words import escape, linked, plain

_ROW = re.compile(r"\| (B\d\d) \| (.*?) \| (.*?) \|")


@dataclass(frozen=True)
class Row:
    """A row of spec/bugs.md: what went wrong, and the rules, or why there are none."""

    id: str
    short: str
    answer: str


@cache
def rows() -> tuple[Row, ...]:
    """Every row, in order."""
    text = (ROOT / "spec" / "bugs.md").read_text("utf-8")
    return tuple(Row(*found) for found in _ROW.findall(text))


def generate() -> None:
    """Write the list of faults and the scoreboard."""
    write(GENERATED / "specification" / "bugs.md", listing())
    write(GENERATED / "conformance" / "scoreboard.md", scoreboard())


def listing() -> str:
    """Where each fault is answered."""
    lines = [
        f'| <span id="{each.id.lower()}">{each.id}</span> | {linked(each.short)} '
        f"| {linked(each.answer)} |"
        for each in rows()
    ]
    return "\n".join(["| fault | in short | answered by |", "| --- | --- | --- |", *lines])


def scoreboard() -> str:
    """A row for each fault, a column for each client."""
    if not clients():
        return "No client has been judged in this checkout."
    heads = "".join(
        f'<th scope="col"><span class="turned">{escape(client.name)}</span></th>'
        for client in clients()
    )
    lines = "\n".join(_row(fault) for fault in board.faults(reports()) if fault.requirements)
    sums = "".join(
        f'<td title="{each.faults[0]} of {each.faults[1]} that could be judged">'
        f"{each.faults[0]}</td>"
        for each in totals()
    )
    return (
        '<div class="matrix-box" tabindex="0" role="region" aria-label="Faults by client" '
        'data-search-exclude>\n<table class="matrix">\n'
        f'<thead><tr><th scope="col">fault</th>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n'
        f'<tfoot><tr><th scope="row">faults had</th>{sums}</tr></tfoot>\n'
        "</table>\n</div>"
    )


def _row(fault: board.Fault) -> str:
    cells = "".join(_mark(name, broken) for name, broken in fault.clients.items())
    link = f'<a href="../../specification/bugs/#{fault.id.lower()}">{fault.id}</a>'
    return (
        f'<tr><th scope="row">{link} <span class="fault">{plain(fault.short)}</span></th>'
        f"{cells}</tr>"
    )


def _mark(client: str, broken: tuple[str, ...] | None) -> str:
    if broken is None:
        return '<td class="v-none" title="not judged">–</td>'
    if not broken:
        return '<td class="v-pass" title="does not have it">✓</td>'
    said = ", ".join(f"{id_}{_kind(client, id_)}" for id_ in broken)
    where, label = f"../clients/{client}/#{broken[0]}", f"{client} breaks {said}"
    return f'<td class="v-fail"><a href="{where}" aria-label="{label}" title="{label}">✗</a></td>'


def _kind(name: str, id_: str) -> str:
    (client,) = (client for client in clients() if client.name == name)
    kind = client.cells[id_].kind
    return f" ({kind})" if kind else ""
