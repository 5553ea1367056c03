"""`python -m tests.fuzz SECONDS [PROPERTY]`: search for what breaks a property, each in its turn.

Inputs are drawn at random; with the package `atheris` installed the search is led by the branches
that the library takes. What is found is raised, with its input.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from types import FunctionType
from typing import TYPE_CHECKING, Any

from hypothesis import given

from tests.fuzz import PROPERTIES, search

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH_TIME = 500  # inputs


def _search_on(name: str, seconds: float) -> None:
    """Search for so long: led by coverage where atheris is there, else at random."""
    if find_spec("atheris"):
        _lead(name, seconds)  # ends the process
    ended, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < ended:
        search(name, EACH_TIME, derandomize=False)
        rounds += 1
    print(f"{name}: {rounds * EACH_TIME} inputs at random")


def _lead(name: str, seconds: float) -> None:
    atheris: Any = import_module("atheris")
    for function in _functions():
        atheris.instrument_func(function)
    assertion, drawn = PROPERTIES[name]
    found: Any = given(*drawn)(assertion)
    options = [f"-max_total_time={seconds:g}", "-max_len=4096", "-len_control=0"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1"], found.hypothesis.fuzz_one_input)
    atheris.Fuzz()


def _functions() -> Iterator[FunctionType]:
    """Every function and method of the library."""
    modules = [module for name, module in sys.modules.items() if name.startswith("fasthttp")]
    for module in modules:
        for thing in vars(module).values():
            if getattr(thing, "__module__", None) == module.__name__:
                inner = vars(thing).values() if isinstance(thing, type) else [thing]
                yield from (one for one in inner if isinstance(one, FunctionType))


def main() -> None:
    """Search in each property for a part of the seconds that are given, each in a process."""
    match sys.argv[1:]:
        case [seconds]:
            for name in PROPERTIES:
                part = f"{float(seconds) / len(PROPERTIES)}"
                subprocess.run([sys.executable, "-m", "tests.fuzz", part, name], check=True)
        case [seconds, name]:
            _search_on(name, float(seconds))


if __name__ == "__main__":
    main()
