"""Keeps what the reports of all tests say, and closes the run: files, exit code, last lines.

It works in the process that the user started. With pytest-xdist the trials run in others; then the
reports come from there, and so do the names of what was collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance import baseline as baselines
from conformance import report as reports
from conformance.results import TOO_LITTLE, Results
from conformance.verdicts import Verdict
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.registry import Trial
    from conformance.subject import Subject

COUNTED = {"MUST", "SHOULD"}
DIED = "???"  # pytest-xdist's word for when, in the report of a test whose process is gone


class Clerk:
    """One run's verdicts."""

    def __init__(
        self,
        config: pytest.Config,
        subject: Subject,
        claims: Collection[str],
        baseline: baselines.Baseline,
        trials: Iterable[Trial],
    ) -> None:
        self.config, self.subject, self.claims, self.baseline = config, subject, claims, baseline
        self.trials = {str(trial): trial for trial in trials}
        self.verdicts: list[Verdict] = []
        self.chosen: set[str] = set()
        self.strangers = False  # a test that is no trial has failed
        self.summary: list[str] = []

    # What comes in

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which trials are going to run."""
        self._choose(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Note the same from a worker."""
        self._choose(ids)

    def _choose(self, ids: Iterable[str]) -> None:
        self.chosen |= {_name(id_) for id_ in ids} & self.trials.keys()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the verdict of a test that has run; one that ended without is an error."""
        trial = self.trials.get(_name(report.nodeid))
        found: Any = vars(report).get("verdict")
        if found:
            self.verdicts.append(Verdict(**found))
        elif report.failed and trial:
            state, code = ("fail", "crash") if report.when == DIED else ("error", None)
            self.verdicts.append(
                Verdict(trial.requirement, str(trial), state, code, block=report.longreprtext)
            )
        self.strangers |= report.failed and not trial

    # What comes of it

    def results(self) -> Results:
        """What this run comes to."""
        known = catalogue.load()
        asked = {self.trials[name].requirement for name in self.chosen}
        partly = {
            trial.requirement for name, trial in self.trials.items() if name not in self.chosen
        }
        if not self._left_away():
            # Nothing was selected: then a rule without any trial counts as well, as not judged.
            asked |= {
                id_
                for id_, found in known.items()
                if found.profile in self.claims and not found.untested
            }
        counted = {id_ for id_ in asked if known[id_].level in COUNTED}
        return Results(self.verdicts, known, self.claims, counted, asked - partly, self.baseline)

    def _left_away(self) -> bool:
        """Whether some of the trials that are claimed were not to run."""
        known = catalogue.load()
        return any(
            known[trial.requirement].profile in self.claims and name not in self.chosen
            for name, trial in self.trials.items()
        )

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, and set the exit code."""
        if self.verdicts:
            self._close(session, exitstatus)
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = TOO_LITTLE
            self.summary = ["nothing was judged: no claimed trial has been selected"]

    def _close(self, session: pytest.Session, exitstatus: int) -> None:
        found = self.results()
        self.summary = found.lines(self.subject.name, self.subject.version)
        if path := self.config.getoption("--write-baseline"):
            before = baselines.read(path, found.catalogue) if path.exists() else self.baseline
            made = before.merged(found.verdicts, found.complete)
            path.write_text(made.text(), "utf-8")
            self.summary.append(made.summary(str(path)))
        if path := self.config.getoption("--report"):
            fuzz = self.config.getoption("--fuzz")
            path.write_text(reports.text(reports.build(found, self.subject, fuzz)), "utf-8")
            self.summary.append(f"report   {path}")
        judged = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        judged |= bool(session.shouldfail)  # -x: with pytest-xdist, pytest says "interrupted"
        if judged and not self.strangers:
            session.exitstatus = found.exit_code()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the end of the run: a block for each warning, which no test shows, and the sum."""
        warned = {v.requirement: v.block for v in reversed(self.verdicts) if v.state == "warn"}
        if warned:
            terminalreporter.section("warnings of the suite")
        for block in warned.values():
            terminalreporter.write_line(block)
        if self.summary:
            terminalreporter.section("conformance")
        for line in self.summary:
            terminalreporter.write_line(line)


def _name(nodeid: str) -> str:
    return nodeid.partition("[")[2].removesuffix("]")
