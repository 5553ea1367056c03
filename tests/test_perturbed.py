"""Verdicts do not move when the examples are said in other words."""

from __future__ import annotations

import pytest

from tests.perturbed import SESSIONS, chosen, moved, verdicts

PART = "examples-whole"


@pytest.mark.parametrize("session", SESSIONS)
def test_no_verdict_moves(session: str) -> None:
    """One seed, one plan; `python -m tests.perturbed` tries ten seeds and more plans."""
    part = [trial for trial in chosen() if str(trial).endswith(PART)]
    plain = verdicts(session, None, part)

    assert len(plain) > 40
    assert moved(session, 7, plain, part) == []


def test_a_session_made_for_the_examples_is_found_out() -> None:
    """It passes the example as it is written, and not in other words."""
    session = "tests.suite.clients:KnowsTheExample"
    part = [trial for trial in chosen() if str(trial) == "lines-endings-examples-whole"]
    plain = verdicts(session, None, part)

    assert plain == {"lines-endings-examples-whole": "pass"}
    assert moved(session, 7, plain, part) != []
