"""What a browser sees; `make docs-test` builds the site and runs this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.site.built import AXE, NOT_BUILT, PAGES, SITE, chromium, served

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser is driven from the environment of make docs-test"
)
if not (SITE / "index.html").exists():
    pytest.skip(NOT_BUILT, allow_module_level=True)
if not AXE.exists():
    pytest.skip("axe-core is not installed: make docs-test does it", allow_module_level=True)
if chromium() is None:
    pytest.skip("there is no Chromium here (Debian: apt install chromium)", allow_module_level=True)

Open = Callable[..., Any]
AXE_RUN = """async (rules) => {
    const found = await axe.run(document, {
        resultTypes: ["violations"], ...(rules && {runOnly: rules}),
    });
    return found.violations
        .filter(each => ["serious", "critical"].includes(each.impact))
        .flatMap(({id, nodes}) => nodes.map(
            node => `${id}: ${node.target} ${node.failureSummary}`));
}"""
HAS_MATRIX = (SITE / "conformance" / "clients").exists()
judged = pytest.mark.skipif(not HAS_MATRIX, reason="no client has been judged in this checkout")


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with served(SITE) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        # Containers of CI have no user namespaces; what is opened here is our own.
        found = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any, site: str) -> Iterator[Open]:
    """Open a page; at the end of the test nothing may have gone wrong in it, or left the site."""
    contexts, wrong = [], []

    def watch(page: Any) -> None:
        def said(message: Any) -> None:
            if message.type in ("error", "warning"):
                wrong.append(message.text)

        def made(request: Any) -> None:
            if not request.url.startswith((site, "data:")):
                wrong.append(f"another host: {request.url}")

        def got(response: Any) -> None:
            if response.status >= 400:
                wrong.append(f"{response.status} {response.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", made)
        page.on("response", got)

    def opened(path: str, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=site
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(open_page: Open, path: str, width: int) -> None:
    """In light and dark: no error, no foreign host, no scrolling sideways, and axe is content."""
    page = open_page(path, width)
    page.add_script_tag(path=str(AXE))

    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.dataset.mdColorScheme") == "default"
    assert page.evaluate(AXE_RUN) == []

    page = open_page(path, width, "dark")
    page.add_script_tag(path=str(AXE))

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    assert page.evaluate(AXE_RUN, ["color-contrast"]) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("lines-endings", "specification/lines/#lines-endings"),
        ("U+2028", "specification/lines/#lines-endings"),
        ("ReadTimeout", "specification/timeouts/#timeouts-silence"),
    ],
)
def test_the_search_finds(open_page: Open, words: str, where: str, width: int) -> None:
    """The search knows ids, characters by their number, and the names of exceptions."""
    page = open_page("", width)
    if width < 1000:
        page.locator("label[for=__search].md-header__button").click()
    page.locator("input[name=query]").press_sequentially(words)
    page.locator(".md-search-result__link").first.wait_for()

    links = page.locator(".md-search-result__link").evaluate_all("all => all.map(one => one.href)")
    assert any(urlsplit(link)._replace(query="").geturl().endswith(where) for link in links)


def test_a_block_of_code_is_copied(open_page: Open) -> None:
    """The button puts the code on the clipboard as it stands."""
    page = open_page("learn/first-stream/")
    block = page.locator("div.highlight:has(code)").first
    block.hover()
    block.locator("button[title], button.md-code__button, button.md-clipboard").first.click()

    expected = block.locator("code").first.inner_text().strip()
    assert page.evaluate("navigator.clipboard.readText()").strip() == expected


def test_an_anchor_leads_to_its_requirement(open_page: Open) -> None:
    """Following a requirement from the index shows its heading below the header of the page."""
    page = open_page("specification/requirements/")
    page.locator("a[href$='lines/#lines-cr-arrival']").first.click()
    page.wait_for_url("**/specification/lines/#lines-cr-arrival")
    heading = page.locator("#lines-cr-arrival")
    page.wait_for_function("scrollY > 0")

    assert heading.locator("..").locator("h2#lines-cr-arrival").is_visible()
    top = heading.bounding_box()["y"]
    header = page.locator(".md-header").bounding_box()
    assert header["y"] + header["height"] - 2 <= top < 900


def test_wires_have_their_cuts(open_page: Open) -> None:
    """An example shows call, wire and result, and the cuts are a mark, not only a colour."""
    page = open_page("specification/lines/")
    play = page.locator("#lines-endings ~ .play").first

    assert play.locator(".play-call").inner_text().startswith("call")
    assert "|" in play.locator(".play-wire").first.inner_text()
    assert play.locator(".play-result").first.inner_text().startswith("result")


@judged
@pytest.mark.parametrize("width", [1280, 390])
def test_the_matrix_is_filtered(open_page: Open, width: int) -> None:
    """Profile, level and text narrow the rows, and the number that is left is said."""
    page = open_page("conformance/matrix/", width)
    rows = page.locator("#matrix tbody tr:visible")
    every = rows.count()

    page.select_option("select[name=level]", "SHOULD")
    shoulds = rows.count()
    page.fill("input[name=text]", "arrival")
    some = rows.count()

    assert 0 < some < shoulds < every
    assert page.locator("#matrix-filter output").inner_text() == f"{some} of {every} requirements"
    box = page.locator(".matrix-box")
    assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"


@judged
def test_a_failure_opens_with_the_keyboard(open_page: Open) -> None:
    """Enter on a mark shows what the suite printed; Escape closes it, and the focus is back."""
    page = open_page("conformance/matrix/")
    mark = page.locator("#matrix td.v-fail a").first
    mark.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()

    assert "rule" in page.locator("dialog pre").inner_text()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="hidden")
    assert mark.evaluate("mark => mark === document.activeElement")


@judged
def test_the_arrows_move_between_marks(open_page: Open) -> None:
    """From a mark, an arrow leads to the next one in its direction."""
    page = open_page("conformance/matrix/")
    column = page.evaluate(
        """() => [...document.querySelectorAll("#matrix td.v-fail")]
            .map(cell => cell.cellIndex).find((x, i, all) => all.indexOf(x) !== i)"""
    )
    marks = page.locator(f"#matrix tr td:nth-child({column + 1}) a")
    marks.first.focus()
    page.keyboard.press("ArrowDown")

    assert marks.nth(1).evaluate("mark => mark === document.activeElement")


def test_without_scripts_a_mark_is_a_link() -> None:
    """What a mark leads to is a page of the client, also where no script runs."""
    if not HAS_MATRIX:
        pytest.skip("no client has been judged in this checkout")
    pages = {path.parent.name for path in Path(SITE, "conformance", "clients").glob("*/index.html")}
    matrix = Path(SITE, "conformance", "matrix", "index.html").read_text("utf-8")

    assert all(f"../clients/{name}/" in matrix for name in pages)
