"""Running the suite from code: the installed command, and the check of a report.

`fasthttp-conformance mylib:Session [options]` is `pytest conformance --session mylib:Session`
from any folder: the caller's own pytest configuration, plugins' settings and conftest files have no
part in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
SUITE = HERE / "test_conformance.py"
# The suite brings its own configuration: none of the folder's pytest settings are read.
CONFIGURATION = HERE / "pytest.ini"


def command(arguments: Sequence[str]) -> list[str]:
    """The pytest call that judges a session, whatever folder it is made from."""
    return [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(CONFIGURATION),
        "--rootdir",
        str(HERE),
        "--confcutdir",
        str(HERE),
        "-p",
        "no:cacheprovider",
        "-q",
        str(SUITE),
        *arguments,
    ]


def main() -> int:
    """`fasthttp-conformance`: judge the session named first; other arguments are pytest's."""
    arguments = sys.argv[1:]
    if arguments and not arguments[0].startswith("-"):
        arguments[:1] = ["--session", arguments[0]]
    elif {"-h", "--help"} & set(arguments) or not arguments:
        print("usage: fasthttp-conformance module:attribute [--claims documented,robust]")
        print("       [--baseline FILE] [--write-baseline FILE] [--report FILE] [-k ID] [-n auto]")
        return 0 if arguments else 4
    return subprocess.call(command(arguments), env=_environment())


def verify(report: dict[str, Any]) -> int:
    """Judge the same session again and print where it comes out otherwise; 1 if it does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.json"
        options = ["--session", report["session"]["name"], "--claims", ",".join(report["claims"])]
        subprocess.call(
            command([*options, "--report", str(path)]),
            env=_environment(),
            stdout=subprocess.DEVNULL,
        )
        if not path.exists():
            print("the session could not be judged again")
            return 3
        again = json.loads(path.read_text("utf-8"))
    different = list(_differences(report, again))
    for line in different:
        print(line)
    print("verified: the same verdicts" if not different else f"{len(different)} differences")
    return bool(different)


def _differences(report: dict[str, Any], again: dict[str, Any]) -> list[str]:
    lines = [
        f"{what}: made with another {what} than it is verified with"
        for what, digest in report["digests"].items()
        if again["digests"].get(what) != digest
    ]
    before, after = report["requirements"], again["requirements"]
    for id_ in sorted(before.keys() | after.keys()):
        states = [found.get(id_, {}).get("state", "not judged") for found in (before, after)]
        if states[0] != states[1]:
            lines.append(f"{id_}: {states[0]} in the report, {states[1]} now")
    return lines


def _environment() -> dict[str, str]:
    # Ours first: a folder that has a `spec` of its own must not hide the suite's.
    folders = [str(HERE.parent), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, folders))
    return {**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""}
