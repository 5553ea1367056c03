"""What the results of the clients come to: the matrix, and the scoreboard of the 96 faults.

`python -m conformance.scoreboard` prints both sums as Markdown. For pages:

- `load()` gives the reports under conformance/results by the client's name, in the order of
  `conformance.peers.clients.CLIENTS`; each is as schema.json says.
- `matrix(reports)` gives a `Row` for each requirement of the catalogue, in the order of the
  chapters: id, level, profile, chapter, and `cells`, a `Cell` for each client. A cell's
  `verdict` is a word of `VERDICTS`; `code` is how the requirement is broken, `reason` what the
  baseline says of that, or why it was not judged, and `block` what the suite printed of it. `kind`
  is the baseline's word for what it excuses, one of `conformance.baseline.KINDS`, and `source`
  where that is written; both may be empty.
- `faults(reports)` gives a `Fault` for each row of spec/bugs.md: id, short, requirements, and
  `clients`: for each client the ids of the fault's requirements that it breaks; an empty tuple if
  it was judged by some of them and breaks none; None if it was judged by none.
- `totals(reports)` gives a `Total` for each client: of the MUSTs and of the SHOULDs how many it was
  judged by and how many it keeps; of the broken rules how many are of each kind; whether it
  conforms to each profile that it claims; of the faults how many it was judged for and how many
  it has.

A fault counts as had when one of the rules that forbid it is broken. A rule may forbid several, so
a broken rule can stand for another fault than the one named. No number here is a rank of quality:
the clients were made for different things, and no one but `fasthttp` has promised to keep these
rules.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.baseline import KINDS
from conformance.peers.clients import CLIENTS
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from spec.catalogue import Catalogue

RESULTS = Path(__file__).parent / "results"
BUGS = Path(catalogue.__file__).parent / "bugs.md"
_FAULT = re.compile(r"\| (B\d\d) \| (.*) \| (.*) \|")

Report = dict[str, Any]
Reports = dict[str, Report]

VERDICTS = {
    "pass": "as the rule says",
    "fail": "broken",
    "observed": "a MAY, which nobody has to keep",
    "lacking": "the client has no such thing; the reason says what",
    "not-claimed": "of a profile that was not asked of this client",
    "blocked": "not tried: a rule that it rests on is broken",
    "untestable": "the suite could not judge it here",
}
# the report's states -> the verdict
_STATES = {
    "pass": "pass",
    "stale": "pass",
    "fail": "fail",
    "warn": "fail",
    "baselined": "fail",
    "observed": "observed",
    "blocked": "blocked",
    "not-claimed": "not-claimed",
    "untestable": "untestable",
    "error": "untestable",
}
EXPLAINED = ("blocked", "untestable")  # by the suite itself


@dataclass(frozen=True)
class Cell:
    """One requirement and one client."""

    verdict: str
    code: str = ""
    reason: str = ""
    block: str = ""
    kind: str = ""
    source: str = ""


@dataclass(frozen=True)
class Row:
    """One requirement, and how each client stands to it."""

    id: str
    level: str
    profile: str
    chapter: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Fault:
    """One row of spec/bugs.md, and the rules about it that each client breaks."""

    id: str
    short: str
    requirements: tuple[str, ...]
    clients: Mapping[str, tuple[str, ...] | None]


@dataclass(frozen=True)
class Total:
    """What one client's column comes to."""

    name: str
    version: str
    must: tuple[int, int]  # kept, of so many judged
    should: tuple[int, int]
    kinds: Mapping[str, int]  # broken rules, by what the baseline calls them
    profiles: Mapping[str, bool]
    faults: tuple[int, int]  # had, of so many judged


def load(folder: Path = RESULTS) -> Reports:
    """The reports that are there."""
    paths = {name: folder / f"{name}.json" for name in CLIENTS}
    return {
        name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.exists()
    }


def matrix(reports: Reports, known: Catalogue | None = None) -> list[Row]:
    """Every requirement, and how each client stands to it."""
    known = known or catalogue.load()
    return [
        Row(
            id_,
            found.level,
            found.profile,
            found.chapter,
            {name: _cell(id_, name, report, known) for name, report in reports.items()},
        )
        for id_, found in known.items()
    ]


def faults(reports: Reports, known: Catalogue | None = None) -> list[Fault]:
    """Every fault of spec/bugs.md, and who has it."""
    known = known or catalogue.load()
    rows = {row.id: row for row in matrix(reports, known)}
    return [
        Fault(id_, short, ids, {name: _broken([rows[i] for i in ids], name) for name in reports})
        for id_, short, ids in bugs(BUGS.read_text("utf-8"), known)
    ]


