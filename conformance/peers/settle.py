"""What is made of a run's report before it is kept.

`settled` takes away what each run has otherwise, so that two runs of one thing write one file;
`excused` applies a baseline, so that a reason can be written without another run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance.results import Results
from conformance.verdicts import Verdict
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.baseline import Baseline

# what is replaced -> by what
CHANGING = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d{4,5}"), r"\1:PORT"),
    (re.compile(r"port=\d{4,5}"), "port=PORT"),
    (re.compile(r"Task-\d+"), "Task-N"),
    (re.compile(r"\b\d+ connect"), "N connect"),
    (re.compile(r"\d+ in memory"), "… in memory"),
    (re.compile(r"\('127\.0\.0\.1', \d{4,5}\)"), "('127.0.0.1', PORT)"),
    (re.compile(r"/tmp/[\w./-]+"), "/tmp/…"),
    (re.compile(r"(?<![\w/.-])(?:/[\w.+-]+)+/(?=(?:site-packages|lib/python3[.\d]*|suite)/)"), ""),
    (re.compile(r"\b\d+\.\d\d+ s\b"), "… s"),
)
LONGEST = 2500  # characters of a block
SHOWN = ("fail", "warn", "observed", "baselined", "error", "stale")


def settled(report: dict[str, Any], root: str, without: Collection[str] = ()) -> dict[str, Any]:
    """The report with one block for each requirement and code, and nothing of this machine.

    `without` are requirements, or trials, that are not to be told of.
    """
    kept: dict[str, Any] = {}
    for id_, found in report["requirements"].items():
        left = [one for one in found["trials"] if one["trial"] not in without]
        if id_ not in without and (left or not found["trials"]):
            kept[id_] = {**found, "trials": left}
    report["requirements"] = kept
    for found in kept.values():
        seen: set[str] = set()
        for trial in found["trials"]:
            block = trial.pop("block", None)
            kind = trial.get("code", trial["state"])
            if block and kind not in seen and trial["state"] in SHOWN:
                seen.add(kind)
                trial["block"] = plain(block, root)
            if "note" in trial:
                trial["note"] = plain(trial["note"], root)
    return report


def plain(text: str, root: str) -> str:
    """The text without ports, addresses in memory, times, and folders of this machine."""
    text = text.replace(root, ".")
    for pattern, by in CHANGING:
        text = pattern.sub(by, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def excused(report: dict[str, Any], baseline: Baseline) -> dict[str, Any]:
    """The report, made without a baseline, as it is with this one."""
    verdicts = list(trials(report))
    for verdict in verdicts:
        baseline.apply(verdict)
    asked = {
        id_
        for id_, one in report["requirements"].items()
        if one["level"] != "MAY" and one["state"] != "not-claimed"
    }
    found = Results(verdicts, catalogue.load(), report["claims"], asked, asked, baseline)
    states = found.states()
    for id_, requirement in report["requirements"].items():
        requirement["state"] = states.get(id_, requirement["state"])
    told = {(verdict.requirement, verdict.trial): verdict for verdict in verdicts}
    for id_, requirement in report["requirements"].items():
        for trial in requirement["trials"]:
            verdict = told[id_, trial["trial"]]
            trial["state"] = verdict.state
            if verdict.block:
                trial["block"] = verdict.block
    report["baseline"] = {
        id_: entry.table() for id_, entry in baseline.entries.items() if id_ in states
    }
    report["profiles"] = {
        profile: {"conforms": found.conforms(profile), "failing": found.failing(profile)}
        for profile in report["claims"]
    }
    report["judged"] = {"requirements": found.judged(), "asked": len(asked)}
    report["exit"] = found.exit_code()
    return report


def trials(report: dict[str, Any]) -> Iterator[Verdict]:
    """The verdicts that a report holds."""
    for id_, found in report["requirements"].items():
        for trial in found["trials"]:
            yield Verdict(
                id_,
                trial["trial"],
                trial["state"],
                trial.get("code"),
                trial.get("note", ""),
                trial.get("block", ""),
            )
