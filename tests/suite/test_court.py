"""Verdicts: only what the session did counts, a crash is a crash, a hang costs one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from conformance import stage as stages
from conformance.court import SHORTEST
from conformance.delivery import Reply
from conformance.fuzzing import DatabaseError, database
from conformance.preflight import PreflightError
from conformance.registry import Trial
from conformance.verdicts import Deviation
from tests.suite.clients import LET_GO
from tests.suite.runs import court, hear, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.case import Case
    from conformance.court import Court

OURS = "fasthttp:AsyncSession"
FAST = "lines-endings-examples-whole"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who does not let itself be cancelled is left behind soon, and let go at the end."""
    monkeypatch.setattr(stages, "PATIENCE", 0.2)
    LET_GO.clear()
    yield
    LET_GO.set()


# what rests on something else


def test_what_needs_a_broken_rule_is_blocked() -> None:
    """Thirty crashes for one missing method say no more than one."""
    with court("tests.suite.clients:NoEvents") as made:
        needed = made.hear(trial("events-attributes-examples-whole"))
        resting = made.hear(trial("events-line-ends-examples-bytewise"))

    assert (needed.state, needed.code) == ("fail", "crash")
    assert (resting.state, resting.note) == (
        "blocked",
        "events-attributes fails, and this rests on it",
    )


def test_what_needs_a_rule_that_holds_is_judged() -> None:
    """In a process that has not judged what is needed, it is tried first."""
    assert hear(OURS, "events-line-ends-examples-bytewise").state == "pass"


# crashes


@pytest.mark.parametrize(
    ("session", "name"),
    [
        ("CrashesEverywhere", "headers-value-refused-examples"),
        ("CrashesEverywhere", "session-method-refused-examples"),
        ("CrashesInConstructor", "urls-base-refused-examples"),
    ],
)
def test_a_crash_never_satisfies_must_refuse(session: str, name: str) -> None:
    """What falls over where it ought to refuse has not refused."""
    verdict = hear(f"tests.suite.clients:{session}", name)

    assert (verdict.state, verdict.code) == ("fail", "wrong-exception")


def test_a_hang_never_satisfies_must_refuse() -> None:
    """What says nothing where it ought to refuse has not refused."""

    async def refuses(case: Case) -> None:
        async with case.opened() as session, case.stream(session, "GET", case.tape.url) as response:
            with pytest.raises(httpx.ReadTimeout):
                [line async for line in response.aiter_lines()]

    with court("tests.suite.clients:NeverReturns") as made:
        verdict = made.hear(Trial("lines-endings", "refuses", play=refuses, limit=0.3))

    assert (verdict.state, verdict.code) == ("fail", "hang")


def test_an_exception_of_the_client_is_a_crash() -> None:
    """It fails the requirement, and the suite is not to blame."""
    verdict = hear("tests.suite.clients:Crashes", FAST)

    assert (verdict.state, verdict.code) == ("fail", "crash")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("session-verbs-whole-verbs-wait-for-the-body", "get"),
        ("session-method-examples", "request"),
        ("session-method-refused-examples", "request"),
        ("headers-value-refused-examples", "request"),
    ],
)
def test_a_method_that_is_not_there_is_missing(name: str, member: str) -> None:
    """No crash of the suite's own line, and no refusal: the rule is broken for want of it."""
    verdict = hear("tests.suite.clients:StreamsOnly", name)

    assert (verdict.state, verdict.code) == ("fail", "missing")
    assert verdict.note == f"the session has no {member}()"
    assert "AttributeError" not in verdict.block


def test_an_exception_of_the_suite_is_an_error() -> None:
    """It is no verdict on the session, and has its traceback."""

    async def wrong(case: Case) -> None:
        case.play(None)  # type: ignore[arg-type] # what is wrong here

    with court(OURS) as made:
        verdict = made.hear(Trial("lines-endings", "wrong", play=wrong))

    assert (verdict.state, verdict.code) == ("error", "AttributeError")
    assert "Traceback" in verdict.block


@pytest.mark.parametrize(
    "act", [lambda session: session.nonsense, lambda session: session.get(1, 2)]
)
def test_what_the_client_lacks_is_its_own_fault(act: Callable[[Any], Any]) -> None:
    """A method or an argument that is not there is the session's, though the suite's line fails."""

    async def asks(case: Case) -> None:
        async with case.opened() as session:
            await act(session)

    with court(OURS) as made:
        verdict = made.hear(Trial("lines-endings", "asks", play=asks))

    assert (verdict.state, verdict.code) == ("fail", "crash")


# hangs


@pytest.mark.parametrize("session", ["NeverReturns", "ClingsOn", "BlocksTheLoop"])
@pytest.mark.usefixtures("impatient")
def test_a_hang_costs_one_verdict(session: str) -> None:
    """The trial fails, whatever the session does to its loop, and the next one is heard."""
    with court(f"tests.suite.clients:{session}") as made:
        hung = made.hear(trial(FAST, limit=0.3))
        other = made.hear(trial("text-whole-examples-whole"))

        assert (hung.state, hung.code, hung.note) == ("fail", "hang", "nothing came back in 0.3 s")
        assert other.state == "pass", other.block
        assert made.stage.abandoned == (session != "NeverReturns")


def test_patience_runs_out() -> None:
    """A session that hangs everywhere does not hold up the run for hours."""
    with court(OURS) as made:
        limits = []
        for made.hangs in (0, 1, 2, 3, 20):
            limits.append(made._patience(30))

        assert limits == [30, 15, 7.5, SHORTEST, SHORTEST]
        assert made._patience(0.5) == 0.5


