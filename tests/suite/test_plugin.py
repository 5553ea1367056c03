"""Runs of the suite as a user makes them: what is said, what is written, and the exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from conformance import plugin
from spec import catalogue
from tests.suite.runs import hear, python, suite, together

if TYPE_CHECKING:
    from pathlib import Path

BAD = ("--session", "tests.saboteurs.bytes:SizeUnseen")
# Quick to judge: a MUST, and a SHOULD that the session above does not keep.
SELECTED = ("-k", "urls-relative or bytes-size-refused")
BROKEN = ("--session", "tests.saboteurs.lines:UnicodeSeparators")
LINES = ("-k", "lines-endings and examples")


def counted(profile: str) -> int:
    """How many rules a session has to be judged by to conform to a profile."""
    rules = catalogue.load().values()
    return sum(rule.profile == profile and rule.level != "MAY" for rule in rules)


def test_conforms(tmp_path: Path) -> None:
    """0: all that was asked for passes; the end of the run says how much of a profile that is."""
    run = suite(*LINES)

    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[-5:-1] == [
        "fasthttp conformance · spec 1.0 · session fasthttp:AsyncSession 0.1.0",
        "MUST 1 of 1",
        "judged   1 of 1 requirements asked for",
        f"verdict  documented: 1 of {counted('documented')} judged",
    ]


def test_does_not_conform(tmp_path: Path) -> None:
    """1: the block is printed without a traceback, reports hold the verdict, JUnit the id."""
    result, junit = tmp_path / "result.json", tmp_path / "junit.xml"

    run = suite(*BROKEN, *LINES, "--report", result, "--junitxml", junit)

    assert run.returncode == 1
    assert "lines-endings  MUST  documented  FAIL wrong-value" in run.stdout
    assert "Traceback" not in run.stdout
    report = json.loads(result.read_text("utf-8"))
    assert report["requirements"]["lines-endings"]["state"] == "fail"
    assert report["exit"] == 1
    cases = ET.parse(junit).findall(".//testcase")
    found = [
        {each.get("name"): each.get("value") for each in case.iter("property")} for case in cases
    ]
    assert found == [{"requirement": "lines-endings"}] * 7


def test_rerun_command_works() -> None:
    """The command in a block makes that trial again, and that one only."""
    verdict = hear(BROKEN[1], "lines-endings-examples-crlf-cut")
    (command,) = re.findall(r"^  rerun     pytest (.*)$", verdict.block, re.MULTILINE)

    again = python("-m", "pytest", *shlex.split(command), "-q", "-p", "no:cacheprovider")

    assert again.returncode == 1
    assert "\n1 failed, " in again.stdout


def test_warning() -> None:
    """0: a SHOULD that is broken does not fail the run, and its block is printed all the same."""
    run = suite(*BAD, *SELECTED)

    assert run.returncode == 0, run.stdout
    assert "bytes-size-refused  SHOULD  robust  WARN wrong-exception" in run.stdout
    assert "SHOULD 0 of 1    1 warn" in run.stdout


def test_baseline(tmp_path: Path) -> None:
    """0 with what was written; 1 when it fails otherwise; 1 when it does not fail any more."""
    path = tmp_path / "baseline.toml"

    written = suite(*BROKEN, *LINES, "--write-baseline", path)
    assert written.returncode == 1
    assert f"baseline {path}: 1 entries, 1 of them to be explained" in written.stdout
    assert path.read_text().endswith(
        '\n[lines-endings]\nverdict = ["wrong-value"]\nreason = "not explained yet"\n'
    )

    path.write_text(path.read_text().replace("not explained yet", "it is known"))
    other = tmp_path / "other.toml"
    other.write_text(path.read_text().replace("wrong-value", "hang"))
    kept, regressed = together(
        (*BROKEN, *LINES, "--baseline", path, "--write-baseline", path),
        (*BROKEN, *LINES, "--baseline", other),
    )
    assert kept.returncode == 0, kept.stdout
    assert "MUST 0 of 1    1 baselined" in kept.stdout
    assert 'reason = "it is known"' in path.read_text()
    assert regressed.returncode == 1
    assert "  baseline  expects hang: this is a regression" in regressed.stdout


def test_stale_baseline(tmp_path: Path) -> None:
    """1: an entry that nothing needs is named, also in JUnit; one judged in part is left alone."""
    path, junit = tmp_path / "baseline.toml", tmp_path / "junit.xml"
    path.write_text(
        '[urls-relative]\nverdict = "sent-wrong"\nreason = ""\n'
        '[lines-endings]\nverdict = "wrong-value"\nreason = ""\n'
    )

    selected = ("-k", "urls-relative or (lines-endings and whole)")

    run = suite("--baseline", path, *selected, "--junitxml", junit)

    assert run.returncode == 1
    assert "stale    urls-relative: the baseline expects a deviation" in run.stdout
    failed = ET.parse(junit).findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["baseline[urls-relative]"]


def test_a_run_that_is_cut_short(tmp_path: Path) -> None:
    """What had no turn is not stale, stays in a baseline, and is not called conforming."""
    entries = (
        '\n[lines-endings]\nverdict = ["hang", "wrong-value"]\nreason = "a"\n'
        '\n[lines-last]\nverdict = ["missing"]\nreason = "b"\n'
    )
    paths = [tmp_path / "first.toml", tmp_path / "second.toml"]
    for path in paths:
        path.write_text(entries)
    made = [tmp_path / "first.json", tmp_path / "second.json"]
    selected = ("-k", "lines-endings or lines-last")

    failed, interrupted = together(
        (*BROKEN, *selected, "-x", "--write-baseline", paths[0], "--report", made[0]),
        (
            *("-p", "tests.suite.interrupting", *selected, "--baseline", paths[1]),
            *("--write-baseline", paths[1], "--report", made[1]),
        ),
    )

    assert (failed.returncode, interrupted.returncode) == (1, 6)
    for run, path, report in zip((failed, interrupted), paths, made, strict=True):
        assert path.read_text().endswith(entries), run.stdout
        assert "short    cut short: " in run.stdout
        assert "stale" not in run.stdout + report.read_text()
        assert "CONFORMS" not in run.stdout
        found = json.loads(report.read_text("utf-8"))
        assert (found["complete"], found["exit"]) == (False, run.returncode)
        assert found["profiles"]["robust"]["conforms"] is None


def test_too_little_of_a_profile(tmp_path: Path) -> None:
    """One requirement that passes is a 0, and no verdict on the profile; one unjudged is a 6."""
    path = tmp_path / "one.json"
    peer = ("--session", "conformance.peers.httpx.session:Session", "-k", "bytes-zstd-frames")

    one, none = together((*LINES, "--report", path), peer)

    assert (one.returncode, none.returncode) == (0, 6)
    profiles = json.loads(path.read_text("utf-8"))["profiles"]
    assert profiles["documented"] == {"conforms": None, "failing": []}
    assert f"verdict  robust: 0 of {counted('robust')} judged" in none.stdout


def test_cannot_run() -> None:
    """4: one message that says what is wrong, before anything is judged."""
    messages = {
        ("--session", "tests.suite.clients:TakesNothing"): (
            "cannot judge: tests.suite.clients:TakesNothing failed at: constructor(base_url=..."
        ),
        ("--session", "no_such_lib:Session"): "importing no_such_lib failed: ModuleNotFound",
        ("--claims", "documented,fast"): "--claims: no profile fast; known: documented, robust",
        ("--fuzz", "0"): "'0' is not a number above 0",
        ("--report", "no/such/folder/r.json"): "there is no folder no/such/folder",
        ("--report", "docs"): "cannot judge: --report docs: Is a directory",
        ("--report", "/proc/x.json"): "cannot judge: --report /proc/x.json: ",
        ("--write-baseline", "docs"): "cannot judge: --write-baseline docs: Is a directory",
        ("--fuzz-db", "README.md"): "cannot judge: --fuzz-db README.md: File exists",
        ("--baseline", "README.md"): "cannot judge: README.md: ",
    }

    for run, message in zip(together(*messages), messages.values(), strict=True):
        assert run.returncode == 4
        assert message in run.stdout + run.stderr
        assert "Traceback" not in run.stdout + run.stderr


def test_second_preflight() -> None:
    """4: an adapter that only works the first time, or in some processes, is as broken."""
    sessions = {
        ("--session", "tests.suite.clients:WorksOnce"): "WorksOnce",
        ("--session", "tests.suite.clients:WorksInOneProcess", "-n", "2"): "WorksInOneProcess",
    }

    for run, name in zip(together(*sessions), sessions.values(), strict=True):
        assert run.returncode == 4, run.stdout
        assert f"cannot judge: tests.suite.clients:{name} failed at: async with" in run.stdout
        assert "ZeroDivisionError: oops" in run.stdout
        assert "Traceback" not in run.stdout + run.stderr
        assert len(run.stdout.splitlines()) < 60, run.stdout


def test_looking_whether_a_file_can_be_written_leaves_it(tmp_path: Path) -> None:
    """A report of an earlier run stays until there is another; a pipe is opened once only."""
    old, new, pipe = (tmp_path / name for name in ("old.json", "new.json", "pipe"))
    old.write_text("{}")
    os.mkfifo(pipe)

    for path in (old, new, pipe):
        plugin.try_to_write("--report", path)

    assert old.read_text() == "{}"
    assert not new.exists()


def test_suite_broke() -> None:
    """3: an exception of the suite's own is no verdict, and has its traceback."""
    messages = {
        ("-p", "tests.suite.broken_check", "-k", "mistaken"): "'NoneType' object has no attribute",
        ("-p", "tests.suite.unknown_check", "-k", "session"): (
            "checks judge what no chapter requires: session-nonsense"
        ),
    }

    for run, message in zip(together(*messages), messages.values(), strict=True):
        assert run.returncode == 3
        assert message in run.stdout + run.stderr
        assert "Traceback" in run.stdout + run.stderr


