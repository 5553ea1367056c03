"""The report: it says everything that it was made from, and everything else is a function of it."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator, ValidationError

import conformance
import spec
from conformance import render, report, rerun
from conformance.__main__ import main
from conformance.baseline import Baseline, Entry
from conformance.results import Results
from conformance.subject import Subject
from conformance.verdicts import CODES, STATES, Verdict
from spec import catalogue

SCHEMA = json.loads((Path(conformance.__file__).parent / "schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
RESULTS = sorted(
    path
    for path in (Path(conformance.__file__).parent / "results").glob("*.json")
    if path.stem != "kill-matrix"
)
NASTY = "<&\"'>]]> \x00\x1b[31m \ud800 \u2028 é"

MUST, SHOULD, MAY = "lines-endings", "lines-cr-arrival", "session-expect"


def made(version: str = "2.1") -> dict[str, Any]:
    """A report that has one of everything."""
    verdicts = [
        Verdict(MUST, f"{MUST}-b", "fail", "wrong-value", "a note", "the block"),
        Verdict(MUST, f"{MUST}-a", "pass"),
        Verdict(SHOULD, SHOULD, "warn", "missing", block="the warning"),
        Verdict(MAY, MAY, "observed", "extra", block="seen"),
        Verdict("text-whole", "text-whole", "untestable", note="no such coding"),
        Verdict("body-aread", "body-aread", "error", "KeyError", block="Traceback"),
        Verdict("headers-case", "headers-case", "baselined", "crash", note="known"),
    ]
    baseline = Baseline({"headers-case": Entry(("crash",), "known")})
    asked = {verdict.requirement for verdict in verdicts} - {MAY}
    found = Results(verdicts, catalogue.load(), ("documented", "robust"), asked, asked, baseline)
    return report.build(found, Subject("mylib:Session", object, version), 25)


# the schema


def test_schema_is_one() -> None:
    """The schema is a JSON Schema of 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_report_is_valid() -> None:
    """What a run writes follows the schema, and comes back from its file as it was."""
    found = made()

    VALIDATOR.validate(found)
    assert json.loads(report.text(found)) == found


def test_schema_knows_the_words() -> None:
    """Codes, states and profiles are those of the suite, all of them."""
    words = SCHEMA["$defs"]

    assert words["code"]["enum"] == list(CODES)
    assert words["state"]["enum"] == list(STATES)
    assert words["profile"]["enum"] == list(catalogue.PROFILES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["requirements", MUST, "state"], "passed"),
        (["requirements", MUST, "trials", 1, "code"], "slow"),
        (["claims"], ["everything"]),
        (["digests", "suite"], "0"),
        (["exit"], 2),
        (["more"], 1),
    ],
)
def test_schema_refuses(path: list[Any], value: object) -> None:
    """A word that is not in its list, a digest that is none, a key too many: none is a report."""
    found: Any = made()
    *way, last = path
    place = found
    for key in way:
        place = place[key]
    place[last] = value

    with pytest.raises(ValidationError):
        VALIDATOR.validate(found)


def test_what_it_says() -> None:
    """Trials are in the order of their names, and have what there is to say and nothing else."""
    found = made()

    assert found["requirements"][MUST] == {
        "level": "MUST",
        "profile": "documented",
        "state": "fail",
        "trials": [
            {"trial": f"{MUST}-a", "state": "pass"},
            {
                "trial": f"{MUST}-b",
                "state": "fail",
                "code": "wrong-value",
                "note": "a note",
                "block": "the block",
            },
        ],
    }
    assert found["profiles"]["documented"] == {"conforms": False, "failing": ["body-aread", MUST]}
    assert found["baseline"] == {"headers-case": {"verdict": ["crash"], "reason": "known"}}
    assert (found["exit"], found["judged"]) == (3, {"requirements": 4, "asked": 5})
    assert list(found["requirements"]) == [
        id_ for id_ in catalogue.load() if id_ in found["requirements"]
    ]


# digests


def test_digests_change_with_what_they_digest(tmp_path: Path) -> None:
    """A letter in a chapter, another name and another file each make another digest."""
    (tmp_path / "lines.md").write_text("rule")
    digests = [report._digest(tmp_path, "*.md")]
    (tmp_path / "lines.md").write_text("rulE")
    digests.append(report._digest(tmp_path, "*.md"))
    (tmp_path / "lines.md").rename(tmp_path / "text.md")
    digests.append(report._digest(tmp_path, "*.md"))
    (tmp_path / "code.py").write_text("not a chapter")
    assert report._digest(tmp_path, "*.md") == digests[-1]
    (tmp_path / "body.md").write_text("")
    digests.append(report._digest(tmp_path, "*.md"))

    assert len(set(digests)) == 4


