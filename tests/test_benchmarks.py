"""The benchmark's own arithmetic, and one row measured for real on a few events."""

from __future__ import annotations

import sys
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from backports.zstd import ZstdDecompressor

from benchmarks import bodies, machine, report, stats, work
from benchmarks.__main__ import parse
from benchmarks.clients import FLOORS, PEERS
from benchmarks.growth import GROWTH, SCALES, stream_arguments
from benchmarks.rows import ROWS, Metric, Row, Target, named, runs
from benchmarks.run import Outcome, bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RATE = Metric("rate", "k/s", 1000, digits=1)
DELAY = Metric("delay", "µs", higher_is_better=False, digits=0)
ABOUT = {
    "machine": {"python": "3", "system": "S", "processor": "P", "cores": 2, "pinned": True},
    "quick": False,
    "versions": {"fasthttp": {"httpx": "1"}, "floor": {}},
}


def row(*targets: Target, metrics: tuple[Metric, ...] = (RATE,)) -> Row:
    return Row("some", "{count:,} items", "items", metrics, {"count": 2000}, targets=targets)


def outcome(**rates: list[float]) -> Outcome:
    return Outcome(
        {name: [{"rate": rate, "cpu": 1 / rate} for rate in found] for name, found in rates.items()}
    )


def document(measured: Outcome, some: Row) -> dict[str, Any]:
    return report.document({some.name: measured}, [some], ABOUT, {})


def test_a_summary_is_the_median_and_half_the_range() -> None:
    """One slow round moves the spread, not the median."""
    found = stats.summary([100, 90, 130])

    assert (found.median, found.low, found.high, found.rounds) == (100, 90, 130, 3)
    assert found.spread == pytest.approx(0.2)


def test_a_ratio_is_of_medians() -> None:
    """Ratios compare medians, whatever the number of samples."""
    assert stats.ratio([600, 500, 10], [100, 100, 900, 100]) == 5
    assert stats.ratio([1], [0]) == float("inf")


def test_growth_is_one_when_linear_and_the_scale_when_quadratic() -> None:
    """A unit of work costs the same at every scale, or shows that it does not."""
    assert stats.growth({1: [2.0], 4: [8.0], 16: [32.0]}) == 1
    assert stats.growth({1: [2.0], 4: [32.0]}) == 4


def test_the_table_has_a_line_for_each_figure_and_marks_the_best_client() -> None:
    """Floors have columns and are never the best; a client without samples has no column."""
    measured = outcome(fasthttp=[5000, 6000, 7000], httpx=[1000], floor=[9000, 9000])

    lines = report.markdown(document(measured, row())).splitlines()

    assert "|  | unit | fasthttp | httpx | floor |" in lines
    assert "| some: 2,000 items | k/s | **6.0 ±17%** | 1.0 | 9.0 ±0% |" in lines


def test_less_can_be_better() -> None:
    """The best of a delay is the shortest."""
    measured = Outcome({"fasthttp": [{"delay": 7}], "httpx": [{"delay": 3}]})

    text = report.markdown(document(measured, row(metrics=(DELAY,))))

    assert "| some: 2,000 items | µs | 7 | **3** |" in text


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (Target(2, ("httpx",)), "| >= 2 x httpx | httpx 3.00 | met |"),
        (Target(4, ("httpx",)), "| >= 4 x httpx | httpx 3.00 | **missed** |"),
        (
            Target(1, ("httpx", "aiohttp")),
            "| >= 1 x httpx, aiohttp | httpx 3.00, aiohttp 0.50 | **missed** |",
        ),
        (Target(1, ("niquests",)), "| >= 1 x niquests |  | not measured |"),
        (Target(8, at_least=False), "| <= 8 k/s | fasthttp 3.00 | met |"),
        (Target(0.6, ("aiohttp",), at_least=False), "| <= 0.6 x aiohttp | aiohttp 0.50 | met |"),
    ],
)
def test_a_target_is_met_by_the_worst_of_its_ratios(target: Target, shown: str) -> None:
    """A verdict needs a sample of a peer, and every peer that has one counts."""
    measured = outcome(fasthttp=[3000], httpx=[1000], aiohttp=[6000])

    assert shown in report.markdown(document(measured, row(target)))


def test_processor_times_are_multiples_of_ours() -> None:
    """A client that takes twice the processor time shows 2."""
    measured = outcome(fasthttp=[4000], httpx=[2000])

    assert "| some | 2.00 |" in report.markdown(document(measured, row()))


def test_who_was_left_out_is_named_with_the_reason() -> None:
    """A failure is no empty cell without an explanation."""
    measured = replace(outcome(fasthttp=[1]), left_out={"httpx": "gave up"})

    assert "- httpx: gave up (some)" in report.markdown(document(measured, row()))


def test_growth_shows_costs_a_unit_and_memory() -> None:
    """Twice the work in four times the time is a ratio of 2."""
    grown = {
        "some": {
            "1": [{"seconds": 1.0, "growth": 1e6}],
            "2": [{"seconds": 4.0, "growth": 3e6}],
        }
    }
    data = report.document({}, [], ABOUT, grown)

    assert "| some | 1x, 2x | 1, 4 s | 2.00 | 1.0, 3.0 MB |" in report.markdown(data)


