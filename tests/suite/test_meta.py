"""The suite judges what it says it judges: every rule has a trial, and every trial a rule."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from conformance.baseline import Baseline
from conformance.clerk import Clerk
from conformance.plans import PLANS
from conformance.plugin import trials
from conformance.subject import Subject
from conformance.verdicts import Verdict
from spec import catalogue
from tests.suite.runs import suite

if TYPE_CHECKING:
    from pathlib import Path

# MUSTs and SHOULDs whose checks are still to be written. May only become shorter.
NOT_YET: frozenset[str] = frozenset()


def test_every_rule_has_a_trial() -> None:
    """Every MUST and SHOULD has a trial, or says why it cannot have one."""
    judged = {trial.requirement for trial in trials()}
    missing = {
        id_
        for id_, found in catalogue.load().items()
        if found.level != "MAY" and not found.untested and id_ not in judged
    }

    assert missing == NOT_YET


def test_what_is_untested_has_no_trial() -> None:
    """A rule that says why it cannot be judged is not judged."""
    untested = {id_ for id_, found in catalogue.load().items() if found.untested}

    assert untested & {trial.requirement for trial in trials()} == set()


def test_every_trial_has_a_rule() -> None:
    """No check names an id that is not in the catalogue."""
    assert {trial.requirement for trial in trials()} <= set(catalogue.load())


def test_trials_have_names_of_their_own() -> None:
    """Each trial can be asked for by its name, which begins with its requirement."""
    names = Counter(map(str, trials()))

    assert [name for name, times in names.items() if times > 1] == []
    assert all(str(trial).startswith(f"{trial.requirement}-") for trial in trials())


def test_trials_can_be_selected() -> None:
    """`-k ID and plan` needs names that pytest's expressions can hold, and plans that there are."""
    for trial in trials():
        assert str(trial).replace("-", "").replace(".", "").isalnum(), str(trial)
        assert trial.plan in {None, *PLANS}
        assert (trial.play is None) != (trial.search is None)


def test_ids_in_the_reports_of_a_run(tmp_path: Path) -> None:
    """Coverage is what a run has judged: the ids in its report, and nothing that was only found."""
    path, wanted = tmp_path / "result.json", ["urls-relative", "urls-slashes", "urls-empty"]

    run = suite("-k", " or ".join(wanted), "--report", path)

    assert run.returncode == 0, run.stdout
    report = json.loads(path.read_text("utf-8"))
    assert sorted(report["requirements"]) == sorted(wanted)
    assert report["judged"] == {"requirements": 3, "asked": 3}


def test_a_rule_that_nothing_judges_is_missed() -> None:
    """In a whole run, a rule for which no trial reports counts as asked for and not judged."""
    others = [trial for trial in trials() if trial.requirement != "lines-endings"]
    subject = Subject("mylib:Session", object, "1")
    clerk = Clerk(None, subject, catalogue.PROFILES, Baseline(), others)  # type: ignore[arg-type] # no options are looked at
    clerk.chosen = set(clerk.trials)
    clerk.verdicts = [Verdict(trial.requirement, str(trial), "pass") for trial in others]

    found = clerk.results()

    assert "lines-endings" in found.asked
    assert found.judged() == len(found.asked) - 1


def test_a_process_that_is_gone_is_a_crash() -> None:
    """A session that takes its process along has failed; no verdict otherwise is an error."""
    clerk = Clerk(None, Subject("a:B", object, "1"), catalogue.PROFILES, Baseline(), trials())  # type: ignore[arg-type] # as above
    name = str(trials()[0])
    for when in ("???", "setup"):
        report = pytest.TestReport(f"x::y[{name}]", ("x", 1, "y"), {}, "failed", "gone", when)  # type: ignore[arg-type] # xdist's own word
        clerk.pytest_runtest_logreport(report)

    assert [(found.trial, found.state, found.code) for found in clerk.verdicts] == [
        (name, "fail", "crash"),
        (name, "error", None),
    ]
