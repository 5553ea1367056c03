"""Whether verdicts stay what they are when the examples are said in other words.

`python -m tests.perturbed` judges fasthttp, the second session and three saboteurs under ten seeds,
and fails if a verdict differs from that without a seed: then a session, or a check, goes by the
examples and not by the rule. Each seed has a third of the trials, so that each trial has three or
four seeds, and all of it takes minutes; `--whole` gives every trial every seed. `make test` tries
one seed on a part.
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

CORRECT = ("fasthttp:AsyncSession", "tests.second_session:SecondSession")
SESSIONS = (
    *CORRECT,
    "tests.saboteurs.lines:UnicodeSeparators",
    "tests.saboteurs.body:ZeroIsTheEnd",
    "tests.saboteurs.events:EmptyIdIsNone",
)
SEEDS = range(1, 11)
SHARES = 3  # a seed has one of so many shares of the trials
PLANS = {None, "whole", "crlf-cut"}
CHAPTERS = {"bytes", "text", "lines", "body", "events", "headers", "urls", "session"}
TIMED = {"lines-length", "lines-linear"}  # a slow session comes near the limit of these
FUZZ = 5


def chosen(session: str) -> list[Trial]:
    """What is tried: everything that has words which can change, and does not go by the clock.

    A search that finds a bug in few draws has been lucky: of a saboteur it may say another thing
    each time. The correct sessions are searched, and must pass whatever is drawn.
    """
    known = catalogue.load()
    return [
        trial
        for trial in trials()
        if trial.plan in PLANS
        and known[trial.requirement].chapter in CHAPTERS
        and trial.requirement not in TIMED
        and (trial.play is not None or session in CORRECT)
    ]


def share(seed: int, judged: list[Trial]) -> list[Trial]:
    """The trials that have their turn under a seed: those of whole rules, so as to be spread."""
    ids = list(dict.fromkeys(trial.requirement for trial in judged))
    turn = set(ids[seed % SHARES :: SHARES])
    return [trial for trial in judged if trial.requirement in turn]


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
    return verdicts(session, None, chosen(session))


def _moved(job: tuple[tuple[str, dict[str, str]], int, bool]) -> tuple[int, list[str]]:
    (session, plain), seed, whole = job
    judged = chosen(session) if whole else share(seed, chosen(session))
    return len(judged), moved(session, seed, plain, judged)


def main() -> int:
    """Try all of it; 1 if a verdict moved."""
    began, whole = time.monotonic(), "--whole" in sys.argv[1:]
    trials(), catalogue.load()
    with get_context("fork").Pool(2) as pool:
        plain = dict(zip(SESSIONS, pool.map(_plain, SESSIONS, chunksize=1), strict=True))
        print(f"without a seed: {time.monotonic() - began:.0f} s", flush=True)
        found = pool.map(_moved, product(plain.items(), SEEDS, [whole]), chunksize=1)
    lines = [line for _, each in found for line in each]
    print("\n".join(lines))
    print(
        f"{len(SESSIONS)} sessions, {len(SEEDS)} seeds, {sum(number for number, _ in found)} "
        f"verdicts, {time.monotonic() - began:.0f} s: {len(lines)} of them moved"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
