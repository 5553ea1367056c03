"""What a whole run comes to: the worst state of each requirement, and the verdict on each profile.

Made from verdicts alone, so that a report read from a file, a run in several processes and a run in
one come to the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.baseline import Baseline
from spec.catalogue import LEVELS, PROFILES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from conformance.verdicts import Verdict
    from spec.catalogue import Catalogue

# From worst to best: a requirement is as good as its worst trial.
ORDER = ("error", "fail", "stale", "warn", "baselined", "observed", "pass", "blocked", "untestable")
UNJUDGED = {"blocked", "untestable"}
REFUSED = {"error", "fail", "stale"}
ENOUGH = 0.8  # of the MUSTs and SHOULDs that were asked for must have been judged

CONFORMS, DOES_NOT, SUITE_BROKE, CANNOT_RUN, TOO_LITTLE = 0, 1, 3, 4, 6


@dataclass(frozen=True)
class Results:
    """The verdicts of one run, and what was asked for."""

    verdicts: Sequence[Verdict]
    catalogue: Catalogue
    claims: Collection[str]
    asked: Collection[str]  # the claimed requirements that this run was to judge
    complete: Collection[str] = ()  # those of which every trial has run
    baseline: Baseline = Baseline()  # noqa: RUF009 - frozen and empty
    left: Collection[str] = ()  # the claimed requirements of which some trial was not to run
    missing: int = 0  # trials that were to run and did not: the run was cut short

    def states(self) -> dict[str, str]:
        """The worst state of each requirement, stale baseline entries included."""
        worst: dict[str, str] = {}
        for verdict in self.verdicts:
            states = (verdict.state, worst.get(verdict.requirement, ORDER[-1]))
            worst[verdict.requirement] = min(states, key=ORDER.index)
        for id_ in self.stale():
            worst[id_] = "stale"
        return worst

    def decided(self) -> set[str]:
        """The requirements of which this run says all: every trial ran, and some were judged."""
        judged = {v.requirement for v in self.verdicts if v.state not in UNJUDGED}
        return judged & set(self.complete)

    def stale(self) -> list[str]:
        """The baseline's entries that this run shows to be out of date."""
        deviating = {
            v.requirement for v in self.verdicts if v.state in ("baselined", "fail", "warn")
        }
        return sorted(self.baseline.entries.keys() & self.decided() - deviating)

    def spare(self) -> dict[str, str]:
        """By requirement, the codes of the baseline that did not occur.

        They fail nothing: an entry may list codes of which chance gives one or another.
        """
        found = {(v.requirement, v.code) for v in self.verdicts}
        spare = {
            id_: ", ".join(code for code in entry.codes if (id_, code) not in found)
            for id_, entry in self.baseline.entries.items()
            if id_ in self.decided() - {*self.stale()}
        }
        return {id_: codes for id_, codes in spare.items() if codes}

    def failing(self, profile: str) -> list[str]:
        """The ids for which the session does not conform to a profile."""
        return sorted(
            id_
            for id_, state in self.states().items()
            if state in REFUSED and self.catalogue[id_].profile == profile
        )

    def conforms(self, profile: str) -> bool | None:
        """Whether the session conforms to a profile; None if too little of it was judged."""
        if self.failing(profile):
            return False
        whole = not self.missing and not set(self._of(profile)) & set(self.left)
        return True if whole and self._enough(self._of(profile)) else None

    def judged(self) -> int:
        """How many of the requirements that were asked for have been judged."""
        return self._judged(self.asked)

    def _judged(self, ids: Collection[str]) -> int:
        states = self.states()
        return sum(states.get(id_, "untestable") not in UNJUDGED for id_ in ids)

    def _enough(self, ids: Collection[str]) -> bool:
        return self._judged(ids) >= max(1, ENOUGH * len(ids))

    def _of(self, profile: str) -> list[str]:
        """The requirements that a session has to be judged by to conform to a profile."""
        return [id_ for id_ in {*self.asked, *self.left} if self.catalogue[id_].profile == profile]

    def exit_code(self) -> int:
        """What the run ends with; the table is in conformance/README.md."""
        states = set(self.states().values())
        if "error" in states:
            return SUITE_BROKE
        if REFUSED & states:
            return DOES_NOT
        if self.missing or not self._enough(self.asked):
            return TOO_LITTLE
        return CONFORMS

    def lines(self, session: str, version: str) -> list[str]:
        """The end of a run, as it is printed."""
        states = self.states()
        lines = [f"fasthttp conformance · spec {SPEC} · session {session} {version}"]
        counts = Counter((self.catalogue[id_].level, state) for id_, state in states.items())
        levels = [text for level in LEVELS if (text := _level(level, counts))]
        lines += ["          ".join(levels)] if levels else []
        lines.append(f"judged   {self.judged()} of {len(self.asked)} requirements asked for")
        if blocked := sorted(id_ for id_, state in states.items() if state == "blocked"):
            lines.append(f"blocked  {len(blocked)}, by rules that are broken: {', '.join(blocked)}")
        if stale := self.stale():
            lines.append(f"stale    {', '.join(stale)}: the baseline expects a deviation")
        if spare := self.spare():
            told = "; ".join(f"{id_}: {codes}" for id_, codes in sorted(spare.items()))
            lines.append(f"spare    {told}: the baseline lists what did not occur")
        if self.missing:
            lines.append(f"short    cut short: {self.missing} trials that were to run did not")
        verdicts = [
            f"{profile}: {self._verdict(profile)}"
            for profile in PROFILES
            if profile in self.claims and any(self.catalogue[i].profile == profile for i in states)
        ]
        lines.append(f"verdict  {'      '.join(verdicts) or 'nothing was judged'}")
        return lines

    def _verdict(self, profile: str) -> str:
        conforms = self.conforms(profile)
        if conforms is None:
            return f"{self._judged(self._of(profile))} of {len(self._of(profile))} judged"
        return "CONFORMS" if conforms else f"DOES NOT ({len(self.failing(profile))})"


SPEC = "1.0"


def _level(level: str, counts: Mapping[tuple[str, str], int]) -> str:
    of_level = {state: number for (kind, state), number in counts.items() if kind == level}
    total = sum(number for state, number in of_level.items() if state not in UNJUDGED)
    if not total:
        return ""
    if level == "MAY":
        return f"MAY {total} observed"
    parts = [f"{level} {of_level.get('pass', 0)} of {total}"]
    for state, word in (
        ("baselined", "baselined"),
        ("warn", "warn"),
        ("fail", "FAIL"),
        ("stale", "stale"),
        ("error", "suite error"),
    ):
        if number := of_level.get(state):
            parts.append(f"{number} {word}")
    return "    ".join(parts)
