"""Every saboteur is caught by the requirements that it declares.

That it breaks no other takes minutes to try: `make kill-matrix` does, in CI; here `--whole`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kill_matrix import judge, main
from tests.saboteurs import Saboteur, discover

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("saboteur", discover(), ids=str)
def test_is_caught(saboteur: Saboteur, pytestconfig: pytest.Config) -> None:
    """The requirements that a saboteur declares are those that it is found to break."""
    found = judge(saboteur, whole=pytestconfig.getoption("--whole"))

    assert found.broken - found.perhaps == found.declared


def test_the_matrix_that_is_shown_is_this_one() -> None:
    """The file that the site shows has every saboteur, with what it declares now."""
    shown = json.loads((ROOT / "conformance" / "results" / "kill-matrix.json").read_text())

    assert {entry["name"]: set(entry["breaks"]) for entry in shown["saboteurs"]} == {
        str(saboteur): set(saboteur.breaks) for saboteur in discover()
    }


@pytest.mark.parametrize("arguments", [["--share", "9/4"], ["--share", "0/4"], ["nobody"]])
def test_nothing_to_try_is_an_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A matrix of no saboteurs is not green."""
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2
    assert "is not a share" in (told := capsys.readouterr().err) or "names no saboteur" in told
