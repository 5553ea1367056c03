"""What is written for the site before it is built."""

from __future__ import annotations

import re
from html import unescape

import pytest

pytest.importorskip("pygments", reason="the generator colours examples with pygments")

from conformance.scoreboard import Cell
from docs.generate import chapters, faults, files, llms, matrix, results, wires
from docs.generate.folders import ROOT
from docs.generate.plays import plays
from spec.catalogue import CHAPTERS, load


def shown(html: str) -> str:
    """What a reader sees of some HTML."""
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("chapter", [name for name in CHAPTERS if chapters.of(name)])
def test_a_chapter_is_whole(chapter: str) -> None:
    """Every requirement has an anchor, its level, its profile, its sentence and its examples."""
    page = chapters.page(chapter)

    for each in chapters.of(chapter):
        section = page.partition(f"## {each.id} {{ #{each.id} .requirement }}")[2]
        section = section.partition("\n## ")[0]
        assert f">{each.level}</span>" in section
        assert f">{each.profile}</span>" in section
        assert each.sentence.replace("`", "") in shown(section)
        assert section.count('class="play-cell play-result"') == len(each.examples)


@pytest.mark.parametrize("id_", [id_ for id_, each in load().items() if each.examples])
def test_every_example_says_what_comes_of_it(id_: str) -> None:
    """No call and no result is empty, and no blank line ends the raw HTML early."""
    html = plays(load()[id_])
    cells = re.findall(
        r'play-(?:call|result)">.*?<code class="highlight ">(.*?)</code></div>', html
    )

    assert cells
    assert [cell for cell in cells if not shown(cell).strip()] == []
    assert all("\n\n" not in box for box in html.split("\n\n<div"))


def test_a_wire_is_what_the_suite_sends() -> None:
    """The bytes are escaped where they cannot be seen, broken at line ends, and cut by bars."""
    drawn = wires.drawing("lines", {"body": "a\r\né\n", "lines": ["a", "é"]})

    assert drawn is not None
    assert shown(drawn.html) == "a\\r\\n\n\\xc3|\\xa9\\n"
    assert drawn.cut == "plan utf8-cut"
    assert drawn.framings == "chunked, and likewise content-length and until-close"


def test_an_early_end_is_drawn() -> None:
    """What was never sent is not shown, and a word says how the connection ended."""
    fields = {"body": "one\ntwo\n", "end": {"reset": 5}, "lines": ["one"], "error": "ReadError"}
    drawn = wires.drawing("lines", fields)

    assert drawn is not None
    assert shown(drawn.html).replace("|", "") == "one\\n\ntconnection reset"


def test_rules_and_faults_are_links() -> None:
    """A name of a rule in a text leads to it, wherever the text stands."""
    assert chapters.linked("see lines-cr-arrival (B06)") == (
        "see [lines-cr-arrival](lines.md#lines-cr-arrival) ([B06](bugs.md#b06))"
    )
    assert chapters.linked("`lines-cr-arrival`, `B06`", "../") == (
        "[`lines-cr-arrival`](../lines.md#lines-cr-arrival), `B06`"
    )


def test_every_fault_is_listed() -> None:
    """The 96 faults have an anchor each."""
    listing = faults.listing()

    assert [id_ for id_ in (f"b{n:02}" for n in range(1, 97)) if f'id="{id_}"' not in listing] == []


def test_links_of_the_repository_lead_on_the_site() -> None:
    """A link to a shown page is kept, to its place on the site; one to source is plain text."""
    text = (
        "[a](spec/README.md#x) [b](fasthttp) [c](https://example.com)\n```\n[d](spec/bugs.md)\n```"
    )

    assert files.relinked(text, "CONTRIBUTING.md", "project/contributing.md") == (
        "[a](../specification/index.md#x) b [c](https://example.com)\n```\n[d](spec/bugs.md)\n```"
    )


def client(**verdicts: str) -> results.Client:
    ids = {
        name.replace("_", "-"): Cell(verdict, "wrong-value", block="a < b")
        for name, verdict in verdicts.items()
    }
    levels = {id_: each.level for id_, each in load().items()}
    return results.Client("one", "a client", "1.0", "one:Session", "3.14", ids, levels)


def test_a_deviation_has_a_page_and_a_mark() -> None:
    """A broken MUST and a broken SHOULD differ in their marks, and both have their block."""
    broken = client(lines_endings="fail", lines_linear="fail", lines_chunks="pass")
    page = matrix.client_page(broken)

    assert load()["lines-linear"].level == "SHOULD"
    assert [broken.mark(id_)[0] for id_ in ("lines-endings", "lines-linear", "lines-chunks")] == [
        *"✗!✓"
    ]
    assert "## lines-endings { #lines-endings }" in page
    assert page.count("~~~~text\na < b\n~~~~") == 2
    assert "lines-chunks" not in page


def test_a_deviation_says_of_what_kind_it_is() -> None:
    """A fault, a choice or a limit, with its source; an address is a link, a file is named."""
    cells = {
        "lines-endings": Cell("fail", "extra", "B01: why", "a", "fault", "https://example.com/a_b"),
        "lines-linear": Cell("fail", "extra", "why", "b", "choice", "one 1.0, one/a.py"),
    }
    levels = {id_: each.level for id_, each in load().items()}
    page = matrix.client_page(results.Client("one", "it", "1.0", "one:S", "3.14", cells, levels))

    assert "departs from 2 requirements: 1 fault, 1 choice." in page
    assert "**Fault.** [B01]" in page
    assert (
        "why ([source](<https://example.com/a_b>))\n"
        "{ .known data-source='https://example.com/a_b' }"
    ) in page
    assert "**Choice.** why (source: `one 1.0, one/a.py`)\n{ .known  }" in page


def test_nothing_is_said_where_nothing_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without results the pages are there, and say so."""
    for module in (chapters, faults, matrix):
        monkeypatch.setattr(module, "clients", tuple)
    for module in (chapters, matrix):
        monkeypatch.setattr(module, "saboteurs", tuple)

    assert "No client" in faults.scoreboard()
    assert "has not been made" in matrix.kills()
    assert "verdicts" not in chapters.section(load()["lines-endings"])


def test_the_contents_name_every_page() -> None:
    """The navigation of mkdocs.yml is read in its order, and missing pages are left out."""
    nav = [{"Home": "index.md"}, {"Project": [{"Design": "project/design.md"}, {"No": "no.md"}]}]

    assert list(llms.pages(nav))[-1] == ("Project", "Design", "project/design.md")
    assert (ROOT / "mkdocs.yml").exists()
