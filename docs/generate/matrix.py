"""The conformance matrix, requirement by client; a page for each client; the kill matrix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.baseline import KINDS
from docs.generate.chapters import chip
from docs.generate.folders import CLIENTS, GENERATED, write
from docs.generate.results import Client, clients, saboteurs, totals
from docs.generate.words import count, escape, linked, strip
from spec.catalogue import LEVELS, PROFILES, Requirement, load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.scoreboard import Cell

SILENT = "data-search-exclude"
NOBODY = "No client has been judged in this checkout."


def generate() -> None:
    """Write the matrix, the clients' pages and the kill matrix."""
    write(GENERATED / "conformance" / "matrix.md", matrix() if clients() else NOBODY)
    write(GENERATED / "conformance" / "clients.md", overview() if clients() else NOBODY)
    write(GENERATED / "conformance" / "kills.md", kills())
    wanted = {f"{client.name}.md" for client in clients()}
    for path in CLIENTS.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for client in clients():
        write(CLIENTS / f"{client.name}.md", client_page(client))


def matrix() -> str:
    """The filter, and a table in a box of its own."""
    heads = "".join(
        f'<th scope="col"><a class="turned" href="../clients/{client.name}/">'
        f"{escape(client.name)}</a></th>"
        for client in clients()
    )
    rows = "\n".join(_row(requirement) for requirement in load().values())
    return f"""{_filter()}

<div class="matrix-box" tabindex="0" role="region" aria-label="Requirements by client" {SILENT}>
<table class="matrix" id="matrix">
<thead><tr><th scope="col">requirement</th>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>

<dialog class="block" id="block" aria-labelledby="block-title">
<p class="block-title" id="block-title"></p>
<p class="block-known"></p>
<pre tabindex="0"><code></code></pre>
<p class="block-links"><a class="block-rule" href="#">the rule</a>
<a class="block-page" href="#">all deviations of this client</a>
<button type="button" class="block-close">Close</button></p>
</dialog>"""


def _filter() -> str:
    def select(name: str, values: Iterable[str]) -> str:
        options = "".join(f'<option value="{value}">{value}</option>' for value in values)
        return (
            f'<label>{name} <select name="{name}"><option value="">all</option>'
            f"{options}</select></label>"
        )

    return f"""<form class="matrix-filter" id="matrix-filter" data-search-exclude>
{select("profile", PROFILES)}
{select("level", LEVELS)}
{select("kind", KINDS)}
<label>text <input type="search" name="text" placeholder="lines, U+2028, gzip" size="18"></label>
<label class="check"><input type="checkbox" name="differ"> only where clients differ</label>
<output aria-live="polite"></output>
</form>"""


def _row(requirement: Requirement) -> str:
    cells = "".join(_cell(client, requirement.id) for client in clients())
    marks = {client.mark(requirement.id)[2] for client in clients()} - {"none"}
    kinds = {client.cells[requirement.id].kind for client in clients()} - {""}
    where = f"../../specification/{requirement.chapter}/#{requirement.id}"
    words = escape(f"{requirement.id} {strip(requirement.sentence)} {requirement.why}".lower())
    return (
        f'<tr data-level="{requirement.level}" data-profile="{requirement.profile}" '
        f'data-differ="{int(len(marks) > 1)}" data-kinds="{" ".join(sorted(kinds))}" '
        f'data-text="{words}">'
        f'<th scope="row"><a href="{where}" title="{escape(strip(requirement.sentence))}">'
        f"{requirement.id}</a> {chip(requirement.level)}</th>{cells}</tr>"
    )


def _cell(client: Client, id_: str) -> str:
    mark, words, looks = client.mark(id_)
    label = escape(words)
    if not client.deviates(id_):
        return f'<td class="v-{looks}" title="{label}">{mark}</td>'
    where = f"../clients/{client.name}/#{id_}"
    return (
        f'<td class="v-{looks}" data-kind="{client.cells[id_].kind}">'
        f'<a href="{where}" aria-label="{label}" title="{label}">{mark}</a></td>'
    )


