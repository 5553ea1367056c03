"""The requirements, read from the chapters beside this file.

`load()` gives a mapping from id to `Requirement`, in the order of the chapters. The format is in
spec/README.md; whatever departs from it is a `SpecError` with file and line, so that a slip of the
pen never becomes a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from spec.examples import Example, SpecError, read

__all__ = ["CHAPTERS", "Catalogue", "Example", "Requirement", "SpecError", "load"]

CHAPTERS = (
    "session",
    "headers",
    "urls",
    "timeouts",
    "bytes",
    "text",
    "lines",
    "body",
    "events",
    "errors",
    "lifecycle",
    "security",
)
PAGES = ("README", "bugs", "retired")
LEVELS = ("MUST", "SHOULD", "MAY")
PROFILES = ("documented", "robust", "events", "security")

_HOME = Path(__file__).parent
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)+")
_HEAD = re.compile(r"\*\*(?P<level>[^*]*)\*\*(?P<rest>( · [^·]+)*)")
_MARKER = re.compile(r"\*(?P<name>[A-Z][^*]*?)\.{1,3}\*\s*(?P<text>.*)")
_MARKERS = {"Why": "why", "If it fails": "likely", "Untested because": "untested"}
_FIELDS = ("source", "since", "needs")  # beside level and profile
_KEYWORDS = {
    "must": "MUST",
    "shall": "MUST",
    "should": "SHOULD",
    "recommended": "SHOULD",
    "may": "MAY",
    "optional": "MAY",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule; `likely` is the usual cause of a failure, `needs` the id of a rule it rests on."""

    id: str
    level: str
    profile: str
    source: str | None
    since: str | None
    needs: str | None
    sentence: str
    why: str
    likely: str | None
    untested: str | None
    examples: tuple[Example, ...]
    chapter: str
    line: int


Catalogue = Mapping[str, Requirement]
Lines = list[tuple[int, str]]


@cache
def load(folder: Path = _HOME) -> Catalogue:
    """Every requirement of the chapters in the folder, by id."""
    for path in sorted(folder.glob("*.md")):
        if path.stem not in (*CHAPTERS, *PAGES):
            raise SpecError(path.name, 1, f"is no chapter; chapters are {', '.join(CHAPTERS)}")
    retired = set(_retired(folder / "retired.md"))
    found: dict[str, Requirement] = {}
    for path in (folder / f"{name}.md" for name in CHAPTERS):
        for requirement in _chapter(path) if path.exists() else ():
            if requirement.id in found:
                first = found[requirement.id]
                what = f"{requirement.id} is already in {first.chapter}.md:{first.line}"
                raise SpecError(path.name, requirement.line, what)
            if requirement.id in retired:
                raise SpecError(path.name, requirement.line, f"{requirement.id} is a retired id")
            if requirement.needs and requirement.needs not in found:
                what = f"{requirement.id} needs {requirement.needs}, which is not before it"
                raise SpecError(path.name, requirement.line, what)
            found[requirement.id] = requirement
    return MappingProxyType(found)


def _retired(path: Path) -> Iterator[str]:
    """The ids of the ledger: one a list item, in backticks."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if line.startswith("- "):
            entry = re.match(r"- `([^`]+)`: \S", line)
            if entry is None:
                raise SpecError(path.name, number, "an entry is: - `id`: when and why")
            yield entry[1]


def _chapter(path: Path) -> Iterator[Requirement]:
    named: dict[str, int] = {}
    for number, title, lines in _sections(path):
        requirement = _Section(path, number, title).requirement(lines)
        for example in requirement.examples:
            if example.name and named.setdefault(example.name, example.line) != example.line:
                what = f"example {example.name!r} is already on line {named[example.name]}"
                raise SpecError(path.name, example.line, what)
        yield requirement


def _sections(path: Path) -> Iterator[tuple[int, str, Lines]]:
    """Line number, heading and lines of every requirement; the chapter's introduction is left."""
    current: tuple[int, str, Lines] | None = None
    fenced = False
    for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            if current:
                yield current
            current = (number, line[3:].strip(), [])
        elif current:
            current[2].append((number, line))
    if current:
        yield current


