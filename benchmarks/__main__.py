"""The command line: `python -m benchmarks`.

It prints the report and writes `results.json`, `results.md` and one SVG for each row to `--out`.
The first two are written anew after each row: a run that is broken off keeps the rows it has, and
says which it lacks. `make bench` and `make bench-quick` call it; `benchmarks.merge` makes one table
of several runs.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import environments, machine
from benchmarks.clients import PEERS
from benchmarks.kept import FILE, Results
from benchmarks.rows import QUICK_CLIENTS, ROWS, clients_named, named
from benchmarks.run import bench

if TYPE_CHECKING:
    from collections.abc import Iterator

GROWTH = "growth"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments; `only` and `clients` become rows and names."""
    rows = ",".join([*(row.name for row in ROWS), GROWTH])
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, in a minute")
    parser.add_argument("--only", default="", help=f"rows, by commas: {rows}")
    parser.add_argument("--clients", default="", help="by commas, or all: " + ",".join(PEERS))
    parser.add_argument(
        "--out", type=Path, help="default: dist/benchmarks or dist/benchmarks-quick"
    )
    parser.add_argument("--no-plots", action="store_true", help="write no SVG files")
    options = parser.parse_args(arguments)
    try:
        only = [name for name in options.only.split(",") if name and name != GROWTH]
        options.growth = GROWTH in options.only.split(",") or not (options.only or options.quick)
        options.rows = named(",".join(only)) if only else () if options.only else ROWS
        options.names = clients_named(options.clients) if options.clients not in {"", "all"} else ()
    except ValueError as exc:
        parser.error(str(exc))
    options.out = options.out or Path("dist", "benchmarks-quick" if options.quick else "benchmarks")
    return options


def interpreters(options: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """Return the interpreter of each client to measure, and why others have none."""
    standard = QUICK_CLIENTS if options.quick and options.clients != "all" else tuple(PEERS)
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in options.names or standard:
        try:
            found[name] = environments.python(PEERS[name])
        except environments.NoEnvironment as exc:
            missing[name] = str(exc)
            print(exc, file=sys.stderr)
    return found, missing


def about(found: dict[str, str], missing: dict[str, str], quick: bool) -> dict[str, Any]:
    """Return the machine and the versions."""
    return {
        "machine": machine.description(),
        "quick": quick,
        "versions": {
            name: environments.versions(interpreter, PEERS[name].packages)
            for name, interpreter in found.items()
        },
        "not_installed": missing,
    }


async def measure(options: argparse.Namespace, found: dict[str, str], results: Results) -> None:
    """Measure the rows one after another, then how fasthttp's costs grow, and say so."""
    async with bench(found) as running:
        for row in options.rows:
            with said(row.name):
                outcome = await running.measure(row, options.names, options.quick)
            results.add(row, outcome)
        if options.growth:
            with said(GROWTH):
                grown = await running.grow("fasthttp", options.quick)
            results.grew(grown)


@contextmanager
def said(name: str) -> Iterator[None]:
    """Say how long something took."""
    started = time.monotonic()
    yield
    print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    """Run, print, and write."""
    options = parse(arguments)
    found, missing = interpreters(options)
    options.growth = options.growth and "fasthttp" in found
    parts = [*(row.name for row in options.rows), *([GROWTH] if options.growth else [])]
    results = Results(options.out, about(found, missing, options.quick), parts)
    with said("all of it"):
        asyncio.run(measure(options, found, results))
    print(results.text())
    if not options.no_plots:
        draw(options.out / FILE)


def draw(results: Path) -> None:
    """Draw the plots, in an environment of their own: matplotlib is large."""
    try:
        interpreter = environments.prepare("plots", ["--group", "bench"])
    except environments.NoEnvironment as exc:
        print(exc, file=sys.stderr)
        return
    command = [interpreter, "-m", "benchmarks.plots", str(results.absolute())]
    subprocess.run(command, check=True, cwd=environments.ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
