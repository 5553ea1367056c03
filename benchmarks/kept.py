"""A run's results on disk, written anew whenever a part of the run is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.report import document, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.rows import Row
    from benchmarks.run import Grown, Outcome

FILE = "results.json"


class Results:
    """What was measured so far; `parts` names what is to come, until all of it has."""

    def __init__(self, folder: Path, about: Mapping[str, Any], parts: Sequence[str]) -> None:
        self._folder = folder
        self._about = about
        self._pending = list(parts)
        self._rows: list[Row] = []
        self._outcomes: dict[str, Outcome] = {}
        self._grown: Grown = {}

    def add(self, row: Row, outcome: Outcome) -> None:
        """Keep a row."""
        self._rows.append(row)
        self._outcomes[row.name] = outcome
        self._done(row.name)

    def grew(self, grown: Grown) -> None:
        """Keep how the costs grow."""
        self._grown = grown
        self._done("growth")

    def text(self) -> str:
        """Return what there is as Markdown."""
        return markdown(self._data())

    def _data(self) -> dict[str, Any]:
        about = {**self._about, "pending": self._pending}
        return document(self._outcomes, self._rows, about, self._grown)

    def _done(self, part: str) -> None:
        self._pending.remove(part)
        write(self._folder, self._data())


def write(folder: Path, data: Mapping[str, Any]) -> None:
    """Write a run as data and as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(data, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(data))