class _Section:
    """What is gathered from one requirement's lines."""

    def __init__(self, path: Path, line: int, title: str) -> None:
        self.file, self.chapter, self.line, self.title = path.name, path.stem, line, title
        self.head: tuple[str, str, dict[str, str]] | None = None
        self.said: dict[str, str] = {}
        self.open: str | None = None
        self.examples: list[Example] = []

    def wrong(self, line: int, what: str) -> NoReturn:
        raise SpecError(self.file, line, what)

    def requirement(self, lines: Lines) -> Requirement:
        """The finished requirement, or the first thing that is wrong with it."""
        if not _ID.fullmatch(self.title) or not self.title.startswith(f"{self.chapter}-"):
            self.wrong(self.line, f"the id {self.title!r} is not {self.chapter}- and a name")
        rest = iter(lines)
        for number, line in rest:
            self._take(number, line.rstrip(), rest)
        if self.head is None:
            self.wrong(self.line, f"{self.title} has no line '**LEVEL** · profile'")
        level, profile, more = self.head
        needed = {"sentence": "sentence", "why": "Why"}
        if level != "MAY":
            needed["likely"] = "If it fails"
        for field, words in needed.items():
            if not self.said.get(field):
                self.wrong(self.line, f"{self.title} has no {words}")
        self._agree(level, self.said["sentence"])
        if profile == "documented" and "source" not in more:
            self.wrong(self.line, f"{self.title} is documented, but names no source")
        return Requirement(
            self.title,
            level,
            profile,
            more.get("source"),
            more.get("since"),
            more.get("needs"),
            self.said["sentence"],
            self.said["why"],
            self.said.get("likely"),
            self.said.get("untested"),
            tuple(self.examples),
            self.chapter,
            self.line,
        )

    def _take(self, number: int, line: str, rest: Iterable[tuple[int, str]]) -> None:
        if line.startswith("```"):
            self.open = None
            self._block(number, line, rest)
        elif line.startswith("**") and self.head is None:
            self.head = self._head(number, line)
        elif line.startswith("#"):
            self.wrong(number, f"unexpected heading {line!r}")
        elif marker := _MARKER.match(line):
            self._begin(number, _MARKERS.get(marker["name"]), marker["name"], marker["text"])
        elif not line:
            self.open = None
        elif self.open:
            self.said[self.open] += f" {line.strip()}"
        elif self.head is None:
            self.wrong(number, "the line after the heading is not '**LEVEL** · profile'")
        elif "sentence" in self.said:
            self.wrong(number, "this paragraph belongs to no field")
        else:
            self._begin(number, "sentence", "sentence", line)

    def _begin(self, number: int, field: str | None, name: str, text: str) -> None:
        if field is None:
            self.wrong(number, f"unknown marker {name!r}; known: {', '.join(_MARKERS)}")
        if field in self.said:
            self.wrong(number, f"{name} is written twice")
        self.said[field], self.open = text.strip(), field

    def _head(self, number: int, line: str) -> tuple[str, str, dict[str, str]]:
        match = _HEAD.fullmatch(line)
        if match is None:
            self.wrong(number, f"{line!r} is not '**LEVEL** · profile · source: …'")
        level, (profile, *fields) = match["level"], match["rest"].split(" · ")[1:] or [""]
        if level not in LEVELS:
            self.wrong(number, f"unknown level {level!r}; known: {', '.join(LEVELS)}")
        if profile not in PROFILES:
            self.wrong(number, f"unknown profile {profile!r}; known: {', '.join(PROFILES)}")
        more = {}
        for field in fields:
            name, colon, value = field.partition(": ")
            if name not in _FIELDS or not colon or name in more:
                known = ", ".join(_FIELDS)
                self.wrong(number, f"unknown or repeated field {field!r}; known: {known}")
            more[name] = value.strip()
        return level, profile, more

    def _block(self, number: int, line: str, rest: Iterable[tuple[int, str]]) -> None:
        if line != "```yaml":
            self.wrong(number, f"a block opens with ```yaml, not with {line!r}")
        block = []
        for _, inner in rest:
            if inner.startswith("```"):
                break
            block.append(inner)
        else:
            self.wrong(number, "this block is not closed")
        self.examples += read("\n".join(block), self.chapter, self.file, number + 1)

    def _agree(self, level: str, sentence: str) -> None:
        for word in re.findall(r"[a-z]+", sentence.lower()):
            if _KEYWORDS.get(word, level) != level:
                self.wrong(self.line, f"{self.title} is {level}, but its sentence says {word!r}")
