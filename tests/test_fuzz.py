"""Whatever a server says, the session and its parts end well, in time, or in the right errors.

A few hundred inputs of each property of `tests.fuzz`, the same ones each time; `make fuzz` goes on
from there for as long as it is given.
"""

from __future__ import annotations

import gc
import tracemalloc
import warnings
from typing import TYPE_CHECKING

import pytest

from tests import fuzz

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = {"session": 150, "reader": 500, "body": 300, "short": 100, "text": 300}
PEAK = 64 * 2**20  # bytes


def close() -> None:
    """Close the session and the server that the examples share."""
    if fuzz.rig is not None:
        fuzz.rig.close()
        fuzz.rig = None


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    close()


@pytest.mark.parametrize("name", fuzz.PROPERTIES)
def test_property(name: str) -> None:
    """The property holds for each input; see it for what it says."""
    fuzz.search(name, EXAMPLES[name])


def test_nothing_is_left() -> None:
    """After many bad exchanges the session closes without a warning, in little memory."""
    tracemalloc.start()
    try:
        fuzz.search("session", 50)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < PEAK
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close()
        gc.collect()
