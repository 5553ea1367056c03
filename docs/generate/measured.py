"""The benchmarks: the table of a stored run, and its plots."""

from __future__ import annotations

import json
import shutil

from benchmarks.report import markdown
from docs.generate.folders import GENERATED, MEASURED, PLOTS, write

NOTHING = "No run is stored in this checkout: `make bench` makes one."


def generate() -> None:
    """Write the table, and put the plots where the site serves them."""
    plots = sorted(MEASURED.glob("*.svg"))
    shutil.rmtree(PLOTS, ignore_errors=True)
    for path in plots:
        PLOTS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, PLOTS / path.name)
    stored = sorted(MEASURED.glob("*.json"))
    runs = [json.loads(path.read_text("utf-8")) for path in stored]
    parts = [markdown(run) for run in runs if {"about", "rows", "growth"} <= run.keys()]
    if plots:
        parts += ["## Plots { #plots }", *(_plot(path.stem) for path in plots)]
    write(GENERATED / "benchmarks" / "results.md", "\n\n".join(parts) or NOTHING)


def _plot(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return f"![{words}: fasthttp and its peers](../assets/plots/{name}.svg){{ .plot }}"
