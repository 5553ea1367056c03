"""Judges one saboteur: which requirements it is found to break.

A requirement that it declares is tried by all its checks, under four chunk plans, and is given a
few seconds only: to hang is one way to break it. One that it does not declare is tried by its
checks under one plan, or by what takes longer if it has no others, and has to fail twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from conformance.court import Court
from conformance.plugin import trials
from conformance.subject import Subject
from spec import catalogue
from tests.saboteurs import Saboteur, restore_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.registry import Trial

BROKEN = {"fail", "warn", "observed"}
FUZZ, FEW = 10, 3  # examples of a property, where it is declared and where not
DECLARED_PLANS = {None, "whole", "bytewise", "crlf-cut"}
PATIENCE = 5.0  # seconds for what is declared; the correct session needs one at most


@dataclass(frozen=True)
class Found:
    """What came of one saboteur."""

    name: str
    summary: str
    declared: frozenset[str]
    perhaps: frozenset[str]
    broken: frozenset[str]
    unreached: frozenset[str]  # trials that it fails, though they do not reach what it replaces
    seconds: float

    @property
    def as_declared(self) -> bool:
        """Whether it breaks what it declares and nothing else."""
        return self.broken - self.perhaps == self.declared and not self.unreached

    @property
    def complaint(self) -> str:
        """What is not as declared."""
        missed = ", ".join(sorted(self.declared - self.broken)) or "nothing"
        extra = ", ".join(sorted(self.broken - self.declared - self.perhaps)) or "nothing"
        said = f"{self.name}: declared and not caught: {missed}; broken and not declared: {extra}"
        unreached = ", ".join(sorted(self.unreached))
        return f"{said}; fails what was to be left out: {unreached}" if unreached else said


@cache
def undeclared() -> tuple[Trial, ...]:
    """What requirements are tried by that are not declared."""
    short = {trial.requirement for trial in trials() if not _is_long(trial)}
    return tuple(
        trial
        for trial in trials()
        if trial.plan in {None, "whole" if trial.name == "examples" else "crlf-cut"}
        if not _is_long(trial) or trial.requirement not in short
    )


def _is_long(trial: Trial) -> bool:
    """Properties, what is heavy, and what was recorded and is cut at every line: they take long."""
    recorded = trial.plan is not None and trial.name.startswith("recorded")
    return trial.play is None or trial.heavy or recorded


def judge(saboteur: Saboteur, reached: Collection[str] | None = None) -> Found:
    """Try one saboteur; `reached`: all that can tell it from the correct session; None: unknown.

    Of requirements that it does not declare, only such trials are tried; and one of those that it
    declares which it fails has to be among them.
    """
    began = time.monotonic()
    broken: set[str] = set()
    left_out: set[str] = set()
    if reached is not None:
        left_out = {str(trial) for trial in undeclared()} - set(reached)
    unreached: set[str] = set()
    restore_all()
    try:
        subject = Subject(str(saboteur), saboteur.session, "0")
        with Court(subject, catalogue.load(), brief=True) as court:
            court.preflight()
            for trial in _tried(saboteur, reached or ()):
                if trial.requirement not in broken and _breaks(court, trial, saboteur):
                    broken.add(trial.requirement)
                    if str(trial) in left_out:
                        unreached.add(str(trial))
    finally:
        restore_all()
    doc = (saboteur.session.__doc__ or "").strip().partition("\n")[0]
    return Found(
        str(saboteur),
        doc,
        saboteur.breaks,
        saboteur.perhaps,
        frozenset(broken),
        frozenset(unreached),
        time.monotonic() - began,
    )


def _tried(saboteur: Saboteur, others: Collection[str]) -> Iterator[Trial]:
    known = {trial for trial in undeclared() if str(trial) in others}
    for trial in trials():
        if trial.requirement in saboteur.breaks:
            if trial.plan in DECLARED_PLANS:
                yield replace(trial, limit=min(trial.limit, PATIENCE))
        elif trial in known:
            yield trial


def _breaks(court: Court, trial: Trial, saboteur: Saboteur) -> bool:
    is_declared = trial.requirement in saboteur.breaks
    court.fuzz = FUZZ if is_declared else FEW
    # On a busy machine a rule about time may fail once.
    return all(_fails(court, trial, saboteur) for _ in range(1 if is_declared else 2))


def _fails(court: Court, trial: Trial, saboteur: Saboteur) -> bool:
    verdict = court.hear(trial)
    if verdict.state == "error":
        raise RuntimeError(f"{saboteur}: {verdict.block}")
    return verdict.state in BROKEN
