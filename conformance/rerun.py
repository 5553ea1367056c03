"""Running the suite from code: the installed command, and the check of a report.

`fasthttp-conformance mylib:Session [options]` is `pytest conformance --session mylib:Session`
from any folder: the caller's pytest configuration, conftest files and installed plugins have no
part in it. `fasthttp-conformance explain ID` and its kin are `python -m conformance explain ID`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.baseline import Baseline, Entry
from conformance.results import CANNOT_RUN, TOO_LITTLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
SUITE = HERE / "test_conformance.py"
# The suite brings its own configuration: none of the folder's pytest settings are read.
CONFIGURATION = HERE / "pytest.ini"
RECEIPT = "FASTHTTP_CONFORMANCE_RECEIPT"  # a variable: the file for the exit code of a run
CONFORMS = {True: "conforms", False: "does not conform", None: "not judged"}
COMMANDS = ("explain", "list", "report", "verify")

USAGE = """\
usage: fasthttp-conformance module:attribute [--claims documented,robust] [-k ID] [-n auto]
           [--baseline FILE] [--write-baseline FILE] [--report FILE]
           [--fuzz N] [--fuzz-db DIR] [--perturb SEED] [any option of pytest's]
       fasthttp-conformance explain ID | list | report FILE --to FORM | verify FILE"""


def command(arguments: Sequence[str], trials: Sequence[str] = ()) -> list[str]:
    """The pytest call that judges a session, whatever folder it is made from."""
    return [
        sys.executable,
        "-m",
        "pytest",
        *(("-p", "xdist") if find_spec("xdist") else ()),
        "-c",
        str(CONFIGURATION),
        "--rootdir",
        str(HERE),
        "--confcutdir",
        str(HERE),
        "-p",
        "no:cacheprovider",
        "-q",
        "-rN",  # the verdict comes last, and no list of a hundred tests after it
        *([f"{SUITE}::test_conforms[{trial}]" for trial in trials] or [str(SUITE)]),
        *arguments,
    ]


def main() -> int:
    """`fasthttp-conformance`: judge the session named first; other arguments are pytest's."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in COMMANDS:
        from conformance.__main__ import main as tell

        return tell(arguments)
    if not arguments or {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0 if arguments else 4
    if not arguments[0].startswith("-"):
        arguments[:1] = ["--session", arguments[0]]
    return _judged(command(arguments))


def _judged(words: Sequence[str]) -> int:
    """The exit code of a run, as the run itself says it, whatever its process ends with."""
    with tempfile.TemporaryDirectory() as folder:
        receipt = Path(folder, "exit-code")
        code = subprocess.call(words, env={**_environment(), RECEIPT: str(receipt)})
        if receipt.exists():
            return int(receipt.read_text("utf-8"))
    if code == 0 and not {"--version", "-V"} & {*words}:
        print("the process ended before the run did: the session has ended it", file=sys.stderr)
        return 1
    return code


def verify(report: dict[str, Any]) -> int:
    """Judge the same session again and print where it comes out otherwise; 1 if it does."""
    from conformance.plugin import trials

    known = {str(trial) for trial in trials(live=report["live"])}
    reported = _trials(report)
    if not known & reported.keys():
        print(f"nothing to verify: none of the report's {len(reported)} trials is known here")
        return TOO_LITTLE
    code, again = _again(report, [trial for trial in reported if trial in known])
    if again is None:
        print("the session could not be judged again")
        return code or CANNOT_RUN
    different = list(_differences(report, again))
    for line in different:
        print(line)
    print("verified: the same verdicts" if not different else f"{len(different)} differences")
    return bool(different)


def _again(report: dict[str, Any], trials: Sequence[str]) -> tuple[int, dict[str, Any] | None]:
    """Exit code and report of the same trials of the same session, under the same baseline."""
    with tempfile.TemporaryDirectory() as folder:
        path, baseline = Path(folder, "again.json"), Path(folder, "baseline.toml")
        entries = {
            id_: Entry(tuple(entry["verdict"]), entry["reason"])  # all that verdicts go by
            for id_, entry in report["baseline"].items()
        }
        baseline.write_text(Baseline(entries).text(), "utf-8")
        options = {"--baseline": str(baseline), "--report": str(path)}
        code = subprocess.call(
            command(
                [*_options(report), *(word for pair in options.items() for word in pair)], trials
            ),
            env=_environment(),
            stdout=subprocess.DEVNULL,
        )
        return code, json.loads(path.read_text("utf-8")) if path.exists() else None


def _options(report: dict[str, Any]) -> Iterator[str]:
    """What the run was made with that decides its verdicts."""
    yield from ("--session", report["session"]["name"])
    yield from ("--claims", ",".join(report["claims"]))
    yield from ("--fuzz", str(report["fuzz"]))
    if report["live"]:
        yield "--live"
    if report["perturb"] is not None:
        yield from ("--perturb", str(report["perturb"]))


def _trials(report: dict[str, Any]) -> dict[str, str]:
    """How each trial of a report ended."""
    return {
        trial["trial"]: " ".join(filter(None, (trial["state"], trial.get("code"))))
        for found in report["requirements"].values()
        for trial in found["trials"]
    }


def _differences(report: dict[str, Any], again: dict[str, Any]) -> Iterator[str]:
    for what, _ in _pairs(report["digests"], again["digests"]):
        yield f"{what}: made with another {what} than it is verified with"
    for told in (_facts, _trials):
        for what, (before, after) in _pairs(told(report), told(again)):
            yield f"{what}: {before} in the report, {after} now"


def _facts(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says beside its trials."""
    facts = {
        "version of the session": report["session"]["version"],
        "specification": report["spec"],
        **report["made-with"],
        "exit code": report["exit"],
        "complete": report["complete"],
        "requirements judged": report["judged"]["requirements"],
        "requirements asked for": report["judged"]["asked"],
    }
    for profile, found in report["profiles"].items():
        words = CONFORMS[found["conforms"]]
        facts[profile] = " ".join([words, *found["failing"]])
    for id_, found in report["requirements"].items():
        facts[id_] = " ".join((found["level"], found["profile"], found["state"]))
    return facts


def _pairs(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for key in sorted(before.keys() | after.keys()):
        pair = before.get(key, "not there"), after.get(key, "not there")
        if pair[0] != pair[1]:
            yield key, pair


def _environment() -> dict[str, str]:
    # Ours first: a folder that has a `spec` of its own must not hide the suite's.
    folders = [str(HERE.parent), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        "PYTHONSAFEPATH": "1",  # or the folder would come before that all the same
        "PYTEST_ADDOPTS": "",
        "PYTEST_PLUGINS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    # Hypothesis keeps tables of characters; they have no business in the caller's folder.
    tables = {"HYPOTHESIS_STORAGE_DIRECTORY": str(Path.home() / ".cache" / "fasthttp-conformance")}
    return {**tables, **os.environ, **own}
