"""The table's rows: which work, how much of it, which figures are shown, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.clients import FLOORS, PEERS

if TYPE_CHECKING:
    from collections.abc import Mapping

MB = 1_000_000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Metric:
    """A figure of a row: `key` among a work's figures, shown divided by `unit_size`."""

    key: str
    unit: str
    unit_size: float = 1
    higher_is_better: bool = True
    digits: int = 2


@dataclass(frozen=True)
class Target:
    """What fasthttp's median is to be, as a multiple of each of `against`'s (or a plain figure)."""

    bound: float
    against: tuple[str, ...] = ()
    metric: str = ""  # the row's first, unless named
    at_least: bool = True


@dataclass(frozen=True)
class Row:
    """One row. `quick` overrides numbers of `full`; `setup` is a body that is built in advance."""

    name: str
    title: str
    work: str
    metrics: tuple[Metric, ...]
    full: Mapping[str, Any]
    quick: Mapping[str, Any] = field(default_factory=dict)
    mode: str = ""  # the method that a client needs; "": none
    coding: str = ""
    floors: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()  # the only ones to run, unless named by the user; (): all
    connections: int = 10
    rounds: tuple[int, int] = (3, 9)
    seconds: float = 25  # no further round starts that would not end within this
    targets: tuple[Target, ...] = ()

    def described(self, quick: bool) -> str:
        """Return the title with its numbers."""
        return self.title.format(**self.arguments(quick))

    def arguments(self, quick: bool) -> dict[str, Any]:
        """Return the numbers of the work."""
        return {**self.full, **(self.quick if quick else {})}


def _rate(unit: str, size: float, digits: int = 2) -> tuple[Metric, ...]:
    return (Metric("rate", unit, size, digits=digits),)


_SECONDS = "seconds"
_THOUSAND = _rate("k events/s", 1000, 0)
_BYTES = _rate("GB/s", 1e9)
_STR_LINES = ("httpx2", "httpx+aiohttp", "niquests")
_PARSED = ("httpx2", "niquests", "fasthttp-sse")
_CODED = 200  # MiB

