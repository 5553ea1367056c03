"""`python -m conformance` and the installed command: they tell, list, verify, and run anywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

import conformance
from conformance import __main__ as cli
from conformance import rerun
from conformance.__main__ import main
from spec import catalogue
from tests.suite.runs import ROOT, suite

Output = pytest.CaptureFixture[str]

EXPLAINED = r"""lines-endings   MUST   documented   source: Streaming, Basic Usage
  rule      A line ends at LF or CRLF, and at nothing else but a lone CR; the ending is not part of
            the line.
  why       """


def test_explain(capsys: Output) -> None:
    """A rule comes with its reason, an example and its wire, the usual cause, the command."""
    assert main(["explain", "lines-endings"]) == 0

    told = capsys.readouterr().out
    assert told.startswith(EXPLAINED)
    assert "\n  likely    Look for `str.splitlines()`" in told
    assert (
        r"""
  wire      < {"a": "x\xe2\x80\xa8y"}\r\nb\nc\n   (1 chunk, chunked)"""
        in told
    )
    assert told.endswith('\n  run       pytest conformance -k "lines-endings"\n\n')


@pytest.mark.parametrize("id_", list(catalogue.load()))
def test_everything_can_be_explained(id_: str, capsys: Output) -> None:
    """Each requirement of the catalogue has an explanation that any terminal can show."""
    assert main(["explain", id_]) == 0

    told = capsys.readouterr().out
    assert told.startswith(id_)
    assert all(char.isprintable() for line in told.splitlines() for char in line)


def test_explain_what_is_not_there(capsys: Output) -> None:
    """An id with a slip is answered with those near it."""
    assert main(["explain", "line-ending"]) == 4

    assert (
        "there is no requirement 'line-ending'; near it: lines-endings" in capsys.readouterr().err
    )


def test_explain_where_it_is_installed(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is the one that there is, and the chapter a file that there is."""
    monkeypatch.setattr(cli, "INSTALLED", True)

    assert main(["explain", "lines-endings"]) == 0

    told = capsys.readouterr().out
    assert told.endswith('\n  run       fasthttp-conformance -k "lines-endings"\n\n')
    (place,) = re.findall(r"more in (.*):\d+", told)
    assert Path(place) == ROOT / "spec" / "lines.md"


@pytest.mark.parametrize("form", ["html", "markdown", "junit"])
def test_output_is_utf_8(form: str, tmp_path: Path) -> None:
    """Whatever the terminal's encoding is, a page is what it says that it is."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**kept(), "session": {"name": "naïve:Session", "version": "1"}}))

    run = subprocess.run(
        [sys.executable, "-m", "conformance", "report", path, "--to", form],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "naïve:Session" in run.stdout.decode("utf-8")


def test_a_reader_that_has_seen_enough() -> None:
    """`list | head` ends without a word when nobody reads any more."""
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == b""
    assert run.returncode == 0


def test_a_malformed_catalogue(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """3: a slip in a chapter is told in a line that names it, by the commands and by a run."""
    told = "the catalogue is malformed: spec/lines.md:11: there is no level 'MOST'\n"

    def load() -> NoReturn:
        raise catalogue.SpecError("lines.md", 11, "there is no level 'MOST'")

    run = suite("-p", "tests.suite.malformed")
    monkeypatch.setattr(catalogue, "load", load)

    assert main(["list"]) == 3
    assert capsys.readouterr().err == told
    assert run.returncode == 3
    assert run.stdout + run.stderr == f"Exit: {told}"


def test_list(capsys: Output) -> None:
    """The list can be narrowed down by level, profile and chapter, one requirement a line."""
    assert main(["list", "--level", "MUST", "--profile", "documented", "--chapter", "lines"]) == 0

    ids = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert ids == [
        id_
        for id_, found in catalogue.load().items()
        if (found.level, found.profile, found.chapter) == ("MUST", "documented", "lines")
    ]
    assert "lines-endings" in ids


def test_installed_command_tells_the_same(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fasthttp-conformance explain ID` is `python -m conformance explain ID`."""
    monkeypatch.setattr(sys, "argv", ["fasthttp-conformance", "explain", "lines-endings"])

    assert rerun.main() == 0
    assert capsys.readouterr().out.startswith("lines-endings   MUST")