def test_too_little_was_judged() -> None:
    """6: a run that judged nothing is not green, as it would be if everything was skipped."""
    for run in together(("-k", "no-such-rule"), ("-k", "session-context", "--claims", "events")):
        assert run.returncode == 6
        assert "nothing was judged: no claimed trial has been selected" in run.stdout


def test_two_processes_come_to_the_same(tmp_path: Path) -> None:
    """With pytest-xdist the verdicts, the report and the exit code are those of one process."""
    selected = "(lines-endings and examples) or urls-relative or bytes-size-refused"
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    options = [(*BROKEN, "-k", selected, "--report", path) for path in paths]

    one, two = together(options[0], (*options[1], "-n", "2"))

    assert (one.returncode, two.returncode) == (1, 1)
    reports = [json.loads(path.read_text("utf-8")) for path in paths]
    assert reports[0] == reports[1]
    assert reports[0]["judged"] == {"requirements": 3, "asked": 3}


def test_stopped_at_the_first_failure() -> None:
    """A MUST is broken whatever ended the run: `-x`, in several processes too, or an interrupt."""
    interrupted = ("-p", "tests.suite.interrupted", *LINES)

    one, two, other = together(
        (*BROKEN, *LINES, "-x"), (*BROKEN, *LINES, "-x", "-n", "2"), (*BROKEN, *interrupted)
    )

    assert (one.returncode, two.returncode, other.returncode) == (1, 1, 1), two.stdout
    assert "verdict  documented: DOES NOT (1)" in two.stdout
    assert "MUST 0 of 1" in other.stdout


def test_shared_examples(tmp_path: Path) -> None:
    """`--fuzz-db DIR` keeps there what failed."""
    run = suite(*BROKEN, "-k", "lines-endings-drawn", "--fuzz", "30", "--fuzz-db", tmp_path / "db")

    assert run.returncode == 1, run.stdout
    assert any(path.is_file() for path in (tmp_path / "db").rglob("*"))


def test_warnings_are_no_verdict() -> None:
    """Where the configuration makes errors of warnings, those of the session stay warnings."""
    session = ("--session", "tests.suite.clients:Warns")

    run = suite("-c", "pyproject.toml", *session, "-k", "urls-relative or lines-endings-examples")

    assert run.returncode == 0, run.stdout
    assert "DeprecationWarning: `stream` will have another name" in run.stdout
