"""Verdicts do not move when the examples are said in other words."""

from __future__ import annotations

import pytest

from tests.perturbed import SEEDS, SESSIONS, SHARES, chosen, moved, share, verdicts

PART = "examples-whole"


@pytest.mark.parametrize("session", SESSIONS)
def test_no_verdict_moves(session: str) -> None:
    """One seed, one plan; `python -m tests.perturbed` tries ten seeds and more plans."""
    part = [trial for trial in chosen(session) if str(trial).endswith(PART)]
    plain = verdicts(session, None, part)

    assert len(plain) > 40
    assert moved(session, 7, plain, part) == []


def test_every_trial_has_its_turn() -> None:
    """The seeds share the trials; each is tried under three of them at least."""
    judged = chosen(SESSIONS[0])
    turns = [str(trial) for seed in SEEDS for trial in share(seed, judged)]

    assert set(turns) == set(map(str, judged))
    assert {turns.count(str(trial)) for trial in judged} <= {len(SEEDS) // SHARES, 4}


def test_a_session_made_for_the_examples_is_found_out() -> None:
    """It passes the example as it is written, and not in other words."""
    session = "tests.suite.clients:KnowsTheExample"
    part = [trial for trial in chosen(session) if str(trial) == "lines-endings-examples-whole"]
    plain = verdicts(session, None, part)

    assert plain == {"lines-endings-examples-whole": "pass"}
    assert moved(session, 7, plain, part) != []
