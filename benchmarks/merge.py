"""Several runs as one table: the median of the runs' medians, and the range of those.

    python -m benchmarks.merge run1/results.json run2/results.json run3/results.json --out DIR

The result has the form of a run, each of whose samples is one run's medians; so the report, the
plots and the site read it as they read any other.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.kept import write
from benchmarks.report import document, markdown
from benchmarks.rows import ROWS
from benchmarks.run import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.children import Figures

Run = dict[str, Any]


def _read(path: Path) -> Run:
    """Read a run; raise `ValueError`, which names the file, for what is none."""
    try:
        run = json.loads(path.read_text())
    except ValueError as exc:
        raise ValueError(f"{path}: {exc}") from exc
    if not isinstance(run, dict) or not {"about", "rows", "growth"} <= run.keys():
        raise ValueError(f"{path} is no run: about, rows or growth is missing")
    return run


def merged(runs: Sequence[Run]) -> Run:
    """Return runs of the same work as one; raise `ValueError` where they are none."""
    first = runs[0]["about"]
    if any(run["about"]["quick"] != first["quick"] for run in runs):
        raise ValueError("a quick run and a whole one cannot be merged")
    rows = [row for row in ROWS if any(_row(run, row.name) for run in runs)]
    outcomes = {row.name: _outcome([_row(run, row.name) for run in runs]) for row in rows}
    versions = {name: found for run in runs for name, found in run["about"]["versions"].items()}
    pending = sorted(_pending(runs))
    about = {**first, "versions": versions, "runs": len(runs), "pending": pending}
    return document(outcomes, rows, about, _growth(runs))


def _row(run: Run, name: str) -> Mapping[str, Any] | None:
    return next((row for row in run["rows"] if row["name"] == name), None)


def _pending(runs: Sequence[Run]) -> set[str]:
    return {name for run in runs for name in run["about"].get("pending", ())}


def _outcome(rows: Sequence[Mapping[str, Any] | None]) -> Outcome:
    outcome = Outcome()
    for row in rows:
        if row is None:
            continue
        outcome.left_out.update(row["left_out"])
        for client, samples in row["samples"].items():
            outcome.samples.setdefault(client, []).append(_medians(samples))
    return outcome


def _medians(samples: Sequence[Figures]) -> Figures:
    return {key: median(figures[key] for figures in samples) for key in samples[0]}


def _growth(runs: Sequence[Run]) -> dict[str, dict[str, list[Figures]]]:
    found: dict[str, dict[str, list[Figures]]] = {}
    for run in runs:
        for row, scales in run["growth"].items():
            for scale, samples in scales.items():
                found.setdefault(row, {}).setdefault(scale, []).append(_medians(samples))
    return found


def main(arguments: list[str]) -> None:
    """Merge, print, and write if asked to."""
    parser = argparse.ArgumentParser("python -m benchmarks.merge", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="results.json of each run")
    parser.add_argument("--out", type=Path, help="a folder for results.json and results.md")
    options = parser.parse_args(arguments)
    try:
        data = merged([_read(path) for path in options.runs])
    except (OSError, ValueError) as exc:
        parser.error(str(exc))
    print(markdown(data))
    if options.out is not None:
        write(options.out, data)


if __name__ == "__main__":
    main(sys.argv[1:])
