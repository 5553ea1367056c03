"""A run as data (`results.json`) and as Markdown: the table, the targets, what was left out."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.clients import FLOORS, PEERS
from benchmarks.stats import growth, ratio, summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.rows import Metric, Row, Target
    from benchmarks.run import Outcome

Samples = dict[str, list[dict[str, float]]]
OURS = "fasthttp"


def values(samples: Samples, client: str, metric: Metric) -> list[float]:
    """Return a client's samples of one metric, in the metric's unit."""
    return [figures[metric.key] / metric.unit_size for figures in samples[client]]


def document(
    outcomes: Mapping[str, Outcome],
    rows: Sequence[Row],
    about: Mapping[str, Any],
    grown: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a run as plain data: summaries for people, and every sample."""
    return {
        "about": dict(about),
        "growth": dict(grown),
        "rows": [
            {
                "name": row.name,
                "title": row.described(bool(about["quick"])),
                "metrics": [_metric(outcomes[row.name].samples, metric) for metric in row.metrics],
                "targets": [
                    _verdict(row, target, outcomes[row.name].samples) for target in row.targets
                ],
                "left_out": outcomes[row.name].left_out,
                "samples": outcomes[row.name].samples,
            }
            for row in rows
            if row.name in outcomes
        ],
    }


def _metric(samples: Samples, metric: Metric) -> dict[str, Any]:
    clients: dict[str, Any] = {}
    for client in samples:
        found = summary(values(samples, client, metric))
        clients[client] = {
            "median": found.median,
            "low": found.low,
            "high": found.high,
            "spread": found.spread,
            "rounds": found.rounds,
        }
    return {
        "key": metric.key,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "digits": metric.digits,
        "clients": clients,
    }


def _verdict(row: Row, target: Target, samples: Samples) -> dict[str, Any]:
    """Compare our median with each of a target's peers; the worst one decides."""
    metric = next((m for m in row.metrics if m.key == target.metric), row.metrics[0])
    sign = ">=" if target.at_least else "<="
    verdict: dict[str, Any] = {"metric": metric.unit, "measured": None, "met": None}
    if not target.against:
        verdict["wanted"] = f"{sign} {target.bound:g} {metric.unit}"
        ratios = {OURS: summary(values(samples, OURS, metric)).median} if OURS in samples else {}
    else:
        verdict["wanted"] = f"{sign} {target.bound:g} x {', '.join(target.against)}"
        ratios = {
            peer: ratio(values(samples, OURS, metric), values(samples, peer, metric))
            for peer in target.against
            if peer in samples and OURS in samples
        }
    if ratios:
        worst = min(ratios.values()) if target.at_least else max(ratios.values())
        verdict["measured"] = ratios
        verdict["met"] = worst >= target.bound if target.at_least else worst <= target.bound
    return verdict


