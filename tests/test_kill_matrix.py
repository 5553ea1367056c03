"""Every saboteur is caught, by the requirements that it declares and by no other.

The whole matrix takes minutes: `--whole` plays every trial against every saboteur. Without it each
saboteur only meets the trials of the requirements it declares, under few chunk plans.
"""

from __future__ import annotations

import pytest

from conformance.court import Court
from conformance.plugin import trials
from conformance.subject import Subject
from spec import catalogue
from tests.saboteurs import Saboteur, discover, restore_all

BROKEN = {"fail", "warn", "observed"}
QUICK_PLANS = {None, "whole", "bytewise", "crlf-cut"}


def broken(saboteur: Saboteur, *, whole: bool) -> set[str]:
    """The ids of the requirements that the saboteur is found to break."""
    found: set[str] = set()
    with Court(Subject(str(saboteur), saboteur.session, "0"), catalogue.load(), fuzz=10) as court:
        court.preflight()
        for trial in trials():
            declared = trial.requirement in saboteur.breaks
            if trial.requirement in found or not (
                whole or (declared and trial.plan in QUICK_PLANS)
            ):
                continue
            verdict = court.hear(trial)
            assert verdict.state != "error", verdict.block
            if verdict.state in BROKEN:
                found.add(verdict.requirement)
    return found


@pytest.mark.parametrize("saboteur", discover(), ids=str)
def test_is_caught(saboteur: Saboteur, pytestconfig: pytest.Config) -> None:
    """The requirements that a saboteur declares are those that it is found to break."""
    whole = pytestconfig.getoption("--whole")

    try:
        found = broken(saboteur, whole=whole)
    finally:
        restore_all()

    assert found - saboteur.perhaps == saboteur.breaks
