"""Pages of the repository as pages of the site: the same words, with links that lead on here.

A link to what the site does not show, such as a folder of source, becomes its plain text.
"""

from __future__ import annotations

import re
from posixpath import normpath, relpath

from docs.generate.folders import GENERATED, ROOT, write
from spec.catalogue import CHAPTERS

# page of the repository -> the page of the site that shows it
SHOWN = {
    "spec/README.md": "specification/index.md",
    "conformance/README.md": "conformance/index.md",
    "cassettes/README.md": "conformance/cassettes.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
# what else a link may mean -> where the site has it
ELSEWHERE = {
    **{f"spec/{name}.md": f"specification/{name}.md" for name in (*CHAPTERS, "bugs", "retired")},
    "spec": "specification/index.md",
    "conformance": "conformance/index.md",
    "cassettes": "conformance/cassettes.md",
    "benchmarks": "benchmarks/index.md",
    "README.md": "index.md",
}
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def generate() -> None:
    """Write each page that is there."""
    for source, page in SHOWN.items():
        path = ROOT / source
        if path.exists():
            write(GENERATED / page, relinked(path.read_text("utf-8"), source, page))
    retired = (ROOT / "spec" / "retired.md").read_text("utf-8")
    write(GENERATED / "specification" / "retired.md", retired)


def relinked(text: str, source: str, page: str) -> str:
    """The text of a file of the repository, as it stands on a page of the site."""

    def link(found: re.Match[str]) -> str:
        words, (target, hash_, anchor) = found[1], found[2].partition("#")
        if ":" in target or not target:
            return found[0]
        target = normpath(f"{source.rpartition('/')[0] or '.'}/{target}")
        shown = {**SHOWN, **ELSEWHERE}.get(target)
        if shown is None:
            return words
        return f"[{words}]({relpath(shown, page.rpartition('/')[0])}{hash_}{anchor})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)
