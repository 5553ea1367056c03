"""Sessions that give nonsense, or try to end or to fool the run: each costs its own verdicts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.verdicts import Deviation, compare, plain
from tests.suite import hostile
from tests.suite.runs import ROOT, court, python, trial

if TYPE_CHECKING:
    from conformance.verdicts import Verdict

# One trial for each way in which checks take hold of what a session gives.
TRIALS = (
    "session-verbs-whole-verbs-wait-for-the-body",
    "session-status-first-head-before-body",
    "session-response-head-examples-whole",
    "body-framings-examples-whole",
    "text-whole-examples-whole",
    "lines-endings-examples-whole",
    "body-aread-examples-whole",
)
ENOUGH = 30.0  # seconds, where it is to pass, however busy the machine
NONSENSE = (
    hostile.GivesNone,
    hostile.GivesText,
    hostile.GivesADict,
    hostile.HasNoHeaders,
    hostile.NotACoroutine,
    hostile.ConstructorRaises,
)
ENDS = (
    hostile.Exits,
    hostile.Interrupts,
    hostile.Cancels,
    hostile.Skips,
    hostile.EndsTheRun,
    hostile.SaysNotApplicable,
    hostile.StopsTheLoop,
    hostile.ClosesTheLoop,
    hostile.ExitsInACallback,
)


def heard(session: type, *names: str, limit: float = 1.0) -> list[Verdict]:
    with court(f"tests.suite.hostile:{session.__name__}", brief=True) as made:
        return [made.hear(trial(name, limit=limit)) for name in names]


@pytest.mark.parametrize("session", NONSENSE)
def test_nonsense_is_a_verdict(session: type) -> None:
    """What cannot be handled is the session's fault, and no mistake of the suite."""
    states = {verdict.trial: verdict.state for verdict in heard(session, *TRIALS)}

    assert states == dict.fromkeys(TRIALS, "fail")


@pytest.mark.parametrize("session", ENDS)
def test_nobody_ends_the_run(session: type) -> None:
    """What would end a program, a test or a loop is a crash, and the next trial is heard."""
    verdicts = heard(session, "lines-endings-examples-whole", "text-whole-examples-whole")

    assert [(verdict.state, verdict.code) for verdict in verdicts] == [("fail", "crash")] * 2


def test_an_exit_at_the_end_of_a_block_is_judged_where_blocks_are() -> None:
    """What only reads has been read by then; the rule about the block is broken."""
    reading, leaving = heard(
        hostile.ExitsOnLeaving, "text-whole-examples-whole", "session-context-block", limit=ENOUGH
    )

    assert reading.state == "pass"
    assert (leaving.state, leaving.code) == ("fail", "crash")


def test_a_rejected_example_is_not_passed_over() -> None:
    """Who could make Hypothesis draw another example would choose what it is judged by."""
    (verdict,) = heard(hostile.Rejects, "lines-endings-drawn")

    assert (verdict.state, verdict.code) == ("fail", "crash")


@pytest.mark.filterwarnings("ignore:m:DeprecationWarning", "ignore:more:ResourceWarning")
@pytest.mark.parametrize(
    "session", [hostile.ClosesTheOutput, hostile.ReplacesTheOutput, hostile.WarnsAlways]
)
def test_the_output_stays(session: type, capsys: pytest.CaptureFixture[str]) -> None:
    """A session may print and warn; it closes and replaces nothing that is not its own."""
    before = sys.stdout, sys.stderr

    (verdict,) = heard(session, "text-whole-examples-whole", limit=ENOUGH)

    assert verdict.state == "pass"
    assert (sys.stdout, sys.stderr) == before
    print("told", file=sys.stderr)
    assert capsys.readouterr().err.endswith("told\n")


def test_the_folder_stays() -> None:
    """Reports are written where they were asked for."""
    before = Path.cwd()

    (verdict,) = heard(hostile.MovesAway, "text-whole-examples-whole", limit=ENOUGH)

    assert (verdict.state, Path.cwd()) == ("pass", before)


@pytest.mark.parametrize(
    "session", [hostile.GivesEqualObjects, hostile.GivesEqualText, hostile.GivesEqualBytes]
)
def test_nobody_says_that_he_is_equal(session: type) -> None:
    """Whether two values are equal is not for the session to say."""
    verdicts = heard(session, *TRIALS[-4:])

    assert {verdict.state for verdict in verdicts} == {"fail"}


def test_who_does_not_come_again_is_not_waited_for() -> None:
    """Events that end instead of another connection are a verdict at once, not after a hang."""
    (verdict,) = heard(hostile.EndsItsEvents, "events-reconnect-delay-short")

    assert (verdict.state, verdict.code, verdict.note) == ("fail", "missing", "the events ended")


def test_what_cannot_be_shown() -> None:
    """A value that breaks when it is printed has its failure block all the same."""
    verdicts = heard(hostile.GivesTheUnshowable, *TRIALS[-4:])

    assert {verdict.state for verdict in verdicts} == {"fail"}
    assert all("rule" in verdict.block for verdict in verdicts)


@pytest.mark.parametrize("got", ["abc", b"abc", 7, None, [1], hostile.Unshowable()])
def test_plain(got: object) -> None:
    """A text stays a text; a text that thinks otherwise is what its characters are."""
    lying = hostile.EqualText("x")

    assert plain(got) is got
    assert type(plain(lying)) is str
    with pytest.raises(Deviation):
        compare(["y"], [lying])


def test_a_process_that_is_ended_has_not_conformed() -> None:
    """Exit code 0 without an end of the run is no conformance."""
    run = python(
        *("-c", "from conformance.rerun import main; raise SystemExit(main())"),
        *("tests.suite.hostile:EndsTheProcess", "-k", "lines-endings and whole"),
    )

    assert run.returncode == 1
    assert "the session has ended it" in run.stderr
    assert os.fspath(ROOT) not in run.stderr
