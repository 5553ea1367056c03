"""A client's own process: one line of JSON in, one line of JSON out, until the input ends.

    python -m benchmarks.worker CLIENT BASE_URL CORE

A job is `{"work": name, "arguments": {...}, "mode": name, "coding": name, "connections": n,
"last": bool}`. The answer holds figures, or an `error`, after which the process is still good for
other jobs. After the last one it ends at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from benchmarks import machine, work
from benchmarks.clients import load, offers

if TYPE_CHECKING:
    from types import ModuleType


def lacking(module: ModuleType, job: dict[str, Any]) -> str:
    """Name what a job needs and a client does not have; an empty string if nothing."""
    mode, coding = job.get("mode", ""), job.get("coding", "")
    if mode and not offers(module.Client, mode):
        return f"has no {mode}"
    if coding and coding not in module.CODINGS:
        return f"does not decode {coding}"
    if job["arguments"].get("chunk") and not getattr(module, "CUTS", True):
        return "cannot cut to a size"
    return ""


async def measure(module: ModuleType, base: str, job: dict[str, Any]) -> None:
    """Do one job with a client of its own, and tell before it is closed."""
    async with module.Client(job.get("connections", 10)) as client:
        await work.warm(client, base)
        await work.verify(client, base, job.get("mode", ""))
        machine.reset_peak()
        before = machine.memory()
        figures = await work.WORK[job["work"]](client, base, **job["arguments"])
        tell({"growth": machine.peak_memory() - before, **figures})
        if job.get("last"):
            os._exit(0)  # what is still open would take long to close


def answer(module: ModuleType, base: str, job: dict[str, Any]) -> None:
    """Do one job; whatever goes wrong belongs to that job."""
    lack = lacking(module, job)
    if lack:
        return tell({"error": lack})
    try:
        return asyncio.run(measure(module, base, job))
    except Exception as exc:  # noqa: BLE001 - any client may fail in any way, and is reported
        return tell({"error": f"{type(exc).__name__}: {exc}"})


def tell(figures: dict[str, Any]) -> None:
    """Answer the harness."""
    print(json.dumps(figures), flush=True)


def main(client: str, base: str, core: str) -> None:
    """Answer jobs."""
    machine.pin(int(core) if core else None)
    machine.allow_files()
    module = load(client)
    tell({})  # ready: nobody is measured while others are still being imported on the same core
    for line in sys.stdin:
        answer(module, base, json.loads(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
