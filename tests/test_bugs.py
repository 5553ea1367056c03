"""The table of faults: each has a check that runs, and a saboteur that proves it (spec/bugs.md)."""

import re
from pathlib import Path

import pytest

from conformance.plugin import trials
from spec import catalogue
from tests.saboteurs import discover

ROW = re.compile(r"^\| (B\d\d) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(Path(catalogue.__file__).with_name("bugs.md").read_text("utf-8"))

# A client may, or may not, wait for a 100: there is nothing to break.
OBSERVED = {"B68"}


def test_every_fault_has_a_row() -> None:
    """B01 to B96 are there, each once and in order."""
    assert [number for number, _, _ in ROWS] == [f"B{n:02}" for n in range(1, 97)]


APPLICABLE = [
    pytest.param(number, set(ids.split(", ")), id=number)
    for number, _, ids in ROWS
    if not ids.startswith("not applicable: ")
]


@pytest.mark.parametrize(("number", "ids"), APPLICABLE)
def test_is_proven(number: str, ids: set[str]) -> None:
    """Each requirement of a row has a check, and one of them a saboteur that breaks it."""
    assert ids <= {trial.requirement for trial in trials()}

    levels = {catalogue.load()[each].level for each in ids}
    sabotaged = {broken for known in discover() for broken in known.breaks | known.perhaps}
    assert (number in OBSERVED) == (levels == {"MAY"})
    assert ids & sabotaged or number in OBSERVED


NAMED = {
    (number, str(known)): known.breaks
    for known in discover()
    for number in re.findall(r"B\d\d", known.session.__doc__ or "")
}


@pytest.mark.parametrize("number", sorted({number for number, _ in NAMED}))
def test_saboteurs_that_name_it(number: str) -> None:
    """Of the saboteurs that name a fault, one breaks a requirement of its row."""
    row = next(set(ids.split(", ")) for known, _, ids in ROWS if known == number)

    assert any(row & breaks for (named, _), breaks in NAMED.items() if named == number)
