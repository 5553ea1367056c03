"""What `-k` selects: a requirement, a plan or a trial by its name, else whatever has the word."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from _pytest.mark import KeywordMatcher
from _pytest.mark.expression import Expression

from conformance import selection
from conformance.plans import PLANS
from conformance.plugin import trials
from conformance.show import failure
from conformance.verdicts import Deviation
from spec import catalogue
from tests.suite.runs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.registry import Trial


class _Collected:
    """Catches what is collected; pytest itself then says which words an item goes by."""

    def __init__(self) -> None:
        self.words: dict[str, KeywordMatcher] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            name = item.name.partition("[")[2].removesuffix("]")
            self.words[name] = KeywordMatcher.from_item(item)

    def selected(self, expression: str) -> list[str]:
        """The trials that `-k` with this expression comes to."""
        names = {*catalogue.load(), *PLANS, *self.words}
        chosen = Expression.compile(selection.exact(expression, names))
        return [name for name, words in self.words.items() if chosen.evaluate(words)]


@pytest.fixture(scope="module")
def collected() -> _Collected:
    """Every trial, as a run collects them."""
    found = _Collected()
    words = ("--collect-only", "-p", "no:terminal", "-p", "no:cacheprovider")
    pytest.main([*words, str(ROOT / "conformance" / "test_conformance.py")], plugins=[found])
    assert list(found.words) == list(map(str, trials()))
    return found


def rerun(trial: Trial) -> str:
    """What the command in the trial's block selects."""
    requirement = catalogue.load()[trial.requirement]
    block = failure(requirement, trial, Deviation("crash"), None, {}, "fail", "mylib:Session")
    words = shlex.split(block.splitlines()[-1])
    return words[words.index("-k") + 1]


def test_rerun_is_one_trial(collected: _Collected) -> None:
    """Whichever trial fails, its command selects that one, though others have its words too."""
    found = {str(trial): collected.selected(rerun(trial)) for trial in trials()}

    assert {name: chosen for name, chosen in found.items() if chosen != [name]} == {}


def test_id_is_one_requirement(collected: _Collected) -> None:
    """An id selects the trials of its requirement, and none of one whose id begins the same."""
    for id_ in catalogue.load():
        own = [str(trial) for trial in trials() if trial.requirement == id_]
        assert collected.selected(id_) == own


@pytest.mark.parametrize("plan", PLANS)
def test_plan_is_one_plan(collected: _Collected, plan: str) -> None:
    """A plan's name selects what is played under it, in upper case as well."""
    own = [str(trial) for trial in trials() if trial.plan == plan]

    assert collected.selected(plan) == collected.selected(plan.upper()) == own


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("lines", lambda name: "lines" in name),
        ("lines-endings-exam", lambda name: "lines-endings-exam" in name),
        (
            "lines-endings and crlf-cut",
            lambda name: name.startswith("lines-endings-") and name.endswith("-crlf-cut"),
        ),
        ("not lifecycle and not zstd", lambda name: not ("lifecycle" in name or "zstd" in name)),
        (
            "not (session-method or lines)",
            lambda name: not ("lines" in name or name.startswith("session-method-examples")),
        ),
    ],
)
def test_other_words(collected: _Collected, expression: str, chosen: Callable[[str], bool]) -> None:
    """A word that is nobody's name selects whatever has it, and words go together as always."""
    own = [str(trial) for trial in trials() if chosen(str(trial))]

    assert own
    assert collected.selected(expression) == own