def overview() -> str:
    """A line for each client: what was judged, and how it came out."""
    lines = [
        "| client | version | MUST kept | SHOULD kept | fault | choice | limit | of the 96 had "
        "| conforms to |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in totals():
        must, should, had = (f"{n} of {of}" for n, of in (each.must, each.should, each.faults))
        numbers = " | ".join([must, should, *map(str, each.kinds.values()), had])
        held = ", ".join(profile for profile, holds in each.profiles.items() if holds) or "none"
        lines.append(
            f"| [{each.name}](clients/{each.name}.md) | {each.version} | {numbers} | {held} |"
        )
    return "\n".join(lines)


def client_page(client: Client) -> str:
    """Every deviation of a client, with the block that the suite prints."""
    found = client.deviations()
    parts = [
        "---\n"
        f"title: {client.name}\n"
        f"description: Where {client.name} departs from the specification, and how it shows.\n"
        "search:\n  exclude: true\n---",
        f"# {client.name} {client.version}",
        f"Judged is {client.about}, as `{client.session}` on Python {client.python}; "
        f"it departs from {count(len(found), 'requirement')}{_of_each_kind(found)}. "
        "[The matrix](../matrix.md) shows it beside others, and says "
        "[what the number is not](../matrix.md#what-the-number-is-not).",
    ]
    return "\n\n".join([*parts, *(_deviation(id_, each) for id_, each in found.items())])


def _of_each_kind(found: dict[str, Cell]) -> str:
    """How many of the deviations are of each kind, as far as somebody has said."""
    kinds = [cell.kind for cell in found.values()]
    numbers = [count(kinds.count(kind), kind) for kind in KINDS if kind in kinds]
    return f": {', '.join(numbers)}" if numbers else ""


def _deviation(id_: str, cell: Cell) -> str:
    requirement = load()[id_]
    profile = f'<span class="chip">{requirement.profile}</span>'
    parts = [
        f"## {id_} {{ #{id_} }}",
        f'<p class="chips">{chip(requirement.level)} {profile} '
        f'<span class="source">{escape(cell.code)}</span></p>',
        f"{requirement.sentence} [The rule](../../specification/{requirement.chapter}.md#{id_})",
    ]
    if cell.reason:
        parts.append(_known(cell))
    if cell.block:
        parts.append(f"~~~~text\n{cell.block}\n~~~~")
    return "\n\n".join(parts)


def _known(cell: Cell) -> str:
    """What the baseline says of a deviation; the dialog of the matrix shows it as well."""
    said = linked(cell.reason, "../../specification/")
    attributes = f"data-source={cell.source!r}" if _is_address(cell.source) else ""
    word = f"**{cell.kind.capitalize() or 'Known'}.**"
    return f"{word} {said}{_source(cell.source)}\n{{ .known {attributes} }}"


def _source(source: str) -> str:
    if not source:
        return ""
    if _is_address(source):
        return f" ([source](<{source}>))"
    told = source.replace("`", "'")
    return f" (source: `{told}`)"


def _is_address(source: str) -> bool:
    return re.fullmatch(r"https?://[^\s'\"<>]+", source) is not None


def kills() -> str:
    """Every saboteur, its bug, and the requirements that it dies of."""
    if not saboteurs():
        return "The kill matrix has not been made in this checkout."
    rows = []
    for each in saboteurs():
        broken = ", ".join(linked(id_, "../specification/") for id_ in each.breaks)
        rows.append(f"| `{each.name}` | {linked(each.summary, '../specification/')} | {broken} |")
    musts = [i for i, each in load().items() if each.level == "MUST" and not each.untested]
    killed = {id_ for each in saboteurs() for id_ in each.breaks}
    facts = (
        f"{count(len(saboteurs()), 'saboteur')}; {sum(i in killed for i in musts)} of {len(musts)} "
        "testable MUSTs are broken by at least one."
    )
    return "\n".join([facts, "", "| saboteur | its bug | dies of |", "| --- | --- | --- |", *rows])
