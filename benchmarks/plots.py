"""Draws a run's `results.json` as SVG: bars for each figure of a row, curves for growth.

    python -m benchmarks.plots dist/benchmarks/results.json

It needs matplotlib (the dependency group `bench`) and nothing of the library. The files stand
beside the data, have no background, and read on light and on dark pages. The same data gives the
same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS, OTHERS, FLOOR, INK = "#0b8f6a", "#8fa3b5", "#d7a648", "#7c8792"

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fasthttp",
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def colour(client: str) -> str:
    """Return a client's colour: ours, a floor's, or that of all the others."""
    if client.startswith("fasthttp"):
        return OURS
    return FLOOR if client.startswith("floor") else OTHERS


def bars(title: str, metric: Mapping[str, Any]) -> Figure:
    """Draw a metric of a row, the best client on top, with the range of its samples."""
    clients = dict(metric["clients"])
    if "floor-split" in clients:
        clients.pop("floor", None)  # so far off that the others could not be told apart
    order = sorted(
        clients.items(),
        key=lambda found: found[1]["median"],
        reverse=not metric["higher_is_better"],
    )
    figure = Figure(figsize=(7, 0.9 + 0.3 * len(order)), layout="constrained")
    axes = figure.add_subplot()
    medians = [found["median"] for _, found in order]
    names = [client for client, _ in order]
    reach = [
        [found["median"] - found["low"] for _, found in order],
        [found["high"] - found["median"] for _, found in order],
    ]
    drawn = axes.barh(names, medians, 0.65, color=[colour(name) for name in names])
    axes.errorbar(medians, names, xerr=reach, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    axes.bar_label(drawn, [f"{median:,.{metric['digits']}f}" for median in medians], padding=6)
    axes.margins(x=0.14)
    axes.tick_params(left=False)
    better = "more is better" if metric["higher_is_better"] else "less is better"
    axes.set_xlabel(f"{metric['unit']} ({better})", fontsize=8)
    figure.suptitle(title.replace("`", ""), x=0.01, ha="left", fontsize=9)
    return figure


def curves(growth: Mapping[str, Any]) -> Figure:
    """Draw what a unit of work costs at each scale, as a multiple of the smallest's."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for name, scales in growth.items():
        if name == "streams":
            continue
        sizes = [int(scale) for scale in scales]
        costs = [_median([each["seconds"] for each in scales[str(size)]]) / size for size in sizes]
        axes.plot(sizes, [cost / costs[0] for cost in costs], marker="o", ms=3, lw=1.2, label=name)
    axes.axhline(1, color=INK, lw=0.8, ls=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size}x" for size in sizes])
    axes.set_ylim(bottom=0)
    axes.set_title(
        "time for a unit of work as the work grows (1 is linear)", loc="left", fontsize=9
    )
    axes.legend(frameon=False, fontsize=8, ncols=2)
    return figure


def _median(samples: list[float]) -> float:
    ordered = sorted(samples)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def main(results: str) -> None:
    """Draw every plot of a run."""
    source = Path(results)
    data = json.loads(source.read_text())
    mpl.rcParams.update(STYLE)
    for row in data["rows"]:
        for number, metric in enumerate(row["metrics"]):
            if metric["clients"]:
                name = row["name"] if number == 0 else f"{row['name']}-{metric['key']}"
                _save(bars(row["title"], metric), source.with_name(f"{name}.svg"))
    if any(name != "streams" for name in data["growth"]):
        _save(curves(data["growth"]), source.with_name("growth.svg"))


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main(sys.argv[1])