def test_a_hang_that_is_searched_for_is_not_made_simpler() -> None:
    """Hypothesis would hang as long for every simpler value that it tries."""
    tried = []

    def search(made: Court) -> None:
        @made.settings()
        @given(st.integers())
        def play(drawn: int) -> None:
            tried.append(drawn)
            made.play(_read_lines, 0.2)

        play()

    with court("tests.suite.clients:NeverReturns") as made:
        verdict = made.hear(Trial("lines-endings", "drawn", search=search))

    assert (verdict.state, verdict.code) == ("fail", "hang")
    assert len(tried) == 1


async def _read_lines(case: Case) -> None:
    async with case.opened() as session:
        await case.read(session, case.play(Reply(body=b"a\n")).url, "aiter_lines")


# searching


def _search(judge: Callable[[int], None], **more: st.SearchStrategy[int]) -> Trial:
    def search(made: Court) -> None:
        @made.settings()
        @given(more.get("numbers", st.integers(0, 1000)))
        def play(drawn: int) -> None:
            judge(drawn)

        play()

    return Trial("lines-endings", "drawn", search=search)


def _deviates(from_: int, seen: list[int]) -> Callable[[int], None]:
    def judge(drawn: int) -> None:
        seen.append(drawn)
        if drawn >= from_:
            raise Deviation("extra", from_, drawn)

    return judge


def test_every_run_draws_the_same() -> None:
    """Without a shared database a search is the same whenever it is made."""
    runs: list[list[int]] = [[], []]
    with court(OURS) as made:
        for drawn in runs:
            assert made.hear(_search(drawn.append)).state == "pass"

    assert runs[0] == runs[1]
    assert 20 < len(runs[0]) <= made.fuzz


def test_the_number_of_examples() -> None:
    """`--fuzz N` is how many are drawn: the time grows with it, and with nothing else."""
    drawn: list[int] = []
    with court(OURS, fuzz=200) as made:
        made.hear(_search(drawn.append))

    assert 150 < len(drawn) <= 200


def test_a_shared_database_remembers(tmp_path: Path) -> None:
    """What failed once is tried first by the next who uses the folder."""
    for _ in range(2):
        drawn: list[int] = []
        # So many are sure to find it.
        with court(OURS, fuzz=200, fuzz_db=str(tmp_path / "db")) as made:
            verdict = made.hear(_search(_deviates(700, drawn)))

        assert (verdict.state, verdict.code) == ("fail", "extra")
    assert drawn[0] == 700


def test_what_a_shared_database_found_is_found_again(tmp_path: Path) -> None:
    """The command of what was searched for names the database; nothing else was found by it."""
    where = str(tmp_path / "my db")
    with court("tests.saboteurs.lines:UnicodeSeparators", fuzz_db=where) as made:
        drawn = made.hear(trial("lines-endings-drawn"))
        example = made.hear(trial("lines-endings-examples-whole"))

    assert drawn.block.endswith(f" --fuzz-db '{where}' -k lines-endings-drawn")
    assert "--fuzz-db" not in example.block


def test_a_database_cannot_be_a_file(tmp_path: Path) -> None:
    """Where no folder can be made, that is said, and not kept for the end of a night."""
    (tmp_path / "db").touch()

    with pytest.raises(DatabaseError, match=r"^--fuzz-db .*/db: File exists$"):
        database(str(tmp_path / "db"))


def test_a_database_on_a_server_needs_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis database without the package for it is an error that says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "redis", None)

    with pytest.raises(DatabaseError, match=r"^--fuzz-db redis://here: pip install redis"):
        database("redis://here")


def test_no_database() -> None:
    """Nothing is kept unless somebody asks for it."""
    assert database(None) is None


def test_a_failure_that_comes_and_goes_is_a_failure() -> None:
    """A session that fails now and then with the same input fails."""
    seen: set[int] = set()

    def judge(drawn: int) -> None:
        if drawn > 100 and not seen:
            seen.add(drawn)
            raise Deviation("missing", 1, 2)

    with court(OURS) as made:
        verdict = made.hear(_search(judge))

    assert (verdict.state, verdict.code) == ("fail", "missing")
    assert verdict.note == "it comes and goes with the same input"


def test_a_search_that_finds_nothing_to_try_is_an_error() -> None:
    """That is the suite's fault, and no crash of the session."""
    with court(OURS) as made:
        verdict = made.hear(_search(lambda drawn: reject()))

    assert (verdict.state, verdict.code) == ("error", "Unsatisfiable")


# preflight


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (
            "TakesNothing",
            "tests.suite.clients:TakesNothing failed at: "
            "constructor(base_url=..., headers=..., timeout=..., security=False)\n"
            "TypeError: TakesNothing() takes no arguments",
        ),
        (
            "StreamIsACoroutine",
            "tests.suite.clients:StreamIsACoroutine failed at: "
            'async with session.stream("GET", path)\n'
            "TypeError: 'coroutine' object does not support the asynchronous context manager "
            "protocol",
        ),
        (
            "OtherBody",
            "tests.suite.clients:OtherBody failed at: await response.aread()\n"
            "expected b'preflight', got b''",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'StreamIsACoroutine.stream' was never awaited")
def test_preflight_names_the_step(session: str, message: str) -> None:
    """A broken adapter is told once, by the step that it failed at, and why."""
    with pytest.raises(PreflightError) as caught, court(f"tests.suite.clients:{session}"):
        pass

    assert str(caught.value) == message
