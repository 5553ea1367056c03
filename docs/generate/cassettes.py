"""The recordings and where they come from, told by cassettes/manifest.yaml."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import yaml

from docs.generate.folders import GENERATED, ROOT, write


def generate() -> None:
    """Write the table of recordings."""
    data = yaml.safe_load((ROOT / "cassettes" / "manifest.yaml").read_text("utf-8"))
    write(GENERATED / "conformance" / "manifest.md", table(data))


def table(data: dict[str, Any]) -> str:
    """A table for each folder: the recording, what was requested, its size and its digest."""
    parts = [f"Recorded with {data['recorder']}."]
    entries = sorted(data["cassettes"].items())
    for folder, group in groupby(entries, key=lambda entry: entry[0].partition("/")[0]):
        found = list(group)
        server = data["servers"][folder]
        sources = sorted({entry["source"] for _, entry in found})
        dates = sorted({entry["recorded"] for _, entry in found})
        parts += [
            f"### {folder}",
            f"{'; '.join(sources)}. Recorded {', '.join(dates)}, as `{server['host']}`.",
            "\n".join(
                [
                    "| recording | requests | bytes | SHA-256 |",
                    "| --- | --- | ---: | --- |",
                    *(_row(name, entry) for name, entry in found),
                ]
            ),
        ]
    constant = sorted({line for _, entry in entries for line in entry.get("normalised", ())})
    parts += ["### Made constant", "\n".join(f"- {line}" for line in constant)]
    return "\n\n".join(parts)


def _row(name: str, entry: dict[str, Any]) -> str:
    shown = entry["requests"][:4]
    requests = "<br>".join(f"`{request}`" for request in shown)
    if len(entry["requests"]) > len(shown):
        requests += f"<br>and {len(entry['requests']) - len(shown)} more"
    return f"| `{name}` | {requests} | {entry['bytes']:,} | `{entry['sha256'][:12]}…` |"
