"""A report in other forms: Markdown, HTML, JUnit XML and a badge; each a function of the JSON."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from conformance.results import UNJUDGED
from conformance.show import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Report = dict[str, Any]
STALE = "the baseline expects a deviation, and there is none"
BROKEN = ("error", "fail", "stale", "warn")


def markdown(report: Report) -> str:
    """The report as a page: verdicts, then a table of requirements, then the failures."""
    lines = [f"# Conformance of {_session(report)}", "", f"{_summary(report)}", ""]
    verdicts = {True: "conforms", None: "not judged"}
    for profile, found in report["profiles"].items():
        verdict = verdicts.get(found["conforms"], f"does not ({len(found['failing'])})")
        lines.append(f"- **{profile}**: {verdict}")
    lines += [f"- {said}" for said in _said(report)]
    lines += ["", "| requirement | level | profile | verdict |", "| --- | --- | --- | --- |"]
    for id_, found in report["requirements"].items():
        lines.append(f"| {id_} | {found['level']} | {found['profile']} | {found['state']} |")
    if blocks := list(_blocks(report)):
        lines += ["", "## Deviations", ""]
        lines += [f"```text\n{block}\n```\n" for block in blocks]
    return "\n".join(lines) + "\n"


def html(report: Report) -> str:
    """The report as one HTML page that needs nothing else."""
    rows = "".join(
        f'<tr class="{found["state"]}"><td>{escape(id_)}</td><td>{found["level"]}</td>'
        f"<td>{found['profile']}</td><td>{found['state']}</td></tr>\n"
        for id_, found in report["requirements"].items()
    )
    blocks = "".join(f"<pre>{escape(block)}</pre>\n" for block in _blocks(report))
    said = "".join(f"<p>{escape(line.replace('**', ''))}</p>\n" for line in _said(report))
    title = escape(f"Conformance of {_session(report)}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
td, th {{ text-align: left; padding: .1em 1em .1em 0 }} pre {{ overflow-x: auto }}
.fail, .error, .stale {{ color: #b00020 }} .warn {{ color: #8a5a00 }} .pass {{ color: #1b6e2c }}
</style></head><body><h1>{title}</h1><p>{escape(_summary(report))}</p>
{said}<table><tr><th>requirement</th><th>level</th><th>profile</th><th>verdict</th></tr>
{rows}</table>
{blocks}</body></html>
"""


def junit(report: Report) -> str:
    """The report as JUnit XML: a test case for each trial, its requirement as a property."""
    suite = ET.Element("testsuite", name=f"conformance of {_session(report)}")
    for id_, found in report["requirements"].items():
        if found["state"] == "stale":
            case = _case(suite, id_, "baseline")
            ET.SubElement(case, "failure", message="stale").text = STALE
        for trial in found["trials"]:
            case = _case(suite, id_, trial["trial"])
            if trial["state"] in ("fail", "error"):
                kind = "failure" if trial["state"] == "fail" else "error"
                element = ET.SubElement(case, kind, message=trial.get("code", ""))
                element.text = visible(trial.get("block", ""))
            elif trial["state"] in UNJUDGED:
                ET.SubElement(case, "skipped", message=visible(trial.get("note", "")))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, requirement: str, name: str) -> ET.Element:
    case = ET.SubElement(suite, "testcase", classname=requirement, name=name)
    properties = ET.SubElement(case, "properties")
    ET.SubElement(properties, "property", name="requirement", value=requirement)
    return case


def badge(report: Report) -> str:
    """The report as a small SVG: the profiles it conforms to."""
    verdicts = {profile: found["conforms"] for profile, found in report["profiles"].items()}
    held = [profile for profile, conforms in verdicts.items() if conforms]
    fails = False in verdicts.values()
    text = ", ".join(held) or ("does not conform" if fails else "not judged")
    partly = "#8a5a00" if held else "#b00020" if fails else "#595959"
    colour = "#1b6e2c" if len(held) == len(verdicts) else partly
    left, right = 92, 12 + 7 * len(text)
    size = f'width="{left + right}" height="20"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">
<title>conformance: {escape(text)}</title>
<rect width="{left}" height="20" fill="#444"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,sans-serif" font-size="11">
<text x="6" y="14">conformance</text><text x="{left + 6}" y="14">{escape(text)}</text></g></svg>
"""


FORMS: dict[str, Callable[[Report], str]] = {
    "markdown": markdown,
    "html": html,
    "junit": junit,
    "badge": badge,
}


def _session(report: Report) -> str:
    return visible(f"{report['session']['name']} {report['session']['version']}")


def _summary(report: Report) -> str:
    judged = report["judged"]
    made = report["made-with"]
    return (
        f"Specification {report['spec']}; {judged['requirements']} of {judged['asked']} "
        f"requirements judged, on Python {made['python']}, {made['platform']}."
    )


def _said(report: Report) -> Iterator[str]:
    """Why a run is not green, where no trial has failed."""
    found = report["requirements"].items()
    if stale := [id_ for id_, one in found if one["state"] == "stale"]:
        yield f"**stale**: {', '.join(stale)}: {STALE}"
    if not report["complete"]:
        yield "**cut short**: some trials that were to run did not"


def _blocks(report: Report) -> Iterator[str]:
    """One block for each requirement that is broken: its first."""
    for found in report["requirements"].values():
        if found["state"] in BROKEN:
            blocks = [t["block"] for t in found["trials"] if t["state"] in BROKEN and "block" in t]
            yield from blocks[:1]
