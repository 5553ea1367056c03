"""Makes `pytest conformance` in a checkout the suite."""

from conformance.plugin import (
    court,
    pytest_addoption,
    pytest_configure,
    pytest_terminal_summary,
)

__all__ = ["court", "pytest_addoption", "pytest_configure", "pytest_terminal_summary"]
