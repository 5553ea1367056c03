"""Every saboteur is caught by what it declares; what the matrix leaves out cannot tell it apart.

That it breaks nothing else takes minutes to try: `make kill-matrix` does, in CI; here `--whole`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from tests.judging import undeclared
from tests.kill_matrix import main
from tests.rivals import rivals
from tests.saboteurs import Sabotaged, Saboteur, discover
from tests.seams import Code, Played, doors, reached, record

ROOT = Path(__file__).resolve().parent.parent
KNOWN = {str(known): known for known in discover()}


def test_each_is_caught(pytestconfig: pytest.Config) -> None:
    """The requirements that a saboteur declares are those that it is found to break."""
    extent = [] if pytestconfig.getoption("--whole") else ["--quick"]
    command = [sys.executable, "-m", "tests.kill_matrix", *extent]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def played() -> list[Played]:
    """What the correct session does in some trials."""
    chosen = {
        "session-verbs-examples",
        "lines-last-examples-whole",
        "lifecycle-quiet-in-a-process-of-its-own",
        "security-loopback-spellings",
        "session-redirects-followed-recorded-relative",
        "timeouts-refusal-named-examples",
        "timeouts-request-examples",
        "urls-climb-examples",
    }
    some = [trial for trial in undeclared() if str(trial) in chosen]
    assert len(some) == len(chosen)
    return record(some, 3)


@pytest.mark.parametrize(
    ("saboteur", "requirements"),
    [
        ("session.PutIsPost", {"session-verbs"}),  # a method
        ("lines.BlankRuns", {"lines-last", "lifecycle-quiet"}),  # a class, also elsewhere
        ("body.NoExtensions", {"lines-last", "lifecycle-quiet", "timeouts-request"}),  # a constant
        ("eventsource.FixedDelay", set()),  # a function that none of these calls
        ("security.ComparesTexts", {"security-loopback"}),  # a hook of several saboteurs
    ],
)
def test_reached_seams_are_recorded(
    saboteur: str, requirements: set[str], played: list[Played]
) -> None:
    """A trial that runs what a saboteur replaces, or what names it, reaches its seam."""
    found = {each.trial for each in reached(KNOWN[saboteur], played)}

    assert found == {each.trial for each in played if any(map(each.trial.startswith, requirements))}


def test_what_is_not_known_is_tried() -> None:
    """A seam that nothing is known of, and a trial that proves nothing, are no reason to skip."""

    class Unnamed(Sabotaged):
        __hash__ = None  # type: ignore[assignment] # the fault

    class Known(Sabotaged):
        patches: ClassVar = {"fasthttp.eventsource.delay": None}

    quiet = Played("a", frozenset({Code("x", 1, "x")}), frozenset(), 1)
    failed = Played("b", None, frozenset(), 1)
    assert doors(Unnamed) is None
    assert reached(_saboteur(Unnamed), [quiet, failed]) == [quiet, failed]
    assert reached(_saboteur(Known), [quiet, failed]) == [failed]


def _saboteur(session: type[Sabotaged]) -> Saboteur:
    return Saboteur(session, frozenset(), frozenset())


@pytest.mark.parametrize(
    ("saboteur", "requirements"),
    [
        ("session.OctetStream", {"session-verbs"}),  # a request like another
        ("urls.PlainDotsOnly", {"urls-climb"}),  # the address of no such one
        ("timeouts.NanIsTaken", {"timeouts-refusal-named"}),  # a constructor
        ("session.TwoRedirects", {"session-redirects-followed"}),  # what a redirect leads to
        ("timeouts.StaysOn", {"timeouts-request"}),  # what it leaves behind
    ],
)
def test_rivals_are_asked(saboteur: str, requirements: set[str], played: list[Played]) -> None:
    """What only computes is tried where it computes something else than the library, only."""
    assert saboteur in rivals()
    found = {each.trial for each in reached(KNOWN[saboteur], played)}

    assert found == {each.trial for each in played if any(map(each.trial.startswith, requirements))}


def test_what_was_drawn_is_tried() -> None:
    """Another draw may tell two apart that the first ones did not."""
    (only,) = doors(KNOWN["timeouts.NanIsTaken"].session) or ()
    drawn, fixed = (Played("a", frozenset({only}), apart, 1) for apart in (None, frozenset[str]()))

    assert reached(KNOWN["timeouts.NanIsTaken"], [drawn, fixed]) == [drawn]


def test_the_matrix_that_is_shown_is_this_one() -> None:
    """The file that the site shows has every saboteur, with what it declares now."""
    shown = json.loads((ROOT / "conformance" / "results" / "kill-matrix.json").read_text())

    assert {entry["name"]: set(entry["breaks"]) for entry in shown["saboteurs"]} == {
        name: set(known.breaks) for name, known in KNOWN.items()
    }


def test_nothing_to_try_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A matrix of no saboteurs is not green."""
    with pytest.raises(SystemExit) as end:
        main(["nobody"])

    assert end.value.code == 2
    assert "names no saboteur" in capsys.readouterr().err