def test_digest_of_the_catalogue_follows_a_chapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a chapter changes, the report shows it, and shows that nothing else has changed."""
    before = report.digests()
    for chapter in Path(catalogue.__file__).parent.glob("*.md"):
        (tmp_path / chapter.name).write_bytes(chapter.read_bytes())
    (tmp_path / "__init__.py").touch()
    monkeypatch.setattr(spec, "__file__", str(tmp_path / "__init__.py"))
    assert report.digests()["catalogue"] == before["catalogue"]

    with (tmp_path / "lines.md").open("a") as chapter_file:
        chapter_file.write(" ")
    after = report.digests()

    assert after["catalogue"] != before["catalogue"]
    assert (after["suite"], after["cassettes"]) == (before["suite"], before["cassettes"])


# other forms


@pytest.mark.parametrize("form", sorted(render.FORMS))
def test_forms_are_functions_of_the_report(
    form: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command prints what the form makes of the file, and the same each time."""
    path = tmp_path / "result.json"
    path.write_text(report.text(made()), "utf-8")

    assert main(["report", str(path), "--to", form]) == 0

    assert capsys.readouterr().out == render.FORMS[form](json.loads(path.read_text("utf-8")))


def test_markdown() -> None:
    """The page has the verdicts, a row for each requirement, a block for each that is broken."""
    page = render.markdown(made())

    assert page.startswith("# Conformance of mylib:Session 2.1\n")
    assert "- **robust**: conforms\n" in page
    assert "| lines-endings | MUST | documented | fail |\n" in page
    assert "```text\nthe block\n```" in page
    assert "seen" not in page


def test_html_is_escaped() -> None:
    """Whatever a session is called, the page stays a page."""
    page = render.html(made("<script>"))

    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert '<tr class="fail"><td>lines-endings</td>' in page


def test_junit() -> None:
    """Each trial is a test case with its requirement; a warning is no failure."""
    suite = ET.fromstring(render.junit(made()).encode())
    cases = {case.get("name"): case for case in suite}

    assert {word: suite.get(word) for word in ("tests", "failures", "errors")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
    }
    assert cases[f"{MUST}-b"].find("properties/property").attrib == {  # type: ignore[union-attr] # it is there
        "name": "requirement",
        "value": MUST,
    }
    assert cases[f"{MUST}-b"].findtext("failure") == "the block"
    assert cases["text-whole"].find("skipped") is not None
    assert cases[SHOULD].find("failure") is None


def test_junit_is_xml_whatever_is_in_it() -> None:
    """Control characters and half characters are written out; the file can always be read."""
    found = made()
    for trial in (
        found["requirements"][MUST]["trials"][1],
        found["requirements"]["text-whole"]["trials"][0],
    ):
        trial["block"] = trial["note"] = NASTY

    suite = ET.fromstring(render.junit(found).encode())

    assert suite.findtext("testcase/failure") == "<&\"'>]]> \\x00\\x1b[31m \\ud800 \\u2028 é"


def test_a_stale_baseline_is_shown() -> None:
    """JUnit has a failure, and the pages a line, for an entry that is needed no more."""
    found = made()
    found["requirements"][SHOULD]["state"] = "stale"

    suite = ET.fromstring(render.junit(found).encode())

    case = suite.find(f"testcase[@classname='{SHOULD}'][@name='baseline']")
    assert case is not None
    assert case.findtext("failure") == "the baseline expects a deviation, and there is none"
    line = f"{SHOULD}: the baseline expects a deviation, and there is none"
    assert f"- **stale**: {line}\n" in render.markdown(found)
    assert f"<p>stale: {line}</p>" in render.html(found)


def test_what_was_not_judged_is_shown() -> None:
    """A profile without a verdict conforms to nothing, and a run that was cut short says so."""
    found = made()
    found["profiles"]["robust"]["conforms"] = None
    found["complete"] = False

    page = render.markdown(found)

    assert "- **robust**: not judged\n" in page
    assert "- **cut short**: some trials that were to run did not\n" in page