@pytest.mark.parametrize("some", ROWS, ids=lambda some: some.name)
def test_a_row_speaks_of_what_exists(some: Row) -> None:
    """Its work, the numbers in its title, and the peers and figures of its targets are there."""
    keys = {metric.key for metric in some.metrics}

    assert some.work in work.WORK or some.work in {"import", "first"}
    assert some.quick.keys() <= some.full.keys()
    assert some.described(quick=True)
    for target in some.targets:
        assert set(target.against) <= PEERS.keys()
        assert target.metric in {"", *keys}


def test_growth_multiplies_the_work() -> None:
    """Sixteen times a body is sixteen times as long, and asked for by its size."""
    by_row = {growth.row: growth for growth in GROWTH}

    assert by_row.keys() <= {some.name for some in ROWS}
    assert by_row["lines"].arguments(16)["count"] == 16 * by_row["lines"].arguments(1)["count"]
    assert by_row["gzip"].arguments(4) == {"size": 40 * 1024**2, "path": "gzip?times=40"}
    assert stream_arguments(1000) == {"count": 1000, "events": 5, "period": 1000}
    assert SCALES == (1, 4, 16)


def test_clients_run_in_the_rows_that_are_theirs() -> None:
    """Floors where a row has them, decoders of events in no other row, and who is asked for."""
    lines, download, events = named("lines,download,events")

    assert runs(lines, "floor", ())
    assert not runs(download, "floor", ())
    assert not runs(lines, "httpx-sse", ())
    assert runs(events, "httpx-sse", ())
    assert not runs(download, "niquests", ())
    assert runs(download, "niquests", ("niquests",))


@pytest.mark.parametrize("arguments", [["--only", "speed"], ["--clients", "wget"]])
def test_an_unknown_name_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A row or client that does not exist is an error that lists those that do."""
    with pytest.raises(SystemExit):
        parse(arguments)

    assert f"'{arguments[1]}' is none of " in capsys.readouterr().err


def test_every_event_has_150_bytes_and_a_chunk_of_its_own() -> None:
    """1,001 events repeat the thousand once, add one, and end the body."""
    reply = bodies.events(1001)

    assert {len(bodies.event(number)) for number in range(1000)} == {150}
    assert (reply.times, reply.tail) == (1, bodies.chunk(bodies.event(0)) + bodies.LAST_CHUNK)
    assert reply.block.count(b"96\r\ndata: ") == 1000


def test_compressed_bodies_are_one_member_or_frame_of_the_right_size() -> None:
    """A decoder that stops after the first member or frame has had everything."""
    packed = bodies.coded("gzip", 3), bodies.coded("zstd", 3)
    gzip, zstd = (
        reply.head.partition(b"\r\n\r\n")[2] + reply.block * reply.times + reply.tail
        for reply in packed
    )
    unzip, unzstd = zlib.decompressobj(zlib.MAX_WBITS | 16), ZstdDecompressor()

    assert unzip.decompress(gzip) == bodies.records() * 3
    assert unzstd.decompress(zstd) == bodies.records() * 3
    assert (unzip.eof, unzip.unused_data) == (True, b"")
    assert (unzstd.eof, unzstd.unused_data) == (True, b"")
    assert all(
        f"Content-Length: {size}".encode() in reply.head
        for reply, size in [
            (packed[0], len(gzip)),
            (packed[1], len(zstd)),
        ]
    )


class Careless:
    """A client that loses a line."""

    @asynccontextmanager
    async def lines(self, url: str) -> AsyncIterator[AsyncIterator[str]]:
        count = int(url.rpartition("=")[2]) * bodies.LINES_PER_EVENT

        async def found() -> AsyncIterator[str]:
            for _ in range(count - 1):
                yield ""

        yield found()


async def test_a_quick_wrong_answer_is_no_figure() -> None:
    """A client that loses a line is refused, with the numbers."""
    with pytest.raises(work.Wrong, match=r"^199 lines of 200$"):
        await work.items(Careless(), "http://x", count=100, mode="lines")


async def test_what_a_client_gives_is_verified_before_it_is_timed() -> None:
    """The right number of wrong lines is not enough."""
    with pytest.raises(work.Wrong, match=r"^lines are not what was sent: "):
        await work.verify(Careless(), "http://x", "lines")


async def test_clients_are_measured_in_processes_of_their_own() -> None:
    """One row on a few events: a figure for each client that can, a reason for each that cannot."""
    few = replace(named("lines")[0], full={"count": 50, "mode": "lines"}, quick={})
    stream = replace(named("streams")[0], full={"count": 3, "events": 2, "period": 20})
    interpreters = dict.fromkeys(("fasthttp", *FLOORS), sys.executable)

    async with bench(interpreters) as running:
        lines = await running.measure(few, (), quick=True)
        streams = await running.measure(replace(stream, quick={}), (), quick=True)

    assert lines.samples.keys() == {"fasthttp", "floor", "floor-split"}
    assert all(found[0]["rate"] > 0 for found in lines.samples.values())
    assert streams.samples["fasthttp"][0]["cpu_per_event"] > 0


async def test_a_client_that_fails_is_left_out_with_its_reason() -> None:
    """Work that no client can do measures nobody, and says why."""
    impossible = replace(named("get")[0], full={"size": 5, "nonsense": 1}, quick={})

    async with bench({"fasthttp": sys.executable}) as running:
        found = await running.measure(impossible, (), quick=True)

    assert found.samples == {}
    assert "unexpected keyword argument 'nonsense'" in found.left_out["fasthttp"]


def test_the_machine_is_described() -> None:
    """The report can say what it ran on, and memory is seen."""
    assert {"python", "processor", "cores", "pinned"} <= machine.description().keys()
    assert machine.memory() > 0
    assert machine.peak_memory() > 0
