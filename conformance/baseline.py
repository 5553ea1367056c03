"""Known deviations: a TOML file that says which requirements a session breaks, how, and why.

    [lines-endings]
    verdict = ["wrong-value"]
    reason = "splits at U+2028; reported as #123"

An entry excuses its requirement only for the codes it lists: a check that begins to fail
differently is a regression. One that no trial needs any more is stale, and fails the run.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.verdicts import CODES, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

TO_DO = "not explained yet"
HEADER = "# Known deviations: requirement, how it fails, and why. Keep the reasons true.\n"


class BaselineError(Exception):
    """The file is not a baseline; the message names file and entry."""


@dataclass(frozen=True)
class Entry:
    """One known deviation."""

    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Baseline:
    """The entries, by requirement id."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def apply(self, verdict: Verdict) -> None:
        """Turn a deviation that is expected in just this form into `baselined`."""
        entry = self.entries.get(verdict.requirement)
        if entry is None or verdict.state not in ("fail", "warn"):
            return
        if verdict.code in entry.codes:
            verdict.state, verdict.note = "baselined", entry.reason
        else:
            expected = ", ".join(entry.codes)
            verdict.state = "fail"
            verdict.block += f"\n  baseline  expects {expected}: this is a regression"

    def merged(self, verdicts: Iterable[Verdict], judged: Collection[str]) -> Baseline:
        """A baseline of what these verdicts show; reasons, and what was not judged, are kept."""
        codes: dict[str, set[str]] = {}
        for verdict in verdicts:
            if verdict.code and verdict.state in ("fail", "warn", "baselined"):
                codes.setdefault(verdict.requirement, set()).add(verdict.code)
        entries = {id_: entry for id_, entry in self.entries.items() if id_ not in judged}
        for id_, found in codes.items():
            reason = self.entries[id_].reason if id_ in self.entries else TO_DO
            entries[id_] = Entry(tuple(sorted(found)), reason)
        return Baseline(dict(sorted(entries.items())))

    def summary(self, path: str) -> str:
        """What was written, in a line."""
        open_ = sum(entry.reason == TO_DO for entry in self.entries.values())
        todo = f", {open_} of them to be explained" if open_ else ""
        return f"baseline {path}: {len(self.entries)} entries{todo}"

    def text(self) -> str:
        """The file's text."""
        blocks = [
            # JSON's strings and lists of strings are TOML's as well.
            f"[{id_}]\nverdict = {json.dumps(entry.codes)}\n"
            f"reason = {json.dumps(entry.reason, ensure_ascii=False)}\n"
            for id_, entry in self.entries.items()
        ]
        return HEADER + "".join(f"\n{block}" for block in blocks)


def read(path: Path, known: Collection[str]) -> Baseline:
    """The baseline in a file; every entry must name a requirement, and only known codes."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BaselineError(f"{path}: {error}") from error
    entries = {}
    for id_, table in tables.items():
        if id_ not in known:
            raise BaselineError(f"{path}: there is no requirement {id_!r}")
        given = table.get("verdict") if isinstance(table, dict) else None
        codes = [given] if isinstance(given, str) else given
        if not isinstance(codes, list) or not codes or any(code not in [*CODES] for code in codes):
            raise BaselineError(f"{path}: {id_}: verdict is one or more of {', '.join(CODES)}")
        entries[id_] = Entry(tuple(codes), str(table.get("reason", TO_DO)))
    return Baseline(entries)
