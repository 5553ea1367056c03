"""pytest's side of the suite: options, the court, and what a run comes to.

`conformance/conftest.py` hands these hooks on in a checkout; an installed suite loads this module
with `-p`. Verdicts travel in the reports of the tests, so that a run in several processes
(pytest-xdist) comes to the same as one in a single process.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import conformance
from conformance import baseline as baselines
from conformance import report as reports
from conformance.court import Court, PreflightError
from conformance.registry import TRIALS, Trial
from conformance.results import CANNOT_RUN, Results
from conformance.subject import DEFAULT, LoadError, Subject, load
from conformance.verdicts import Verdict
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = pytest.StashKey[Subject]()
BASELINE = pytest.StashKey[baselines.Baseline]()
COUNTED = {"MUST", "SHOULD"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("conformance", "the session that is judged")
    group.addoption("--session", default=DEFAULT, metavar="MODULE:ATTRIBUTE", help="what to judge")
    group.addoption("--claims", metavar="PROFILES", help="comma-separated profiles it claims")
    group.addoption("--fuzz", type=int, default=25, metavar="N", help="examples for each property")
    group.addoption("--perturb", type=int, metavar="SEED", help="the examples in other words")
    group.addoption("--baseline", type=Path, metavar="FILE", help="known deviations, as TOML")
    group.addoption("--write-baseline", type=Path, metavar="FILE", help="write or merge them")
    group.addoption("--report", type=Path, metavar="FILE", help="the result, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Load what is judged, and show that it works at all; else exit 4 with one message."""
    config.addinivalue_line("markers", "requirement(id): the requirement that a trial judges")
    claims(config)  # a wrong name is found now
    try:
        config.stash[SUBJECT] = subject = load(config.getoption("--session"))
        path = config.getoption("--baseline")
        known = catalogue.load()
        config.stash[BASELINE] = baselines.read(path, known) if path else baselines.Baseline()
        if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
            config.pluginmanager.register(Collector(config))
            with Court(subject, known) as court:
                court.preflight()
    except (LoadError, PreflightError, baselines.BaselineError) as error:
        pytest.exit(f"cannot judge: {error}", returncode=CANNOT_RUN)


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
    """Every trial of the suite, in the order of the chapters."""
    conformance.discover()
    order = list(catalogue.load())
    return sorted(TRIALS, key=lambda trial: order.index(trial.requirement))


@pytest.fixture(scope="session")
def court(request: pytest.FixtureRequest) -> Iterator[Court]:
    """The court that hears this process's trials."""
    config = request.config
    options = {"fuzz": config.getoption("--fuzz"), "perturb": config.getoption("--perturb")}
    with Court(config.stash[SUBJECT], catalogue.load(), **options) as made:
        made.preflight()
        yield made


def hear(court: Court, trial: Trial, request: pytest.FixtureRequest) -> None:
    """Run a trial as a test, and put its verdict into the test's report."""
    verdict = court.hear(trial)
    request.config.stash[BASELINE].apply(verdict)
    request.node.user_properties += [
        ("requirement", trial.requirement),
        ("verdict", asdict(verdict)),
    ]
    if verdict.state == "untestable":
        pytest.skip(verdict.note)
    if verdict.state in ("warn", "observed", "baselined"):
        print(verdict.block)
    if verdict.state in ("fail", "error"):
        pytest.fail(verdict.block, pytrace=False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave away what is not claimed: it is not judged, and not counted."""
    claimed, known = claims(config), catalogue.load()
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        trial = _trial(item)
        is_claimed = trial is None or known[trial.requirement].profile in claimed
        (kept if is_claimed else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _trial(item: pytest.Item) -> Trial | None:
    call = getattr(item, "callspec", None)
    trial = call.params.get("trial") if call else None
    return trial if isinstance(trial, Trial) else None


class Collector:
    """In the process that the user started: what the reports of all tests come to."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.verdicts: list[Verdict] = []
        self.collected: list[Trial] = []
        self.summary: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which trials are going to run; with workers, they know and this process does not."""
        self.collected = [trial for item in session.items if (trial := _trial(item))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the verdict of a test that has run, in whichever process."""
        found: Any = dict(report.user_properties).get("verdict")
        if report.when == "call" and found:
            self.verdicts.append(Verdict(**found))

    def results(self) -> Results:
        """What this run comes to."""
        known, claimed = catalogue.load(), claims(self.config)
        everything = trials()
        collected = self.collected or [
            trial for trial in everything if known[trial.requirement].profile in claimed
        ]
        chosen = {str(trial) for trial in collected}
        asked = {trial.requirement for trial in collected}
        partly = {trial.requirement for trial in everything if str(trial) not in chosen}
        counted = {id_ for id_ in asked if known[id_].level in COUNTED}
        expected = self.config.stash[BASELINE]
        return Results(self.verdicts, known, claimed, counted, asked - partly, expected)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, and set the exit code."""
        if not self.verdicts:
            return
        found, subject = self.results(), self.config.stash[SUBJECT]
        if path := self.config.getoption("--write-baseline"):
            before = baselines.read(path, found.catalogue) if path.exists() else found.baseline
            path.write_text(before.merged(found.verdicts, found.complete).text(), "utf-8")
        if path := self.config.getoption("--report"):
            path.write_text(reports.text(reports.build(found, subject)), "utf-8")
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = found.exit_code()
        self.summary = found.lines(subject.name, subject.version)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the end of the run."""
        if self.summary:
            terminalreporter.section("conformance")
            for line in self.summary:
                terminalreporter.write_line(line)
