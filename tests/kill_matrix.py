"""The kill matrix: which requirements each saboteur is found to break.

`python -m tests.kill_matrix` tries every saboteur against every requirement and fails if one breaks
other requirements than it declares. Parts of names restrict it, `--share 1/4` tries a quarter, and
`--out FILE` writes the matrix, which the site shows. A requirement that is not declared is tried by
all its checks, under one chunk plan, or by its properties if it has no others; one that is declared
under more plans.
"""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.court import Court
from conformance.plugin import trials
from conformance.subject import Subject
from spec import catalogue
from tests.saboteurs import Saboteur, discover, restore_all

if TYPE_CHECKING:
    from conformance.registry import Trial

BROKEN = {"fail", "warn", "observed"}
FUZZ, FEW = 10, 3  # examples of a property, where it is declared and where not
DECLARED_PLANS = {None, "whole", "bytewise", "crlf-cut"}
WORKERS = 5  # for two cores: much of the time is spent waiting


@dataclass(frozen=True)
class Found:
    """What came of one saboteur."""

    name: str
    summary: str
    declared: frozenset[str]
    perhaps: frozenset[str]
    broken: frozenset[str]
    seconds: float

    @property
    def as_declared(self) -> bool:
        """Whether it breaks what it declares and nothing else."""
        return self.broken - self.perhaps == self.declared


def judge(saboteur: Saboteur, *, whole: bool) -> Found:
    """Try one saboteur; `whole`: also against the requirements that it should not break."""
    began = time.monotonic()
    broken: set[str] = set()
    subject = Subject(str(saboteur), saboteur.session, "0")
    try:
        with Court(subject, catalogue.load(), brief=True) as court:
            court.preflight()
            for trial in trials():
                if trial.requirement not in broken and _is_tried(trial, saboteur, whole=whole):
                    court.fuzz = FUZZ if trial.requirement in saboteur.breaks else FEW
                    verdict = court.hear(trial)
                    if verdict.state == "error":
                        raise RuntimeError(f"{saboteur}: {verdict.block}")
                    if verdict.state in BROKEN and _is_sure(court, trial, saboteur):
                        broken.add(trial.requirement)
    finally:
        restore_all()
    doc = (saboteur.session.__doc__ or "").strip().partition("\n")[0]
    return Found(
        str(saboteur),
        doc,
        saboteur.breaks,
        saboteur.perhaps,
        frozenset(broken),
        time.monotonic() - began,
    )


def _is_tried(trial: Trial, saboteur: Saboteur, *, whole: bool) -> bool:
    if trial.requirement in saboteur.breaks:
        return trial.plan in DECLARED_PLANS
    if not whole or (trial.search is not None and trial.requirement in _played()):
        return False
    # Examples stand for themselves; what was recorded is long, and worth a cut at every line.
    return trial.plan in {None, "whole" if trial.name == "examples" else "crlf-cut"}


def _is_sure(court: Court, trial: Trial, saboteur: Saboteur) -> bool:
    """What is not declared has to fail twice: on a busy machine a rule about time may fail once."""
    return trial.requirement in saboteur.breaks or court.hear(trial).state in BROKEN


@cache
def _played() -> frozenset[str]:
    """The requirements that have other checks than properties, which cost more."""
    return frozenset(trial.requirement for trial in trials() if trial.play is not None)


def _judge(name: str) -> Found:
    return judge(next(known for known in discover() if str(known) == name), whole=True)


def main(arguments: list[str]) -> int:
    """Judge them all, in several processes; 1 if one is not as it declares."""
    parser = ArgumentParser(prog="python -m tests.kill_matrix", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[""], help="only those whose names have one")
    parser.add_argument("--out", type=Path, help="write the matrix, as JSON")
    parser.add_argument("--share", type=_share, default=(1, 1), help="1/4: the first of four")
    parser.add_argument("--workers", type=int, default=WORKERS)
    options = parser.parse_args(arguments)
    names = [name for name in map(str, discover()) if any(part in name for part in options.parts)]
    share, shares = options.share
    names = names[share - 1 :: shares]
    if not names:
        parser.error("this names no saboteur, so that nothing would be tried")
    began = time.monotonic()
    trials(), catalogue.load()  # once, for all the processes
    with get_context("fork").Pool(options.workers, maxtasksperchild=20) as pool:
        matrix = []
        for found in pool.imap_unordered(_judge, names):
            matrix.append(found)
            if not found.as_declared:
                print(_complaint(found), flush=True)
    wrong = sum(not found.as_declared for found in matrix)
    print(
        f"{len(matrix)} saboteurs in {time.monotonic() - began:.0f} s: "
        + (f"{wrong} not as declared" if wrong else "each breaks just what it declares")
    )
    if options.out is not None and not wrong:
        options.out.write_text(json.dumps(as_json(matrix), indent=1) + "\n")
    return 1 if wrong else 0


def _share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise ArgumentTypeError(f"{text!r} is not a share such as 1/4")
    return int(found[1]), int(found[2])


def _complaint(found: Found) -> str:
    missed = ", ".join(sorted(found.declared - found.broken)) or "nothing"
    extra = ", ".join(sorted(found.broken - found.declared - found.perhaps)) or "nothing"
    return f"{found.name}: declared and not caught: {missed}; broken and not declared: {extra}"


def as_json(matrix: list[Found]) -> dict[str, object]:
    """The matrix as the site reads it."""
    return {
        "saboteurs": [
            {"name": found.name, "summary": found.summary, "breaks": sorted(found.declared)}
            for found in sorted(matrix, key=lambda found: found.name)
        ]
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
