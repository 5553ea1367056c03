"""Running the suite: as a user does, in a process of its own, or one trial in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.court import Court
from conformance.plugin import trials
from conformance.subject import load
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.registry import Trial
    from conformance.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[2]


def suite(*options: object) -> subprocess.CompletedProcess[str]:
    """`pytest conformance` with these options."""
    return python("-m", "pytest", "conformance", "-q", "-p", "no:cacheprovider", *options)


def together(*runs: tuple[object, ...]) -> list[subprocess.CompletedProcess[str]]:
    """`pytest conformance` with each of these, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda options: suite(*options), runs))


def python(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A Python of our environment, its output as text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    # Without bytecode on the disk each of many runs would compile Hypothesis anew.
    return {**ours, "PYTEST_ADDOPTS": "", "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": ""}


def trial(name: str, limit: float | None = None) -> Trial:
    """A trial by its name, with another limit if one is given."""
    (found,) = (trial for trial in trials() if str(trial) == name)
    return found if limit is None else replace(found, limit=limit)


@contextmanager
def court(session: str, **options: Any) -> Iterator[Court]:
    """A court that has seen the session work."""
    with Court(load(session), catalogue.load(), **options) as made:
        made.preflight()
        yield made


def hear(session: str, name: str, limit: float | None = None) -> Verdict:
    """What becomes of one trial of a session."""
    with court(session) as made:
        return made.hear(trial(name, limit))
