"""pytest's side of the suite: options, one test for each trial, and the summary.

`conformance/conftest.py` hands these hooks on in a checkout; an installed suite loads this module
with `-p`. It adds nothing to a run that does not collect the suite.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import conformance
from conformance.court import Court, PreflightError
from conformance.registry import TRIALS, Trial
from conformance.subject import DEFAULT, LoadError, load
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.verdicts import Verdict

COURT = pytest.StashKey[Court]()
CLAIMS = pytest.StashKey[frozenset[str]]()
CANNOT_RUN = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("conformance", "the session that is judged")
    group.addoption("--session", default=DEFAULT, metavar="MODULE:ATTRIBUTE", help="what to judge")
    group.addoption("--claims", metavar="PROFILES", help="comma-separated profiles it claims")
    group.addoption("--fuzz", type=int, default=25, metavar="N", help="examples for each property")


def pytest_configure(config: pytest.Config) -> None:
    """Load the session class, and the claims."""
    config.addinivalue_line("markers", "requirement(id): the requirement that a trial judges")


def claims(config: pytest.Config) -> frozenset[str]:
    """The profiles that are claimed: all for our own session, two by default for others."""
    given = config.getoption("--claims")
    if given is None:
        own = config.getoption("--session") == DEFAULT
        return frozenset(catalogue.PROFILES if own else ("documented", "robust"))
    named = frozenset(part.strip() for part in given.split(","))
    if unknown := named - set(catalogue.PROFILES):
        known = ", ".join(catalogue.PROFILES)
        raise pytest.UsageError(
            f"--claims: no profile {', '.join(sorted(unknown))}; known: {known}"
        )
    return named


def trials() -> list[Trial]:
    """Every trial of the suite."""
    conformance.discover()
    return TRIALS


@pytest.fixture(scope="session")
def court(request: pytest.FixtureRequest) -> Iterator[Court]:
    """The court, its session class loaded and shown to work at all."""
    config = request.config
    try:
        subject = load(config.getoption("--session"))
        with Court(subject, catalogue.load(), fuzz=config.getoption("--fuzz")) as made:
            made.preflight()
            config.stash[COURT] = made
            yield made
    except (LoadError, PreflightError) as error:
        pytest.exit(f"cannot judge: {error}", returncode=CANNOT_RUN)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the verdict."""
    court = config.stash.get(COURT, None)
    if court is None or not court.verdicts:
        return
    write = terminalreporter.write_line
    terminalreporter.section("conformance")
    for line in summary(court, claims(config)):
        write(line)


def summary(court: Court, claimed: frozenset[str]) -> list[str]:
    """The end of a run: how many requirements were judged, and what each profile comes to."""
    worst = by_requirement(court.verdicts)
    levels = Counter((court.catalogue[name].level, state) for name, state in worst.items())
    subject = court.subject
    lines = [f"fasthttp conformance · spec 1.0 · session {subject.name} {subject.version}"]
    parts = []
    for level, broken in (("MUST", "fail"), ("SHOULD", "warn"), ("MAY", "observed")):
        total = sum(n for (kind, _), n in levels.items() if kind == level)
        if total:
            parts.append(
                f"{level} {levels[level, 'pass']} of {total}"
                + (f", {levels[level, broken]} {broken}" if levels[level, broken] else "")
            )
    lines.append("   ".join(parts))
    for profile in catalogue.PROFILES:
        judged = {name: s for name, s in worst.items() if court.catalogue[name].profile == profile}
        if profile in claimed and judged:
            failing = sorted(name for name, state in judged.items() if state in ("fail", "error"))
            verdict = (
                "CONFORMS" if not failing else f"DOES NOT ({len(failing)}): {', '.join(failing)}"
            )
            lines.append(f"{profile}: {verdict}")
    return lines


ORDER = ("error", "fail", "warn", "observed", "pass", "untestable", "not-claimed")


def by_requirement(verdicts: list[Verdict]) -> dict[str, str]:
    """The worst state of each requirement that was judged."""
    worst: dict[str, str] = {}
    for verdict in verdicts:
        states = (verdict.state, worst.get(verdict.requirement, ORDER[-1]))
        worst[verdict.requirement] = min(states, key=ORDER.index)
    return worst
