"""Where things are read and written, and how a file is written."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GENERATED = DOCS / "generated"  # what the stubs include; no page of the site
CLIENTS = DOCS / "conformance" / "clients"  # whole pages, one for each client
PLOTS = DOCS / "assets" / "plots"
RESULTS = ROOT / "conformance" / "results"
MEASURED = ROOT / "benchmarks" / "results"


def write(path: Path, text: str) -> None:
    """Write a file unless it says so already, so that a running `mkdocs serve` rests."""
    text = text.rstrip("\n") + "\n"
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
