"""Every saboteur is caught by the requirements that it declares.

That it breaks no other takes minutes to try: `make kill-matrix` does, in CI; here `--whole`.
"""

from __future__ import annotations

import pytest

from tests.kill_matrix import judge
from tests.saboteurs import Saboteur, discover


@pytest.mark.parametrize("saboteur", discover(), ids=str)
def test_is_caught(saboteur: Saboteur, pytestconfig: pytest.Config) -> None:
    """The requirements that a saboteur declares are those that it is found to break."""
    found = judge(saboteur, whole=pytestconfig.getoption("--whole"))

    assert found.broken - found.perhaps == found.declared
