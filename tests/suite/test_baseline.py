"""Known deviations: excused only in the form that is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.baseline import Baseline, BaselineError, Entry, read
from conformance.verdicts import CODES, Verdict

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {"lines-endings", "text-whole", "body-aread"}
BASELINE = Baseline({"lines-endings": Entry(("wrong-value", "extra"), "reported as #123")})


def verdict(state: str, code: str | None = None, id_: str = "lines-endings") -> Verdict:
    return Verdict(id_, f"{id_}-examples", state, code, block="block\n  rerun")


@pytest.mark.parametrize("state", ["fail", "warn"])
def test_expected_deviation_is_excused(state: str) -> None:
    """A failure with a code that the entry lists is baselined, and has the entry's reason."""
    found = verdict(state, "extra")

    BASELINE.apply(found)

    assert (found.state, found.note) == ("baselined", "reported as #123")


@pytest.mark.parametrize("state", ["fail", "warn"])
def test_another_code_is_a_regression(state: str) -> None:
    """A check that begins to fail differently fails, even if its rule is only a SHOULD."""
    found = verdict(state, "hang")

    BASELINE.apply(found)

    assert found.state == "fail"
    assert found.block == (
        "block\n  baseline  expects wrong-value, extra: this is a regression\n  rerun"
    )


@pytest.mark.parametrize(
    "found", [verdict("pass"), verdict("error", "KeyError"), verdict("fail", "hang", "text-whole")]
)
def test_everything_else_is_left_alone(found: Verdict) -> None:
    """Passes, errors of the suite, and requirements without an entry stay what they are."""
    before = found.state

    BASELINE.apply(found)

    assert found.state == before


def test_merging() -> None:
    """New deviations come in, gone ones go out, reasons stay, and so does what was not judged."""
    before = Baseline(
        {
            "lines-endings": Entry(("hang",), "why", "fault", "https://example.com"),
            "body-aread": Entry(("crash",), "gone"),
            "text-whole": Entry(("missing",), "not judged now"),
        }
    )
    found = [
        verdict("fail", "wrong-value"),
        verdict("baselined", "extra"),
        verdict("pass", id_="body-aread"),
        verdict("observed", "missing", id_="bytes-raw"),
    ]

    merged = before.merged(found, judged={"lines-endings", "body-aread", "bytes-raw"})

    assert merged.entries == {
        "lines-endings": Entry(("extra", "wrong-value"), "why", "fault", "https://example.com"),
        "text-whole": Entry(("missing",), "not judged now"),
    }


def test_what_was_judged_in_part_loses_no_code() -> None:
    """A run of some trials of a requirement adds the codes that it finds, and keeps the rest."""
    before = Baseline({"lines-endings": Entry(("missing", "wrong-value"), "why")})

    merged = before.merged([verdict("fail", "wrong-value"), verdict("fail", "hang")], judged=set())

    assert merged.entries == {"lines-endings": Entry(("hang", "missing", "wrong-value"), "why")}


def test_new_entries_ask_for_a_reason() -> None:
    """What was generated says that it is not explained, and the run says how many are not."""
    made = Baseline().merged([verdict("fail", "hang")], set())

    assert made.entries["lines-endings"].reason == "not explained yet"
    assert made.summary("b.toml") == "baseline b.toml: 1 entries, 1 of them to be explained"


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """Reasons survive, whatever is in them."""
    path = tmp_path / "baseline.toml"
    reason = 'splits at "U+2028" \\ naïve\nand so on'
    made = Baseline(
        {
            "text-whole": Entry(("hang", "crash"), reason, "choice", "a 1.0, a/naïve.py"),
            "body-aread": Entry(("leak",), "r"),
        }
    )

    path.write_text(made.text(), "utf-8")

    assert read(path, KNOWN) == made


def test_nobody_has_to_say_more_than_why() -> None:
    """Kind and source are written where they are known, and left out where they are not."""
    made = Baseline(
        {"text-whole": Entry(("hang",), "r"), "body-aread": Entry(("leak",), "r", "limit")}
    )

    assert [entry.table() for entry in made.entries.values()] == [
        {"verdict": ["hang"], "reason": "r"},
        {"verdict": ["leak"], "reason": "r", "kind": "limit"},
    ]
    assert made.text().endswith('[body-aread]\nverdict = ["leak"]\nreason = "r"\nkind = "limit"\n')


CODE_LIST = ", ".join(CODES)
HANGS = '[text-whole]\nverdict = "hang"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[no-such-rule]\nverdict = ["hang"]', "there is no requirement 'no-such-rule'"),
        ('[text-whole]\nverdict = ["slow"]', f"text-whole: verdict is one or more of {CODE_LIST}"),
        ("[text-whole]\nverdict = []", f"text-whole: verdict is one or more of {CODE_LIST}"),
        ('[text-whole]\nreason = "x"', f"text-whole: verdict is one or more of {CODE_LIST}"),
        ("[text-whole]\nverdict = [[1]]", f"text-whole: verdict is one or more of {CODE_LIST}"),
        ("text-whole = 3", f"text-whole: verdict is one or more of {CODE_LIST}"),
        (
            f'{HANGS}kind = "bug"',
            "text-whole: kind is one of fault, choice, limit, and not 'bug'",
        ),
        (f'{HANGS}kind = ""', "text-whole: kind is one of fault, choice, limit, and not ''"),
        (f"{HANGS}source = 3", "text-whole: source is text"),
        (f"{HANGS}reason = 3", "text-whole: reason is text"),
        (
            f'{HANGS}sauce = "x"',
            "text-whole: there is no key 'sauce'; known: verdict, reason, kind, source",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """A wrong id, key or word is an error that names the file and the entry."""
    path = tmp_path / "baseline.toml"
    path.write_text(text)

    with pytest.raises(BaselineError) as caught:
        read(path, KNOWN)

    assert str(caught.value) == f"{path}: {message}"


def test_one_code_may_stand_alone(tmp_path: Path) -> None:
    """`verdict = "hang"` is as good as a list of one."""
    path = tmp_path / "baseline.toml"
    path.write_text('[text-whole]\nverdict = "hang"\nreason = "r"')

    assert read(path, KNOWN).entries == {"text-whole": Entry(("hang",), "r")}


@pytest.mark.parametrize("content", [None, b"\xff", b"[text-whole"])
def test_what_is_no_baseline(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, no UTF-8 or no TOML is an error that names it."""
    path = tmp_path / "baseline.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BaselineError, match=r"baseline\.toml: "):
        read(path, KNOWN)
