"""Whether verdicts stay what they are when the examples are said in other words.

`python -m tests.perturbed` judges fasthttp, the second session and three saboteurs under ten seeds,
and fails if a verdict differs from that without a seed: then a session, or a check, goes by the
examples and not by the rule. It takes minutes; `make test` tries one seed on a part.
"""

from __future__ import annotations

import sys
import time
from itertools import product
from multiprocessing import get_context
from typing import TYPE_CHECKING

from conformance.court import Court
from conformance.plugin import trials
from conformance.subject import load
from spec import catalogue
from tests.saboteurs import restore_all

if TYPE_CHECKING:
    from conformance.registry import Trial

SESSIONS = (
    "fasthttp:AsyncSession",
    "tests.second_session:SecondSession",
    "tests.saboteurs.lines:UnicodeSeparators",
    "tests.saboteurs.body:ZeroIsTheEnd",
    "tests.saboteurs.events:EmptyIdIsNone",
)
SEEDS = range(1, 11)
PLANS = {None, "whole", "crlf-cut"}
CHAPTERS = {"bytes", "text", "lines", "body", "events", "headers", "urls", "session"}
FUZZ = 5


def chosen() -> list[Trial]:
    """What is tried: everything that has words which can change, and does not go by the clock."""
    known = catalogue.load()
    return [
        trial
        for trial in trials()
        if trial.plan in PLANS and known[trial.requirement].chapter in CHAPTERS
    ]


def verdicts(session: str, seed: int | None, judged: list[Trial]) -> dict[str, str]:
    """Trial -> state and code."""
    with Court(load(session), catalogue.load(), fuzz=FUZZ, perturb=seed, brief=True) as court:
        court.preflight()
        try:
            heard = [court.hear(trial) for trial in judged]
        finally:
            restore_all()
    return {verdict.trial: f"{verdict.state} {verdict.code or ''}".strip() for verdict in heard}


def moved(session: str, seed: int, plain: dict[str, str], judged: list[Trial]) -> list[str]:
    """The trials whose verdict is another one under a seed, a line each."""
    return [
        f"{session}, seed {seed}: {name} is {state}, and {plain[name]} without"
        for name, state in verdicts(session, seed, judged).items()
        if state != plain[name]
    ]


def _plain(session: str) -> dict[str, str]:
    return verdicts(session, None, chosen())


def _moved(job: tuple[tuple[str, dict[str, str]], int]) -> list[str]:
    (session, plain), seed = job
    return moved(session, seed, plain, chosen())


def main() -> int:
    """Try all of it; 1 if a verdict moved."""
    began = time.monotonic()
    trials(), catalogue.load()
    with get_context("fork").Pool(2) as pool:
        plain = dict(zip(SESSIONS, pool.map(_plain, SESSIONS), strict=True))
        found = pool.map(_moved, product(plain.items(), SEEDS), chunksize=1)
    lines = [line for each in found for line in each]
    print("\n".join(lines))
    print(
        f"{len(SESSIONS)} sessions, {len(SEEDS)} seeds, {len(chosen())} trials each, "
        f"{time.monotonic() - began:.0f} s: {len(lines)} verdicts moved"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
