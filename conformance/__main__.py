"""`python -m conformance`: explain a requirement, list them, render or verify a report."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from conformance import render, rerun
from conformance import report as reports
from conformance.examples import deliveries
from conformance.results import CANNOT_RUN, SUITE_BROKE
from conformance.show import INSTALLED, drawn
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spec.catalogue import Requirement
    from spec.examples import Example

WIDTH = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser("python -m conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    explain = commands.add_parser("explain", help="a rule, its reason, an example, the usual cause")
    explain.add_argument("id", nargs="+")
    listing = commands.add_parser("list", help="the requirements, a line each")
    listing.add_argument("--level", choices=catalogue.LEVELS)
    listing.add_argument("--profile", choices=catalogue.PROFILES)
    listing.add_argument("--chapter", choices=catalogue.CHAPTERS)
    report = commands.add_parser("report", help="a report in another form")
    report.add_argument("file", type=Path)
    report.add_argument("--to", choices=sorted(render.FORMS), default="markdown")
    verify = commands.add_parser("verify", help="run again, and compare with a report")
    verify.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # and not what a caller has put in its place
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return _told(options)
    except BrokenPipeError:
        # The reader has seen enough; what is left must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except reports.ReportError as error:
        print(error, file=sys.stderr)
        return CANNOT_RUN
    except catalogue.SpecError as error:
        print(f"the catalogue is malformed: spec/{error}", file=sys.stderr)
        return SUITE_BROKE


def _told(options: argparse.Namespace) -> int:
    code = _run(options)
    sys.stdout.flush()  # here, where it is known what to do when nobody reads it
    return code


def _run(options: argparse.Namespace) -> int:
    if options.command == "explain":
        return _explain(options.id)
    if options.command == "list":
        return _list(options.level, options.profile, options.chapter)
    made = reports.read(options.file)
    if options.command == "verify":
        return rerun.verify(made)
    print(render.FORMS[options.to](made), end="")
    return 0


def _explain(ids: list[str]) -> int:
    known = catalogue.load()
    for id_ in ids:
        if id_ not in known:
            near = ", ".join(difflib.get_close_matches(id_, known)) or "see `list`"
            print(f"there is no requirement {id_!r}; near it: {near}", file=sys.stderr)
            return CANNOT_RUN
        print("\n".join(_explanation(known[id_])))
    return 0


def _explanation(requirement: Requirement) -> list[str]:
    source = f"   source: {requirement.source}" if requirement.source else ""
    lines = [f"{requirement.id}   {requirement.level}   {requirement.profile}{source}"]
    rows = [
        ("rule", requirement.sentence),
        ("why", requirement.why),
        ("likely", requirement.likely),
        ("untested", requirement.untested),
    ]
    lines += [_row(name, text) for name, text in rows if text]
    for example in requirement.examples[:3]:
        lines += _example(example)
    if (more := len(requirement.examples) - 3) > 0:
        lines.append(f"  and {more} more in {_place(requirement)}")
    command = "fasthttp-conformance" if INSTALLED else "pytest conformance"
    return [*lines, _row("run", f'{command} -k "{requirement.id}"'), ""]


def _place(requirement: Requirement) -> str:
    """Where it is written, by a path that there is: an installed suite is in no checkout."""
    folder = Path(catalogue.__file__).parent if INSTALLED else Path("spec")
    return f"{folder / requirement.chapter}.md:{requirement.line}"


def _example(example: Example) -> list[str]:
    shown = {key: value for key, value in example.fields.items() if key != "note"}
    lines = [_row("example", _visible(json.dumps(shown, ensure_ascii=False, default=str)))]
    if {"body", "body-bytes", "wire"} & shown.keys():
        reply, delivery = next(deliveries(example.fields))
        lines.append(_row("wire", drawn(reply, delivery)))
    return lines


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _row(name: str, text: str) -> str:
    return fill(
        text,
        WIDTH,
        initial_indent=f"  {name:<10}",
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _list(level: str | None, profile: str | None, chapter: str | None) -> int:
    for requirement in catalogue.load().values():
        if (
            level in (None, requirement.level)
            and profile in (None, requirement.profile)
            and chapter in (None, requirement.chapter)
        ):
            words = f"{requirement.id:<28} {requirement.level:<6} {requirement.profile:<10}"
            print(f"{words} {requirement.sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
