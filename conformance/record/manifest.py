"""cassettes/manifest.yaml: where every file comes from, and its digest."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from conformance.record.servers import HASHING, KINDS, Kind
from conformance.record.topics import Topic

NAME = "manifest.yaml"

PYTHON = ".".join(platform.python_version_tuple()[:2])

Entry = dict[str, Any]


def build(
    root: Path,
    topics: Sequence[Topic],
    normalised: Mapping[str, list[str]],
    old: Mapping[str, Entry],
) -> str:
    """The manifest of the cassettes below `root`; `normalised` has the rules that applied to each.

    A file keeps the date it has in the `old` entries while nothing in its entry has changed.
    """
    document = {
        "recorder": f"vcrpy {version('vcrpy')} over http.client, Python {PYTHON}",
        "servers": {name: _server(kind) for name, kind in KINDS.items()},
        "cassettes": {
            topic.name: _entry(root, topic, normalised[topic.name], old.get(topic.name, {}))
            for topic in topics
        },
    }
    return yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)


def entries(path: Path) -> dict[str, Entry]:
    """The entries of a manifest, by cassette name; none if there is no such file."""
    if not path.exists():
        return {}
    found: dict[str, Entry] = yaml.safe_load(path.read_text(encoding="utf-8"))["cassettes"]
    return found


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _entry(root: Path, topic: Topic, rules: list[str], old: Entry) -> Entry:
    path = root / f"{topic.name}.yaml"
    entry = {
        "source": _source(KINDS[topic.server]),
        "command": "make record",
        "requests": [f"{exchange.method} {exchange.target}" for exchange in topic.exchanges],
        "recorded": old.get("recorded", ""),
        "bytes": path.stat().st_size,
        "sha256": digest(path),
        "normalised": rules,
    }
    if entry != old:
        entry["recorded"] = datetime.now(UTC).date().isoformat()
    return entry


def _server(kind: Kind) -> Entry:
    settings = [f"{name}={value}" for name, value in HASHING.items()]
    return {"host": kind.host, "command": " ".join([*settings, "python", *kind.command()])}


def _source(kind: Kind) -> str:
    return ", ".join(f"{package} {version(package)}" for package in kind.packages)
