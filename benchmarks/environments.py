"""A virtual environment for each peer, under `.venv-bench/`, made when it is first needed.

Packages collide (niquests replaces the files of urllib3), so no two peers share one. The floors run
where the harness runs, in the checkout's own; there everything that its tests need is installed,
and an import takes longer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clients import CHECKOUT

if TYPE_CHECKING:
    from benchmarks.clients import Peer

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-bench"
_STAMP = ".requirements"


class NoEnvironment(Exception):  # noqa: N818 - says what is missing
    """A peer's packages could not be installed; the others can still be measured."""


def python(peer: Peer) -> str:
    """Return the interpreter that has the peer, installing it first if need be."""
    if peer.home == CHECKOUT:
        return sys.executable
    return prepare(peer.home, [part for line in peer.requirements for part in _arguments(line)])


def prepare(name: str, arguments: list[str]) -> str:
    """Return the interpreter of an environment for which pip was given these arguments."""
    home = HOME / name
    stamp, interpreter = home / _STAMP, str(home / "bin" / "python")
    if not stamp.exists() or stamp.read_text() != "\n".join(arguments):
        print(f"installing {' '.join(arguments)} into {home.relative_to(ROOT)}", file=sys.stderr)
        venv.create(home, clear=True)
        _pip(name, interpreter, arguments)
        stamp.write_text("\n".join(arguments))
    return interpreter


def versions(interpreter: str, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of packages in an environment."""
    code = (
        "import json, sys; from importlib.metadata import version; "
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [interpreter, "-c", code, *packages], check=True, capture_output=True, cwd=ROOT
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _arguments(requirement: str) -> list[str]:
    return ["--editable", requirement[3:]] if requirement.startswith("-e ") else [requirement]


def _pip(name: str, interpreter: str, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise NoEnvironment(f"{name} could not be installed: {last}")
