"""The built pages, read as files: every link and anchor, also those that MkDocs does not check."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.site.built import NOT_BUILT, SITE

if TYPE_CHECKING:
    from pathlib import Path

# A site that was built some other day says nothing about this tree: make docs-test builds it first.
pytest.importorskip(
    "playwright", reason="links are followed in the environment of make docs-test, on a fresh build"
)
pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason=NOT_BUILT)

FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src")}


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what it fetches."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        for name, value in found.items():
            if (tag, name) in FETCHED and found.get("rel") != "canonical":
                self.fetched.append(value)


@cache
def page(path: Path) -> Page:
    return Page(path)


@cache
def pages() -> list[Path]:
    return [path for path in sorted(SITE.rglob("*.html")) if path.name != "404.html"]


def target(path: Path, link: str) -> Path:
    """The file that a relative link means."""
    found = (path.parent / unquote(urlsplit(link).path)).resolve() if urlsplit(link).path else path
    return found / "index.html" if found.is_dir() else found


def is_ours(link: str) -> bool:
    return not urlsplit(link).scheme and not urlsplit(link).netloc


def test_every_link_leads_to_a_page_and_an_anchor() -> None:
    """A link inside the site names a file that is there and an anchor that is on it."""
    broken = set()
    for path in pages():
        for link in filter(is_ours, page(path).links):
            found, anchor = target(path, link), unquote(urlsplit(link).fragment)
            if not found.exists() or (anchor and anchor not in page(found).anchors | {"__top"}):
                broken.add((str(path.relative_to(SITE)), link))

    assert broken == set()


def test_nothing_is_fetched_from_elsewhere() -> None:
    """Scripts, styles, fonts and images are the site's own."""
    foreign = {link for path in pages() for link in page(path).fetched if not is_ours(link)}
    styles = "".join(path.read_text("utf-8") for path in SITE.rglob("*.css"))

    assert foreign - {link for link in foreign if link.startswith("data:")} == set()
    assert "url(http" not in styles.replace("'", "").replace('"', "")


def test_the_words_for_machines() -> None:
    """llms.txt names every page of the navigation that it can, and llms-full.txt has the rules."""
    contents = (SITE / "llms.txt").read_text("utf-8")
    everything = (SITE / "llms-full.txt").read_text("utf-8")

    assert "](specification/lines/)" in contents
    assert "](reference/session/)" in contents
    assert "## lines-endings" in everything
    assert '--8<-- "' not in everything.replace('`--8<-- "', "")
