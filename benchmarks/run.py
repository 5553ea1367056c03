"""Starts the processes and lets the clients take turns; returns every sample.

One server for the whole run; for each row one process for each client, all alive at the same
time and all but one waiting. A client that fails in a row is left out of the rest of that row,
and the reason is kept.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.children import PATIENCE, Failed, Figures, Process
from benchmarks.clients import PEERS
from benchmarks.growth import GROWTH, SCALES, STREAMS, stream_arguments
from benchmarks.rows import ROWS, runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from benchmarks.rows import Row

Ask = Callable[[], Awaitable[Figures]]  # lets a client do the work once
PREPARE = 60.0  # seconds for the server to build a body

Grown = dict[str, dict[str, list[Figures]]]  # samples by row and scale


@dataclass
class Outcome:
    """A row's samples by client, and why others have none."""

    samples: dict[str, list[Figures]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class Bench:
    """A run: the server is up, and rows can be measured."""

    def __init__(self, base: str, core: int | None, interpreters: Mapping[str, str]) -> None:
        self._base = base
        self._core = "" if core is None else str(core)
        self._interpreters = interpreters

    async def measure(self, row: Row, chosen: tuple[str, ...], quick: bool) -> Outcome:
        """Measure a row on every client that runs it."""
        outcome = Outcome()
        names = [name for name in self._interpreters if runs(row, name, chosen)]
        if row.work in {"import", "first"}:
            asks = {name: self._fresh(row, name) for name in names}
            await _round(Outcome(), asks, {})  # fills the file cache, and compiles what is new
            await self._rounds(row, quick, outcome, asks)
            return outcome
        job = _job(row, row.arguments(quick))
        await self._prepare(job["arguments"])
        workers: dict[str, Process] = {}
        for name in names:
            try:
                workers[name] = await self.worker(name)
            except Failed as exc:
                outcome.left_out[name] = str(exc)
        try:
            asks = {name: self._asker(worker, job) for name, worker in workers.items()}
            await self._rounds(row, quick, outcome, asks)
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers.values()))
        return outcome

    async def grow(self, name: str, quick: bool) -> Grown:
        """Measure one client at growing scales: samples by row and scale."""
        found: Grown = {}
        known = {row.name: row for row in ROWS}
        for growth in GROWTH:
            jobs = {
                str(scale): _job(known[growth.row], growth.arguments(scale)) for scale in SCALES
            }
            found[growth.row] = await self._scales(name, jobs, 1 if quick else 2)
        jobs = {
            str(count): {**_job(known["streams"], stream_arguments(count)), "connections": count}
            for count in (STREAMS[:2] if quick else STREAMS)
        }
        found["streams"] = await self._scales(name, jobs, 1)
        return {row: scales for row, scales in found.items() if scales}

    async def _scales(
        self, name: str, jobs: Mapping[str, dict[str, Any]], rounds: int
    ) -> dict[str, list[Figures]]:
        """Do jobs in turn, each in a process of its own, so that memory starts from the same."""
        outcome = Outcome()
        for job in jobs.values():
            await self._prepare(job["arguments"])
        for _ in range(rounds):
            asks = {scale: self._alone(name, job) for scale, job in jobs.items()}
            await _round(outcome, asks, {})
        for scale, reason in outcome.left_out.items():
            print(f"{name} at {scale}: {reason}", file=sys.stderr)
        return outcome.samples

    def _alone(self, name: str, job: Mapping[str, Any]) -> Ask:
        async def ask() -> Figures:
            worker = await self.worker(name)
            try:
                return await worker.ask(job)
            finally:
                await worker.stop()

        return ask

    async def worker(self, name: str) -> Process:
        """Start a client's process, and wait until it has imported the client."""
        arguments = ("-m", "benchmarks.worker", name, self._base, self._core)
        worker = await Process.start(self._interpreters[name], *arguments)
        await worker.read(PATIENCE)
        return worker

    async def _rounds(self, row: Row, quick: bool, outcome: Outcome, asks: dict[str, Ask]) -> None:
        """Go round while there is time; who has used up a third of it sits out what is left."""
        least, most = (1, min(3, row.rounds[1])) if quick else row.rounds
        budget = row.seconds / 10 if quick else row.seconds
        started, spent = time.monotonic(), dict.fromkeys(asks, 0.0)
        for number in range(most):
            able = {name: ask for name, ask in asks.items() if spent[name] < budget / 3}
            ahead = sum(spent[name] for name in able) / number if number else 0.0
            # On a slow machine fewer rounds will do.
            patience = budget if number >= least else 1.5 * budget
            if number and time.monotonic() - started + ahead > patience:
                return
            await _round(outcome, able, spent)

    def _asker(self, worker: Process, job: Mapping[str, Any]) -> Ask:
        return lambda: worker.ask(job)

    def _fresh(self, row: Row, name: str) -> Ask:
        return lambda: self._once(row, name)

    async def _once(self, row: Row, name: str) -> Figures:
        """Measure in a process that has done nothing before."""
        if row.work == "first":
            arguments = ["-m", "benchmarks.fresh", name, self._base, self._core]
        else:
            arguments = [
                "-I",
                "-c",
                _IMPORT.format(**row.full, statement=PEERS[name].imports, core=self._core),
            ]
        process = await Process.start(self._interpreters[name], *arguments)
        try:
            figures: Figures = json.loads(await process.read(PATIENCE))
        finally:
            await process.stop()
        return figures

    async def _prepare(self, arguments: Mapping[str, Any]) -> None:
        """Have the server build a compressed body before anybody waits for it."""
        path = arguments.get("path")
        if path is None:
            return
        host, _, port = self._base.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /prepare?/{path} HTTP/1.1\r\n\r\n".encode())
        await asyncio.wait_for(reader.readline(), PREPARE)
        writer.close()


_IMPORT = (
    "import os, time; core = '{core}'; core and os.sched_setaffinity(0, {{int(core)}})\n"
    "{before}\n"
    "start = time.perf_counter()\n"
    "{statement}\n"
    "print('{{\"seconds\": %f}}' % (time.perf_counter() - start))"
)


def _job(row: Row, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "work": row.work,
        "arguments": arguments,
        "mode": row.mode,
        "coding": row.coding,
        "connections": row.connections,
        "last": row.rounds[1] == 1,
    }


async def _round(outcome: Outcome, asks: Mapping[str, Ask], spent: dict[str, float]) -> None:
    """Let each client that has not failed take its turn; add to what it has spent."""
    for name, ask in asks.items():
        if name in outcome.left_out:
            continue
        started = time.monotonic()
        try:
            figures = await ask()
            outcome.samples.setdefault(name, []).append(figures)
        except Failed as exc:
            outcome.left_out[name] = str(exc)
            outcome.samples.pop(name, None)
        spent[name] = spent.get(name, 0.0) + time.monotonic() - started


@asynccontextmanager
async def bench(interpreters: Mapping[str, str]) -> AsyncIterator[Bench]:
    """Start the server, and stop it at the end."""
    server_core, client_core = machine.cores()
    pin = [] if server_core is None else [str(server_core)]
    server = await Process.start(sys.executable, "-m", "benchmarks.server", *pin)
    try:
        port = (await server.read(PREPARE)).strip()
        yield Bench(f"http://127.0.0.1:{port}", client_core, interpreters)
    finally:
        await server.stop()