@pytest.mark.parametrize(("arguments", "code"), [([], 4), (["--help"], 0), (["a:B", "-h"], 0)])
def test_usage(
    arguments: list[str], code: int, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a session there is nothing to judge; help is no failure."""
    monkeypatch.setattr(sys, "argv", ["fasthttp-conformance", *arguments])

    assert rerun.main() == code
    assert capsys.readouterr().out.startswith("usage: fasthttp-conformance module:attribute")


PROGRAM = "from conformance import rerun; raise SystemExit(rerun.main())"


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command's own function, in a folder."""
    return subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_folder_with_the_same_names(tmp_path: Path) -> None:
    """A folder that has a `spec` and a `conformance` of its own does not hide the suite's."""
    for name in ("spec", "conformance", "cassettes", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "mine.py").write_text("from fasthttp import AsyncSession as Session\n")

    run = run_in(tmp_path, "mine:Session", "-k", "urls-relative")

    assert run.returncode == 0, run.stdout + run.stderr
    assert "session mine:Session unknown version" in run.stdout


def test_verify(tmp_path: Path, capsys: Output) -> None:
    """The same trials are judged again under the same baseline; an altered report is found out."""
    path, baseline = tmp_path / "result.json", tmp_path / "baseline.toml"
    baseline.write_text('[lines-endings]\nverdict = "wrong-value"\nreason = "known"\n')
    run = suite(
        *("--session", "tests.saboteurs.lines:UnicodeSeparators", "--baseline", baseline),
        *("-k", "urls-relative or (lines-endings and examples)", "--report", path),
    )
    assert run.returncode == 0, run.stdout

    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out == "verified: the same verdicts\n"

    report = json.loads(path.read_text("utf-8"))
    report["baseline"] = {}
    report["digests"]["catalogue"] = "0" * 64
    path.write_text(json.dumps(report), "utf-8")
    assert main(["verify", str(path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "catalogue: made with another catalogue than it is verified with"
    assert "exit code: 0 in the report, 1 now" in told
    assert (
        "lines-endings: MUST documented baselined in the report, MUST documented fail now" in told
    )
    assert told[-1] == f"{len(told) - 1} differences"


def test_verify_without_the_session(tmp_path: Path, capsys: Output) -> None:
    """A session that is not here cannot be judged again, which is not the same as a difference."""
    path = tmp_path / "result.json"
    found = kept()
    found["session"]["name"] = "no_such_lib:Session"
    path.write_text(json.dumps(found))

    assert main(["verify", str(path)]) == 4
    assert capsys.readouterr().out == "the session could not be judged again\n"


def test_verify_judges_by_the_same_options(tmp_path: Path, capsys: Output) -> None:
    """What was put in other words, or asked of running servers, is so again."""
    path = tmp_path / "result.json"
    assert suite("-k", "urls-relative", "--perturb", 3, "--report", path).returncode == 0
    found = json.loads(path.read_text("utf-8"))

    assert (found["live"], found["perturb"]) == (False, 3)
    assert [*rerun._options({**found, "live": True})][-3:] == ["--live", "--perturb", "3"]
    assert main(["verify", str(path)]) == 0


def test_nothing_to_verify(tmp_path: Path, capsys: Output) -> None:
    """6: a report without a trial that there is would be compared with a run of the whole suite."""
    path = tmp_path / "result.json"
    found = kept()
    found["requirements"] = {}
    path.write_text(json.dumps(found))

    assert main(["verify", str(path)]) == 6
    assert capsys.readouterr().out == (
        "nothing to verify: none of the report's 0 trials is known here\n"
    )


def kept() -> dict[str, Any]:
    """A report that is kept in the repository."""
    found: dict[str, Any] = json.loads(
        (ROOT / "conformance" / "results" / "httpx_sse.json").read_text("utf-8")
    )
    return found


def test_the_page() -> None:
    """The suite's page has the table of exit codes, and every option that the suite adds."""
    page = (Path(conformance.__file__).parent / "README.md").read_text("utf-8")
    source = (ROOT / "conformance" / "plugin.py").read_text("utf-8")
    options = re.findall(r'"(--[a-z-]+)"', source)

    assert [code for code in "01346" if f"\n| {code} | " not in page] == []
    assert "--fuzz-db" in options
    assert [option for option in options if option not in page] == []
    assert len(page.splitlines()) < 120