@pytest.mark.parametrize(
    ("documented", "robust", "words", "colour"),
    [
        (False, False, "does not conform", "#b00020"),
        (False, None, "does not conform", "#b00020"),
        (None, None, "not judged", "#595959"),
        (None, True, "robust", "#8a5a00"),
        (False, True, "robust", "#8a5a00"),
        (True, True, "documented, robust", "#1b6e2c"),
    ],
)
def test_badge(documented: bool | None, robust: bool | None, words: str, colour: str) -> None:
    """The badge names the profiles that the session conforms to; green means all it claims."""
    found = made()
    found["profiles"]["documented"]["conforms"] = documented
    found["profiles"]["robust"]["conforms"] = robust

    badge = ET.fromstring(render.badge(found))

    assert badge.findtext("{*}title") == f"conformance: {words}"
    assert colour in render.badge(found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a report: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "is not a report: it is no object"),
        ("{}", "is not a report: no 'schema'"),
        ('{"schema": 1}', "is not a report: no 'spec'"),
        ('{"schema": 2}', "is a report of schema 2; this reads 1"),
    ],
)
@pytest.mark.parametrize("command", ["report", "verify"])
def test_what_is_no_report(
    command: str, content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """4: a file that is no report, or one of another schema, is refused by name."""
    path = tmp_path / "result.json"
    path.write_text(content)

    assert main([command, str(path)]) == 4
    assert capsys.readouterr().err == f"{path} {message}\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["session"].pop("name"), "no 'name' in 'session'"),
        (lambda r: r["digests"].clear(), "no 'suite' in 'digests'"),
        (lambda r: r.update(session=3), "'session' is no object"),
        (lambda r: r.update(complete=1), "'complete' is no boolean"),
        (
            lambda r: r["profiles"]["robust"].update(conforms="yes"),
            "'conforms' is no boolean or null",
        ),
        (lambda r: r.update(claims=["all"]), "an item of 'claims' is 'all'"),
        (lambda r: r["requirements"][MUST]["trials"][0].pop("state"), "no 'state' in an item of"),
    ],
)
def test_what_a_report_lacks_is_named(change: Any, message: str, tmp_path: Path) -> None:
    """Whatever is read of a report is there, and of its type, before anything is made of it."""
    path, found = tmp_path / "result.json", made()
    path.write_text(json.dumps(found))
    assert report.read(path) == found

    change(found)
    path.write_text(json.dumps(found))

    with pytest.raises(report.ReportError, match=message):
        report.read(path)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_kept_results_are_read(path: Path) -> None:
    """Whatever the schema allows is a report."""
    assert report.read(path)["exit"] == 0


# verifying: what counts as a difference


def test_the_same_report_has_no_differences() -> None:
    """A report that comes out the same is verified, in whatever words its blocks are."""
    again = made()
    again["requirements"][MUST]["trials"][1]["block"] = "other words"

    assert list(rerun._differences(made(), again)) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda r: r["requirements"][MUST].update(state="pass"),
            "lines-endings: MUST documented fail in the report, MUST documented pass now",
        ),
        (
            lambda r: r["requirements"][MUST]["trials"][1].update(code="hang"),
            "lines-endings-b: fail wrong-value in the report, fail hang now",
        ),
        (
            lambda r: r["profiles"]["documented"].update(conforms=True, failing=[]),
            "documented: does not conform body-aread lines-endings in the report, conforms now",
        ),
        (lambda r: r.update(exit=0), "exit code: 3 in the report, 0 now"),
        (
            lambda r: r["session"].update(version="3"),
            "version of the session: 2.1 in the report, 3 now",
        ),
        (
            lambda r: r["requirements"].pop(MAY),
            "session-expect: MAY robust observed in the report, not there now",
        ),
        (
            lambda r: r["digests"].update(oracles="0" * 64),
            "oracles: made with another oracles than it is verified with",
        ),
        (
            lambda r: r["made-with"].update(pytest="1"),
            f"pytest: {pytest.__version__} in the report, 1 now",
        ),
        (lambda r: r.update(complete=False), "complete: True in the report, False now"),
        (
            lambda r: r["profiles"]["robust"].update(conforms=None),
            "robust: conforms in the report, not judged now",
        ),
    ],
)
def test_each_alteration_is_found(change: Any, line: str) -> None:
    """Verdicts, codes, versions and digests count, each by itself."""
    again = deepcopy(made())
    change(again)

    assert line in list(rerun._differences(made(), again))


def test_a_digest_that_is_not_there_is_a_difference() -> None:
    """A report from which the digests were taken is no less altered than one with others."""
    altered = made()
    altered["digests"] = {}

    assert len(list(rerun._differences(altered, made()))) == len(report.digests())
