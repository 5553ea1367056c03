"""What a run comes to: the worst counts, nothing is passed over, and the exit code says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.baseline import Baseline, Entry
from conformance.results import Results
from conformance.verdicts import STATES, Verdict
from spec import catalogue

MUST, SHOULD, MAY = "lines-endings", "lines-cr-arrival", "session-expect"
OTHER = "text-whole"
CLAIMS = ("documented", "robust")


def results(
    *states: tuple[str, str],
    asked: set[str] | None = None,
    baseline: tuple[str, ...] = (),
    left: set[str] | None = None,
    missing: int = 0,
) -> Results:
    """The results of trials that ended so; each requirement that is asked for is complete."""
    verdicts = [
        Verdict(id_, f"{id_}-{n}", state, "hang" if state in ("fail", "warn") else None)
        for n, (id_, state) in enumerate(states)
    ]
    asked = {id_ for id_, _ in states} if asked is None else asked
    expected = Baseline({id_: Entry(("hang",), "why") for id_ in baseline})
    known = catalogue.load()
    return Results(verdicts, known, CLAIMS, asked, asked, expected, left or set(), missing)


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("pass", "untestable"), "pass"),
        (("untestable",), "untestable"),
        (("blocked", "blocked"), "blocked"),
        (("pass", "baselined", "pass"), "baselined"),
        (("warn", "baselined"), "warn"),
        (("fail", "warn", "pass"), "fail"),
        (("fail", "error"), "error"),
    ],
)
def test_a_requirement_is_as_good_as_its_worst_trial(states: tuple[str, ...], worst: str) -> None:
    """One failing trial is enough."""
    assert results(*((MUST, state) for state in states)).states() == {MUST: worst}


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([(MUST, "pass")], 0),
        ([(MUST, "pass"), (SHOULD, "warn"), (MAY, "observed")], 0),
        ([(MUST, "baselined")], 0),
        ([(MUST, "fail")], 1),
        ([(SHOULD, "fail")], 1),
        ([(MUST, "fail"), (OTHER, "error")], 3),
        ([(MUST, "untestable")], 6),
        ([(MUST, "blocked")], 6),
        ([(MUST, "fail"), (OTHER, "blocked")], 1),
        ([], 6),
    ],
)
def test_exit_code(states: list[tuple[str, str]], code: int) -> None:
    """0: it conforms; 1: it does not; 3: the suite broke; 6: too little was judged."""
    assert results(*states).exit_code() == code


def test_four_of_five_are_enough() -> None:
    """A run may leave a fifth of what was asked for unjudged, and no more."""
    asked = [*catalogue.load()][:10]
    passing = [(id_, "pass") for id_ in asked]

    assert results(*passing[:8], asked=set(asked)).exit_code() == 0
    assert results(*passing[:7], asked=set(asked)).exit_code() == 6


def test_stale_entry() -> None:
    """An entry that no trial needs any more fails the run, and is named."""
    found = results((MUST, "pass"), baseline=(MUST,))

    assert found.states() == {MUST: "stale"}
    assert found.exit_code() == 1
    assert f"stale    {MUST}: the baseline expects a deviation" in found.lines("s", "1")


def test_only_what_was_judged_whole_is_stale() -> None:
    """An entry whose requirement was judged in part, or not at all, is no matter of this run."""
    found = results((MUST, "pass"), baseline=(MUST, OTHER))
    partly = Results(found.verdicts, found.catalogue, CLAIMS, {MUST}, set(), found.baseline)

    assert found.stale() == [MUST]
    assert partly.stale() == []


def test_a_code_that_did_not_occur() -> None:
    """It is named, so that an entry does not excuse for ever what nobody has; it fails nothing."""
    found = results((MUST, "baselined"), (OTHER, "baselined"), (SHOULD, "blocked"))
    for verdict in found.verdicts:
        verdict.code = "hang"
    entries = {MUST: Entry(("hang", "leak", "crash"), ""), OTHER: Entry(("hang",), "")}
    skipped = {SHOULD: Entry(("leak",), "")}
    found = replace(found, baseline=Baseline({**entries, **skipped}))

    told = f"spare    {MUST}: leak, crash: the baseline lists what did not occur"
    assert told in found.lines("s", "1")
    assert found.stale() == []


@pytest.mark.parametrize("state", ["blocked", "untestable"])
def test_what_could_not_be_judged_is_not_stale(state: str) -> None:
    """An entry whose requirement was skipped may be needed again; one trial that passes decides."""
    skipped = results((MUST, state), baseline=(MUST,))
    passed = results((MUST, state), (MUST, "pass"), baseline=(MUST,))

    assert (skipped.states(), skipped.decided()) == ({MUST: state}, set())
    assert (passed.states(), passed.decided()) == ({MUST: "stale"}, {MUST})


@pytest.mark.parametrize(
    ("found", "conforms", "words"),
    [
        (results((MUST, "pass")), True, "CONFORMS"),
        (results((MUST, "fail"), left={OTHER}), False, "DOES NOT (1)"),
        (results((MUST, "pass"), left={OTHER}), None, "1 of 2 judged"),
        (results((MUST, "untestable")), None, "0 of 1 judged"),
        (results((MUST, "pass"), (OTHER, "blocked")), None, "1 of 2 judged"),
        (results((MUST, "pass"), missing=2), None, "1 of 1 judged"),
        (results((MUST, "pass"), left={SHOULD}), True, "CONFORMS"),  # of another profile
    ],
)
def test_a_profile_is_conformed_to_as_a_whole(
    found: Results, conforms: bool | None, words: str
) -> None:
    """A profile of which some was not to be judged, or too little was, has no verdict."""
    assert found.conforms("documented") is conforms
    assert found.lines("s", "1")[-1].startswith(f"verdict  documented: {words}")


def test_a_run_that_was_cut_short() -> None:
    """It is not green, and says how many trials there were to come; what failed is a 1 still."""
    found = results((MUST, "pass"), missing=2)

    assert found.exit_code() == 6
    assert "short    cut short: 2 trials that were to run did not" in found.lines("s", "1")
    assert results((MUST, "fail"), missing=2).exit_code() == 1


def test_a_level_that_was_not_judged_has_no_line() -> None:
    """Where nothing was judged, the end of a run has no empty line."""
    assert "" not in results((MUST, "untestable")).lines("s", "1")


def test_the_end_of_a_run() -> None:
    """Levels, what was judged, and a verdict on each profile that was claimed."""
    found = results(
        (MUST, "fail"),
        (OTHER, "pass"),
        (SHOULD, "warn"),
        (MAY, "observed"),
        ("body-aread", "baselined"),
    )

    assert found.lines("mylib:Session", "2.1") == [
        "fasthttp conformance · spec 1.0 · session mylib:Session 2.1",
        "MUST 1 of 3    1 baselined    1 FAIL          SHOULD 0 of 1    1 warn          "
        "MAY 1 observed",
        "judged   5 of 5 requirements asked for",
        "verdict  documented: DOES NOT (1)      robust: CONFORMS",
    ]


def test_every_state_has_a_place() -> None:
    """A state that results do not know of would be passed over."""
    from conformance.results import ORDER

    assert set(ORDER) == set(STATES) - {"not-claimed"}