def markdown(data: Mapping[str, Any]) -> str:
    """Return a run as Markdown."""
    parts = [_about(data["about"], data["rows"])]
    if data["rows"]:
        table = _table(data["rows"], ranges="runs" in data["about"])
        parts += [table, _targets(data["rows"]), _processor(data["rows"])]
    if data["growth"]:
        parts.append(_growth(data["growth"]))
    parts.append(_left_out(data["rows"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    machine = about["machine"]
    pinned = "each on its own core" if machine["pinned"] else "not pinned to cores"
    versions = ", ".join(
        f"{name} ({', '.join(f'{package} {found}' for package, found in packages.items())})"
        for name, packages in about["versions"].items()
        if packages
    )
    return (
        f"Python {machine['python']}, {machine['system']}, {machine['processor']}, "
        f"{machine['cores']} cores; server and client {pinned}. "
        f"{_shown(about)}{_noise(rows)}{_broken_off(about)}\n\nClients: {versions}."
    )


def _shown(about: Mapping[str, Any]) -> str:
    if runs := about.get("runs"):
        return (
            f"The median of the medians of {runs} runs, and in brackets the lowest and the "
            "highest of those."
        )
    return "Medians; ± is half the range of the samples."


def _broken_off(about: Mapping[str, Any]) -> str:
    pending = ", ".join(about.get("pending", ()))
    return f"\n\n**This run was broken off.** Not measured: {pending}." if pending else ""


def _noise(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how far the floor strays, which does the same every time: that is the machine."""
    spreads = [
        row["metrics"][0]["clients"]["floor"]["spread"]
        for row in rows
        if row["metrics"] and "floor" in row["metrics"][0]["clients"]
    ]
    if not spreads:
        return ""
    usual, most = median(spreads), max(spreads)
    return f" The floor's own spread, row by row: {usual:.0%} at the median, {most:.0%} at most."


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    measured = {client for row in rows for metric in row["metrics"] for client in metric["clients"]}
    return [name for name in PEERS if name in measured]


def _table(rows: Sequence[Mapping[str, Any]], *, ranges: bool) -> str:
    """Make one table: a line for each metric, a column for each client."""
    columns = _columns(rows)
    lines = [_line("", "unit", *columns), _line("---", "---", *("---:" for _ in columns))]
    for row in rows:
        for metric in row["metrics"]:
            cells = [_cell(metric, client, ranges) for client in columns]
            lines.append(_line(f"{row['name']}: {row['title']}", metric["unit"], *cells))
    return "\n".join(lines)


def _cell(metric: Mapping[str, Any], client: str, ranges: bool) -> str:
    found = metric["clients"].get(client)
    if found is None:
        return ""
    shown = f"{found['median']:,.{metric['digits']}f}"
    if ranges:
        low, high = (f"{found[end]:,.{metric['digits']}f}" for end in ("low", "high"))
        shown += f" ({low} to {high})"
    elif found["rounds"] > 1:
        shown += f" ±{found['spread']:.0%}"
    best = max if metric["higher_is_better"] else min
    rivals = {
        name: each["median"] for name, each in metric["clients"].items() if name not in FLOORS
    }
    return f"**{shown}**" if rivals and client == best(rivals, key=rivals.__getitem__) else shown


def _targets(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [_line("row", "figure", "aim", "measured", ""), _line(*["---"] * 5)]
    for row in rows:
        for target in row["targets"]:
            measured = target["measured"] or {}
            shown = ", ".join(f"{peer} {found:.2f}" for peer, found in measured.items())
            met = {True: "met", False: "**missed**", None: "not measured"}[target["met"]]
            lines.append(_line(row["name"], target["metric"], target["wanted"], shown, met))
    return "\n".join(lines)


def _processor(rows: Sequence[Mapping[str, Any]]) -> str:
    """Show the processor time of each client's process: a busy machine hardly changes it."""
    columns = [name for name in _columns(rows) if name != OURS]
    lines = [
        f"Processor time of the client for the same work, as a multiple of {OURS}'s:\n",
        _line("row", *columns),
        _line("---", *("---:" for _ in columns)),
    ]
    for row in rows:
        samples = {name: _cpu(found) for name, found in row["samples"].items() if _cpu(found)}
        if OURS in samples and len(samples) > 1:
            ratios = {name: ratio(found, samples[OURS]) for name, found in samples.items()}
            cells = [f"{ratios[name]:.2f}" if name in ratios else "" for name in columns]
            lines.append(_line(row["name"], *cells))
    return "\n".join(lines) if len(lines) > 3 else ""


def _cpu(found: Sequence[Mapping[str, float]]) -> list[float]:
    return [figures["cpu"] for figures in found if "cpu" in figures]


def _growth(found: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> str:
    """Show what fasthttp's work costs as it grows; 1 is linear, and flat for the streams."""
    lines = [
        _line("growth", "scales", "cost", "a unit, last : first", "memory more at the peak"),
        _line(*["---"] * 5),
    ]
    for name, scales in found.items():
        key, unit = ("cpu_per_event", "µs") if name == "streams" else ("seconds", "s")
        costs = {int(scale): [each[key] for each in samples] for scale, samples in scales.items()}
        peaks = [summary([each["growth"] for each in each_scale]) for each_scale in scales.values()]
        share = ratio(costs[max(costs)], costs[min(costs)]) if unit == "µs" else growth(costs)
        shown = ", ".join(f"{summary(cost).median:.3g}" for cost in costs.values())
        memory = ", ".join(f"{peak.median / 1e6:.1f}" for peak in peaks)
        sizes = ", ".join(f"{scale}{'' if unit == 'µs' else 'x'}" for scale in costs)
        lines.append(_line(name, sizes, f"{shown} {unit}", f"{share:.2f}", f"{memory} MB"))
    return "\n".join(lines)


def _left_out(rows: Sequence[Mapping[str, Any]]) -> str:
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for client, reason in row["left_out"].items():
            reasons.setdefault(f"{client}: {reason}", []).append(row["name"])
    lines = [f"- {reason} ({', '.join(names)})" for reason, names in reasons.items()]
    lines += [f"- {peer.name}: {peer.notes}" for peer in PEERS.values() if peer.notes]
    return "\n".join(["Left out, and to be known:", "", *lines])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