def totals(reports: Reports, known: Catalogue | None = None) -> list[Total]:
    """What each client's column comes to."""
    rows, had = matrix(reports, known), faults(reports, known)
    return [
        Total(
            name,
            report["session"]["version"],
            _kept(rows, name, "MUST"),
            _kept(rows, name, "SHOULD"),
            _kinds(rows, name),
            {profile: not _fails(rows, name, profile) for profile in report["claims"]},
            _had(had, name),
        )
        for name, report in reports.items()
    ]


def bugs(text: str, known: Catalogue) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The rows of spec/bugs.md: id, in short, and the requirements, if any is named."""
    for line in text.splitlines():
        if found := _FAULT.fullmatch(line):
            words = found[3].split(", ")
            yield found[1], found[2], tuple(word for word in words if word in known)


def _cell(id_: str, name: str, report: Report, known: Catalogue) -> Cell:
    client = CLIENTS.get(name)
    if client and (why := client.left_away(known).get(id_)):
        return Cell("lacking", reason=why)
    if known[id_].profile not in report["claims"]:
        return Cell("not-claimed")
    found = report["requirements"].get(id_)
    if found is None:
        return Cell("untestable", reason=known[id_].untested or "")
    verdict = _STATES[found["state"]]
    trials = [trial for trial in found["trials"] if trial["state"] == found["state"]]
    first = next((trial for trial in trials if "block" in trial), trials[0] if trials else {})
    entry = report["baseline"].get(id_, {}) if verdict == "fail" else {}
    # A regression is not what the baseline speaks of.
    known_as = entry if found["state"] == "baselined" else {}
    told = "block" in first and verdict != "pass"
    return Cell(
        verdict,
        first.get("code", "") if verdict in ("fail", "observed") else "",
        entry.get("reason") or (first.get("note", "") if verdict in EXPLAINED else ""),
        first["block"] if told else "",
        known_as.get("kind", ""),
        known_as.get("source", ""),
    )


def _broken(rows: Sequence[Row], name: str) -> tuple[str, ...] | None:
    verdicts = {row.id: row.cells[name].verdict for row in rows}
    if not {"pass", "fail"} & set(verdicts.values()):
        return None
    return tuple(id_ for id_, verdict in verdicts.items() if verdict == "fail")


def _kept(rows: Sequence[Row], name: str, level: str) -> tuple[int, int]:
    found = [row.cells[name].verdict for row in rows if row.level == level]
    return found.count("pass"), found.count("pass") + found.count("fail")


def _kinds(rows: Sequence[Row], name: str) -> dict[str, int]:
    found = [row.cells[name].kind for row in rows]
    return {kind: found.count(kind) for kind in KINDS}


def _fails(rows: Sequence[Row], name: str, profile: str) -> bool:
    """Whether it breaks a MUST of the profile, excused by its baseline or not."""
    return any(
        row.cells[name].verdict == "fail"
        for row in rows
        if row.profile == profile and row.level == "MUST"
    )


def _had(found: Sequence[Fault], name: str) -> tuple[int, int]:
    judged = [fault.clients[name] for fault in found if fault.clients[name] is not None]
    return sum(bool(broken) for broken in judged), len(judged)


def _tables(reports: Reports) -> Iterator[str]:
    kinds = " | ".join(f"{kind}s" for kind in KINDS)
    yield f"| client | version | MUST kept | SHOULD kept | {kinds} | of the 96 had | conforms to |"
    yield "| --- " * 9 + "|"
    for total in totals(reports):
        held = ", ".join(profile for profile, held in total.profiles.items() if held) or "none"
        must, should, had = (
            " of ".join(map(str, pair)) for pair in (total.must, total.should, total.faults)
        )
        numbers = [must, should, *map(str, total.kinds.values()), had]
        yield f"| {total.name} | {total.version} | {' | '.join(numbers)} | {held} |"
    yield ""
    yield f"| fault | in short | {' | '.join(reports)} |"
    yield f"| --- | --- | {' | '.join('---' for _ in reports)} |"
    for fault in faults(reports):
        marks = (
            "–" if broken is None else "has" if broken else "" for broken in fault.clients.values()
        )
        yield f"| {fault.id} | {fault.short} | {' | '.join(marks)} |"


def main() -> int:
    """Print both sums."""
    print("\n".join(_tables(load())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
