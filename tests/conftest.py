"""Options of our own tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that makes the kill matrix whole."""
    parser.addoption("--whole", action="store_true", help="the whole kill matrix, not a quick form")
