"""Every trial as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.plugin import claims, trials

if TYPE_CHECKING:
    from conformance.court import Court
    from conformance.registry import Trial


@pytest.mark.parametrize("trial", trials(), ids=str)
def test_conforms(trial: Trial, court: Court, request: pytest.FixtureRequest) -> None:
    """The session does what the requirement says."""
    requirement = court.catalogue[trial.requirement]
    request.node.user_properties.append(("requirement", requirement.id))
    if requirement.profile not in claims(request.config):
        pytest.skip(f"{requirement.profile} is not claimed")
    verdict = court.hear(trial)
    if verdict.state == "untestable":
        pytest.skip(verdict.note)
    if verdict.state == "warn":
        print(verdict.block)
    if verdict.state in ("fail", "error"):
        pytest.fail(verdict.block, pytrace=False)
