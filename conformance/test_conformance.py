"""Every trial as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.plugin import hear

if TYPE_CHECKING:
    import pytest

    from conformance.court import Court
    from conformance.registry import Trial


def test_conforms(trial: Trial, court: Court, request: pytest.FixtureRequest) -> None:
    """The session does what the requirement says."""
    hear(court, trial, request)
