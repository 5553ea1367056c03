"""A plugin that interrupts a run as a person would, after its first failure."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Press Ctrl-C."""
    if report.failed:
        raise KeyboardInterrupt
