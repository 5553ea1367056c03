"""`llms.txt`, the site's table of contents as Markdown, and `llms-full.txt`, all of its words.

The chapters stand in the second one as they are written in spec/, and not as the site draws them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from docs.generate.folders import DOCS, GENERATED, ROOT, write
from spec.catalogue import CHAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SNIPPET = re.compile(r'^--8<-- "(?P<path>[^"]+)"$', re.MULTILINE)
_FRONT = re.compile(r"\A---\n(?P<yaml>.*?)\n---\n", re.DOTALL)
_LONG = ("conformance/matrix.md", "conformance/scoreboard.md")  # tables of marks


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags mean something to MkDocs only."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)  # noqa: ARG005 - its signature
_Loader.add_multi_constructor("tag:", lambda loader, suffix, node: None)  # noqa: ARG005 - its signature


def generate() -> None:
    """Write both, beside the pages."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), _Loader)  # noqa: S506 - a safe loader's kin
    write(DOCS / "llms.txt", contents(config))
    write(DOCS / "llms-full.txt", everything(config))


def pages(nav: list[Any], section: str = "") -> Iterator[tuple[str, str, str]]:
    """Section, title and path of every page of the navigation that is there."""
    for entry in nav:
        title, value = next(iter(entry.items())) if isinstance(entry, dict) else ("", entry)
        if isinstance(value, list):
            yield from pages(value, title)
        elif (DOCS / value).exists():
            yield section or title, title, value


def contents(config: dict[str, Any]) -> str:
    """What the site has, a line each."""
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}"]
    current = ""
    for section, title, path in pages(config["nav"]):
        if section != current:
            lines += ["", f"## {section}", ""]
            current = section
        text = (DOCS / path).read_text("utf-8")
        about = _description(text)
        address = re.sub(r"(^|/)index\.md$", r"\1", path).removesuffix(".md")
        address = address if address.endswith("/") or not address else f"{address}/"
        lines.append(f"- [{title or _title(text)}]({address}){f': {about}' if about else ''}")
    return "\n".join(lines)


def everything(config: dict[str, Any]) -> str:
    """The words of every page, in the order of the navigation."""
    return "\n\n".join(_whole(path) for _, _, path in pages(config["nav"]) if path not in _LONG)


def _whole(path: str) -> str:
    folder, _, name = path.rpartition("/")
    if folder == "specification" and name.removesuffix(".md") in CHAPTERS:
        return (ROOT / "spec" / name).read_text("utf-8").strip()
    text = _FRONT.sub("", (DOCS / path).read_text("utf-8"))
    return _SNIPPET.sub(lambda found: _included(found["path"]), text).strip()


def _included(path: str) -> str:
    for folder in (GENERATED, ROOT):
        if (folder / path).exists():
            return (folder / path).read_text("utf-8").strip()
    return ""


def _front(text: str) -> dict[str, Any]:
    found = _FRONT.match(text)
    return dict(yaml.safe_load(found["yaml"])) if found else {}


def _description(text: str) -> str:
    return str(_front(text).get("description", ""))


def _title(text: str) -> str:
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    return str(_front(text).get("title") or (heading[1] if heading else "Home"))
