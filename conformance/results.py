"""What a whole run comes to: the worst state of each requirement, and the verdict on each profile.

Made from verdicts alone, so that a report read from a file, a run in several processes and a run in
one come to the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.baseline import Baseline
from spec.catalogue import PROFILES

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
    complete: Collection[str] = ()  # those of which every trial was to run
    baseline: Baseline = Baseline()  # noqa: RUF009 - frozen and empty

    def states(self) -> dict[str, str]:
        """The worst state of each requirement, stale baseline entries included."""
        worst: dict[str, str] = {}
        for verdict in self.verdicts:
            states = (verdict.state, worst.get(verdict.requirement, ORDER[-1]))
            worst[verdict.requirement] = min(states, key=ORDER.index)
        for id_ in self.stale():
            worst[id_] = "stale"
        return worst

    def stale(self) -> list[str]:
        """The baseline's entries that this run shows to be out of date."""
        deviating = {
            v.requirement for v in self.verdicts if v.state in ("baselined", "fail", "warn")
        }
        return sorted(
            id_ for id_ in self.baseline.entries if id_ in self.complete and id_ not in deviating
        )

    def failing(self, profile: str) -> list[str]:
        """The ids for which the session does not conform to a profile."""
        return sorted(
            id_
            for id_, state in self.states().items()
            if state in REFUSED and self.catalogue[id_].profile == profile
        )

    def judged(self) -> int:
        """How many of the requirements that were asked for have been judged."""
        states = self.states()
        return sum(states.get(id_, "untestable") not in UNJUDGED for id_ in self.asked)

    def exit_code(self) -> int:
        """What the run ends with; the table is in conformance/README.md."""
        states = set(self.states().values())
        if "error" in states:
            return SUITE_BROKE
        if REFUSED & states:
            return DOES_NOT
        if self.judged() < ENOUGH * len(self.asked) or not self.judged():
            return TOO_LITTLE
        return CONFORMS

    def lines(self, session: str, version: str) -> list[str]:
        """The end of a run, as it is printed."""
        states = self.states()
        lines = [f"fasthttp conformance · spec {SPEC} · session {session} {version}"]
        counts = Counter((self.catalogue[id_].level, state) for id_, state in states.items())
        lines.append(
            "          ".join(
                text for level in ("MUST", "SHOULD", "MAY") if (text := _level(level, counts))
            )
        )
        lines.append(f"judged   {self.judged()} of {len(self.asked)} requirements asked for")
        if blocked := sorted(id_ for id_, state in states.items() if state == "blocked"):
            lines.append(f"blocked  {len(blocked)}, by rules that are broken: {', '.join(blocked)}")
        if stale := self.stale():
            lines.append(f"stale    {', '.join(stale)}: the baseline expects a deviation")
        verdicts = [
            f"{profile}: {'CONFORMS' if not bad else f'DOES NOT ({len(bad)})'}"
            for profile in PROFILES
            if profile in self.claims and any(self.catalogue[i].profile == profile for i in states)
            for bad in [self.failing(profile)]
        ]
        lines.append(f"verdict  {'      '.join(verdicts) or 'nothing was judged'}")
        return lines


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