ROWS = (
    Row(
        "lines",
        "`aiter_lines`: {count:,} server-sent events of 150 bytes, each an HTTP chunk",
        "items",
        _THOUSAND,
        {"count": 200_000, "mode": "lines"},
        {"count": 20_000},
        mode="lines",
        floors=FLOORS,
        seconds=30,
        targets=(
            Target(6, ("httpx",)),
            Target(1, _STR_LINES),
            Target(0.7, ("floor-split",)),
        ),
    ),
    Row(
        "events",
        "`aiter_events`: the same",
        "items",
        _THOUSAND,
        {"count": 200_000, "mode": "events"},
        {"count": 20_000},
        mode="events",
        floors=FLOORS,
        seconds=30,
        targets=(Target(4, ("httpx-sse",)), Target(1, _PARSED)),
    ),
    Row(
        "bytes",
        "`aiter_bytes()`: {size:,} bytes",
        "body",
        _BYTES,
        {"path": f"plain?size={500 * MB}", "size": 500 * MB},
        {"path": f"plain?size={50 * MB}", "size": 50 * MB},
        mode="bytes",
        floors=FLOORS[:1],
        targets=(
            Target(4, ("httpx",)),
            Target(1, ("aiohttp",)),
            Target(0.7, ("floor",)),
        ),
    ),
    Row(
        "bytes-8192",
        "`aiter_bytes(8192)`: the same",
        "body",
        _BYTES,
        {"path": f"plain?size={500 * MB}", "size": 500 * MB, "chunk": 8192},
        {"path": f"plain?size={50 * MB}", "size": 50 * MB},
        mode="bytes",
        floors=FLOORS[:1],
        seconds=30,
        targets=(
            Target(4, ("httpx",)),
            Target(1, ("aiohttp",)),
            Target(0.7, ("floor",)),
        ),
    ),
    *(
        Row(
            coding,
            f"`aiter_bytes()`: {{size:,}} bytes, sent as {coding}",
            "body",
            _BYTES,
            {"path": f"{coding}?times={_CODED}", "size": _CODED * MIB},
            {"path": f"{coding}?times=20", "size": 20 * MIB},
            mode="bytes",
            coding=coding,
            seconds=12,
            targets=(Target(1, ("httpx", "aiohttp")),),
        )
        for coding in ("gzip", "zstd")
    ),
    Row(
        "text",
        "`aiter_text()`: {times:,} times 64 KiB of mixed UTF-8",
        "text",
        _rate("GB/s", 1e9),
        {"times": 1500},
        {"times": 150},
        mode="text",
        floors=FLOORS[:1],
        seconds=12,
        targets=(Target(2, ("httpx",)),),
    ),
    Row(
        "get",
        "`get()` of {size} bytes, {count:,} one after another",
        "gets",
        _rate("k requests/s", 1000),
        {"size": 200, "count": 2000, "at_once": 1},
        {"count": 200},
        mode="get",
        floors=FLOORS[:1],
        targets=(Target(2.5, ("httpx",)), Target(0.9, ("aiohttp",))),
    ),
    Row(
        "get-200",
        "`get()` of {size} bytes, {count:,} in all, {at_once} at once",
        "gets",
        _rate("k requests/s", 1000),
        {"size": 200, "count": 1200, "at_once": 200},
        {"count": 400},
        mode="get",
        floors=FLOORS[:1],
        connections=200,
        targets=(Target(2.5, ("httpx",)), Target(0.9, ("aiohttp",))),
    ),
    Row(
        "get-10mb",
        "`get()` of {size:,} bytes, {count} times",
        "gets",
        (Metric("bytes", "GB/s", 1e9),),
        {"size": 10 * MB, "count": 20, "at_once": 1},
        {"count": 3},
        mode="get",
        floors=FLOORS[:1],
        seconds=12,
        targets=(Target(2, ("httpx",)), Target(1, ("aiohttp",))),
    ),
    Row(
        "latency",
        "from the server's write to the line in hand, {count} lines {micros} µs apart",
        "latency",
        (
            Metric("p50", "µs, median", higher_is_better=False, digits=0),
            Metric("p99", "µs, 99th percentile", higher_is_better=False, digits=0),
        ),
        {"count": 150, "micros": 2000},
        mode="lines",
        floors=FLOORS[:1],
        rounds=(9, 31),  # many short ones: how fast a processor wakes up changes by the second
        seconds=40,
        targets=(
            Target(1, ("aiohttp",), "p50", at_least=False),
            Target(1, ("aiohttp",), "p99", at_least=False),
        ),
    ),
    Row(
        "streams",
        "{count:,} streams open at once, an event a second on each, {events} s",
        "streams",
        (
            Metric("cpu_per_event", "µs of CPU an event", higher_is_better=False, digits=0),
            Metric("memory", "KiB a stream", 1024, higher_is_better=False, digits=1),
            Metric("opening", "s to open them all", higher_is_better=False),
        ),
        {"count": 5000, "events": 20, "period": 1000, "sessions": 10},
        {"count": 200, "events": 2},
        mode="lines",
        clients=("fasthttp", "httpx", "aiohttp"),
        connections=501,
        rounds=(1, 1),
        targets=(
            Target(1, ("aiohttp",), "memory", at_least=False),
            Target(0.6, ("httpx",), "cpu_per_event", at_least=False),
        ),
    ),
    Row(
        "download",
        "{size:,} bytes to a file, in chunks of 8,192",
        "download",
        (
            Metric("growth", "MB of memory more at the peak", MB, higher_is_better=False),
            Metric("rate", "GB/s", 1e9),
        ),
        {"size": 1000 * MB},
        {"size": 50 * MB},
        mode="bytes",
        clients=("fasthttp", "httpx", "aiohttp", "curl_cffi"),
        rounds=(1, 3),
        seconds=20,
        targets=(Target(8, (), "growth", at_least=False),),
    ),
    Row(
        "import",
        "the import in a fresh process",
        "import",
        (Metric(_SECONDS, "ms", 1e-3, higher_is_better=False, digits=0),),
        {"before": "pass"},
        rounds=(5, 9),
        seconds=12,
        targets=(Target(1.25, ("httpx",), at_least=False),),
    ),
    Row(
        "import-asyncio",
        "the import in a fresh process that has asyncio already",
        "import",
        (Metric(_SECONDS, "ms", 1e-3, higher_is_better=False, digits=0),),
        {"before": "import asyncio"},
        rounds=(5, 9),
        seconds=12,
    ),
    Row(
        "first",
        "the first `get()` of a fresh process, its import included",
        "first",
        (
            Metric(_SECONDS, "ms", 1e-3, higher_is_better=False, digits=0),
            Metric("after_import", "ms after the import", 1e-3, higher_is_better=False, digits=0),
        ),
        {},
        mode="get",
        rounds=(5, 9),
        seconds=15,
        targets=(Target(1.1, ("aiohttp",), at_least=False),),
    ),
)

QUICK_CLIENTS = ("fasthttp", "httpx", "aiohttp", "httpx-sse", *FLOORS)


def runs(row: Row, client: str, chosen: tuple[str, ...]) -> bool:
    """Tell whether a row is to be tried on a client; whether that can do it, its process knows."""
    if client in FLOORS:
        return client in row.floors
    only = PEERS[client].only
    if only and row.mode not in only:
        return False
    return not (row.clients and not chosen) or client in row.clients


def named(names: str) -> tuple[Row, ...]:
    """Return the rows of a comma-separated list; an unknown one is a `ValueError`."""
    known = {row.name: row for row in ROWS}
    return tuple(_known(name, known) for name in names.split(","))


def clients_named(names: str) -> tuple[str, ...]:
    """Return the clients of a comma-separated list; an unknown one is a `ValueError`."""
    return tuple(_known(name, {peer: peer for peer in PEERS}) for name in names.split(","))


def _known(name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ValueError(f"{name!r} is none of {', '.join(known)}")
    return known[name]
