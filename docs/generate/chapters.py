"""The chapters of the specification as pages, and the index of all requirements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docs.generate.folders import GENERATED, ROOT, write
from docs.generate.plays import plays
from docs.generate.results import Client, clients, saboteurs
from docs.generate.words import code, count, escape, linked, plain
from spec.catalogue import CHAPTERS, Requirement, load

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = ROOT / "spec"


def generate() -> None:
    """Write every chapter and the index."""
    for chapter in CHAPTERS:
        path = SPEC / f"{chapter}.md"
        if path.exists():
            write(GENERATED / "specification" / f"{chapter}.md", page(chapter))
    write(GENERATED / "specification" / "requirements.md", index())


def of(chapter: str) -> list[Requirement]:
    """The requirements of a chapter."""
    return [found for found in load().values() if found.chapter == chapter]


def page(chapter: str) -> str:
    """A chapter: its introduction, then each requirement."""
    introduction = re.split(
        r"^## ", (SPEC / f"{chapter}.md").read_text("utf-8"), flags=re.MULTILINE
    )[0]
    found = of(chapter)
    return "\n\n".join(
        [linked(introduction.strip()), _overview(found), *(section(each) for each in found)]
    )


def _overview(found: list[Requirement]) -> str:
    levels = [
        f"{number} {level}"
        for level in ("MUST", "SHOULD", "MAY")
        if (number := sum(each.level == level for each in found))
    ]
    return f'<p class="chapter-facts">{count(len(found), "requirement")}: {", ".join(levels)}</p>'


def section(requirement: Requirement) -> str:
    """One requirement."""
    parts = [
        f"## {requirement.id} {{ #{requirement.id} .requirement }}",
        head(requirement),
        f'<p class="rule">{plain(requirement.sentence)}</p>',
        f"**Why.** {linked(requirement.why)}",
    ]
    if requirement.likely:
        parts.append(f"**If it fails.** {linked(requirement.likely)}")
    if requirement.untested:
        parts.append(f"**Not tested,** because {linked(requirement.untested)}")
    if requirement.examples:
        parts.append(plays(requirement))
    return "\n\n".join([*parts, *_facts(requirement)])


def head(requirement: Requirement) -> str:
    """Level and profile as chips, then the source."""
    words = [chip(requirement.level), f'<span class="chip">{requirement.profile}</span>']
    if requirement.source:
        words.append(f'<span class="source">source: {escape(requirement.source)}</span>')
    if requirement.since:
        words.append(f'<span class="source">since {escape(requirement.since)}</span>')
    return f'<p class="chips">{" ".join(words)}</p>'


def chip(level: str) -> str:
    """A level, marked by its word and by its looks."""
    return f'<span class="chip chip-{level.lower()}">{level}</span>'


def _facts(requirement: Requirement) -> Iterator[str]:
    """Which saboteurs it kills, and which clients pass it."""
    killed = [each for each in saboteurs() if requirement.id in each.breaks]
    if killed:
        items = "".join(f"<li>{code(each.name)} {plain(each.summary)}</li>" for each in killed)
        yield (
            f'<details class="kills"><summary>Kills {count(len(killed), "saboteur")}</summary>'
            f"<ul>{items}</ul></details>"
        )
    if clients():
        judged = " ".join(_verdict(client, requirement.id) for client in clients())
        yield f'<p class="verdicts"><span class="play-label">clients</span> {judged}</p>'


def _verdict(client: Client, id_: str) -> str:
    mark, words, kind = client.mark(id_)
    inner = f'<span aria-hidden="true">{mark}</span> {escape(client.name)}'
    title = f'title="{escape(words)}"'
    if client.deviates(id_):
        where = f"../../conformance/clients/{client.name}/#{id_}"
        return f'<a class="verdict v-{kind}" href="{where}" {title}>{inner}</a>'
    return f'<span class="verdict v-{kind}" {title}>{inner}</span>'


def index() -> str:
    """All requirements, chapter by chapter, each with its level, profile and sentence."""
    parts = []
    for chapter in CHAPTERS:
        if found := of(chapter):
            rows = "\n".join(
                f"| [`{each.id}`]({chapter}.md#{each.id})<br>{each.level}, {each.profile} "
                f"| {_cell(each.sentence)} |"
                for each in found
            )
            table = f"| requirement | rule |\n| --- | --- |\n{rows}"
            parts.append(f"## [{chapter.capitalize()}]({chapter}.md) {{ #{chapter} }}\n\n{table}")
    total = load().values()
    facts = ", ".join(
        f"{sum(each.level == level for each in total)} {level}"
        for level in ("MUST", "SHOULD", "MAY")
    )
    return "\n\n".join([f"{len(total)} requirements: {facts}.", *parts])


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|") if "`" not in sentence else sentence.replace("|", "&#124;")
