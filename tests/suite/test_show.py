"""The failure block, as it is printed: whole strings, of sessions whose bugs are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import show
from conformance.delivery import Delivery, Reply
from conformance.registry import Trial
from conformance.verdicts import Deviation, Difference
from spec import catalogue
from tests.suite.runs import hear

BLOCKS = Path(__file__).parent / "blocks"


def expected(name: str) -> str:
    """A block as it is to be printed."""
    return (BLOCKS / f"{name}.txt").read_text("utf-8").removesuffix("\n")


@pytest.mark.parametrize(
    ("session", "trial", "state", "name"),
    [
        ("lines:UnicodeSeparators", "lines-endings-examples-crlf-cut", "fail", "line-ends"),
        ("text:FourBytes", "text-whole-examples-utf8-cut", "fail", "characters"),
        ("body:ZeroIsTheEnd", "body-truncated-examples-whole", "fail", "cut-short"),
        ("lines:UnicodeSeparators", "lines-endings-drawn", "fail", "drawn"),
        ("bytes:SizeUnseen", "bytes-size-refused-examples", "warn", "warning"),
    ],
)
def test_block_of_a_saboteur(session: str, trial: str, state: str, name: str) -> None:
    """It has the rule, the call, the wire and its cuts, the difference, and the way back."""
    verdict = hear(f"tests.saboteurs.{session}", trial)

    assert verdict.state == state
    assert verdict.block == expected(name)


def test_block_of_a_hang() -> None:
    """A hang has a block like any other failure, and nothing is run again for a contrast."""
    verdict = hear("tests.suite.clients:NeverReturns", "lines-endings-examples-whole", limit=0.3)

    assert (verdict.state, verdict.code) == ("fail", "hang")
    assert verdict.block == expected("hang")


def test_block_of_a_crash() -> None:
    """A crash says where it happened, in characters that every terminal can take."""
    verdict = hear("tests.suite.clients:Crashes", "lines-endings-examples-whole")
    line = verdict.note.split("line ")[1].partition(",")[0]

    assert (verdict.state, verdict.code) == ("fail", "crash")
    assert verdict.block == expected("crash").replace("LINE", line)
    assert verdict.block.isascii()


def block(id_: str, deviation: Deviation, session: str = "mylib:Session", options: str = "") -> str:
    """The block of a requirement that a trial called "cut" finds broken."""
    requirement = catalogue.load()[id_]
    trial = Trial(id_, "cut", plan="whole")
    return show.failure(requirement, trial, deviation, None, {}, "fail", session, options)


def test_long_values_are_shown_where_they_differ() -> None:
    """Of long lists and texts only the surroundings of the first difference are printed."""
    whole = [f"line {n} " * 30 for n in range(300)]
    got = [
        *whole[:200],
        whole[200].replace("line 200 line", "line 200\tline", 1),
        *whole[201:],
    ]

    shown = block("lines-endings", Deviation("wrong-value", whole, got))

    assert "  expected  300 items, item 200: 'line 200 line 200 line 200 line 200" in shown
    assert r"  got       300 items, item 200: 'line 200\tline 200 line 200 line 200" in shown
    assert len(shown) < 1000


def test_rerun_is_one_line() -> None:
    """The rerun command is never wrapped, so that it can be copied."""
    shown = block("lines-endings", Deviation("crash"), session="a." * 60 + "b:C").splitlines()

    assert shown[-1].endswith("-k lines-endings-cut-whole")


def test_rerun_claims_what_it_needs() -> None:
    """A trial of a profile that others do not claim by default is asked for with its claim."""
    shown = block("events-attributes", Deviation("crash"), options="--fuzz 500").splitlines()

    assert shown[-1] == (
        "  rerun     pytest conformance --session mylib:Session --claims events --fuzz 500 "
        "-k events-attributes-cut-whole"
    )


def test_rerun_of_an_installed_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no checkout, the command is the installed one."""
    monkeypatch.setattr(show, "INSTALLED", True)

    shown = block("lines-endings", Deviation("crash")).splitlines()

    assert shown[-1] == (
        "  rerun     fasthttp-conformance mylib:Session -k lines-endings-cut-whole"
    )


def test_how_an_answer_ended_is_drawn() -> None:
    """The wire says after how many bytes the server left."""
    reply = Reply(body=b"abcdef")

    assert show.drawn(reply, Delivery("chunked", end=("reset", 3))) == (
        "< abc   (1 chunk, chunked, reset after 3 bytes)"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("é 😀\n", "é 😀\n"),
        ("\x1b[1m", r"\x1b[1m"),
        ("\ud800", r"\ud800"),
        ("\u2028\ufffe", r"\u2028\ufffe"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """Only what can be printed is printed; UTF-8 and XML can hold it."""
    assert show.visible(text) == shown


def test_words_are_shown_as_words() -> None:
    """What describes is not quoted, not cut after a line, and not compared by its letters."""
    got = "waited 2 s; " + "; ".join(f"connection {n} idle" for n in range(9)) + "; one is open"

    shown = block("lifecycle-cancel", Deviation("leak", "every connection idle or closed", got))

    assert "  expected  every connection idle or closed\n" in shown
    assert "one is open" in shown
    assert "first difference" not in shown


def test_what_came_instead_of_an_exception_is_a_value() -> None:
    """A text that the client gave is not taken for a description."""
    shown = block("body-closed", Deviation("no-exception", "httpx.StreamClosed", "one\ntwo"))

    assert "  expected  httpx.StreamClosed\n" in shown
    assert r"  got       'one\ntwo'" in shown


def test_no_row_is_wider_than_the_block() -> None:
    """A value without a blank in it is broken, too."""
    shown = block("lines-endings", Difference("wrong-value", ["a" * 150], ["b" * 150]))

    assert max(map(len, shown.splitlines()[:-1])) <= show.WIDTH
