"""What the runs of the suite have left in conformance/results: clients, and saboteurs.

Clients are as `conformance.scoreboard` tells them. Each is absent in a checkout in which it has not
been made; the pages then say less.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance import scoreboard
from conformance.peers.clients import CLIENTS
from docs.generate.folders import RESULTS

KILLS = "kill-matrix.json"
# verdict -> mark, what it says of a client and a requirement, class
MARKS = {
    "pass": ("✓", "keeps", "pass"),
    "fail": ("✗", "breaks", "fail"),
    "short": ("!", "falls short of", "warn"),  # a SHOULD that is broken
    "observed": ("○", "was observed on", "seen"),
    "lacking": ("·", "has no such thing as", "none"),
}
NOT_JUDGED = ("–", "was not judged on", "none")


@dataclass(frozen=True)
class Client:
    """A client, what it is, and a cell of the matrix for each requirement."""

    name: str
    about: str
    version: str
    session: str
    python: str
    cells: dict[str, scoreboard.Cell]
    levels: dict[str, str]

    def verdict(self, id_: str) -> str:
        """The verdict on a requirement; `short` is a SHOULD that is broken."""
        verdict = self.cells[id_].verdict if id_ in self.cells else "not-claimed"
        return "short" if verdict == "fail" and self.levels[id_] != "MUST" else verdict

    def deviates(self, id_: str) -> bool:
        """Whether it breaks a requirement."""
        return self.verdict(id_) in ("fail", "short")

    def deviations(self) -> dict[str, scoreboard.Cell]:
        """The requirements that it breaks, in the order of the chapters."""
        return {id_: cell for id_, cell in self.cells.items() if self.deviates(id_)}

    def mark(self, id_: str) -> tuple[str, str, str]:
        """Mark, words and class of a requirement."""
        mark, words, kind = MARKS.get(self.verdict(id_), NOT_JUDGED)
        cell = self.cells.get(id_, scoreboard.Cell("not-claimed"))
        said = cell.reason if kind == "none" else cell.kind
        return mark, f"{self.name} {words} {id_}{said and f': {said}'}", kind


@dataclass(frozen=True)
class Saboteur:
    """A session with one bug, and what it breaks."""

    name: str
    summary: str
    breaks: tuple[str, ...]


@cache
def reports() -> dict[str, dict[str, Any]]:
    """The report of each client."""
    return scoreboard.load(RESULTS)


@cache
def clients() -> tuple[Client, ...]:
    """Every client with a report, in the order of the scoreboard."""
    rows = scoreboard.matrix(reports())
    levels = {row.id: row.level for row in rows}
    return tuple(
        Client(
            name,
            CLIENTS[name].about,
            report["session"]["version"],
            report["session"]["name"],
            report["made-with"]["python"],
            {row.id: row.cells[name] for row in rows},
            levels,
        )
        for name, report in reports().items()
    )


@cache
def totals() -> tuple[scoreboard.Total, ...]:
    """What each client's column comes to."""
    return tuple(scoreboard.totals(reports()))


@cache
def saboteurs() -> tuple[Saboteur, ...]:
    """Every saboteur of the kill matrix."""
    path = RESULTS / KILLS
    data = json.loads(path.read_text("utf-8")) if path.exists() else {"saboteurs": []}
    return tuple(
        Saboteur(each["name"], each.get("summary", ""), tuple(each["breaks"]))
        for each in data["saboteurs"]
    )
