"""Known deviations: a TOML file that says which requirements a session breaks, how, and why.

    [lines-endings]
    verdict = ["wrong-value"]
    reason = "splits at U+2028; reported as #123"
    kind = "fault"
    source = "https://docs.python.org/3/library/stdtypes.html#str.splitlines"

Whoever wants to tell faults from intentions says so in `kind`, one of `KINDS`, and where it is
written in `source`; both may be left out. An entry excuses its requirement only for the codes it
lists: a check that begins to fail differently is a regression. One that no trial needs any more is
stale, and fails the run.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.verdicts import CODES, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

TO_DO = "not explained yet"
KINDS = {
    "fault": "loses, changes, invents, hides or leaks something, hangs, or contradicts a standard "
    "or the client's own documentation",
    "choice": "documented, or plainly meant; somebody may want it so",
    "limit": "the client has nothing of the kind, or cannot do it through its interface",
}
KEYS = ("verdict", "reason", "kind", "source")
HEADER = "# Known deviations: requirement, how it fails, and why. Keep the reasons true.\n"


class BaselineError(Exception):
    """The file is not a baseline; the message names file and entry."""


@dataclass(frozen=True)
class Entry:
    """One known deviation."""

    codes: tuple[str, ...]
    reason: str
    kind: str = ""  # one of `KINDS`, if anybody has said
    source: str = ""  # where that is written: an address, or a file of the client's package

    def table(self) -> dict[str, Any]:
        """The entry by its keys, without those that nobody has filled in."""
        more = {"kind": self.kind, "source": self.source}
        given = {key: value for key, value in more.items() if value}
        return {"verdict": list(self.codes), "reason": self.reason, **given}


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
            block, _, rerun = verdict.block.rpartition("\n")  # which stays last
            line = f"  baseline  expects {expected}: this is a regression"
            verdict.block = f"{block}\n{line}\n{rerun}"

    def merged(self, verdicts: Iterable[Verdict], judged: Collection[str]) -> Baseline:
        """A baseline of what these verdicts show; reasons, and what was not judged, are kept.

        Of a requirement that is not among `judged`, which were judged whole, no code is dropped.
        """
        codes: dict[str, set[str]] = {}
        for verdict in verdicts:
            if verdict.code and verdict.state in ("fail", "warn", "baselined"):
                codes.setdefault(verdict.requirement, set()).add(verdict.code)
        entries = {id_: entry for id_, entry in self.entries.items() if id_ not in judged}
        for id_, found in codes.items():
            known = self.entries.get(id_, Entry((), TO_DO))
            kept = () if id_ in judged else known.codes
            entries[id_] = replace(known, codes=tuple(sorted({*found, *kept})))
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
            "".join(
                f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
                for key, value in entry.table().items()
            )
            for entry in self.entries.values()
        ]
        named = zip(self.entries, blocks, strict=True)
        return HEADER + "".join(f"\n[{id_}]\n{block}" for id_, block in named)


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
        try:
            entries[id_] = _entry(table if isinstance(table, dict) else {})
        except BaselineError as error:
            raise BaselineError(f"{path}: {id_}: {error}") from None
    return Baseline(entries)


def _entry(table: dict[str, Any]) -> Entry:
    given = table.get("verdict")
    codes = [given] if isinstance(given, str) else given
    if not isinstance(codes, list) or not codes or any(code not in [*CODES] for code in codes):
        raise BaselineError(f"verdict is one or more of {', '.join(CODES)}")
    for key, value in table.items():
        if key not in KEYS:
            raise BaselineError(f"there is no key {key!r}; known: {', '.join(KEYS)}")
        if key != "verdict" and not isinstance(value, str):
            raise BaselineError(f"{key} is text")
    kind = table.get("kind", "")
    if "kind" in table and kind not in KINDS:
        raise BaselineError(f"kind is one of {', '.join(KINDS)}, and not {kind!r}")
    return Entry(tuple(codes), table.get("reason", TO_DO), kind, table.get("source", ""))
